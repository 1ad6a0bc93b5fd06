/**
 * Arithmetic on vectors of doubles, in place where that is cheaper. Both sides always have the same length; who calls
 * sees to that.
 */

export type Vector = Float64Array<ArrayBuffer>;

export function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** The Euclidean length. */
export function norm(a: Vector): number {
  return Math.sqrt(dot(a, a));
}

/** `target += factor * a`. */
export function addScaled(target: Vector, factor: number, a: Vector): void {
  for (let i = 0; i < target.length; i++) {
    target[i] = (target[i] as number) + factor * (a[i] as number);
  }
}

/** `target *= factor`. */
export function scale(target: Vector, factor: number): void {
  for (let i = 0; i < target.length; i++) target[i] = (target[i] as number) * factor;
}

/** A new vector `(a - b) * factor`. */
export function scaledDifference(a: Vector, b: Vector, factor: number): Vector {
  const result = new Float64Array(a.length);
  for (let i = 0; i < a.length; i++) result[i] = ((a[i] as number) - (b[i] as number)) * factor;
  return result;
}

/** Rows of the identity. */
export function identityRows(size: number): Vector[] {
  return Array.from({ length: size }, (_, i) => {
    const row = new Float64Array(size);
    row[i] = 1;
    return row;
  });
}
