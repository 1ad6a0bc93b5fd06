import { assert, assertEquals } from "@std/assert";
import { seededRandom } from "../../src/base/random.ts";
import { DEFAULT_DIAL_PLAN, DialPlan, type DialPlanOptions } from "../../src/mesh/dial_plan.ts";
import type { Address } from "../../src/net/address.ts";
import { BOB, CAROL, identityOf } from "../testing/identities.ts";

const PURE = { permissions: "none" } as const;
const ANYBODY = () => true;

function at(n: number): Address {
  return { host: `10.0.0.${n}`, port: 9000 };
}

function plan(options: Partial<DialPlanOptions> = {}): DialPlan {
  return new DialPlan(seededRandom(4), { ...DEFAULT_DIAL_PLAN, ...options });
}

/** The hosts due at `nowMs`, which are then under way. */
function due(each: DialPlan, nowMs: number): readonly string[] {
  return each.due(nowMs, ANYBODY).map(({ address }) => address.host);
}

/** How long after `nowMs` something is due, to the ms. */
function waitFor(each: DialPlan, nowMs: number): number {
  for (let ms = 0; ms <= 70_000; ms++) {
    if (due(each, nowMs + ms).length > 0) return ms;
  }
  throw new Error("nothing is ever due");
}

Deno.test("DialPlan dials a wanted address at once, one dial at a time", PURE, () => {
  const each = plan();
  each.wantAddress(at(1), 0);
  each.wantAddress(at(1), 0);
  assertEquals(each.size, 1);
  const [dial, ...more] = each.due(0, ANYBODY);
  assertEquals(more, []);
  assertEquals([dial?.address, dial?.target.id, dial?.target.key], [
    at(1),
    undefined,
    "10.0.0.1:9000",
  ]);
  assertEquals(due(each, 1e9), []);
});

Deno.test("DialPlan backs off 1, 2, 4 ... 60 s with jitter, for ever", PURE, () => {
  const each = plan();
  each.wantAddress(at(1), 0);
  let nowMs = 0;
  assertEquals(due(each, nowMs).length, 1);
  for (let failure = 0; failure < 30; failure++) {
    each.settle("10.0.0.1:9000", nowMs, undefined);
    const wait = waitFor(each, nowMs);
    const base = 1_000 * 2 ** failure;
    const [least, most] = [Math.min(base, 45_000), Math.min(base * 1.5, 60_000)];
    assert(wait >= least && wait <= most + 1, `${failure}: ${wait}`);
    nowMs += wait;
  }
});

Deno.test("DialPlan does not dial everybody at the same moment after an outage", PURE, () => {
  const each = plan({ maxInFlight: 1_000 });
  for (let n = 0; n < 200; n++) each.wantAddress(at(n), 0);
  assertEquals(due(each, 0).length, 200);
  for (let n = 0; n < 200; n++) each.settle(`10.0.0.${n}:9000`, 0, undefined);
  let most = 0;
  for (let ms = 0; ms <= 1_600; ms += 10) most = Math.max(most, due(each, ms).length);
  assert(most < 30, `${most} in one 10 ms`);
});

Deno.test("DialPlan starts over after a success", PURE, () => {
  const each = plan();
  each.wantAddress(at(1), 0);
  let nowMs = 0;
  for (let failure = 0; failure < 5; failure++) {
    nowMs += waitFor(each, nowMs);
    each.settle("10.0.0.1:9000", nowMs, undefined);
  }
  nowMs += waitFor(each, nowMs);
  each.settle("10.0.0.1:9000", nowMs, 45_000);
  assertEquals(waitFor(each, nowMs), 45_000);
  each.settle("10.0.0.1:9000", nowMs, undefined);
  const wait = waitFor(each, nowMs);
  assert(wait >= 1_000 && wait <= 1_501, `${wait}`);
});

Deno.test("DialPlan tries every address of a peer before it backs off", PURE, () => {
  const each = plan();
  each.wantPeer(BOB.id, [at(1), at(2), at(3)], 0);
  const tried: string[] = [];
  for (let i = 0; i < 3; i++) {
    tried.push(...due(each, 0));
    each.settle(BOB.id, 0, undefined);
  }
  assertEquals(tried, ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
  assertEquals(due(each, 0), []);
  assert(waitFor(each, 0) >= 1_000);
});

Deno.test("DialPlan stays with the address that worked", PURE, () => {
  const each = plan();
  each.wantPeer(BOB.id, [at(1), at(2)], 0);
  due(each, 0);
  each.settle(BOB.id, 0, undefined);
  assertEquals(due(each, 0), ["10.0.0.2"]);
  each.settle(BOB.id, 0, 0);
  assertEquals(due(each, 2_000), ["10.0.0.2"]);
});

Deno.test("DialPlan dials news at once, however long the back-off", PURE, () => {
  const each = plan();
  each.wantPeer(BOB.id, [at(1)], 0, { isMet: true });
  let nowMs = 0;
  for (let failure = 0; failure < 10; failure++) {
    nowMs += waitFor(each, nowMs);
    each.settle(BOB.id, nowMs, undefined);
  }
  each.wantPeer(BOB.id, [at(1)], nowMs);
  assertEquals(due(each, nowMs), [], "the same address is no news");
  each.wantPeer(BOB.id, [at(2), at(1)], nowMs);
  assertEquals(due(each, nowMs), ["10.0.0.2"]);
  each.settle(BOB.id, nowMs, undefined);
  assertEquals(due(each, nowMs), ["10.0.0.1"]);
  each.settle(BOB.id, nowMs, undefined);
  const wait = waitFor(each, nowMs);
  assert(wait >= 1_000 && wait <= 1_501, `the back-off started over: ${wait}`);
});

Deno.test(
  "DialPlan starts with the newest address when there is news, mid-cycle or not",
  PURE,
  () => {
    for (let failures = 0; failures < 4; failures++) {
      const each = plan();
      each.wantPeer(BOB.id, [at(1)], 0);
      let nowMs = 0;
      for (let i = 0; i < failures; i++) {
        nowMs += waitFor(each, nowMs);
        each.settle(BOB.id, nowMs, undefined);
      }
      each.wantPeer(BOB.id, [at(2), at(1)], nowMs);
      const tried: string[] = [];
      for (let i = 0; i < 2; i++) {
        tried.push(...due(each, nowMs));
        each.settle(BOB.id, nowMs, undefined);
      }
      assertEquals(tried, ["10.0.0.2", "10.0.0.1"], `after ${failures} failures`);
    }
  },
);

Deno.test("DialPlan keeps at most 16 dials under way", PURE, () => {
  const each = plan();
  for (let n = 0; n < 50; n++) each.wantAddress(at(n), 0);
  assertEquals(due(each, 0).length, 16);
  assertEquals(due(each, 0).length, 0);
  for (let n = 0; n < 4; n++) each.settle(`10.0.0.${n}:9000`, 0, undefined);
  assertEquals(due(each, 0).length, 4);
});

Deno.test("DialPlan passes over whom nobody wants now", PURE, () => {
  const each = plan();
  each.wantPeer(BOB.id, [at(1)], 0);
  each.wantPeer(CAROL.id, [at(2)], 0);
  const dials = each.due(0, ({ id }) => id === CAROL.id);
  assertEquals(dials.map(({ target }) => target.id), [CAROL.id]);
  assertEquals(due(each, 0), ["10.0.0.1"]);
});

Deno.test("DialPlan remembers a bounded number of peers; given addresses always", PURE, () => {
  const each = plan({ maxPeers: 2 });
  for (let n = 1; n <= 5; n++) each.wantPeer(identityOf(n).id, [at(n)], 0);
  each.wantAddress(at(9), 0);
  assertEquals(each.size, 3);
  each.forgetPeer(identityOf(1).id);
  each.forgetPeer(identityOf(1).id);
  each.wantPeer(identityOf(3).id, [at(3)], 0);
  each.wantPeer(identityOf(4).id, [at(4)], 0);
  assertEquals(each.size, 3);
});

Deno.test("DialPlan.wantPeer() without an address wants nothing", PURE, () => {
  const each = plan();
  each.wantPeer(BOB.id, [], 0);
  assertEquals(each.size, 0);
});

Deno.test("DialPlan takes the outcome of a dial whose peer was forgotten meanwhile", PURE, () => {
  const each = plan({ maxInFlight: 1 });
  each.wantPeer(BOB.id, [at(1)], 0);
  assertEquals(due(each, 0), ["10.0.0.1"]);
  each.forgetPeer(BOB.id);
  each.wantPeer(CAROL.id, [at(2)], 0);
  assertEquals(due(each, 0), [], "the dial is still under way");
  each.settle(BOB.id, 0, undefined);
  assertEquals(due(each, 0), ["10.0.0.2"]);
});

Deno.test(
  "DialPlan drops a peer never met after its failures, and never one that was",
  PURE,
  () => {
    const each = plan();
    each.wantPeer(BOB.id, [at(1)], 0);
    each.wantPeer(CAROL.id, [at(2)], 0, { isMet: true });
    let nowMs = 0;
    for (let round = 0; round < 20; round++) {
      for (const { target } of each.due(nowMs, ANYBODY)) each.settle(target.key, nowMs, undefined);
      nowMs += 60_000;
    }
    assertEquals(each.size, 1);
    assertEquals(each.due(nowMs, ANYBODY).map(({ target }) => target.id), [CAROL.id]);
  },
);
