/**
 * What a LAN sweep tries, and in which order: old nodes cannot find us, so we look where they may listen.
 *
 * The range is the /24 around each of our private IPv4 addresses, on the ports that old nodes use. The
 * first port, where nearly all of them are, comes first on every host. Each port's hosts come in an order
 * of chance, so that several sweepers do not knock at one door together.
 */

import { type Random, shuffled } from "../base/random.ts";
import { type Address, scopeOf } from "../net/address.ts";
import type { InterfaceAddress } from "../net/interfaces.ts";

/** What one sweep goes through. */
export interface SweepRange {
  /** `192.168.1.0/24` and the like. */
  readonly subnets: readonly string[];
  /** In order. */
  readonly targets: readonly Address[];
}

/** Ports of old nodes, the usual one first. */
const SWEEP_PORTS: readonly number[] = Object.freeze([9000, 9001, 9002, 9003, 9004, 9005]);
/** Subnets swept; a machine full of virtual networks has more. */
export const MAX_SWEEP_SUBNETS = 4;

/** The range around `interfaces`, the first {@link MAX_SWEEP_SUBNETS} of them; our own addresses are left out. */
export function planSweep(interfaces: readonly InterfaceAddress[], random: Random): SweepRange {
  const own = new Set(interfaces.map(({ address }) => address));
  const prefixes = new Set([...own].filter(isSwept).map(prefixOf));
  const swept = [...prefixes].slice(0, MAX_SWEEP_SUBNETS);
  const hosts = swept.flatMap(hostsOf).filter((host) => !own.has(host));
  return {
    subnets: swept.map((prefix) => `${prefix}.0/24`),
    targets: SWEEP_PORTS.flatMap((port) => shuffled(random, hosts).map((host) => ({ host, port }))),
  };
}

/** RFC 1918 only: 100.64.0.0/10, private as it is, is a carrier's network, whose other users are strangers. */
function isSwept(host: string): boolean {
  return scopeOf(host) === "private" && !host.includes(":") && !host.startsWith("100.");
}

function prefixOf(host: string): string {
  return host.slice(0, host.lastIndexOf("."));
}

/** All but the network's and the broadcast address. */
function hostsOf(prefix: string): readonly string[] {
  return Array.from({ length: 254 }, (_, n) => `${prefix}.${n + 1}`);
}
