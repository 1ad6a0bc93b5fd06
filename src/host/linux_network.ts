/**
 * The medium under the default route of a Linux machine, from `/proc/net` and `/sys/class/net`.
 *
 * The interface with the lowest metric wins, IPv4 before IPv6, as the kernel would choose. Virtual
 * interfaces (a container's end of a pair, a tunnel) hide their medium and stay "unknown".
 */

import { integerIn } from "./bounded.ts";
import type { HostSource } from "./reading.ts";
import type { NetworkType } from "../discovery/capabilities.ts";

const ROOT = "/sys/class/net";

/** Kernel limit IFNAMSIZ less its NUL; the characters are those that cannot leave the directory. */
const SAFE_NAME = /^[\w:@-][\w.:@-]{0,14}$/;

const MAX_ROUTES = 4096;
const MAX_METRIC = 0xffff_ffff;

/** Route flags, linux/route.h. */
const RTF_UP = 0x0001;
const RTF_REJECT = 0x0200;

/** ARPHRD_ETHER, linux/if_arp.h: also worn by Wi-Fi and by many virtual interfaces. */
const LINK_TYPE_ETHERNET = 1;

/** The interface a medium was found for, so that the next reading need not look again. */
export interface KnownInterface {
  readonly name: string;
  readonly networkType: NetworkType;
}

/** What `/sys/class/net/IF` shows. */
export interface InterfaceFacts {
  /** The entries of its directory. */
  readonly entries: readonly string[];
  readonly linkType: string | undefined;
  readonly uevent: string | undefined;
}

/**
 * The interface of the IPv4 default route in `/proc/net/route`; addresses and flags are
 * hexadecimal.
 */
export function parseDefaultRoute(text: string | undefined): string | undefined {
  return bestRoute(
    text,
    ([name, destination, , flags, , , metric, mask]) =>
      destination === "00000000" && mask === "00000000"
        ? { name, flags, metric: integerIn(metric, 0, MAX_METRIC) }
        : undefined,
  );
}

/**
 * The interface of the IPv6 default route in `/proc/net/ipv6_route`, whose name column is the last.
 */
export function parseDefaultRoute6(text: string | undefined): string | undefined {
  return bestRoute(
    text,
    ([destination, length, , , , metric, , , flags, name]) =>
      destination === "0".repeat(32) && length === "00"
        ? { name, flags, metric: hexIn(metric) }
        : undefined,
  );
}

/** The medium of one interface, as far as its own directory tells. */
export function classifyInterface(facts: InterfaceFacts): NetworkType {
  const kind = facts.uevent?.match(/^DEVTYPE=(\w+)$/m)?.[1];
  if (kind === "wlan" || facts.entries.includes("wireless") || facts.entries.includes("phy80211")) {
    return "wifi";
  }
  if (kind === "wwan") return "cellular";
  const isEthernet = integerIn(facts.linkType, 0, 0xffff) === LINK_TYPE_ETHERNET;
  return isEthernet && facts.entries.includes("device") ? "ethernet" : "unknown";
}

/** Finds the default route and looks at its interface, unless it is still the `known` one. */
export async function readNetwork(
  source: HostSource,
  known: KnownInterface | undefined,
): Promise<KnownInterface | undefined> {
  const name = parseDefaultRoute(await source.readText("/proc/net/route")) ??
    parseDefaultRoute6(await source.readText("/proc/net/ipv6_route"));
  if (name === undefined) return undefined;
  if (known?.name === name && known.networkType !== "unknown") return known;
  const facts = await readFacts(source, name);
  let networkType = classifyInterface(facts);
  if (networkType === "unknown") {
    // A bridge, bond or VLAN is as wired as the interface below it.
    const lower = facts.entries.find((entry) => entry.startsWith("lower_"))?.slice("lower_".length);
    if (lower !== undefined && SAFE_NAME.test(lower)) {
      networkType = classifyInterface(await readFacts(source, lower));
    }
  }
  return { name, networkType };
}

async function readFacts(source: HostSource, name: string): Promise<InterfaceFacts> {
  return {
    entries: await source.list(`${ROOT}/${name}`),
    linkType: await source.readText(`${ROOT}/${name}/type`),
    uevent: await source.readText(`${ROOT}/${name}/uevent`),
  };
}

interface Route {
  readonly name: string | undefined;
  readonly flags: string | undefined;
  readonly metric: number | null;
}

function bestRoute(
  text: string | undefined,
  parse: (columns: readonly (string | undefined)[]) => Route | undefined,
): string | undefined {
  let best: { name: string; metric: number } | undefined;
  for (const line of text?.split("\n", MAX_ROUTES) ?? []) {
    const route = parse(line.trim().split(/\s+/));
    if (route?.name === undefined || route.metric === null || !SAFE_NAME.test(route.name)) continue;
    const flags = hexIn(route.flags);
    const isUsable = flags !== null && (flags & RTF_UP) !== 0 && (flags & RTF_REJECT) === 0;
    if (!isUsable || route.name === "lo") continue;
    if (best === undefined || route.metric < best.metric) {
      best = { name: route.name, metric: route.metric };
    }
  }
  return best?.name;
}

function hexIn(text: string | undefined): number | null {
  return text !== undefined && /^[0-9a-f]{1,8}$/i.test(text) ? Number.parseInt(text, 16) : null;
}
