import { suffix } from "./_message.ts";
import { AssertionError } from "./assertion_error.ts";

/** Default tolerance, relative to `expected`; absolute when `expected` is not finite. */
const DEFAULT_TOLERANCE = 1e-7;

/**
 * Fails when the two numbers lie further apart than `tolerance`, which is absolute and by default
 * a ten-millionth of `expected`. The bound itself passes, and so do two `NaN`s or two equal
 * infinities.
 */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  msg?: string,
) {
  if (Object.is(actual, expected)) return;
  const delta = Math.abs(expected - actual);
  const allowed = tolerance ?? defaultTolerance(expected);
  if (delta <= allowed) return;
  throw new AssertionError(
    `Expected actual: "${show(actual)}" to be close to "${show(expected)}": ` +
      `delta "${show(delta)}" is greater than "${show(allowed)}"${suffix(msg)}`,
  );
}

function defaultTolerance(expected: number): number {
  return Number.isFinite(expected) ? Math.abs(expected * DEFAULT_TOLERANCE) : DEFAULT_TOLERANCE;
}

function show(n: number): string {
  return Number.isInteger(n) ? String(n) : n.toExponential();
}
