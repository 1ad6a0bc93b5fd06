import { renderDiff } from "./_diff.ts";
import { format } from "./_format.ts";
import { suffix } from "./_message.ts";
import { AssertionError } from "./assertion_error.ts";

/**
 * Fails unless `Object.is(actual, expected)`: the same reference, `NaN` equal to itself, `0` and
 * `-0` apart. Afterwards the compiler gives `actual` the type of `expected`.
 */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (Object.is(actual, expected)) return;
  const text = format(actual);
  throw new AssertionError(
    text === format(expected)
      ? `Values have the same structure but are not reference-equal${suffix(msg)}\n\n` +
        `${text.replaceAll(/^/gm, "    ")}\n`
      : `Values are not strictly equal${suffix(msg)}\n${renderDiff(actual, expected)}`,
  );
}
