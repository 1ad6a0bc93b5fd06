/**
 * When a run of CMA-ES has nothing more to give: the criteria of N. Hansen, "Benchmarking a BI-Population CMA-ES on the
 * BBOB-2009 Function Testbed" (GECCO 2009, section 2), and of the tutorial (arXiv:1604.00772, appendix B.3), with their
 * defaults. A search never ends by them; it begins anew elsewhere.
 */

import type { Fields } from "../../base/guards.ts";
import type { CmaParameters } from "./cma_parameters.ts";
import { readFitnesses, writeFitness } from "./search_state.ts";
import { addScaled, type Vector } from "./vectors.ts";

/** Which criterion ended a run, by its name in the papers. */
export type StopReason =
  | "max_iter"
  | "tol_hist_fun"
  | "equal_fun_vals"
  | "tol_x"
  | "tol_x_up"
  | "stagnation"
  | "condition_cov"
  | "no_effect_axis"
  | "no_effect_coor";

/** What of a run's distribution the criteria look at. */
export interface StopView {
  readonly generation: number;
  readonly mean: Vector;
  readonly sigma: number;
  readonly sigma0: number;
  readonly path: Vector;
  readonly deviations: Vector;
  readonly condition: number;
  /** The principal axis of this generation. */
  readonly axis: Vector;
}

const TOL_HIST_FUN = 1e-12;
const TOL_X = 1e-12;
const TOL_X_UP = 1e4;
const MAX_CONDITION = 1e14;
/** At most so many generations are remembered, so that a checkpoint stays small; the papers go up to 20,000. */
const MAX_HISTORY = 2_000;
/** Of how many values at either end of the history the medians are compared. */
const MEDIAN_OF = 20;

/** What is remembered of a run's generations, and the verdict on it. */
export class Stopping {
  readonly #parameters: CmaParameters;
  readonly #best: number[] = [];
  readonly #median: number[] = [];
  /** Of the last `n` generations: 1 where the best and the k-th best were equal. */
  readonly #equal: number[] = [];
  #range = Infinity;

  constructor(parameters: CmaParameters) {
    this.#parameters = parameters;
  }

  static restore(parameters: CmaParameters, fields: Fields): Stopping {
    const stopping = new Stopping(parameters);
    stopping.#best.push(...readFitnesses(fields, "best", MAX_HISTORY));
    stopping.#median.push(...readFitnesses(fields, "median", MAX_HISTORY));
    stopping.#equal.push(...readFitnesses(fields, "equal", parameters.n));
    return stopping;
  }

  state() {
    return {
      best: this.#best.map(writeFitness),
      median: this.#median.map(writeFitness),
      equal: [...this.#equal],
    };
  }

  /** Notes a generation's fitness, best first. */
  note(ranked: readonly number[], generation: number): void {
    const { n, lambda } = this.#parameters;
    const first = ranked[0] as number;
    this.#range = (ranked.at(-1) as number) - first;
    this.#best.push(first);
    this.#median.push(ranked[Math.floor(ranked.length / 2)] as number);
    const window = Math.ceil(0.2 * generation + 120 + 30 * n / lambda);
    for (const list of [this.#best, this.#median]) {
      while (list.length > Math.min(MAX_HISTORY, window)) list.shift();
    }
    const k = Math.min(ranked.length - 1, Math.ceil(0.1 + ranked.length / 4));
    this.#equal.push(first === ranked[k] ? 1 : 0);
    if (this.#equal.length > n) this.#equal.shift();
  }

  /** Why the run should end, if it should. */
  reason(view: StopView): StopReason | undefined {
    const { n, lambda } = this.#parameters;
    const { generation, sigma, sigma0, deviations } = view;
    if (generation >= 100 + 50 * (n + 3) ** 2 / Math.sqrt(lambda)) return "max_iter";
    if (this.#isFlat()) return "tol_hist_fun";
    if (this.#areEqual()) return "equal_fun_vals";
    const tolerance = TOL_X * sigma0;
    const isTiny = (value: number) => sigma * Math.abs(value) < tolerance;
    if (deviations.every(isTiny) && view.path.every(isTiny)) return "tol_x";
    if (deviations.some((value) => sigma * value > TOL_X_UP * sigma0)) return "tol_x_up";
    if (this.#isStagnant(generation)) return "stagnation";
    if (!(view.condition <= MAX_CONDITION)) return "condition_cov";
    return reasonOfEffect(view);
  }

  /** TolHistFun: the best of the last generations, and the last generation, hardly differ. */
  #isFlat(): boolean {
    const { n, lambda } = this.#parameters;
    const length = 10 + Math.ceil(30 * n / lambda);
    if (this.#best.length < length || !(this.#range < TOL_HIST_FUN)) return false;
    const recent = this.#best.slice(-length);
    return Math.max(...recent) - Math.min(...recent) < TOL_HIST_FUN;
  }

  #areEqual(): boolean {
    const { n } = this.#parameters;
    const count = this.#equal.reduce((sum, isEqual) => sum + isEqual, 0);
    return this.#equal.length === n && count > n / 3;
  }

  #isStagnant(generation: number): boolean {
    const { n, lambda } = this.#parameters;
    const window = Math.min(MAX_HISTORY, Math.ceil(0.2 * generation + 120 + 30 * n / lambda));
    return this.#best.length >= window &&
      [this.#best, this.#median].every((list) =>
        medianOf(list.slice(-MEDIAN_OF)) >= medianOf(list.slice(0, MEDIAN_OF))
      );
  }
}

/** Whether a tenth of a principal axis, or a fifth of a coordinate's deviation, is lost in rounding the mean. */
function reasonOfEffect({ mean, sigma, axis, deviations }: StopView): StopReason | undefined {
  const moved = mean.slice();
  addScaled(moved, 0.1 * sigma, axis);
  if (moved.every((value, i) => value === mean[i])) return "no_effect_axis";
  const isLost = mean.some((value, i) => value + 0.2 * sigma * (deviations[i] as number) === value);
  return isLost ? "no_effect_coor" : undefined;
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Infinity;
}
