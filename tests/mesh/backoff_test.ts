import { assert, assertEquals } from "@std/assert";
import { seededRandom } from "../../src/base/random.ts";
import { backoffMs } from "../../src/mesh/backoff.ts";

const PURE = { permissions: "none" } as const;
const RANGE = { minMs: 5_000, maxMs: 600_000 };

Deno.test("backoffMs() doubles from the least to the most", PURE, () => {
  const rows: readonly [failures: number, leastMs: number, mostMs: number][] = [
    [0, 5_000, 7_500],
    [1, 10_000, 15_000],
    [2, 20_000, 30_000],
    [6, 320_000, 480_000],
    [7, 450_000, 600_000],
    [8, 450_000, 600_000],
    [1_000, 450_000, 600_000],
    [Infinity, 450_000, 600_000],
  ];
  for (const [failures, leastMs, mostMs] of rows) {
    assertEquals(backoffMs({ next: () => 0 }, RANGE, failures), leastMs, `${failures}`);
    const almost = backoffMs({ next: () => 1 - Number.EPSILON }, RANGE, failures);
    assertEquals(Math.round(almost), mostMs, `${failures}`);
  }
});

Deno.test("backoffMs() does not bring everybody back at the same moment", PURE, () => {
  const random = seededRandom(4);
  const perTenth = new Map<number, number>();
  for (let n = 0; n < 1_000; n++) {
    const tenth = Math.floor(backoffMs(random, RANGE, 0) / 250);
    perTenth.set(tenth, (perTenth.get(tenth) ?? 0) + 1);
  }
  assertEquals(perTenth.size, 10);
  for (const count of perTenth.values()) assert(count > 60 && count < 140, `${count}`);
});
