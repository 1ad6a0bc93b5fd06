/** The smallest search there is, for islands in simulations: it samples around its best, ever closer. */

import type { JsonObject } from "../../../src/base/guards.ts";
import { type Random, seededRandom } from "../../../src/base/random.ts";
import type { Candidate, Optimizer, Result, Solution } from "../../../src/work/evolve/optimizer.ts";
import type { Genome, RealSpace, Space } from "../../../src/work/evolve/space.ts";
import type { SearchFactory } from "../../../src/work/job/job_outlet.ts";

const GENERATION = 10;

export class RandomSearch implements Optimizer {
  readonly space: RealSpace;
  readonly #random: Random;
  readonly #asked = new Map<number, Genome>();
  #nextId = 1;
  #evaluations = 0;
  #step = 0.5;
  #best: Solution | undefined;

  constructor(space: Space, seed: number) {
    if (space.kind !== "real") throw new RangeError("Cannot search: only real vectors");
    this.space = space;
    this.#random = seededRandom(seed);
  }

  get generation(): number {
    return Math.floor(this.#evaluations / GENERATION);
  }

  get evaluations(): number {
    return this.#evaluations;
  }

  get best(): Solution | undefined {
    return this.#best;
  }

  ask(count: number): readonly Candidate[] {
    return Array.from({ length: count }, () => {
      const candidate = { id: this.#nextId++, genome: this.#sample() };
      this.#asked.set(candidate.id, candidate.genome);
      return candidate;
    });
  }

  tell(results: readonly Result[]): void {
    for (const { id, fitness } of results) {
      const genome = this.#asked.get(id);
      if (!genome) continue;
      this.#asked.delete(id);
      this.#evaluations++;
      // The one-fifth rule (Rechenberg, 1973).
      const isBetter = fitness < (this.#best?.fitness ?? Infinity);
      this.#step = Math.min(0.5, this.#step * (isBetter ? 1.5 : 0.9036));
      if (isBetter) this.#best = { genome, fitness };
    }
  }

  migrate(solution: Solution): void {
    if (solution.fitness < (this.#best?.fitness ?? Infinity)) this.#best = solution;
  }

  snapshot(): JsonObject {
    return {
      best: this.#best ? [...this.#best.genome] : null,
      fitness: this.#best?.fitness ?? null,
    };
  }

  /** Goes on near what was best. */
  recall(snapshot: JsonObject): void {
    const { best, fitness } = snapshot;
    if (Array.isArray(best) && typeof fitness === "number") this.#best = { genome: best, fitness };
  }

  #sample(): Genome {
    const { lower, upper } = this.space;
    return lower.map((low, i) => {
      const high = upper[i] ?? low;
      const around = this.#best?.genome[i];
      if (around === undefined) return low + this.#random.next() * (high - low);
      const x = around + (this.#random.next() * 2 - 1) * this.#step * (high - low);
      return Math.min(high, Math.max(low, x));
    });
  }
}

export const RANDOM_SEARCH: SearchFactory = {
  create: (space, seed) => new RandomSearch(space, seed),
  restore(space, snapshot) {
    const search = new RandomSearch(space, 1);
    search.recall(snapshot);
    return search;
  },
};
