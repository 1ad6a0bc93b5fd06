import { suffix } from "./_message.ts";
import { checkThrown, type ErrorConstructorOf, readExpectation } from "./_thrown.ts";
import { AssertionError } from "./assertion_error.ts";

/**
 * Runs `fn` and fails unless the promise it returns rejects; resolves to the rejection. A throw
 * before any promise is returned is also a failure: for that use `assertThrows`.
 */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/**
 * Runs `fn` and fails unless its promise rejects with an instance of `ErrorClass` whose message
 * contains `msgIncludes`; resolves to that error.
 */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  // deno-lint-ignore no-explicit-any -- the published signature; a constructor takes anything
  ErrorClass: abstract new (...args: any[]) => E,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  classOrMsg?: ErrorConstructorOf<Error> | string,
  msgIncludes?: string,
  msg?: string,
): Promise<unknown> {
  const wanted = readExpectation(classOrMsg, msgIncludes, msg);
  const pending = start(fn, wanted.msg);
  try {
    await pending;
  } catch (error) {
    checkThrown(error, wanted, "rejected");
    return error;
  }
  throw new AssertionError(`Expected function to reject${suffix(wanted.msg)}`);
}

function start(fn: () => unknown, msg: string | undefined): PromiseLike<unknown> {
  let pending: unknown;
  try {
    pending = fn();
  } catch {
    // The thrown value is not the subject: that nothing was returned to reject is. Reported below.
  }
  if (isThenable(pending)) return pending;
  throw new AssertionError(`Function throws when expected to reject${suffix(msg)}`);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value &&
    typeof value.then === "function";
}
