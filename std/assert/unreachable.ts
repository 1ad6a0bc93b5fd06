import { suffix } from "./_message.ts";
import { AssertionError } from "./assertion_error.ts";

/** Always throws: for code that the types or an earlier check rule out. */
export function unreachable(msg?: string): never {
  throw new AssertionError(`Unreachable${suffix(msg)}`);
}
