/**
 * The caller's mistake on the command line: one line, and exit code 2.
 */

/** What was wrong and what to type instead. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Exit codes of every command. */
export const EXIT = Object.freeze({ ok: 0, failed: 1, usage: 2 });
