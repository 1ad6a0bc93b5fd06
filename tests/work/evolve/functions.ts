/** Functions with known optima, and how a search meets them in tests. */

import { seededRandom } from "../../../src/base/random.ts";
import { CmaEs, type CmaOptions } from "../../../src/work/evolve/cma_es.ts";
import { Generator } from "../../../src/work/evolve/generator.ts";
import type { Optimizer } from "../../../src/work/evolve/optimizer.ts";
import type { Genome, RealSpace } from "../../../src/work/evolve/space.ts";

export const PURE = { permissions: "none" } as const;

export type Fitness = (genome: Genome) => number;

export const sphere: Fitness = (x) => x.reduce((sum, value) => sum + value * value, 0);

/** Condition 10^6. */
export const ellipsoid: Fitness = (x) =>
  x.reduce((sum, value, i) => sum + 10 ** (6 * i / (x.length - 1)) * value * value, 0);

export const rosenbrock: Fitness = (x) =>
  x.slice(1).reduce((sum, next, i) => {
    const here = x[i] as number;
    return sum + 100 * (here * here - next) ** 2 + (here - 1) ** 2;
  }, 0);

export const rastrigin: Fitness = (x) =>
  x.reduce((sum, value) => sum + value * value + 10 - 10 * Math.cos(2 * Math.PI * value), 0);

export function box(dims: number, low = -5, high = 5): RealSpace {
  return {
    kind: "real",
    dims,
    lower: new Array<number>(dims).fill(low),
    upper: new Array<number>(dims).fill(high),
  };
}

export function newCma(space: RealSpace, seed: number, options?: CmaOptions): CmaEs {
  return CmaEs.create(space, Generator.from(seededRandom(seed)), options);
}

/** Asks for one and tells of it until `target` or `limit` is reached; how many evaluations it took. */
export function minimize(
  search: Optimizer,
  fitness: Fitness,
  { target, limit }: { readonly target: number; readonly limit: number },
): number {
  while (search.evaluations < limit && !((search.best?.fitness ?? Infinity) <= target)) {
    const [candidate] = search.ask(1);
    if (!candidate) throw new Error("the search gave nothing");
    search.tell([{ id: candidate.id, fitness: fitness(candidate.genome) }]);
  }
  return search.evaluations;
}

/** Keeps `width` under way and tells of them in random order. */
export function minimizeAsynchronously(
  search: Optimizer,
  fitness: Fitness,
  { width, seed, target, limit }: {
    readonly width: number;
    readonly seed: number;
    readonly target: number;
    readonly limit: number;
  },
): number {
  const random = seededRandom(seed);
  const underWay = [...search.ask(width)];
  while (search.evaluations < limit && !((search.best?.fitness ?? Infinity) <= target)) {
    const at = Math.floor(random.next() * underWay.length);
    const [done] = underWay.splice(at, 1, ...search.ask(1));
    if (!done) throw new Error("nothing is under way");
    search.tell([{ id: done.id, fitness: fitness(done.genome) }]);
  }
  return search.evaluations;
}
