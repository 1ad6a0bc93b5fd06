/**
 * What a search costs each evaluation: one asked for and told of. It has to stay far below what an evaluation takes.
 */

import { seededRandom } from "../src/base/random.ts";
import type { Optimizer } from "../src/work/evolve/optimizer.ts";
import { newOptimizer } from "../src/work/evolve/optimizers.ts";
import { isGenome, type Space } from "../src/work/evolve/space.ts";

function reals(dims: number): Space {
  return {
    kind: "real",
    dims,
    lower: new Array<number>(dims).fill(-5),
    upper: new Array<number>(dims).fill(5),
  };
}

function step(search: Optimizer): void {
  for (const { id, genome } of search.ask(1)) {
    search.tell([{ id, fitness: genome.reduce((sum, x, i) => sum + (x - Math.sin(i)) ** 2, 0) }]);
  }
}

const SPACES: readonly (readonly [string, Space])[] = [
  ["20 reals, all covariances", reals(20)],
  ["100 reals, all covariances", reals(100)],
  ["101 reals, variances", reals(101)],
  ["4,096 reals, variances", reals(4_096)],
  ["100 bits", { kind: "bits", dims: 100 }],
  ["an order of 51", { kind: "permutation", dims: 51 }],
];

for (const [name, space] of SPACES) {
  const search = newOptimizer(space, seededRandom(1));
  for (let i = 0; i < 500; i++) step(search);
  if (!isGenome(search.best?.genome, space) || search.evaluations !== 500) {
    throw new Error(`The search of ${name} is broken`);
  }
  Deno.bench(name, { group: "an evaluation", baseline: space === SPACES[0]?.[1] }, () => {
    step(search);
  });
}
