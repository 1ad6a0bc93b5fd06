/** Addresses that turned up, and those who will not have us. */

import { assert, assertEquals } from "@std/assert";
import { BOB } from "../testing/identities.ts";
import { at, DialWorld, failed, gapsOf, madeUp, OLD_NODE, REFUSED, SILENT } from "./dial_world.ts";

const PURE = { permissions: "none" } as const;
const MINUTE_MS = 60_000;
const REFUSALS = [
  "foreign_network",
  "not_a_member",
  "revoked",
  "bad_certificate",
  "certificate_expired",
  "self_connection",
];

function find(world: DialWorld, n: number): void {
  world.plan.findAddress(at(n), world.nowMs, { approach: "ask_then_seal" });
}

Deno.test("DialPlan dials a found address at once, as it was told to", PURE, () => {
  const world = new DialWorld();
  world.plan.findAddress(at(1), 0, { approach: "seal" });
  world.plan.findAddress(at(2), 0, { approach: "ask_then_seal" });
  world.plan.findAddress(at(2), 0, { approach: "seal" });
  world.step();
  assertEquals(world.dials.map(({ target }) => target), [
    { kind: "found", key: "10.0.0.1:9000", id: undefined, approach: "seal" },
    { kind: "found", key: "10.0.0.2:9000", id: undefined, approach: "ask_then_seal" },
  ]);
});

Deno.test(
  "DialPlan asks a found old node again every 45 s, however often it turns up",
  PURE,
  () => {
    const world = new DialWorld();
    world.answer = () => OLD_NODE;
    while (world.nowMs < 10 * MINUTE_MS) {
      find(world, 1);
      world.run(1_000);
    }
    assertEquals(gapsOf(world.timesOf("10.0.0.1")), Array(13).fill(45_000));
  },
);

Deno.test("DialPlan drops a found address after 3 failures in a row", PURE, () => {
  const world = new DialWorld();
  find(world, 1);
  world.run(60 * MINUTE_MS);
  assertEquals([world.dials.length, world.plan.size], [3, 0]);

  let asked = 0;
  world.answer = () => ++asked % 3 === 0 ? OLD_NODE : SILENT;
  find(world, 1);
  world.run(60 * MINUTE_MS);
  assertEquals(world.plan.size, 1, "it answers every third time");
  world.answer = () => OLD_NODE;
  world.run(60_000);
  const before = world.dials.length;
  world.answer = () => REFUSED;
  world.run(60 * MINUTE_MS);
  assertEquals([world.dials.length - before, world.plan.size], [3, 0]);
});

Deno.test("DialPlan dials a found address that is not there once in 5 s at the most", PURE, () => {
  const world = new DialWorld();
  while (world.nowMs < 2 * MINUTE_MS) {
    find(world, 1);
    world.run(100);
  }
  const gaps = gapsOf(world.timesOf("10.0.0.1"));
  assert(gaps.length > 10 && gaps.every((gap) => gap >= 5_000), `${gaps}`);
});

Deno.test("DialPlan drops a found address whose owner is in session with us", PURE, () => {
  for (const code of ["session", "duplicate"]) {
    const world = new DialWorld();
    world.answer = () =>
      code === "session" ? { outcome: { type: "session", id: BOB.id }, tookMs: 0 } : failed(code);
    find(world, 1);
    world.run(1_000);
    assertEquals(world.plan.size, 0);
    assert(world.plan.isKnown(at(1), world.nowMs));
    while (world.nowMs < 9 * MINUTE_MS) {
      find(world, 1);
      world.run(1_000);
    }
    assertEquals(world.dials.length, 1);
    world.run(MINUTE_MS);
    assertEquals(world.plan.isKnown(at(1), world.nowMs), false);
    find(world, 1);
    world.step();
    assertEquals(world.dials.length, 2, "it may be another's by now");
  }
});

Deno.test("DialPlan.findAddress() of what is dialled anyway finds nothing", PURE, () => {
  const world = new DialWorld();
  world.answer = () => ({ outcome: { type: "session", id: BOB.id }, tookMs: 0 });
  world.plan.wantAddress(at(1), 0);
  world.plan.wantPeer(BOB.id, [at(2)], 0);
  world.plan.wantPeer(madeUp(3), [at(3)], 0);
  const { plan } = world;
  assertEquals([1, 2, 3].map((n) => plan.isKnown(at(n), 0)), [true, false, false]);
  world.connected.add(madeUp(3));
  world.step();
  assertEquals([1, 2, 3].map((n) => plan.isKnown(at(n), 0)), [true, true, false]);
  for (const n of [1, 2, 3]) find(world, n);
  assertEquals(plan.size, 4, "a peer may be said to live where it does not");
});

Deno.test("DialPlan.wantAddress() takes a found address over", PURE, () => {
  const world = new DialWorld();
  find(world, 1);
  world.plan.wantAddress(at(1), 0);
  world.run(10 * MINUTE_MS);
  assertEquals(world.plan.size, 1);
  assert(world.dials.every(({ target }) => target.kind === "given"));
});

Deno.test("DialPlan holds 256 found addresses; the oldest without an answer goes", PURE, () => {
  const world = new DialWorld();
  world.answer = ({ address }) => address.host.startsWith("10.0.0.") ? OLD_NODE : SILENT;
  for (const n of [1, 2, 3]) find(world, n);
  world.run(1_000);
  for (let n = 0; n < 1_000; n++) find(world, 1_000 + n);
  assertEquals(world.plan.size, 256);
  const isKept = (n: number) => world.plan.isKnown(at(n), world.nowMs);
  assertEquals([1, 2, 3].every(isKept), true);
  assertEquals([1_000 + 746, 1_000 + 747].map(isKept), [false, true]);
});

Deno.test("DialPlan full of found addresses that answer takes no more", PURE, () => {
  const world = new DialWorld();
  world.answer = () => OLD_NODE;
  for (let n = 0; n < 256; n++) find(world, n);
  world.run(2 * MINUTE_MS);
  assertEquals(world.plan.size, 256);
  find(world, 300);
  assertEquals([world.plan.size, world.plan.isKnown(at(300), world.nowMs)], [256, false]);
});

Deno.test("DialPlan does not soon dial again where it was refused", PURE, () => {
  for (const code of REFUSALS) {
    const world = new DialWorld();
    world.answer = () => failed(code);
    world.plan.wantAddress(at(1), 0);
    world.plan.wantPeer(BOB.id, [at(2)], 0, { isMet: true });
    world.plan.wantPeer(madeUp(3), [at(3)], 0);
    find(world, 4);
    while (world.nowMs < 60 * MINUTE_MS) {
      world.run(10_000);
      world.plan.wantPeer(BOB.id, [at(2)], world.nowMs);
      world.plan.wantPeer(madeUp(3), [at(3)], world.nowMs);
      find(world, 4);
    }
    const least = [45_000, 450_000, 600_000, 600_000];
    const most = [60_050, 600_050, 610_050, 610_050];
    for (const index of [0, 1, 2, 3]) {
      const gaps = gapsOf(world.timesOf(`10.0.0.${index + 1}`));
      assert(gaps.length >= 5, `${code}: ${gaps}`);
      for (const gap of gaps) {
        const isFit = gap >= (least[index] ?? 0) && gap <= (most[index] ?? 0);
        assert(isFit, `${code} ${index}: ${gap}`);
      }
    }
  }
});

Deno.test("DialPlan refused at one address of a peer still tries its others", PURE, () => {
  const world = new DialWorld();
  world.answer = ({ address }) => address.host === "10.0.0.1" ? failed("foreign_network") : REFUSED;
  world.plan.wantPeer(BOB.id, [at(1), at(2)], 0);
  world.run(1_000);
  assertEquals(world.hostsSince(0), ["10.0.0.1", "10.0.0.2"]);
  world.plan.wantPeer(BOB.id, [at(1), at(2)], world.nowMs);
  world.run(20_000);
  assertEquals(world.timesOf("10.0.0.1").length, 1, "another may have answered in its name");
  assert(world.timesOf("10.0.0.2").length >= 2);
});

Deno.test("DialPlan dials again who refused us and then came to us", PURE, () => {
  const world = new DialWorld();
  world.answer = () => failed("foreign_network");
  world.plan.wantPeer(BOB.id, [at(1)], 0, { isMet: true });
  world.run(1_000);
  world.plan.prefer(BOB.id, world.nowMs);
  world.run(10_000);
  assertEquals(world.dials.length, 1);
  world.plan.wantPeer(BOB.id, [at(1)], world.nowMs, { isMet: true });
  world.plan.prefer(BOB.id, world.nowMs);
  world.step();
  assertEquals(world.dials.length, 2);
});

Deno.test("DialPlan.shun() keeps a peer away for 10 min, unless it comes to us", PURE, () => {
  const world = new DialWorld();
  world.plan.wantPeer(BOB.id, [at(1)], 0, { isMet: true });
  world.plan.shun(BOB.id, 0);
  while (world.nowMs < 10 * MINUTE_MS - 1_000) {
    world.plan.wantPeer(BOB.id, [at(1), at(2)], world.nowMs);
    world.run(1_000);
  }
  assertEquals([world.plan.size, world.dials.length], [0, 0]);
  world.plan.wantPeer(BOB.id, [at(1)], world.nowMs, { isMet: true });
  assertEquals(world.plan.size, 1);
  world.plan.forgetPeer(BOB.id);
  world.run(1_000);
  world.plan.wantPeer(BOB.id, [at(1)], world.nowMs);
  assertEquals(world.plan.size, 1);
});
