import { AssertionError } from "./assertion_error.ts";

/** Fails when `expr` is falsy; afterwards the compiler treats `expr` as true. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}
