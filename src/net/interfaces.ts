/**
 * Where a listener can be reached: the addresses of this machine's interfaces.
 */

import { type Address, scopeOf, unmapped } from "./address.ts";

/** One of this machine's addresses. */
export interface InterfaceAddress {
  readonly address: string;
}

/** And the interface that has it. */
export interface NamedAddress extends InterfaceAddress {
  readonly name: string;
}

/** The addresses of this machine; none when the system or a permission does not tell. */
export function interfaceAddresses(): readonly NamedAddress[] {
  try {
    return Deno.networkInterfaces();
  } catch {
    // Not permitted or not supported: then only what we listen on is known.
    return [];
  }
}

/**
 * Where peers may dial a listener that is bound to `bound`: its own address, or, bound to every interface,
 * each interface of its family, private networks first and loopback last. IPv4 addresses of the link count
 * where there is nothing better: two machines on one cable have no others. IPv6 ones would need the dialler's
 * zone.
 */
export function reachableAddresses(
  bound: Address,
  interfaces: readonly InterfaceAddress[],
): readonly Address[] {
  if (scopeOf(bound.host) !== "unspecified") return [bound];
  const wantsIpv6 = bound.host.includes(":");
  const hosts = interfaces
    .map(({ address }) => unmapped(address))
    .filter((host) => wantsIpv6 || !host.includes(":"))
    .filter((host) => scopeOf(host) !== "link_local" || !host.includes(":"));
  const isRoutable = (host: string) => ["private", "public"].includes(scopeOf(host));
  const isWanted = (host: string) => scopeOf(host) !== "link_local" || !hosts.some(isRoutable);
  const rank = (host: string) =>
    ["private", "public", "link_local", "loopback"].indexOf(scopeOf(host));
  const sorted = [...new Set(hosts.filter(isWanted))].sort((a, b) => rank(a) - rank(b));
  return (sorted.length > 0 ? sorted : ["127.0.0.1"]).map((host) => ({ host, port: bound.port }));
}
