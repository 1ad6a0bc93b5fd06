import { format } from "./_format.ts";
import { suffix } from "./_message.ts";
import { AssertionError } from "./assertion_error.ts";
import { equal } from "./equal.ts";

/** Anything indexed with a `length` except a string: `Array`, `Uint8Array`, `arguments`. */
export type ArrayLikeArg<T> = ArrayLike<T> & object;

/**
 * Fails unless each element of `expected` equals, by {@linkcode equal}, some element of `actual`.
 * Order and counts do not matter: `[1]` includes `[1, 1]`.
 */
export function assertArrayIncludes<T>(
  actual: ArrayLikeArg<T>,
  expected: ArrayLikeArg<T>,
  msg?: string,
): void {
  const present = Array.from(actual);
  const missing = Array.from(expected).filter((item) => !present.some((it) => equal(item, it)));
  if (missing.length === 0) return;
  throw new AssertionError(
    `Expected actual: "${format(actual)}" to include: "${format(expected)}"${suffix(msg)}\n` +
      `missing: ${format(missing)}`,
  );
}
