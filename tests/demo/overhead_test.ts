import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { ManualClock } from "../../src/base/clock.ts";
import { measureOverhead, overheadPercent } from "../../src/demo/overhead.ts";

function round(detectedMs: number, plainMs: number, workedMs: number) {
  return { detectedMs, plainMs, workedMs };
}

Deno.test("overheadPercent() is the difference in percent of the whole", {
  permissions: "none",
}, () => {
  assertAlmostEquals(overheadPercent([round(0.07, 0.05, 4)]), 0.5, 1e-9);
});

Deno.test("overheadPercent() is the median, not moved by disturbed rounds", {
  permissions: "none",
}, () => {
  const rounds = [round(2, 1, 100), round(90, 1, 100), round(1, 50, 100)];
  assertAlmostEquals(overheadPercent(rounds), 1, 1e-9);
  assertAlmostEquals(overheadPercent([...rounds, round(4, 1, 100)]), 2, 1e-9);
});

Deno.test("overheadPercent() is never below 0 and always a number", { permissions: "none" }, () => {
  assertEquals(overheadPercent([round(1, 2, 10)]), 0);
  assertEquals(overheadPercent([]), 0);
  assertEquals(overheadPercent([round(0, 0, 0)]), 0);
});

Deno.test("measureOverhead() ends by its clock and gives a share", () => {
  // A clock that each reading moves by 1 ms: the budget is used up by readings alone.
  class ReadClock extends ManualClock {
    override now(): number {
      this.advance(1);
      return super.now();
    }
  }
  const percent = measureOverhead(new ReadClock());
  assert(percent >= 0 && Number.isFinite(percent));
});
