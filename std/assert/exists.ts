import { suffix } from "./_message.ts";
import { AssertionError } from "./assertion_error.ts";

/** Fails on `null` and `undefined` only: `0`, `""`, `false` and `NaN` exist. */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual !== undefined && actual !== null) return;
  throw new AssertionError(
    `Expected actual: "${actual}" to not be null or undefined${suffix(msg)}`,
  );
}
