import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { type Random, randomBelow, seededRandom, shuffled } from "../../src/base/random.ts";

/** Mulberry32 in whole numbers modulo 2^32, without `Math.imul` or shifts. */
function naiveMulberry32(seed: bigint): () => number {
  const size = 1n << 32n;
  let state = seed % size;
  return () => {
    state = (state + 0x6d2b79f5n) % size;
    let mixed = ((state ^ (state / 2n ** 15n)) * (state | 1n)) % size;
    mixed ^= (mixed + ((mixed ^ (mixed / 2n ** 7n)) * (mixed | 61n)) % size) % size;
    return Number(mixed ^ (mixed / 2n ** 14n)) / 2 ** 32;
  };
}

function constant(value: number): Random {
  return { next: () => value };
}

Deno.test("seededRandom() agrees with Mulberry32 in whole numbers", { permissions: "none" }, () => {
  for (const seed of [0, 1, 12345, 0x7fffffff, 0x80000000, 0xffffffff]) {
    const random = seededRandom(seed);
    const naive = naiveMulberry32(BigInt(seed));
    for (let i = 0; i < 1_000; i++) assertEquals(random.next(), naive());
  }
});

Deno.test("seededRandom() repeats itself and only itself", { permissions: "none" }, () => {
  const take = (seed: number) => {
    const random = seededRandom(seed);
    return Array.from({ length: 50 }, () => random.next());
  };
  assertEquals(take(42), take(42));
  assertNotEquals(take(42), take(43));
  const [one, two] = [seededRandom(9), seededRandom(9)];
  one.next();
  assertNotEquals(one.next(), two.next());
});

Deno.test("seededRandom() spreads evenly over [0, 1)", { permissions: "none" }, () => {
  const random = seededRandom(2026);
  const buckets = new Array<number>(16).fill(0);
  const draws = 160_000;
  for (let i = 0; i < draws; i++) {
    const value = random.next();
    assert(value >= 0 && value < 1);
    const bucket = Math.floor(value * 16);
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
  }
  // Chi-squared with 15 degrees of freedom: 37.7 is its 99.9th percentile.
  const expected = draws / 16;
  const chi = buckets.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  assert(chi < 37.7, `chi-squared ${chi}`);
});

Deno.test("randomBelow() stays below its bound", { permissions: "none" }, () => {
  const largest = 1 - 2 ** -32;
  for (const bound of [1, 2, 3, 10, 256, 65_536, 2 ** 32]) {
    assertEquals(randomBelow(constant(0), bound), 0);
    assertEquals(randomBelow(constant(largest), bound), bound - 1);
  }
  const random = seededRandom(5);
  const seen = new Set(Array.from({ length: 1_000 }, () => randomBelow(random, 6)));
  assertEquals([...seen].sort(), [0, 1, 2, 3, 4, 5]);
});

Deno.test("shuffled() is a permutation and leaves its input", { permissions: "none" }, () => {
  for (let length = 0; length < 40; length++) {
    const items = Object.freeze(Array.from({ length }, (_, i) => i));
    const result = shuffled(seededRandom(length), items);
    assertEquals(result.toSorted((a, b) => a - b), [...items]);
  }
  assertEquals(shuffled(seededRandom(1), ["a", "a", "b"]).toSorted(), ["a", "a", "b"]);
});

Deno.test("shuffled() gives every order its share", { permissions: "none" }, () => {
  const random = seededRandom(77);
  const counts = new Map<string, number>();
  const draws = 24_000;
  for (let i = 0; i < draws; i++) {
    const order = shuffled(random, ["a", "b", "c", "d"]).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assertEquals(counts.size, 24);
  // Chi-squared with 23 degrees of freedom: 49.7 is its 99.9th percentile.
  const chi = [...counts.values()].reduce((sum, count) => sum + (count - 1_000) ** 2 / 1_000, 0);
  assert(chi < 49.7, `chi-squared ${chi}`);
});
