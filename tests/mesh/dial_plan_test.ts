/** What the plan dials when, as long as nobody means it harm. */

import { assert, assertEquals } from "@std/assert";
import { DEFAULT_DIAL_PLAN, DialPlan } from "../../src/mesh/dial_plan.ts";
import { seededRandom } from "../../src/base/random.ts";
import { BOB, CAROL, identityOf } from "../testing/identities.ts";
import { at, DialWorld, gapsOf, madeUp, REFUSED, SILENT } from "./dial_world.ts";

const PURE = { permissions: "none" } as const;
const HOUR_MS = 3_600_000;

/** Checks that each wait is the last one doubled, within jitter and bounds; dials may begin a little late. */
function assertBackoff(
  times: readonly number[],
  minMs: number,
  maxMs: number,
  slackMs = 50,
): void {
  for (const [failure, gap] of gapsOf(times).entries()) {
    const base = minMs * 2 ** failure;
    const [least, most] = [Math.min(base, maxMs * 0.75), Math.min(base * 1.5, maxMs)];
    assert(gap >= least && gap <= most + slackMs, `wait ${failure}: ${gap}`);
  }
}

Deno.test("DialPlan dials a given address at once, one dial at a time", PURE, () => {
  const plan = new DialPlan(seededRandom(4));
  plan.wantAddress(at(1), 0);
  plan.wantAddress(at(1), 0);
  assertEquals(plan.size, 1);
  assertEquals(plan.due(0, () => true), [{
    target: { kind: "given", key: "10.0.0.1:9000", id: undefined, approach: "ask_then_seal" },
    address: at(1),
  }]);
  assertEquals(plan.due(1e9, () => true), []);
});

Deno.test("DialPlan dials a given address every 1, 2, 4 ... 60 s, for ever", PURE, () => {
  const world = new DialWorld();
  world.plan.wantAddress(at(1), 0);
  world.run(HOUR_MS);
  const times = world.timesOf("10.0.0.1");
  assert(times.length > 60, `${times.length}`);
  assertBackoff(times, 1_000, 60_000);
});

Deno.test("DialPlan dials a peer it met every 5, 10, 20 s ... 10 min, for ever", PURE, () => {
  const world = new DialWorld();
  world.plan.wantPeer(BOB.id, [at(1)], 0, { isMet: true });
  world.run(3 * HOUR_MS);
  const times = world.timesOf("10.0.0.1");
  assert(times.length > 20, `${times.length}`);
  assertBackoff(times, 5_000, 600_000);
});

Deno.test("DialPlan keeps a back-off for each address of a peer", PURE, () => {
  const world = new DialWorld();
  world.plan.wantPeer(BOB.id, [at(1), at(2), at(3)], 0, { isMet: true });
  world.run(60_000);
  world.plan.wantPeer(BOB.id, [at(4)], world.nowMs, { isMet: true });
  world.run(HOUR_MS);
  for (const host of ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"]) {
    // Those that fall due together follow each other.
    assertBackoff(world.timesOf(host), 5_000, 600_000, 1_000);
  }
});

Deno.test("DialPlan goes on to a peer's next address after 250 ms, near ones first", PURE, () => {
  const world = new DialWorld();
  const hosts = ["8.8.8.8", "10.0.0.1", "pi.local", "127.0.0.1"];
  world.plan.wantPeer(BOB.id, hosts.map((host) => ({ host, port: 9000 })), 0, { isMet: true });
  world.run(2_000);
  assertEquals(world.dials.map(({ atMs, to }) => [atMs, to]), [
    [0, "10.0.0.1:9000"],
    [250, "127.0.0.1:9000"],
    [500, "8.8.8.8:9000"],
    [750, "pi.local:9000"],
  ]);
});

Deno.test("DialPlan waits for the outcome before it goes on to the next address", PURE, () => {
  const world = new DialWorld();
  world.answer = () => SILENT;
  world.plan.wantPeer(BOB.id, [at(1), at(2)], 0, { isMet: true });
  world.run(3_500);
  assertEquals(world.dials.map(({ atMs, to }) => [atMs, to]), [
    [0, "10.0.0.1:9000"],
    [3_000, "10.0.0.2:9000"],
  ]);
});

Deno.test("DialPlan dials known peers 250 ms apart, 8 in flight, near ones first", PURE, () => {
  const world = new DialWorld();
  world.answer = () => SILENT;
  for (let n = 0; n < 12; n++) {
    const host = n % 2 === 0 ? `9.9.9.${n}` : `10.0.0.${n}`;
    world.plan.wantPeer(madeUp(n), [{ host, port: 9000 }], 0, { isMet: true });
  }
  world.run(4_500);
  assertEquals(world.dials.map(({ atMs }) => atMs), [
    ...[0, 250, 500, 750, 1_000, 1_250, 1_500, 1_750],
    ...[3_000, 3_250, 3_500, 3_750],
  ]);
  assertEquals(world.maxInFlight, 8);
  assertEquals(world.hostsSince(0), [
    ...["10.0.0.1", "10.0.0.3", "10.0.0.5", "10.0.0.7", "10.0.0.9", "10.0.0.11"],
    ...["9.9.9.0", "9.9.9.2", "9.9.9.4", "9.9.9.6", "9.9.9.8", "9.9.9.10"],
  ]);
});

Deno.test(
  "DialPlan gives each of 100 known peers a first try before any a second one",
  PURE,
  () => {
    const world = new DialWorld();
    for (let n = 0; n < 100; n++) world.plan.wantPeer(madeUp(n), [at(n)], 0, { isMet: true });
    world.run(100 * 250);
    assertEquals(new Set(world.hostsSince(0).slice(0, 100)).size, 100);
  },
);

Deno.test("DialPlan dials 16 given addresses at the same moment", PURE, () => {
  const world = new DialWorld();
  world.answer = () => SILENT;
  for (let n = 0; n < 20; n++) world.plan.wantAddress(at(n), 0);
  world.run(3_000);
  assertEquals(world.dials.map(({ atMs }) => atMs), [
    ...Array(16).fill(0),
    ...Array(4).fill(3_000),
  ]);
});

Deno.test("DialPlan dials 29 peers at once of which it hears", PURE, () => {
  const world = new DialWorld();
  world.plan.wantAddress(at(0), 0);
  world.step();
  for (let n = 1; n < 30; n++) world.plan.wantPeer(madeUp(n), [at(n)], 0);
  world.step();
  assertEquals(world.dials.length, 30);
  assertEquals(world.maxInFlight, 12);
  assertEquals(world.nowMs, 0);
});

Deno.test("DialPlan tries every address of news before it counts as a redial", PURE, () => {
  const world = new DialWorld();
  for (let n = 0; n < 10; n++) {
    world.plan.wantPeer(madeUp(n), [at(n), at(100 + n), at(200 + n)], 0);
  }
  world.run(500);
  assertEquals(world.dials.map(({ atMs }) => atMs), [
    ...Array(10).fill(0),
    ...Array(10).fill(250),
    ...Array(10).fill(500),
  ]);
});

Deno.test("DialPlan dials who is heard of again at once, however long the back-off", PURE, () => {
  const world = new DialWorld();
  world.plan.wantPeer(BOB.id, [at(1)], 0, { isMet: true });
  world.run(HOUR_MS);
  const heardMs = world.nowMs = (world.timesOf("10.0.0.1").at(-1) ?? 0) + 30_000;
  world.plan.wantPeer(BOB.id, [at(1)], heardMs);
  world.step();
  assertEquals(world.timesOf("10.0.0.1").at(-1), heardMs);
});

Deno.test("DialPlan dials an address once in 5 s, however often it is heard of", PURE, () => {
  for (const isMet of [true, false]) {
    const world = new DialWorld();
    world.plan.wantPeer(BOB.id, [at(1), at(2)], 0, { isMet });
    while (world.nowMs < 120_000) {
      world.run(100);
      world.plan.wantPeer(BOB.id, [at(1), at(2)], world.nowMs);
      world.step();
    }
    for (const host of ["10.0.0.1", "10.0.0.2"]) {
      const gaps = gapsOf(world.timesOf(host));
      assert(gaps.length >= 20 && gaps.every((gap) => gap >= 5_000), `${gaps}`);
    }
  }
});

Deno.test("DialPlan dials a new address of a peer whose others wait", PURE, () => {
  const world = new DialWorld();
  world.plan.wantPeer(BOB.id, [at(1)], 0);
  world.run(1_000);
  world.plan.wantPeer(BOB.id, [at(2), at(1)], world.nowMs);
  world.step();
  assertEquals(world.hostsSince(0), ["10.0.0.1", "10.0.0.2"]);
});

Deno.test("DialPlan takes news that come during a dial", PURE, () => {
  const world = new DialWorld();
  world.answer = () => SILENT;
  world.plan.wantPeer(BOB.id, [at(1)], 0);
  world.run(1_000);
  world.plan.wantPeer(BOB.id, [at(2)], world.nowMs);
  world.run(1_000);
  assertEquals(world.hostsSince(0), ["10.0.0.1"], "one dial of a peer at a time");
  world.run(1_000);
  assertEquals(world.hostsSince(0), ["10.0.0.1", "10.0.0.2"]);
});

Deno.test("DialPlan returns to the address that worked", PURE, () => {
  const world = new DialWorld();
  const session = { outcome: { type: "session", id: BOB.id }, tookMs: 0 } as const;
  world.answer = ({ address }) => address.host === "10.0.0.2" ? session : REFUSED;
  world.plan.wantPeer(BOB.id, [at(1), at(2)], 0);
  world.run(250);
  world.connected.add(BOB.id);
  world.run(60_000);
  world.connected.delete(BOB.id);
  world.plan.prefer(BOB.id, world.nowMs);
  world.step();
  assertEquals(world.hostsSince(0), ["10.0.0.1", "10.0.0.2", "10.0.0.2"]);
});

Deno.test(
  "DialPlan dials an address that two targets share for one of them at a time",
  PURE,
  () => {
    const world = new DialWorld();
    world.answer = () => SILENT;
    world.plan.wantAddress(at(1), 0);
    world.plan.wantPeer(BOB.id, [at(1)], 0, { isMet: true });
    world.run(2_900);
    assertEquals(world.dials.map(({ target }) => target.kind), ["given"]);
    world.run(200);
    assertEquals(world.dials.map(({ target }) => target.kind), ["given", "peer"]);
  },
);

Deno.test(
  "DialPlan leaves a given address alone for longer whose sessions do not last",
  PURE,
  () => {
    const world = new DialWorld();
    world.answer = () => ({ outcome: { type: "session", id: BOB.id }, tookMs: 0 });
    world.plan.wantAddress(at(1), 0);
    world.run(HOUR_MS);
    assertBackoff(world.timesOf("10.0.0.1"), 1_000, 60_000);
  },
);

Deno.test("DialPlan starts over with a given address after a session that lasted", PURE, () => {
  const world = new DialWorld();
  world.plan.wantAddress(at(1), 0);
  world.run(600_000);
  world.answer = () => ({ outcome: { type: "session", id: BOB.id }, tookMs: 0 });
  const before = world.dials.length;
  world.run(60_000);
  const [first = 0, second = 0] = world.dials.slice(before).map(({ atMs }) => atMs);
  assert(second - first <= 1_550, `${second - first}`);
});

Deno.test("DialPlan passes over whom nobody wants now", PURE, () => {
  const world = new DialWorld();
  world.connected.add(BOB.id);
  world.plan.wantPeer(BOB.id, [at(1)], 0);
  world.plan.wantPeer(CAROL.id, [at(2)], 0);
  world.step();
  assertEquals(world.hostsSince(0), ["10.0.0.2"]);
  world.connected.delete(BOB.id);
  world.step();
  assertEquals(world.hostsSince(0), ["10.0.0.2", "10.0.0.1"]);
});

Deno.test("DialPlan.wantPeer() without an address wants nothing", PURE, () => {
  const plan = new DialPlan(seededRandom(4));
  plan.wantPeer(BOB.id, [], 0);
  assertEquals(plan.size, 0);
});

Deno.test("DialPlan takes the outcome of a dial whose peer was forgotten meanwhile", PURE, () => {
  const pace = { ...DEFAULT_DIAL_PLAN.pace, maxInFlight: 1 };
  const plan = new DialPlan(seededRandom(4), { ...DEFAULT_DIAL_PLAN, pace });
  plan.wantPeer(BOB.id, [at(1)], 0);
  const [dial] = plan.due(0, () => true);
  assert(dial);
  plan.forgetPeer(BOB.id);
  plan.wantPeer(CAROL.id, [at(2)], 0);
  assertEquals(plan.due(0, () => true), [], "the dial is still under way");
  plan.settle(dial, 0, { type: "failed", code: "refused" });
  plan.settle(dial, 0, { type: "failed", code: "refused" });
  assertEquals(plan.due(0, () => true).map(({ target }) => target.id), [CAROL.id]);
  assertEquals(plan.stats(0).inFlight, 1);
});

Deno.test("DialPlan drops a peer never met after 8 failures, and never one that was", PURE, () => {
  const world = new DialWorld();
  world.plan.wantPeer(BOB.id, [at(1), at(3)], 0);
  world.plan.wantPeer(CAROL.id, [at(2)], 0, { isMet: true });
  world.run(3 * HOUR_MS);
  assertEquals(world.plan.size, 1);
  assertEquals([world.timesOf("10.0.0.1").length, world.timesOf("10.0.0.3").length], [8, 8]);
  assert(world.timesOf("10.0.0.2").length > 20);
});

Deno.test(
  "DialPlan.stats() tells of targets, dials in flight and those of the last 10 s",
  PURE,
  () => {
    const world = new DialWorld();
    world.answer = () => SILENT;
    world.plan.wantAddress(at(1), 0);
    for (let n = 2; n < 5; n++) world.plan.wantPeer(identityOf(n).id, [at(n)], 0);
    world.step();
    assertEquals(world.plan.stats(0), { targets: 4, inFlight: 4, recentDials: 4 });
    world.run(2_950);
    assertEquals(world.plan.stats(2_950), { targets: 4, inFlight: 4, recentDials: 4 });
    world.run(100);
    assertEquals(world.plan.stats(3_050), { targets: 4, inFlight: 0, recentDials: 4 });
    assertEquals(world.plan.stats(60_000), { targets: 4, inFlight: 0, recentDials: 0 });
  },
);
