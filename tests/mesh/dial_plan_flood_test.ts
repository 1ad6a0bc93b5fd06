/** What others can do to the plan by telling it of peers and places that do not exist. */

import { assert, assertEquals } from "@std/assert";
import { BOB } from "../testing/identities.ts";
import {
  type Answer,
  at,
  DialWorld,
  failed,
  gapsOf,
  madeUp,
  REFUSED,
  SILENT,
} from "./dial_world.ts";

const PURE = { permissions: "none" } as const;
const FLOOD = 4_000;
/** Where made-up peers are said to live. */
const NOWHERE = 10_000;
/** Accepts, then says nothing until the handshake's time is over. */
const TARPIT: Answer = failed("handshake_timeout", 8_000);

function flood(world: DialWorld, count = FLOOD, first = 0): void {
  for (let n = first; n < first + count; n++) {
    world.plan.wantPeer(madeUp(n), [at(NOWHERE + n % 5_000)], world.nowMs);
  }
}

/** The most dials that began in any `windowMs`. */
function mostIn(world: DialWorld, windowMs: number): number {
  const times = world.dials.map(({ atMs }) => atMs);
  let [most, from] = [0, 0];
  for (const [index, atMs] of times.entries()) {
    while ((times[from] ?? atMs) <= atMs - windowMs) from++;
    most = Math.max(most, index - from + 1);
  }
  return most;
}

/** Nobody answers where made-up peers live; others answer as told. */
function tricked(nowhere: Answer, elsewhere: Answer = REFUSED): DialWorld {
  const world = new DialWorld();
  world.answer = ({ target, address }) =>
    target.kind === "given" || address.host.startsWith("10.0.0.") ? elsewhere : nowhere;
  return world;
}

Deno.test("DialPlan flooded with 4,000 made-up peers dials 32 and 5/s", PURE, () => {
  for (const nowhere of [REFUSED, SILENT, TARPIT]) {
    const world = tricked(nowhere);
    flood(world);
    world.run(600_000);
    for (const seconds of [1, 10, 60, 600]) {
      const most = mostIn(world, seconds * 1_000);
      assert(most <= 32 + 5 * seconds, `${most} dials in ${seconds} s`);
    }
    assert(world.maxInFlight <= 16);
  }
});

Deno.test(
  "DialPlan flooded without end dials 32 and 5/s, and stays within its bounds",
  PURE,
  () => {
    const world = tricked(REFUSED);
    for (let n = 0; n < 600; n++) {
      flood(world, 48, n * 48);
      world.plan.findAddress(at(20_000 + n), world.nowMs, { approach: "seal" });
      world.run(100);
    }
    const most = mostIn(world, 60_000);
    assert(most <= 32 + 5 * 60, `${most}`);
    assertEquals(world.plan.size, 4_096 + 256);
  },
);

Deno.test("DialPlan flooded keeps to the back-off of given addresses", PURE, () => {
  // A dial in a tarpit takes 8 s, and a given address may have to wait for the end of one.
  for (const [nowhere, lateMs] of [[REFUSED, 50], [SILENT, 3_050], [TARPIT, 8_050]] as const) {
    const world = tricked(nowhere);
    world.plan.wantAddress(at(1), 0);
    for (let n = 0; n < 120; n++) {
      flood(world, 48, n * 48);
      for (let victim = 0; victim < 8; victim++) {
        world.plan.wantPeer(madeUp(90_000 + 8 * n + victim), [at(1)], world.nowMs);
      }
      world.run(2_500);
    }
    const given = world.dials.filter(({ target }) => target.kind === "given");
    const gaps = gapsOf(given.map(({ atMs }) => atMs));
    for (const [failure, gap] of gaps.entries()) {
      const most = Math.min(1_500 * 2 ** failure, 60_000) + lateMs;
      assert(gap <= most, `wait ${failure}: ${gap}`);
    }
    assert(gaps.length >= 9, `${gaps.length}`);
  }
});

Deno.test("DialPlan flooded still dials who vanished, and whom it met", PURE, () => {
  const world = tricked(REFUSED);
  world.plan.wantPeer(BOB.id, [at(1)], 0, { isMet: true });
  world.connected.add(BOB.id);
  flood(world);
  world.run(30_000);
  world.connected.delete(BOB.id);
  const vanishedMs = world.nowMs;
  world.plan.prefer(BOB.id, vanishedMs);
  for (let n = 0; n < 60; n++) {
    flood(world, 48, FLOOD + n * 48);
    world.run(1_000);
  }
  const [first = 0, ...others] = world.timesOf("10.0.0.1");
  assert(first - vanishedMs <= 200, `${first - vanishedMs}`);
  const mostMs = [7_500, 15_000, 30_000];
  for (const [index, gap] of gapsOf([first, ...others]).entries()) {
    assert(gap <= (mostMs[index] ?? 0) + 500, `wait ${index}: ${gap}`);
  }
  assert(others.length >= 2);
});

Deno.test("DialPlan flooded dials an honest newcomer with the next token", PURE, () => {
  const world = tricked(REFUSED);
  flood(world, 5_000);
  world.run(10_000);
  world.plan.wantPeer(BOB.id, [at(1)], world.nowMs);
  world.plan.findAddress(at(2), world.nowMs, { approach: "ask_then_seal" });
  world.run(400);
  assertEquals(world.hostsSince(10_050).filter((host) => host.startsWith("10.0.0.")), [
    "10.0.0.1",
    "10.0.0.2",
  ]);
});

Deno.test(
  "DialPlan told in others' names of places that change does not starve the rest",
  PURE,
  () => {
    const world = tricked(REFUSED);
    for (let n = 0; n < 20; n++) world.plan.wantPeer(madeUp(n), [at(n)], 0, { isMet: true });
    for (let n = 0; n < 600; n++) {
      for (let liar = 0; liar < 20; liar++) {
        world.plan.wantPeer(madeUp(liar), [at(NOWHERE + 20 * n + liar)], world.nowMs);
      }
      world.run(100);
    }
    assert(mostIn(world, 60_000) <= 32 + 5 * 60);
    const tried = Array.from({ length: 20 }, (_, n) => world.timesOf(`10.0.0.${n}`).length);
    assert(tried.every((count) => count >= 1), `${tried}`);
  },
);

Deno.test(
  "DialPlan full of peers never met lets the one go that was heard of longest ago",
  PURE,
  () => {
    const world = tricked(SILENT);
    world.plan.wantPeer(BOB.id, [at(1)], 0, { isMet: true });
    for (let n = 0; n < 4_095; n++) world.plan.wantPeer(madeUp(n), [at(NOWHERE + n)], n);
    world.plan.wantPeer(madeUp(0), [at(NOWHERE)], 5_000);
    world.plan.wantPeer(madeUp(9_001), [at(NOWHERE)], 5_001);
    world.plan.wantPeer(madeUp(9_002), [at(NOWHERE)], 5_002, { isMet: true });
    assertEquals(world.plan.size, 4_096);
    const wanted: string[] = [];
    world.plan.due(10_000, ({ key }) => {
      wanted.push(key);
      return false;
    });
    const kept = [BOB.id, madeUp(0), madeUp(9_001), madeUp(9_002), madeUp(3)];
    assertEquals(kept.filter((key) => !wanted.includes(key)), []);
    assertEquals([madeUp(1), madeUp(2)].filter((key) => wanted.includes(key)), []);
  },
);

Deno.test("DialPlan full of peers it met takes no more, but for given addresses", PURE, () => {
  const world = new DialWorld();
  for (let n = 0; n < 4_096; n++) world.plan.wantPeer(madeUp(n), [at(n)], 0, { isMet: true });
  world.plan.wantPeer(BOB.id, [at(1)], 0);
  world.plan.wantPeer(BOB.id, [at(1)], 0, { isMet: true });
  assertEquals(world.plan.size, 4_096);
  world.plan.wantAddress(at(1), 0);
  assertEquals(world.plan.size, 4_097);
  world.plan.forgetPeer(madeUp(7));
  world.plan.forgetPeer(madeUp(7));
  world.plan.wantPeer(BOB.id, [at(1)], 0);
  assertEquals(world.plan.size, 4_097);
});

Deno.test(
  "DialPlan flooded without end dials a member never met within a second of its news",
  PURE,
  () => {
    for (const nowhere of [REFUSED, SILENT]) {
      const world = tricked(nowhere);
      flood(world);
      world.run(30_000);
      const heardMs = world.nowMs;
      world.plan.wantPeer(BOB.id, [at(1), at(2)], heardMs, { isMember: true });
      for (let n = 0; n < 50; n++) {
        flood(world, 100, FLOOD + n * 100);
        world.run(100);
      }
      for (const host of ["10.0.0.1", "10.0.0.2"]) {
        const [first = Infinity] = world.timesOf(host);
        assert(first - heardMs <= 1_000, `${host}: ${first - heardMs}`);
      }
    }
  },
);

Deno.test("DialPlan full of made-up peers keeps the members, as far as they fit", PURE, () => {
  const world = tricked(SILENT);
  world.plan.wantPeer(BOB.id, [at(1)], 0, { isMember: true });
  flood(world, 5_000);
  assertEquals(world.plan.size, 4_096);
  assert(world.plan.due(0, () => true).some(({ target }) => target.id === BOB.id));
  for (let n = 0; n < 5_000; n++) {
    world.plan.wantPeer(madeUp(50_000 + n), [at(2)], 0, { isMember: true });
  }
  assertEquals(world.plan.size, 4_096);
});
