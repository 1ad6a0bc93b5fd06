/**
 * One run of CMA-ES, from its first distribution until it has nothing more to give: equations 38 to 47 of N. Hansen,
 * "The CMA Evolution Strategy: A Tutorial" (arXiv:1604.00772). Points that the present distribution did not make,
 * migrants and late results, are taken in as N. Hansen, "Injecting External Solutions Into CMA-ES" (arXiv:1110.4181)
 * says: the length of their steps is limited, and so is the change of the step size. The letters are the papers'.
 */

import { FieldError, type Fields } from "../../base/guards.ts";
import {
  type CmaParameters,
  cmaParameters,
  type CovarianceKind,
  defaultLambda,
} from "./cma_parameters.ts";
import {
  type Covariance,
  newCovariance,
  restoreCovariance,
  type WeightedStep,
} from "./covariance.ts";
import type { Generator } from "./generator.ts";
import { readVector, writeVector } from "./search_state.ts";
import { Stopping, type StopReason } from "./stopping.ts";
import { addScaled, norm, scale, scaledDifference, type Vector } from "./vectors.ts";

/** One point of a generation. */
export interface Member {
  readonly point: Vector;
  readonly fitness: number;
  /** Whether the present distribution made it. */
  readonly isNative: boolean;
}

export interface RunStart {
  readonly kind: CovarianceKind;
  readonly lambda: number;
  readonly mean: Vector;
  readonly sigma: number;
}

/** The largest factor by which a generation with external points may lengthen sigma: e to the power of it. */
const MAX_SIGMA_CHANGE = 1;

export class CmaRun {
  /** Of the population of the next generation. */
  #parameters: CmaParameters;
  /** The population size that the run began with. */
  readonly lambda: number;
  readonly kind: CovarianceKind;
  readonly #sigma0: number;
  #generation = 0;
  #mean: Vector;
  #sigma: number;
  #pSigma: Vector;
  #pC: Vector;
  #covariance: Covariance;
  #stopping: Stopping;

  constructor({ kind, lambda, mean, sigma }: RunStart) {
    this.kind = kind;
    this.lambda = lambda;
    this.#parameters = cmaParameters(mean.length, lambda, kind);
    this.#mean = mean;
    this.#sigma0 = sigma;
    this.#sigma = sigma;
    this.#pSigma = new Float64Array(mean.length);
    this.#pC = new Float64Array(mean.length);
    this.#covariance = newCovariance(kind, mean.length);
    this.#stopping = new Stopping(this.#parameters);
  }

  /** Goes on from {@link state}. Throws {@link FieldError}. */
  static restore(fields: Fields, { kind, n }: { kind: CovarianceKind; n: number }): CmaRun {
    const positive = { min: Number.MIN_VALUE, max: Number.MAX_VALUE };
    const run = new CmaRun({
      kind,
      lambda: fields.integer("lambda", { min: 2, max: maxLambda(n) }),
      mean: readVector(fields, "mean", n),
      sigma: fields.number("sigma0", positive),
    });
    run.resize(fields.integer("population", { min: run.lambda, max: maxLambda(n) }));
    run.#sigma = fields.number("sigma", positive);
    run.#generation = fields.integer("generation", { min: 0, max: Number.MAX_SAFE_INTEGER });
    run.#pSigma = readVector(fields, "p_sigma", n);
    run.#pC = readVector(fields, "p_c", n);
    run.#covariance = restoreCovariance(kind, n, fields.object("covariance"));
    run.#stopping = Stopping.restore(run.#parameters, fields.object("history"));
    if (!run.#isFinite) {
      throw new FieldError("invalid_field", "run", "a distribution that overflows");
    }
    return run;
  }

  state() {
    return {
      lambda: this.lambda,
      population: this.#parameters.lambda,
      generation: this.#generation,
      sigma0: this.#sigma0,
      sigma: this.#sigma,
      mean: writeVector(this.#mean),
      p_sigma: writeVector(this.#pSigma),
      p_c: writeVector(this.#pC),
      covariance: this.#covariance.state(),
      history: this.#stopping.state(),
    };
  }

  get generation(): number {
    return this.#generation;
  }

  get sigma(): number {
    return this.#sigma;
  }

  get mean(): Vector {
    return this.#mean.slice();
  }

  get parameters(): CmaParameters {
    return this.#parameters;
  }

  /** The next generation's population; never below what the run began with. */
  resize(population: number): void {
    const lambda = Math.min(maxLambda(this.#mean.length), Math.max(this.lambda, population));
    if (lambda === this.#parameters.lambda) return;
    this.#parameters = cmaParameters(this.#mean.length, lambda, this.kind);
  }

  /** Lets the search go on in the mirror image: coordinate `i` of the mean becomes `value`, and its axis turns round. */
  flip(i: number, value: number): void {
    this.#mean[i] = value;
    this.#pSigma[i] = -(this.#pSigma[i] as number);
    this.#pC[i] = -(this.#pC[i] as number);
    this.#covariance.flip(i);
  }

  /** A point of the present distribution. */
  sample(random: Generator): Vector {
    const z = this.#mean.map(() => random.normal());
    const point = this.#covariance.shape(z);
    scale(point, this.#sigma);
    addScaled(point, 1, this.#mean);
    return point;
  }

  /** Takes a generation, best first and as many as the population, and says why the run should end, if it should. */
  update(ranked: readonly Member[]): StopReason | undefined {
    this.#generation++;
    const steps = ranked.map((member, i): WeightedStep => ({
      weight: this.parameters.weights[i] as number,
      y: this.#stepOf(member),
    }));
    const shift = this.#moveMean(steps);
    const length = this.#lengthenPath(shift);
    const isHeld = this.#movePathC(shift, length);
    this.#covariance.update({ parameters: this.parameters, path: this.#pC, isHeld, steps });
    this.#adaptSigma(length, ranked.every(({ isNative }) => isNative));
    this.#stopping.note(ranked.map(({ fitness }) => fitness), this.#generation);
    return this.#reason();
  }

  /** `(x - m) / sigma`; for external points no longer than the distribution's own are, but seldom. */
  #stepOf({ point, isNative }: Member): Vector {
    const y = scaledDifference(point, this.#mean, 1 / this.#sigma);
    if (isNative) return y;
    const { n } = this.parameters;
    const limit = Math.sqrt(n) + 2 * n / (n + 2);
    const length = norm(this.#covariance.whiten(y));
    if (length > limit) scale(y, limit / length);
    return y;
  }

  #moveMean(steps: readonly WeightedStep[]): Vector {
    const shift = new Float64Array(this.parameters.n);
    for (const { weight, y } of steps.slice(0, this.parameters.mu)) addScaled(shift, weight, y);
    addScaled(this.#mean, this.#sigma, shift);
    return shift;
  }

  #lengthenPath(shift: Vector): number {
    const { cSigma, muEff } = this.parameters;
    scale(this.#pSigma, 1 - cSigma);
    const whitened = this.#covariance.whiten(shift);
    addScaled(this.#pSigma, Math.sqrt(cSigma * (2 - cSigma) * muEff), whitened);
    return norm(this.#pSigma);
  }

  /** Whether the path was held back since sigma grows fast: 1 - h_sigma. */
  #movePathC(shift: Vector, length: number): boolean {
    const { n, cSigma, cC, chiN, muEff } = this.parameters;
    const warmUp = Math.sqrt(1 - (1 - cSigma) ** (2 * this.#generation));
    const isHeld = !(length / warmUp < (1.4 + 2 / (n + 1)) * chiN);
    scale(this.#pC, 1 - cC);
    if (!isHeld) addScaled(this.#pC, Math.sqrt(cC * (2 - cC) * muEff), shift);
    return isHeld;
  }

  #adaptSigma(length: number, isNative: boolean): void {
    const { cSigma, dSigma, chiN } = this.parameters;
    const change = cSigma / dSigma * (length / chiN - 1);
    this.#sigma *= Math.exp(isNative ? change : Math.min(MAX_SIGMA_CHANGE, change));
  }

  #reason(): StopReason | undefined {
    if (!this.#isFinite) return "tol_x_up";
    return this.#stopping.reason({
      generation: this.#generation,
      mean: this.#mean,
      sigma: this.#sigma,
      sigma0: this.#sigma0,
      path: this.#pC,
      deviations: this.#covariance.deviations,
      condition: this.#covariance.condition,
      axis: this.#covariance.axis(this.#generation),
    });
  }

  get #isFinite(): boolean {
    return Number.isFinite(this.#sigma) && this.#sigma > 0 && Number.isFinite(norm(this.#mean)) &&
      this.#covariance.deviations.every(Number.isFinite);
  }
}

/** Numbers in a population: a snapshot keeps what is in of it. */
const MAX_NUMBERS = 150_000;

/**
 * The largest population for `n` dimensions: beyond 10 n^2 up to 24 dimensions, where T. Liao and T. Stuetzle bound it
 * ("Bounding the Population Size of IPOP-CMA-ES on the Noiseless BBOB Testbed", 2013).
 */
export function maxLambda(n: number): number {
  return Math.max(2 * defaultLambda(n), Math.floor(MAX_NUMBERS / n));
}
