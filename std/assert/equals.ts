import { renderDiff } from "./_diff.ts";
import { suffix } from "./_message.ts";
import { AssertionError } from "./assertion_error.ts";
import { equal } from "./equal.ts";

/**
 * Fails when the two values are not deeply equal by {@linkcode equal}; the message carries a line
 * diff, `-` for what was seen and `+` for what was expected.
 */
export function assertEquals<T>(actual: T, expected: T, msg?: string) {
  if (equal(actual, expected)) return;
  throw new AssertionError(`Values are not equal${suffix(msg)}\n${renderDiff(actual, expected)}`);
}
