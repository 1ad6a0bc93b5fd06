/**
 * How a search with CMA-ES begins anew: N. Hansen, "Benchmarking a BI-Population CMA-ES on the BBOB-2009 Function
 * Testbed" (GECCO 2009, section 2). Of two regimes, one doubles the population each time (as IPOP of A. Auger,
 * N. Hansen, CEC 2005), the other tries small populations with small steps; whichever has cost less so far is next. The
 * paper ends after nine doublings; here the regimes then begin anew, since a search lasts as long as its job, or before
 * populations outgrow what a checkpoint can hold.
 */

import type { Fields } from "../../base/guards.ts";
import type { Random } from "../../base/random.ts";

/** `large` after a first run: populations double. `small`: between the default and half the large one. */
export type Regime = "large" | "small";

export interface NextRun {
  readonly regime: Regime;
  readonly lambda: number;
  /** By what the first sigma is multiplied. */
  readonly sigmaFactor: number;
  /** The evaluations that the run may take; `Infinity` for the large regime. */
  readonly maxEvaluations: number;
}

const MAX_DOUBLINGS = 9;
const COUNT = { min: 0, max: Number.MAX_SAFE_INTEGER };

export class Bipop {
  readonly #lambda0: number;
  readonly #maxDoublings: number;
  #doublings = 0;
  readonly #spent = { large: 0, small: 0 };
  /** What the last run of the large regime took. */
  #lastLarge = 0;
  #isFirst = true;

  constructor(lambda0: number, maxLambda: number) {
    this.#lambda0 = lambda0;
    const fitting = Math.floor(Math.log2(maxLambda / lambda0));
    this.#maxDoublings = Math.max(0, Math.min(MAX_DOUBLINGS, fitting));
  }

  static restore(bipop: Bipop, fields: Fields): Bipop {
    bipop.#doublings = fields.integer("doublings", { min: 0, max: bipop.#maxDoublings });
    bipop.#spent.large = fields.integer("large", COUNT);
    bipop.#spent.small = fields.integer("small", COUNT);
    bipop.#lastLarge = fields.integer("last_large", COUNT);
    bipop.#isFirst = fields.boolean("is_first");
    return bipop;
  }

  state() {
    return {
      doublings: this.#doublings,
      large: this.#spent.large,
      small: this.#spent.small,
      last_large: this.#lastLarge,
      is_first: this.#isFirst,
    };
  }

  /** The run after one of `regime` that took `evaluations`. The first run counts for neither regime. */
  next(regime: Regime, evaluations: number, random: Random): NextRun {
    if (!this.#isFirst) this.#spent[regime] += evaluations;
    if (regime === "large") this.#lastLarge = evaluations;
    const isSmall = !this.#isFirst && this.#spent.small < this.#spent.large;
    this.#isFirst = false;
    return isSmall ? this.#small(random) : this.#large();
  }

  #large(): NextRun {
    if (++this.#doublings > this.#maxDoublings) {
      this.#doublings = 0;
      this.#spent.large = 0;
      this.#spent.small = 0;
    }
    return {
      regime: "large",
      lambda: this.#lambda0 * 2 ** this.#doublings,
      sigmaFactor: 1,
      maxEvaluations: Infinity,
    };
  }

  #small(random: Random): NextRun {
    const share = 0.5 * 2 ** this.#doublings;
    const lambda = Math.floor(this.#lambda0 * share ** (random.next() ** 2));
    return {
      regime: "small",
      lambda: Math.max(this.#lambda0, lambda),
      sigmaFactor: 10 ** (-2 * random.next()),
      maxEvaluations: Math.max(1, Math.floor(this.#lastLarge / 2)),
    };
  }
}
