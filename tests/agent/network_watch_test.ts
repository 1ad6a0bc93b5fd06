import { assertEquals } from "@std/assert";
import { watchNetwork } from "../../src/agent/network_watch.ts";
import type { NamedAddress } from "../../src/net/interfaces.ts";
import { ManualClock } from "../../src/base/clock.ts";

const PURE = { permissions: "none" } as const;

const LO = at("lo", "127.0.0.1");
const WIFI = at("wlan0", "192.168.1.5");
const WIFI_6 = at("wlan0", "fe80::1");

function at(name: string, address: string): NamedAddress {
  return { name, address };
}

/** A machine whose network is watched, and when it was seen to change. */
function watched(...first: readonly NamedAddress[]) {
  const clock = new ManualClock();
  const machine = { addresses: first };
  const changedMs: number[] = [];
  const watch = watchNetwork(clock, () => machine.addresses, () => changedMs.push(clock.now()));
  return { clock, machine, changedMs, watch };
}

Deno.test("watchNetwork() notices each change within 2 s, once", PURE, () => {
  const { clock, machine, changedMs } = watched(LO, WIFI);
  clock.advance(3_000);
  machine.addresses = [LO];
  clock.advance(999);
  assertEquals(changedMs, []);
  clock.advance(60_001);
  assertEquals(changedMs, [4_000]);
  machine.addresses = [LO, at("wlan0", "10.0.0.7")];
  clock.advance(60_000);
  assertEquals(changedMs, [4_000, 66_000]);
});

Deno.test("watchNetwork() tells a change from none", PURE, () => {
  const changes: readonly [string, readonly NamedAddress[], boolean][] = [
    ["the same", [LO, WIFI, WIFI_6], false],
    ["another order", [WIFI_6, WIFI, LO], false],
    ["one told twice", [LO, WIFI, WIFI, WIFI_6], false],
    ["an address less", [LO, WIFI_6], true],
    ["another address", [LO, at("wlan0", "192.168.1.6"), WIFI_6], true],
    ["an address more", [LO, WIFI, WIFI_6, at("wlan0", "2001:db8::5")], true],
    ["the address at another interface", [LO, at("eth0", "192.168.1.5"), WIFI_6], true],
    ["an interface switched off that keeps its fixed address", [LO, WIFI], true],
    ["a container's interface", [LO, WIFI, WIFI_6, at("veth1", "fe80::2")], false],
    ["a link-local IPv4 address", [LO, WIFI, WIFI_6, at("eth0", "169.254.1.2")], true],
    ["nothing", [], true],
  ];
  for (const [what, addresses, isChange] of changes) {
    const { clock, machine, changedMs } = watched(LO, WIFI, WIFI_6);
    machine.addresses = addresses;
    clock.advance(2_000);
    assertEquals(changedMs.length, isChange ? 1 : 0, what);
  }
});

Deno.test("watchNetwork() does not see what was undone between two looks", PURE, () => {
  const { clock, machine, changedMs } = watched(LO, WIFI);
  clock.advance(2_100);
  machine.addresses = [LO];
  clock.advance(1_800);
  machine.addresses = [LO, WIFI];
  clock.advance(10_000);
  assertEquals(changedMs, []);
});

Deno.test("watchNetwork() goes on after a watcher that failed", PURE, () => {
  const clock = new ManualClock();
  let addresses = [LO];
  let calls = 0;
  watchNetwork(clock, () => addresses, () => {
    calls++;
    throw new Error("a defect of whoever is told");
  });
  for (const next of [[LO, WIFI], [LO]]) {
    addresses = next;
    try {
      clock.advance(2_000);
    } catch {
      // The defect is its owner's to handle.
    }
  }
  assertEquals(calls, 2);
});

Deno.test("watchNetwork() looks no more once cancelled, and leaves no timer", PURE, () => {
  const { clock, machine, changedMs, watch } = watched(LO, WIFI);
  watch.cancel();
  machine.addresses = [];
  clock.advance(10_000);
  assertEquals([changedMs, clock.pending], [[], 0]);
});
