/**
 * The shape of a CMA-ES distribution: a full covariance matrix, whose decomposition is renewed as seldom as the tutorial
 * allows (arXiv:1604.00772, appendix B.2), or, for many dimensions, variances only (Ros & Hansen 2008), where every step
 * costs as much as it has dimensions.
 */

import { FieldError, type Fields } from "../../base/guards.ts";
import type { CmaParameters, CovarianceKind } from "./cma_parameters.ts";
import { eigenOfSymmetric } from "./eigen.ts";
import { readRows, readVector, writeVector } from "./search_state.ts";
import { addScaled, dot, identityRows, scale, type Vector } from "./vectors.ts";

/** One step of a generation: `y = (x - m) / sigma`, and its weight by rank. */
export interface WeightedStep {
  readonly weight: number;
  readonly y: Vector;
}

export interface CovarianceUpdate {
  /** Of a population of as many as there are steps. */
  readonly parameters: CmaParameters;
  /** The evolution path, p_c. */
  readonly path: Vector;
  /** Whether the path was held back, so that its variance is made up for: 1 - h_sigma. */
  readonly isHeld: boolean;
  readonly steps: readonly WeightedStep[];
}

export interface Covariance {
  /** The standard deviation of each coordinate, without sigma. */
  readonly deviations: Vector;
  /** The largest eigenvalue by the smallest; `Infinity` where the matrix is no covariance any more. */
  readonly condition: number;
  /** `C^(1/2) z`. */
  shape(z: Vector): Vector;
  /** `C^(-1/2) y`. */
  whiten(y: Vector): Vector;
  /** Principal axis `k mod n`, as long as its standard deviation. */
  axis(k: number): Vector;
  /** Equation 47 of the tutorial. */
  update(update: CovarianceUpdate): void;
  /** Turns coordinate `i` round. */
  flip(i: number): void;
  state(): CovarianceState;
}

/** As JSON. */
export interface CovarianceState {
  readonly rows: readonly string[];
  /** Eigenvectors and roots of eigenvalues that are in use; empty for variances only. */
  readonly axes: readonly string[];
  readonly roots: string;
  /** Generations since they were computed. */
  readonly age: number;
}

export function newCovariance(kind: CovarianceKind, n: number): Covariance {
  return kind === "full" ? new FullCovariance(n) : new Variances(n);
}

/** Reads what {@link Covariance.state} gave. Throws {@link FieldError}. */
export function restoreCovariance(kind: CovarianceKind, n: number, fields: Fields): Covariance {
  if (kind === "diagonal") {
    const [variances] = readRows(fields, "rows", { rows: 1, columns: n });
    return new Variances(n, variances);
  }
  const restored = {
    rows: readRows(fields, "rows", { rows: n, columns: n }),
    axes: readRows(fields, "axes", { rows: n, columns: n }),
    roots: readVector(fields, "roots", n),
    age: fields.integer("age", { min: 0, max: Number.MAX_SAFE_INTEGER }),
  };
  if (!restored.roots.every((root) => root > 0)) {
    throw new FieldError("invalid_field", "covariance.roots", "expected positive numbers");
  }
  return new FullCovariance(n, restored);
}

interface FullParts {
  readonly rows: Vector[];
  readonly axes: readonly Vector[];
  readonly roots: Vector;
  readonly age: number;
}

class FullCovariance implements Covariance {
  readonly #rows: readonly Vector[];
  /** Rows are eigenvectors. */
  #axes: readonly Vector[];
  #roots: Vector;
  #age: number;
  #isSound = true;

  constructor(n: number, restored?: FullParts) {
    this.#rows = restored?.rows ?? identityRows(n);
    this.#axes = restored?.axes ?? identityRows(n);
    this.#roots = restored?.roots ?? new Float64Array(n).fill(1);
    this.#age = restored?.age ?? 0;
  }

  get deviations(): Vector {
    return Float64Array.from(this.#rows, (row, i) => Math.sqrt(row[i] as number));
  }

  get condition(): number {
    return this.#isSound ? (Math.max(...this.#roots) / Math.min(...this.#roots)) ** 2 : Infinity;
  }

  shape(z: Vector): Vector {
    const y = new Float64Array(z.length);
    this.#axes.forEach((axis, k) =>
      addScaled(y, (z[k] as number) * (this.#roots[k] as number), axis)
    );
    return y;
  }

  whiten(y: Vector): Vector {
    const result = new Float64Array(y.length);
    this.#axes.forEach((axis, k) =>
      addScaled(result, dot(axis, y) / (this.#roots[k] as number), axis)
    );
    return result;
  }

  axis(k: number): Vector {
    const index = k % this.#axes.length;
    const axis = (this.#axes[index] as Vector).slice();
    scale(axis, this.#roots[index] as number);
    return axis;
  }

  update({ parameters, path, isHeld, steps }: CovarianceUpdate): void {
    const { n, c1, cMu } = parameters;
    const factors = steps.map(({ weight, y }) => {
      if (weight >= 0) return cMu * weight;
      const length = this.whiten(y);
      return cMu * weight * n / Math.max(dot(length, length), Number.MIN_VALUE);
    });
    const decay = decayOf(parameters, isHeld, steps);
    this.#rows.forEach((row, i) => {
      scale(row, decay);
      addScaled(row, c1 * (path[i] as number), path);
      steps.forEach(({ y }, k) => addScaled(row, (factors[k] as number) * (y[i] as number), y));
    });
    if (++this.#age >= Math.floor(1 / (10 * n * (c1 + cMu)))) this.#decompose();
  }

  flip(i: number): void {
    this.#rows.forEach((row, k) => {
      if (k === i) scale(row, -1);
      row[i] = -(row[i] as number);
    });
    for (const axis of this.#axes) axis[i] = -(axis[i] as number);
  }

  state(): CovarianceState {
    return {
      rows: this.#rows.map(writeVector),
      axes: this.#axes.map(writeVector),
      roots: writeVector(this.#roots),
      age: this.#age,
    };
  }

  /** What is no covariance any more leaves the last decomposition in use, until the run ends for its condition. */
  #decompose(): void {
    this.#age = 0;
    // Rounding makes the halves differ in the last bits.
    this.#rows.forEach((row, i) => {
      for (let j = 0; j < i; j++) (this.#rows[j] as Vector)[i] = row[j] as number;
    });
    const eigen = eigenOfSymmetric(this.#rows);
    this.#isSound = eigen?.values.every((value) => value > 0) ?? false;
    if (!eigen || !this.#isSound) return;
    this.#axes = eigen.vectors;
    this.#roots = eigen.values.map(Math.sqrt);
  }
}

class Variances implements Covariance {
  readonly #variances: Vector;

  constructor(n: number, variances?: Vector) {
    this.#variances = variances ?? new Float64Array(n).fill(1);
  }

  get deviations(): Vector {
    return this.#variances.map(Math.sqrt);
  }

  get condition(): number {
    let low = Infinity;
    let high = 0;
    for (const variance of this.#variances) {
      low = Math.min(low, variance);
      high = Math.max(high, variance);
    }
    return low > 0 ? high / low : Infinity;
  }

  shape(z: Vector): Vector {
    return z.map((value, i) => value * Math.sqrt(this.#variances[i] as number));
  }

  whiten(y: Vector): Vector {
    return y.map((value, i) => value / Math.sqrt(this.#variances[i] as number));
  }

  axis(k: number): Vector {
    const index = k % this.#variances.length;
    const axis = new Float64Array(this.#variances.length);
    axis[index] = Math.sqrt(this.#variances[index] as number);
    return axis;
  }

  update({ parameters, path, isHeld, steps }: CovarianceUpdate): void {
    const { c1, cMu } = parameters;
    const variances = this.#variances;
    scale(variances, decayOf(parameters, isHeld, steps));
    addScaled(variances, c1, path.map((value) => value * value));
    for (const { weight, y } of steps) {
      if (weight > 0) addScaled(variances, cMu * weight, y.map((value) => value * value));
    }
  }

  flip(_i: number): void {
    // Variances have no direction.
  }

  state(): CovarianceState {
    return { rows: [writeVector(this.#variances)], axes: [], roots: "", age: 0 };
  }
}

/** `1 + c_1 delta(h_sigma) - c_1 - c_mu sum(w)`. */
function decayOf(
  { c1, cMu, cC }: CmaParameters,
  isHeld: boolean,
  steps: readonly WeightedStep[],
): number {
  const weights = steps.reduce((sum, { weight }) => sum + weight, 0);
  return 1 + (isHeld ? c1 * cC * (2 - cC) : 0) - c1 - cMu * weights;
}
