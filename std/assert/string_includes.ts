import { suffix } from "./_message.ts";
import { AssertionError } from "./assertion_error.ts";

/** Fails when `actual` has no occurrence of `expected`; the empty string occurs everywhere. */
export function assertStringIncludes(actual: string, expected: string, msg?: string) {
  if (actual.includes(expected)) return;
  throw new AssertionError(`Expected actual: "${actual}" to contain: "${expected}"${suffix(msg)}`);
}
