import { assertEquals } from "@std/assert";
import { FunctionEvaluator } from "../../../src/work/worker/function_evaluator.ts";

const PURE = { permissions: "none" } as const;

Deno.test(
  "FunctionEvaluator.evaluate() tells fitness, faults and what is no number apart",
  PURE,
  async () => {
    const evaluator = new FunctionEvaluator({
      evaluate: ([x = 0]) => {
        if (x === 1) throw new Error("no");
        return x === 2 ? NaN : x === 3 ? Promise.resolve(9) : x;
      },
    });
    assertEquals(await evaluator.evaluate([[0], [1], [2], [3]]), [
      { isOk: true, fitness: 0 },
      { isOk: false, code: "threw", message: "no" },
      { isOk: false, code: "not_a_number", message: "the fitness is not a finite number" },
      { isOk: true, fitness: 9 },
    ]);
  },
);

Deno.test(
  "FunctionEvaluator waits while it is paused, and stops once it is closed",
  PURE,
  async () => {
    const seen: number[] = [];
    const evaluator = new FunctionEvaluator({ evaluate: ([x = 0]) => seen.push(x) });
    evaluator.pause();
    const evaluating = evaluator.evaluate([[1], [2]]);
    await Promise.resolve();
    assertEquals(seen, []);
    evaluator.resume();
    await evaluating;
    evaluator.pause();
    const late = evaluator.evaluate([[3]]);
    await evaluator.close();
    assertEquals((await late).map((each) => each.isOk || each.code), ["stopped"]);
    assertEquals(seen, [1, 2]);
  },
);
