import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import {
  balance,
  describe as describeCartpole,
  evaluate as balanceOf,
  stepOf,
} from "../../scripts/examples/cartpole.ts";
import { describe as describeTour, evaluate as lengthOf } from "../../scripts/examples/eil51.ts";
import {
  describe as describeRastrigin,
  evaluate as rastrigin,
} from "../../scripts/examples/rastrigin.ts";
import { describe as describeSphere, evaluate as sphere } from "../../scripts/examples/sphere.ts";
import { seededRandom } from "../../src/base/random.ts";
import { newOptimizer } from "../../src/work/evolve/optimizers.ts";
import type { Genome, Space } from "../../src/work/evolve/space.ts";

const PURE = { permissions: "none" } as const;

// eil51.opt.tour of TSPLIB.
const OPTIMAL_TOUR =
  "1 22 8 26 31 28 3 36 35 20 2 29 21 16 50 34 30 9 49 10 39 33 45 15 44 42 40 19 41 13 25 14 24 43 7 23 48 6 27 51 46 12 47 18 4 17 37 5 38 11 32";

function spaceOf(dims: number, [low, high]: readonly number[]): Space {
  return {
    kind: "real",
    dims,
    lower: new Array<number>(dims).fill(low ?? 0),
    upper: new Array<number>(dims).fill(high ?? 0),
  };
}

/** Searches until `target` is reached or `limit` evaluations are spent. */
function search(
  space: Space,
  fitness: (genome: Genome) => number,
  { seed, target, limit }: {
    readonly seed: number;
    readonly target: number;
    readonly limit: number;
  },
) {
  const optimizer = newOptimizer(space, seededRandom(seed));
  while (optimizer.evaluations < limit && !((optimizer.best?.fitness ?? Infinity) <= target)) {
    optimizer.tell(
      optimizer.ask(4).map(({ id, genome }) => ({ id, fitness: fitness(genome) })),
    );
  }
  const { best } = optimizer;
  assert(best);
  return { ...best, evaluations: optimizer.evaluations };
}

Deno.test("eil51: TSPLIB's optimal tour is 426 long, the other way round too", PURE, () => {
  const tour = OPTIMAL_TOUR.split(" ").map((city) => Number(city) - 1);
  assertEquals(lengthOf(tour), 426);
  assertEquals(lengthOf(tour.toReversed()), 426);
  assert(lengthOf(tour.toSorted((a, b) => a - b)) > 1_000);
});

Deno.test("eil51: a search comes within 2 % of the optimum in 50,000 evaluations", PURE, () => {
  const { space } = describeTour();
  const options = { seed: 1, target: 434, limit: 50_000 };
  const { fitness } = search({ kind: "permutation", dims: space.dims }, lengthOf, options);
  assert(fitness <= 434, `${fitness}`);
});

Deno.test("cartpole: a search solves it, for starts that it never saw as well", PURE, () => {
  const { dims, bounds, target } = describeCartpole();
  const options = { seed: 4, target: -target, limit: 500 };
  const seen = { seed: 4 };
  const best = search(spaceOf(dims, bounds), (genome) => -balanceOf(genome, seen), options);
  assertEquals(-best.fitness, 500);
  assert(balanceOf(best.genome, { seed: 5 }) >= 490);
});

Deno.test(
  "cartpole: a step without force or friction falls as the linear equations say",
  PURE,
  () => {
    // Near upright, the angle's acceleration is g angle / (l (4/3 - m / M)) = 15.776 angle.
    const state = stepOf({ x: 0, speed: 0, angle: 1e-4, turning: 0 }, 0);
    assertAlmostEquals(state.turning, 0.02 * 1e-4 * 9.8 / (0.5 * (4 / 3 - 0.1 / 1.1)), 1e-12);
    assertEquals(state.angle, 1e-4, "Euler's steps move by the old speed");
  },
);

Deno.test("cartpole: whoever does nothing sensible lets it fall early", PURE, () => {
  const { dims } = describeCartpole();
  const start = { x: 0, speed: 0, angle: 0.01, turning: 0 };
  assert(balance(new Array<number>(dims).fill(0), start) < 20);
  const genome = new Array<number>(dims).fill(0.3);
  assertEquals(balanceOf(genome, { seed: 7 }), balanceOf(genome, { seed: 7 }));
});

Deno.test("sphere and rastrigin: 0 at the origin, and as they are written elsewhere", PURE, () => {
  for (
    const [evaluate, { dims }] of [[sphere, describeSphere()], [
      rastrigin,
      describeRastrigin(),
    ]] as const
  ) {
    assertEquals(evaluate(new Array<number>(dims).fill(0)), 0);
  }
  assertEquals(sphere([1, -2, 3]), 14);
  // 20 + 1 + 0.25 - 10 cos(2 pi) - 10 cos(pi)
  assertAlmostEquals(rastrigin([1, 0.5]), 21.25, 1e-12);
});
