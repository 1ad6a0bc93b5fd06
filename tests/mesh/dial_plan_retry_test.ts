/** Everything due at once: what a device does that has woken up. */

import { assertEquals } from "@std/assert";
import { seededRandom } from "../../src/base/random.ts";
import { DEFAULT_DIAL_PLAN, DialPlan, type DialPlanOptions } from "../../src/mesh/dial_plan.ts";
import type { Address } from "../../src/net/address.ts";
import { BOB, CAROL, identityOf } from "../testing/identities.ts";

const PURE = { permissions: "none" } as const;
const ANYBODY = () => true;
const DAY_MS = 86_400_000;

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

/** Fails every dial that is due, `rounds` times, a minute apart; returns when that was. */
function failFor(each: DialPlan, rounds: number): number {
  let nowMs = 0;
  for (let round = 0; round < rounds; round++) {
    for (const { target } of each.due(nowMs, ANYBODY)) each.settle(target.key, nowMs, undefined);
    nowMs += 60_000;
  }
  return nowMs - 60_000;
}

Deno.test("DialPlan.retryAll() makes everything due that was waiting", PURE, () => {
  const each = plan();
  each.wantAddress(at(1), 0);
  each.wantPeer(BOB.id, [at(2)], 0, { isMet: true });
  each.wantPeer(CAROL.id, [at(3)], 0);
  const nowMs = failFor(each, 7);
  assertEquals(due(each, nowMs), [], "each waits for most of a minute");
  each.retryAll(nowMs);
  assertEquals(due(each, nowMs), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
  assertEquals(due(each, nowMs), [], "and each once");
});

Deno.test("DialPlan.retryAll() starts every back-off over", PURE, () => {
  const each = plan();
  each.wantAddress(at(1), 0);
  const nowMs = failFor(each, 12);
  each.retryAll(nowMs);
  assertEquals(due(each, nowMs).length, 1);
  each.settle("10.0.0.1:9000", nowMs, undefined);
  assertEquals(due(each, nowMs + 999), []);
  assertEquals(due(each, nowMs + 1_500).length, 1);
});

Deno.test("DialPlan.retryAll() leaves a dial under way alone", PURE, () => {
  const each = plan({ maxInFlight: 2 });
  each.wantAddress(at(1), 0);
  assertEquals(due(each, 0), ["10.0.0.1"]);
  each.retryAll(10);
  assertEquals(due(each, 10), [], "it is being dialled");
  each.settle("10.0.0.1:9000", 20, undefined);
  assertEquals(due(each, 1_019), [], "its failure counts as a first one");
  assertEquals(due(each, 1_520), ["10.0.0.1"]);
});

Deno.test("DialPlan.retryAll() does not postpone what was due before", PURE, () => {
  const each = plan();
  each.wantAddress(at(1), 100);
  each.retryAll(500);
  assertEquals(due(each, 100), ["10.0.0.1"]);
});

Deno.test("DialPlan.retryAll() makes a target due again that was settled for long", PURE, () => {
  const each = plan();
  each.wantAddress(at(1), 0);
  due(each, 0);
  each.settle("10.0.0.1:9000", 0, DAY_MS);
  assertEquals(due(each, 1_000), []);
  each.retryAll(1_000);
  assertEquals(due(each, 1_000), ["10.0.0.1"]);
});

Deno.test("DialPlan.retryAll() keeps the number of dials under way", PURE, () => {
  const each = plan();
  for (let n = 0; n < 100; n++) each.wantPeer(identityOf(n).id, [at(n)], 0, { isMet: true });
  const nowMs = failFor(each, 20);
  each.retryAll(nowMs);
  assertEquals(due(each, nowMs).length, 16);
  each.retryAll(nowMs);
  assertEquals(due(each, nowMs).length, 0);
});

Deno.test("DialPlan.retryAll() forgives failures, and not for ever", PURE, () => {
  const each = plan();
  each.wantPeer(BOB.id, [at(1)], 0);
  const nowMs = failFor(each, 7);
  assertEquals(each.size, 1, "one more and it would be dropped");
  each.retryAll(nowMs);
  for (let failure = 1; failure <= 8; failure++) {
    const atMs = nowMs + failure * 60_000;
    assertEquals(due(each, atMs), ["10.0.0.1"], `failure ${failure}`);
    each.settle(BOB.id, atMs, undefined);
  }
  assertEquals(each.size, 0);
});

Deno.test("DialPlan.retryAll() tries every address of a peer before it backs off", PURE, () => {
  const each = plan();
  each.wantPeer(BOB.id, [at(1), at(2), at(3)], 0, { isMet: true });
  const tried = (nowMs: number) => {
    const hosts: string[] = [];
    for (let n = 0; n < 3; n++) {
      hosts.push(...due(each, nowMs));
      each.settle(BOB.id, nowMs, undefined);
    }
    return hosts;
  };
  assertEquals(tried(0), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
  each.retryAll(10);
  assertEquals(tried(10), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
  assertEquals(due(each, 10), []);
});

Deno.test("DialPlan.retryAll() of an empty plan does nothing", PURE, () => {
  const each = plan();
  each.retryAll(0);
  assertEquals([each.size, due(each, 1e9)], [0, []]);
});

Deno.test("DialPlan gives each of 100 targets a first try before any a second one", PURE, () => {
  const each = plan();
  for (let n = 0; n < 100; n++) {
    each.wantPeer(identityOf(n).id, [{ host: `h${n}`, port: 1 }], 0, { isMet: true });
  }
  const tried: string[] = [];
  for (let nowMs = 0; nowMs < 21_000; nowMs += 3_000) {
    const dials = each.due(nowMs, () => true);
    for (const { address } of dials) tried.push(address.host);
    for (const { target } of dials) each.settle(target.key, nowMs + 3_000, undefined);
  }
  assertEquals(new Set(tried).size, 100);
});

Deno.test("DialPlan.prefer() makes a peer due before all that wait", PURE, () => {
  const each = plan({ maxInFlight: 1 });
  for (let n = 0; n < 5; n++) each.wantPeer(identityOf(n).id, [at(n)], 0, { isMet: true });
  each.prefer(identityOf(3).id, 0);
  each.prefer(CAROL.id, 0);
  assertEquals(due(each, 0), ["10.0.0.3"]);
});
