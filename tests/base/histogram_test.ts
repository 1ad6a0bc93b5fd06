/** Histograms: which bucket a value falls into, and what is no value. */

import { assertEquals, assertThrows } from "@std/assert";
import { Histogram } from "../../src/base/histogram.ts";

const PURE = { permissions: "none" } as const;

Deno.test("Histogram counts a value at a bound below it, as `le` says", PURE, () => {
  const histogram = new Histogram([1, 2.5, 10]);
  for (const value of [0, 1, 1.0001, 2.5, 9.9, 10, 10.0001, 1e9]) histogram.observe(value);
  const { counts, bounds } = histogram.reading;
  assertEquals(bounds, [1, 2.5, 10]);
  assertEquals(counts, [2, 2, 2, 2]);
});

Deno.test("Histogram sums what it counts, and what is not finite does not count", PURE, () => {
  const histogram = new Histogram([1]);
  for (const value of [0.25, 0.5, NaN, Infinity, -Infinity, 4]) histogram.observe(value);
  assertEquals(histogram.reading, { bounds: [1], counts: [2, 1], sum: 4.75 });
});

Deno.test("Histogram gives a reading that later values leave alone", PURE, () => {
  const histogram = new Histogram([1]);
  const before = histogram.reading;
  histogram.observe(0);
  assertEquals(before.counts, [0, 0]);
});

Deno.test("Histogram refuses bounds that do not ascend", PURE, () => {
  assertThrows(() => new Histogram([1, 1]), RangeError);
  assertThrows(() => new Histogram([2, 1]), RangeError);
});
