import { suffix } from "./_message.ts";
import { checkThrown, type ErrorConstructorOf, readExpectation } from "./_thrown.ts";
import { AssertionError } from "./assertion_error.ts";

/**
 * Runs `fn` and fails when it returns; otherwise returns what it threw. For a rejected promise use
 * `assertRejects`.
 */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/**
 * Runs `fn` and fails unless it throws an instance of `ErrorClass` whose message contains
 * `msgIncludes`; returns that error.
 */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  // deno-lint-ignore no-explicit-any -- the published signature; a constructor takes anything
  ErrorClass: abstract new (...args: any[]) => E,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(
  fn: () => unknown,
  classOrMsg?: ErrorConstructorOf<Error> | string,
  msgIncludes?: string,
  msg?: string,
): unknown {
  const wanted = readExpectation(classOrMsg, msgIncludes, msg);
  try {
    fn();
  } catch (error) {
    checkThrown(error, wanted, "thrown");
    return error;
  }
  throw new AssertionError(`Expected function to throw${suffix(wanted.msg)}`);
}
