import { stripVTControlCharacters } from "node:util";
import { suffix } from "./_message.ts";
import { AssertionError } from "./assertion_error.ts";

/**
 * Fails unless `error` is an `Error`, of `ErrorClass` when given, whose message contains the string
 * or matches the pattern `msgMatches`. Terminal colours are ignored on both sides; an empty string
 * checks nothing.
 */
export function assertIsError<E extends Error = Error>(
  error: unknown,
  // deno-lint-ignore no-explicit-any -- the published signature; a constructor takes anything
  ErrorClass?: abstract new (...args: any[]) => E,
  msgMatches?: string | RegExp,
  msg?: string,
): asserts error is E {
  if (!(error instanceof Error)) {
    throw new AssertionError(`Expected "error" to be an Error object${suffix(msg)}`);
  }
  if (ErrorClass && !(error instanceof ErrorClass)) {
    throw new AssertionError(
      `Expected error to be instance of "${ErrorClass.name}", ` +
        `but was "${error?.constructor?.name}"${suffix(msg)}`,
    );
  }
  if (msgMatches && !messageMatches(error.message, msgMatches)) {
    const wanted = msgMatches instanceof RegExp ? String(msgMatches) : JSON.stringify(msgMatches);
    throw new AssertionError(
      `Expected error message to include ${wanted}, ` +
        `but got ${JSON.stringify(error.message)}${suffix(msg)}`,
    );
  }
}

function messageMatches(message: string, wanted: string | RegExp): boolean {
  const plain = stripVTControlCharacters(message);
  if (wanted instanceof RegExp) return wanted.test(plain);
  return plain.includes(stripVTControlCharacters(wanted));
}
