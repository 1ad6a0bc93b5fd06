import { suffix } from "./_message.ts";
import { AssertionError } from "./assertion_error.ts";

/**
 * Fails when `expected` does not match. It is `RegExp.prototype.test` underneath, so a pattern with
 * the `g` or `y` flag starts at its own `lastIndex`.
 */
export function assertMatch(actual: string, expected: RegExp, msg?: string) {
  if (expected.test(actual)) return;
  throw new AssertionError(`Expected actual: "${actual}" to match: "${expected}"${suffix(msg)}`);
}
