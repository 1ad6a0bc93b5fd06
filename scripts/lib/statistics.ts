/**
 * Order statistics for measurements: robust where a mean would follow every hiccup of the machine.
 */

/** The value below which the share `q`, 0..1, of `values` lies; `NaN` of nothing. */
export function quantile(values: ArrayLike<number>, q: number): number {
  const sorted = Float64Array.from(values).sort();
  const index = Math.min(sorted.length - 1, Math.floor(q * sorted.length));
  return sorted[index] ?? NaN;
}

/** The middle value. */
export function median(values: ArrayLike<number>): number {
  return quantile(values, 0.5);
}

/** `value` with `digits` decimals, as a number. */
export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
