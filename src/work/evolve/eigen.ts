/**
 * Eigenvalues and eigenvectors of a symmetric matrix: Householder's tridiagonalisation, then implicit QR steps with
 * Wilkinson's shift (G. H. Golub, C. F. Van Loan, "Matrix Computations", 3rd edition, algorithms 8.3.1 to 8.3.3).
 * About 9 n^3 operations: 0.1 ms for n = 20, and 4 ms for n = 100, beyond which no full matrix is used.
 */

import { addScaled, dot, identityRows, norm, scale, type Vector } from "./vectors.ts";

/** `matrix` = sum of `values[k]` times `vectors[k]` times its transpose. */
export interface Eigen {
  readonly values: Vector;
  /** Orthonormal; one eigenvector a row. */
  readonly vectors: readonly Vector[];
}

/** QR steps for one eigenvalue; two are usual, and only NaN takes more than some ten. */
const MAX_STEPS = 60;

/**
 * Decomposes the symmetric matrix with these rows, which stay as they are. `undefined` where it does not converge,
 * which happens only where something is not finite.
 */
export function eigenOfSymmetric(rows: readonly Vector[]): Eigen | undefined {
  const work = rows.map((row) => row.slice());
  const vectors = identityRows(rows.length);
  const { diagonal, beside } = tridiagonalize(work, vectors);
  return diagonalize(diagonal, beside, vectors) ? { values: diagonal, vectors } : undefined;
}

/** Makes `a`, of which each step keeps what is right of and below it, tridiagonal; `q`, transposed, gathers how. */
function tridiagonalize(a: readonly Vector[], q: readonly Vector[]) {
  const size = a.length;
  const diagonal = new Float64Array(size);
  const beside = new Float64Array(size);
  for (let k = 0; k < size; k++) {
    const row = a[k] as Vector;
    diagonal[k] = row[k] as number;
    beside[k] = row[k + 1] ?? 0;
    if (k + 2 >= size) continue;
    // Becomes the reflector, of which the first k + 1 elements are zero.
    row.fill(0, 0, k + 1);
    const length = norm(row);
    if (length === 0) continue;
    const first = beside[k] as number;
    const signed = first < 0 ? -length : length;
    beside[k] = -signed;
    row[k + 1] = first + signed;
    scale(row, Math.SQRT2 / norm(row));
    reflectBothSides(a, row, k + 1);
    reflectRows(q, row, k + 1);
  }
  return { diagonal, beside };
}

/** `a = H a H` with `H = I - v v'`, from row and column `from` on: a symmetric update of rank two. */
function reflectBothSides(a: readonly Vector[], v: Vector, from: number): void {
  const size = v.length;
  const w = new Float64Array(size);
  for (let i = from; i < size; i++) {
    const row = a[i] as Vector;
    let sum = 0;
    for (let j = from; j < size; j++) sum += (row[j] as number) * (v[j] as number);
    w[i] = sum;
  }
  addScaled(w, -dot(w, v) / 2, v);
  for (let i = from; i < size; i++) {
    const row = a[i] as Vector;
    const vi = v[i] as number;
    const wi = w[i] as number;
    for (let j = from; j < size; j++) {
      row[j] = (row[j] as number) - vi * (w[j] as number) - wi * (v[j] as number);
    }
  }
}

/** `q = H q`, where the first `from` elements of `v` are zero. */
function reflectRows(q: readonly Vector[], v: Vector, from: number): void {
  const sums = new Float64Array(v.length);
  for (let i = from; i < v.length; i++) addScaled(sums, v[i] as number, q[i] as Vector);
  for (let i = from; i < v.length; i++) addScaled(q[i] as Vector, -(v[i] as number), sums);
}

/** Diagonalises the tridiagonal matrix, the smallest blocks at its end first; false where it does not converge. */
function diagonalize(d: Vector, e: Vector, q: readonly Vector[]): boolean {
  let end = d.length - 1;
  let steps = 0;
  while (end > 0) {
    if (isNegligible(d, e, end - 1)) {
      end--;
      steps = 0;
      continue;
    }
    if (++steps > MAX_STEPS) return false;
    let start = end - 1;
    while (start > 0 && !isNegligible(d, e, start - 1)) start--;
    stepQr({ d, e, q }, start, end);
  }
  return d.every(Number.isFinite);
}

function isNegligible(d: Vector, e: Vector, k: number): boolean {
  const size = Math.abs(d[k] as number) + Math.abs(d[k + 1] as number);
  return Math.abs(e[k] as number) <= Number.EPSILON * size;
}

/** One implicit QR step on the block from `start` to `end`: the bulge that the shift makes is chased to its end. */
function stepQr(
  { d, e, q }: { d: Vector; e: Vector; q: readonly Vector[] },
  start: number,
  end: number,
): void {
  let x = (d[start] as number) - wilkinsonShift(d, e, end);
  let z = e[start] as number;
  for (let k = start; k < end; k++) {
    const r = Math.sqrt(x * x + z * z);
    const c = r === 0 ? 1 : x / r;
    const s = r === 0 ? 0 : z / r;
    if (k > start) e[k - 1] = r;
    const a = d[k] as number;
    const b = e[k] as number;
    const f = d[k + 1] as number;
    d[k] = c * c * a + 2 * c * s * b + s * s * f;
    d[k + 1] = s * s * a - 2 * c * s * b + c * c * f;
    e[k] = c * s * (f - a) + (c * c - s * s) * b;
    rotate([q[k] as Vector, q[k + 1] as Vector], c, s);
    if (k + 1 === end) break;
    x = e[k] as number;
    z = s * (e[k + 1] as number);
    e[k + 1] = c * (e[k + 1] as number);
  }
}

/** The eigenvalue of the last 2 x 2 block that is nearer to its last element. */
function wilkinsonShift(d: Vector, e: Vector, end: number): number {
  const last = d[end] as number;
  const side = e[end - 1] as number;
  const half = ((d[end - 1] as number) - last) / 2;
  const root = Math.sqrt(half * half + side * side);
  return last - side * (side / (half + (half < 0 ? -root : root)));
}

function rotate([p, q]: readonly [Vector, Vector], c: number, s: number): void {
  for (let i = 0; i < p.length; i++) {
    const x = p[i] as number;
    const y = q[i] as number;
    p[i] = c * x + s * y;
    q[i] = c * y - s * x;
  }
}
