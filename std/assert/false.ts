import { AssertionError } from "./assertion_error.ts";

/** What is left of a type once {@linkcode assertFalse} has passed. */
export type Falsy = false | 0 | 0n | "" | null | undefined;

/** Fails when `expr` is truthy; afterwards the compiler narrows it to {@linkcode Falsy}. */
export function assertFalse(expr: unknown, msg = ""): asserts expr is Falsy {
  if (expr) throw new AssertionError(msg);
}
