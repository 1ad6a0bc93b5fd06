import { suffix } from "./_message.ts";
import { AssertionError } from "./assertion_error.ts";
import { assertIsError } from "./is_error.ts";

// deno-lint-ignore no-explicit-any -- the published signature; a constructor takes anything
export type ErrorConstructorOf<E extends Error> = abstract new (...args: any[]) => E;

/** What `assertThrows` and `assertRejects` demand of the thrown value. */
export interface Expectation {
  /** Absent: any value will do, an `Error` or not. */
  readonly ErrorClass?: ErrorConstructorOf<Error> | undefined;
  readonly msgIncludes?: string | undefined;
  readonly msg?: string | undefined;
}

/** Tells the overload `(fn, msg)` from `(fn, ErrorClass, msgIncludes, msg)`. */
export function readExpectation(
  classOrMsg: ErrorConstructorOf<Error> | string | undefined,
  msgIncludes: string | undefined,
  msg: string | undefined,
): Expectation {
  if (typeof classOrMsg === "string") return { msg: classOrMsg };
  if (classOrMsg !== undefined && isErrorClass(classOrMsg)) {
    return { ErrorClass: classOrMsg, msgIncludes, msg };
  }
  return { msg };
}

/** Fails unless `error` meets `wanted`; `verb` ("thrown", "rejected") goes into the message. */
export function checkThrown(error: unknown, wanted: Expectation, verb: string): void {
  if (wanted.ErrorClass === undefined) return;
  if (!(error instanceof Error)) {
    throw new AssertionError(`A non-Error object was ${verb}${suffix(wanted.msg)}`);
  }
  assertIsError(error, wanted.ErrorClass, wanted.msgIncludes, wanted.msg);
}

function isErrorClass(type: ErrorConstructorOf<Error>): boolean {
  return type.prototype === Error.prototype || type.prototype instanceof Error;
}
