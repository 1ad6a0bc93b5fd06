import { assert, assertEquals } from "@std/assert";
import { Fields } from "../../../src/base/guards.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { Bipop, type NextRun } from "../../../src/work/evolve/bipop.ts";
import { PURE } from "./functions.ts";

Deno.test("Bipop.next() doubles the population and spends as much on small ones", PURE, () => {
  const random = seededRandom(7);
  const bipop = new Bipop(10, 10_000);
  let next: NextRun = bipop.next("large", 1_000, random);
  const large = [next.lambda];
  const spent = { large: 0, small: 0 };
  for (let i = 0; i < 200; i++) {
    // A run takes a hundred generations, or its budget.
    const evaluations = Math.min(next.maxEvaluations, 100 * next.lambda);
    spent[next.regime] += evaluations;
    next = bipop.next(next.regime, evaluations, random);
    if (next.regime === "large") {
      if (next.lambda > (large.at(-1) ?? 0)) {
        assert(spent.small >= spent.large, "the cheaper regime goes first");
      }
      large.push(next.lambda);
      continue;
    }
    const largest = large.at(-1) ?? 0;
    assert(
      next.lambda >= 10 && next.lambda <= Math.max(10, largest / 2),
      `${next.lambda} of ${largest}`,
    );
    assert(next.sigmaFactor >= 0.01 && next.sigmaFactor <= 1);
  }
  assertEquals(large.slice(0, 4), [20, 40, 80, 160]);
});

Deno.test("Bipop begins anew after nine doublings", PURE, () => {
  const bipop = new Bipop(4, 10_000);
  const random = seededRandom(8);
  const lambdas: number[] = [];
  let next = bipop.next("large", 1, random);
  for (let i = 0; i < 500 && lambdas.length < 12; i++) {
    if (next.regime === "large") lambdas.push(next.lambda);
    next = bipop.next(next.regime, 1_000, random);
  }
  assertEquals(Math.max(...lambdas), 4 * 2 ** 9);
  assert(lambdas.slice(9).includes(4));
});

Deno.test("Bipop begins anew before a population is larger than it may be", PURE, () => {
  const bipop = new Bipop(10, 70);
  const random = seededRandom(9);
  let next = bipop.next("large", 1, random);
  const lambdas: number[] = [];
  for (let i = 0; i < 60; i++) {
    lambdas.push(next.lambda);
    next = bipop.next(next.regime, 1_000, random);
  }
  assertEquals(Math.max(...lambdas), 40);
});

Deno.test("Bipop.restore() goes on alike", PURE, () => {
  const bipop = new Bipop(10, 10_000);
  bipop.next("large", 1_000, seededRandom(1));
  bipop.next("large", 2_000, seededRandom(1));
  const restored = Bipop.restore(
    new Bipop(10, 10_000),
    Fields.of(JSON.parse(JSON.stringify(bipop.state()))),
  );
  assertEquals(
    restored.next("small", 77, seededRandom(2)),
    bipop.next("small", 77, seededRandom(2)),
  );
});
