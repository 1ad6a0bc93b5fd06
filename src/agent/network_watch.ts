/**
 * Notices that the network is another one: the machine's addresses have changed.
 *
 * An interface that has nothing but a link-local IPv6 address is passed over: containers and tunnels bring
 * such interfaces and take them away all day. Beside another address it counts, for it is all that comes and
 * goes on Linux when an interface with a fixed address is switched off and on. A cable pulled at the other
 * end changes no address and is not noticed here.
 *
 * One look costs some 50 us, so that looking every 2 s costs nothing.
 */

import { type Clock, scheduleEvery, type Timer } from "../base/clock.ts";
import type { NamedAddress } from "../net/interfaces.ts";
import { scopeOf } from "../net/address.ts";

const TICK_MS = 2_000;

/** Calls `onChange` whenever `interfaces` gives other addresses than before, until cancelled. */
export function watchNetwork(
  clock: Clock,
  interfaces: () => readonly NamedAddress[],
  onChange: () => void,
): Timer {
  let before = fingerprint(interfaces());
  return scheduleEvery(clock, TICK_MS, () => {
    const now = fingerprint(interfaces());
    if (now === before) return;
    before = now;
    onChange();
  });
}

/** The addresses that count as one text, whatever their order. */
function fingerprint(addresses: readonly NamedAddress[]): string {
  const attached = new Set(addresses.filter((each) => !isLinkLocal6(each)).map(({ name }) => name));
  const counted = addresses.filter(({ name }) => attached.has(name));
  return [...new Set(counted.map(({ name, address }) => `${name} ${address}`))].sort().join("\n");
}

function isLinkLocal6({ address }: NamedAddress): boolean {
  return address.includes(":") && scopeOf(address) === "link_local";
}
