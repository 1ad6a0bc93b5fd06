import { format } from "./_format.ts";
import { AssertionError } from "./assertion_error.ts";

/** Fails unless `actual > expected` as the language compares them; `NaN` is greater than nothing. */
export function assertGreater<T>(actual: T, expected: T, msg?: string) {
  if (actual > expected) return;
  throw new AssertionError(msg ?? `Expect ${format(actual)} > ${format(expected)}`);
}
