/** Everything due at once, and who goes first: what a device does that woke up, moved or lost a peer. */

import { assert, assertEquals } from "@std/assert";
import { BOB, CAROL } from "../testing/identities.ts";
import { at, DialWorld, failed, gapsOf, madeUp, SILENT } from "./dial_world.ts";

const PURE = { permissions: "none" } as const;
const HOUR_MS = 3_600_000;

Deno.test("DialPlan.retryAll() makes everything due that was waiting", PURE, () => {
  const world = new DialWorld();
  world.plan.wantAddress(at(1), 0);
  world.plan.wantPeer(BOB.id, [at(2)], 0, { isMet: true });
  world.plan.wantPeer(CAROL.id, [at(3)], 0);
  world.run(300_000);
  const nowMs = world.nowMs;
  const before = world.dials.length;
  world.plan.retryAll(nowMs);
  world.run(500);
  assertEquals(world.dials.slice(before).map(({ atMs, to }) => [atMs - nowMs, to]), [
    [0, "10.0.0.1:9000"],
    [0, "10.0.0.2:9000"],
    [0, "10.0.0.3:9000"],
  ]);
});

Deno.test("DialPlan.retryAll() starts every back-off over", PURE, () => {
  for (const [isGiven, leastMs] of [[true, 1_000], [false, 5_000]] as const) {
    const world = new DialWorld();
    if (isGiven) world.plan.wantAddress(at(1), 0);
    else world.plan.wantPeer(BOB.id, [at(1)], 0, { isMet: true });
    world.run(2 * HOUR_MS);
    const before = world.dials.length;
    world.plan.retryAll(world.nowMs);
    world.run(leastMs * 5);
    const [first = 0, second = 0] = gapsOf(world.dials.slice(before).map(({ atMs }) => atMs));
    assert(first >= leastMs && first <= leastMs * 1.5 + 50, `${first}`);
    assert(second >= leastMs * 2 && second <= leastMs * 3 + 50, `${second}`);
  }
});

Deno.test("DialPlan.retryAll() does not postpone what was due before", PURE, () => {
  const world = new DialWorld();
  world.plan.wantAddress(at(1), 100);
  world.plan.retryAll(500);
  world.nowMs = 100;
  world.step();
  assertEquals(world.timesOf("10.0.0.1"), [100]);
});

Deno.test("DialPlan.retryAll() repeats a dial under way once it has failed", PURE, () => {
  const world = new DialWorld();
  world.answer = () => SILENT;
  world.plan.wantPeer(BOB.id, [at(1)], 0, { isMet: true });
  world.run(1_000);
  world.plan.retryAll(world.nowMs);
  world.run(1_950);
  assertEquals(world.timesOf("10.0.0.1"), [0], "one dial of a peer at a time");
  world.run(20_000);
  const [, second, third = 0] = world.timesOf("10.0.0.1");
  assertEquals(second, 3_000, "it failed in a network that is gone");
  assert(third - 6_000 >= 5_000 && third - 6_000 <= 7_550, `its failure is a first one: ${third}`);
});

Deno.test("DialPlan.retryAll() of 100 peers is no storm, however often it is called", PURE, () => {
  const world = new DialWorld();
  world.answer = () => SILENT;
  for (let n = 0; n < 100; n++) world.plan.wantPeer(madeUp(n), [at(n)], 0, { isMet: true });
  for (let n = 0; n < 120; n++) {
    world.run(500);
    world.plan.retryAll(world.nowMs);
  }
  assert(world.dials.length <= 4 * 60 + 1, `${world.dials.length} dials in a minute`);
  assertEquals(world.maxInFlight, 8);
  const gaps = gapsOf(world.dials.map(({ atMs }) => atMs));
  assert(gaps.every((gap) => gap >= 250));
});

Deno.test("DialPlan.retryAll() forgives failures, and not for ever", PURE, () => {
  const world = new DialWorld();
  world.plan.wantPeer(BOB.id, [at(1)], 0);
  while (world.dials.length < 7) world.run(1_000);
  world.plan.retryAll(world.nowMs);
  world.run(HOUR_MS);
  assertEquals([world.plan.size, world.dials.length], [0, 7 + 8]);
});

Deno.test("DialPlan.retryAll() forgives who refused us", PURE, () => {
  const world = new DialWorld();
  world.answer = () => failed("foreign_network");
  world.plan.wantPeer(BOB.id, [at(1)], 0, { isMet: true });
  world.plan.wantPeer(CAROL.id, [at(2)], 0);
  world.plan.findAddress(at(3), 0, { approach: "seal" });
  world.run(10_000);
  world.plan.retryAll(world.nowMs);
  world.plan.wantPeer(CAROL.id, [at(2)], world.nowMs);
  world.plan.findAddress(at(3), world.nowMs, { approach: "seal" });
  world.step();
  assertEquals(world.hostsSince(10_000).toSorted(), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
});

Deno.test("DialPlan.retryAll() of an empty plan does nothing", PURE, () => {
  const world = new DialWorld();
  world.plan.retryAll(0);
  world.run(1_000);
  assertEquals([world.plan.size, world.dials], [0, []]);
});

Deno.test("DialPlan.prefer() makes a peer due at once, before all that wait", PURE, () => {
  const world = new DialWorld();
  for (let n = 0; n < 20; n++) world.plan.wantPeer(madeUp(n), [at(n)], 0, { isMet: true });
  world.run(1_000);
  world.plan.wantAddress(at(50), world.nowMs);
  world.plan.wantPeer(madeUp(60), [at(60)], world.nowMs);
  world.plan.prefer(madeUp(15), world.nowMs);
  world.plan.prefer(CAROL.id, world.nowMs);
  const before = world.dials.length;
  world.step();
  assertEquals(world.dials.slice(before).map(({ to }) => to), [
    "10.0.0.15:9000",
    "10.0.0.50:9000",
    "10.0.0.60:9000",
  ]);
});

Deno.test("DialPlan.prefer() of 12 peers has them dialled at once, 8 at a time", PURE, () => {
  const world = new DialWorld();
  for (let n = 0; n < 12; n++) {
    world.plan.wantPeer(madeUp(n), [at(n)], 0, { isMet: true });
    world.connected.add(madeUp(n));
  }
  world.run(60_000);
  world.connected.clear();
  for (let n = 0; n < 12; n++) world.plan.prefer(madeUp(n), world.nowMs);
  world.answer = () => failed("refused", 10);
  world.run(100);
  assertEquals(world.hostsSince(60_000).length, 12);
  assertEquals(world.maxInFlight, 8);
});

Deno.test(
  "DialPlan.prefer() does not dial whose sessions do not last more than once a second",
  PURE,
  () => {
    const world = new DialWorld();
    world.answer = () => ({ outcome: { type: "session", id: BOB.id }, tookMs: 0 });
    world.plan.wantPeer(BOB.id, [at(1)], 0, { isMet: true });
    while (world.nowMs < 60_000) {
      world.run(50);
      world.plan.prefer(BOB.id, world.nowMs);
    }
    assertEquals(gapsOf(world.timesOf("10.0.0.1")), Array(60).fill(1_000));
    world.answer = () => failed("refused");
    world.run(60_000);
    const [first = 0] = gapsOf(world.timesOf("10.0.0.1").slice(61));
    assert(first >= 5_000 && first <= 7_550, `and it is not held against them: ${first}`);
  },
);
