import { assert, assertEquals } from "@std/assert";
import { DEFAULT_RATE_LIMIT, RateLimiter } from "../../src/discovery/rate_limit.ts";

const PURE = { permissions: "none" } as const;

function actions(limiter: RateLimiter, count: number, nowMs: number, host = "10.0.0.9"): string[] {
  return Array.from({ length: count }, () => limiter.take(host, nowMs).action);
}

function tally(list: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = { allow: 0, refuse: 0, drop: 0 };
  for (const action of list) counts[action] = (counts[action] ?? 0) + 1;
  return counts;
}

Deno.test("DEFAULT_RATE_LIMIT is 20 a second in bursts of 100", PURE, () => {
  assertEquals([DEFAULT_RATE_LIMIT.perSecond, DEFAULT_RATE_LIMIT.burst], [20, 100]);
});

Deno.test("RateLimiter.take() allows a burst of 100, refuses once, then is silent", PURE, () => {
  const limiter = new RateLimiter();
  assertEquals(tally(actions(limiter, 100, 0)), { allow: 100, refuse: 0, drop: 0 });
  assertEquals(limiter.take("10.0.0.9", 0), { action: "refuse", retryAfterMs: 50 });
  assertEquals(tally(actions(limiter, 1000, 0)), { allow: 0, refuse: 0, drop: 1000 });
});

Deno.test("RateLimiter.take() says how long until the next token", PURE, () => {
  const limiter = new RateLimiter();
  actions(limiter, 100, 0);
  // 30 ms bring 0.6 of a token; the missing 0.4 takes 20 ms.
  assertEquals(limiter.take("10.0.0.9", 30), { action: "refuse", retryAfterMs: 20 });
});

Deno.test("RateLimiter.take() refills 20 tokens a second and never above the burst", PURE, () => {
  const limiter = new RateLimiter();
  actions(limiter, 200, 0);
  assertEquals(tally(actions(limiter, 100, 1_000)), { allow: 20, refuse: 1, drop: 79 });
  assertEquals(tally(actions(limiter, 200, 3_600_000)), { allow: 100, refuse: 1, drop: 99 });
});

Deno.test("RateLimiter.take() lets a steady 20 a second through for ever", PURE, () => {
  const limiter = new RateLimiter();
  for (let second = 0; second < 60; second++) {
    assertEquals(tally(actions(limiter, 20, second * 1000)).allow, 20);
  }
});

Deno.test("RateLimiter.take() refills across many small steps", PURE, () => {
  const limiter = new RateLimiter();
  actions(limiter, 200, 0);
  let allowed = 0;
  for (let ms = 1; ms <= 1000; ms++) {
    if (limiter.take("10.0.0.9", ms).action === "allow") allowed++;
  }
  assert(allowed >= 19 && allowed <= 20, `${allowed}`);
});

Deno.test("RateLimiter.take() counts each address on its own", PURE, () => {
  const limiter = new RateLimiter();
  actions(limiter, 200, 0, "10.0.0.1");
  assertEquals(limiter.take("10.0.0.2", 0), { action: "allow" });
});

Deno.test(
  "RateLimiter forgets the address unused for longest, never more than its bound",
  PURE,
  () => {
    const limiter = new RateLimiter({ perSecond: 1, burst: 1, maxAddresses: 3 });
    for (const host of ["a", "b", "c"]) assertEquals(limiter.take(host, 0).action, "allow");
    assertEquals(limiter.take("a", 0).action, "refuse");
    assertEquals(limiter.take("d", 0).action, "allow");
    assertEquals(limiter.counters.addresses, 3);
    assertEquals(limiter.take("a", 0).action, "drop", "a was used, so b went");
    assertEquals(limiter.take("b", 0).action, "allow", "b starts afresh");
  },
);

Deno.test("RateLimiter.counters tell allowed, refused, dropped and addresses apart", PURE, () => {
  const limiter = new RateLimiter({ perSecond: 2, burst: 3, maxAddresses: 2 });
  const before = limiter.counters;
  actions(limiter, 10, 0, "a");
  // Half a second brings one token: one more is allowed and the next refused aloud again.
  actions(limiter, 3, 500, "a");
  actions(limiter, 1, 500, "b");
  actions(limiter, 1, 500, "c");
  assertEquals(limiter.counters, {
    allowed: 3 + 1 + 1 + 1,
    refused: 1 + 1,
    dropped: 6 + 1,
    addresses: 2,
  });
  assertEquals(before, { allowed: 0, refused: 0, dropped: 0, addresses: 0 });
});

Deno.test("RateLimiter stays at its bound under twenty thousand addresses", PURE, () => {
  const limiter = new RateLimiter();
  for (let i = 0; i < 20_000; i++) limiter.take(`2001:db8::${i.toString(16)}`, i);
  assertEquals(limiter.counters.addresses, DEFAULT_RATE_LIMIT.maxAddresses);
});
