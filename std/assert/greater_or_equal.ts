import { format } from "./_format.ts";
import { AssertionError } from "./assertion_error.ts";

/** Fails unless `actual >= expected` as the language compares them; `NaN` is not even its own equal. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string) {
  if (actual >= expected) return;
  throw new AssertionError(msg ?? `Expect ${format(actual)} >= ${format(expected)}`);
}
