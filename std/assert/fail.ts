import { suffix } from "./_message.ts";
import { AssertionError } from "./assertion_error.ts";

/** Always throws: for a branch that a test must not reach by its own logic. */
export function fail(msg?: string): never {
  throw new AssertionError(`Failed assertion${suffix(msg)}`);
}
