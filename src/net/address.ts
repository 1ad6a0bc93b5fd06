/**
 * Network addresses: `host:port` text, and which part of the world a host belongs to.
 *
 * Text forms are `192.168.1.5:9000`, `[fe80::1]:9000` and `pi.local:9000`. Scopes follow RFC 1918,
 * RFC 3927, RFC 4193 and RFC 4291; anything that is not a recognised literal is `name`.
 */

import { BlockList, isIP } from "node:net";

/** A TCP endpoint. */
export interface Address {
  /** An IPv4 or IPv6 literal without brackets, or a host name. */
  readonly host: string;
  /** 1..65535; 0 only when asking to listen on any free port. */
  readonly port: number;
}

/** How far a host can be reached from; `unspecified` is no single host (any, multicast, broadcast). */
export type Scope = "loopback" | "link_local" | "private" | "public" | "unspecified" | "name";

// RFC 1123 labels, underscores too; one way only to match any text, so a hostile one costs no time.
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_][a-z0-9_-]{0,62}(\.[a-z0-9_][a-z0-9_-]{0,62})*\.?$/i;

const RANGES: readonly (readonly [Scope, BlockList])[] = [
  ["loopback", blockList(["127.0.0.0/8", "::1/128"])],
  ["link_local", blockList(["169.254.0.0/16", "fe80::/10"])],
  [
    "private",
    blockList(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"]),
  ],
  [
    "unspecified",
    blockList(["0.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32", "::/128", "ff00::/8"]),
  ],
];

/** `host:port`, with brackets around IPv6. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Reads `host:port`. `undefined` when the text is not an address. Without a port,
 * `defaultPort` is used where given.
 */
export function parseAddress(text: string, defaultPort?: number): Address | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  if (!match) {
    return isIP(text) === 6 && defaultPort ? { host: text, port: defaultPort } : undefined;
  }
  const host = match[1] ?? match[2] ?? "";
  const port = match[3] === undefined ? defaultPort : Number(match[3]);
  if (port === undefined || port < 1 || port > 65_535) return undefined;
  if (match[1] !== undefined) return isIP(host) === 6 ? { host, port } : undefined;
  if (isIP(host) === 4) return { host, port };
  // A name that ends in a number is an IPv4 address mistyped, or disguised (RFC 3696 section 2).
  const endsInNumber = /(^|\.)(\d+|0x[\da-f]*)\.?$/i.test(host);
  return HOST_NAME.test(host) && !endsInNumber ? { host, port } : undefined;
}

/** Addresses of one node that are worth keeping. */
export const MAX_ADDRESSES = 8;

/** The addresses of both lists, the first list's first, without repeats, at most {@link MAX_ADDRESSES}. */
export function mergeAddresses(
  first: readonly Address[],
  second: readonly Address[],
): readonly Address[] {
  const merged = new Map<string, Address>();
  for (const address of [...first, ...second]) {
    const key = formatAddress(address);
    if (!merged.has(key)) merged.set(key, address);
  }
  return [...merged.values()].slice(0, MAX_ADDRESSES);
}

/** The scope of `host`. An IPv4-mapped IPv6 literal counts as its IPv4 address. */
export function scopeOf(host: string): Scope {
  const plain = unmapped(host);
  const version = isIP(plain);
  if (version === 0) return plain.toLowerCase() === "localhost" ? "loopback" : "name";
  const family = version === 4 ? "ipv4" : "ipv6";
  for (const [scope, list] of RANGES) if (list.check(plain, family)) return scope;
  return "public";
}

/** Whether `host` is on this machine, this link or a private network. */
export function isLanHost(host: string): boolean {
  const scope = scopeOf(host);
  return scope === "loopback" || scope === "link_local" || scope === "private";
}

/** `::ffff:a.b.c.d` as `a.b.c.d`, without a zone; other hosts as they are. */
export function unmapped(host: string): string {
  if (!host.includes(":")) return host;
  return host.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
}

function blockList(prefixes: readonly string[]): BlockList {
  const list = new BlockList();
  for (const prefix of prefixes) {
    const [host = "", bits = ""] = prefix.split("/");
    list.addSubnet(host, Number(bits), host.includes(":") ? "ipv6" : "ipv4");
  }
  return list;
}
