/**
 * Four functions of BBOB-2009, as N. Hansen, S. Finck, R. Ros and A. Auger define them ("Real-Parameter Black-Box
 * Optimization Benchmarking 2009: Noiseless Functions Definitions", INRIA RR-6829): f1 sphere, f8 Rosenbrock, f10
 * rotated ellipsoid, f15 rotated Rastrigin, each with its optimum and its rotations by chance. Their optimal value is 0
 * here. BBOB's own instances come from its own generator; these are others of the same distribution.
 */

import type { Random } from "../../../src/base/random.ts";

export type BbobName = "f1 sphere" | "f8 rosenbrock" | "f10 ellipsoid" | "f15 rastrigin";

/** One function with its optimum and rotations, which another program can be given. */
export interface BbobInstance {
  readonly name: BbobName;
  readonly dims: number;
  readonly optimum: readonly number[];
  /** Orthogonal matrices, row by row. */
  readonly r: readonly (readonly number[])[];
  readonly q: readonly (readonly number[])[];
  /** Where a search starts: uniform in [-4, 4], as Hansen's. */
  readonly start: readonly number[];
}

export function newInstance(name: BbobName, dims: number, random: Random): BbobInstance {
  const uniform = (limit: number) =>
    Array.from({ length: dims }, () => (2 * random.next() - 1) * limit);
  return {
    name,
    dims,
    optimum: uniform(name === "f8 rosenbrock" ? 3 : 4),
    r: randomRotation(dims, random),
    q: randomRotation(dims, random),
    start: uniform(4),
  };
}

export function evaluatorOf(instance: BbobInstance): (x: readonly number[]) => number {
  const { dims, optimum, r, q } = instance;
  const shift = (x: readonly number[]) => x.map((value, i) => value - (optimum[i] as number));
  const exponent = (i: number) => dims > 1 ? i / (dims - 1) : 0;
  switch (instance.name) {
    case "f1 sphere":
      return (x) => sumOf(shift(x), (z) => z * z);
    case "f8 rosenbrock": {
      const factor = Math.max(1, Math.sqrt(dims) / 8);
      return (x) => rosenbrock(shift(x).map((value) => factor * value + 1));
    }
    case "f10 ellipsoid": {
      const scales = optimum.map((_, i) => 10 ** (6 * exponent(i)));
      return (x) => {
        const z = oscillated(rotated(r, shift(x)));
        return sumOf(z, (value, i) => (scales[i] as number) * value * value);
      };
    }
    case "f15 rastrigin": {
      const scales = optimum.map((_, i) => 10 ** (0.5 * exponent(i)));
      return (x) => {
        const bent = oscillated(rotated(r, shift(x))).map((value, i) =>
          value > 0 ? value ** (1 + 0.2 * exponent(i) * Math.sqrt(value)) : value
        );
        const stretched = rotated(q, bent).map((value, i) => value * (scales[i] as number));
        return sumOf(
          rotated(r, stretched),
          (value) => 10 - 10 * Math.cos(2 * Math.PI * value) + value * value,
        );
      };
    }
  }
}

function rosenbrock(z: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i + 1 < z.length; i++) {
    const here = z[i] as number;
    sum += 100 * (here * here - (z[i + 1] as number)) ** 2 + (here - 1) ** 2;
  }
  return sum;
}

function sumOf(values: readonly number[], term: (value: number, i: number) => number): number {
  return values.reduce((sum, value, i) => sum + term(value, i), 0);
}

function rotated(matrix: readonly (readonly number[])[], x: readonly number[]): number[] {
  return matrix.map((row) => {
    let sum = 0;
    for (let i = 0; i < x.length; i++) sum += (row[i] as number) * (x[i] as number);
    return sum;
  });
}

/** T_osz: small irregularities that keep the sign and about the size. */
function oscillated(x: readonly number[]): number[] {
  return x.map((value) => {
    if (value === 0) return 0;
    const log = Math.log(Math.abs(value));
    const [c1, c2] = value > 0 ? [10, 7.9] : [5.5, 3.1];
    return Math.sign(value) * Math.exp(log + 0.049 * (Math.sin(c1 * log) + Math.sin(c2 * log)));
  });
}

/** An orthogonal matrix, uniform: normal numbers, made orthonormal row by row (Gram and Schmidt). */
function randomRotation(dims: number, random: Random): number[][] {
  const rows: number[][] = [];
  while (rows.length < dims) {
    const row = Array.from({ length: dims }, () => normal(random));
    for (let pass = 0; pass < 2; pass++) {
      for (const other of rows) {
        const along = sumOf(row, (value, i) => value * (other[i] as number));
        row.forEach((value, i) => row[i] = value - along * (other[i] as number));
      }
    }
    const length = Math.sqrt(sumOf(row, (value) => value * value));
    if (length > 1e-3) rows.push(row.map((value) => value / length));
  }
  return rows;
}

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}
