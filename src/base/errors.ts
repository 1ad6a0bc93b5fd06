/**
 * Errors that carry a stable code.
 *
 * Every layer derives its own class from {@link CodedError} with its own union of codes. Callers
 * branch on `code`, never on text. Messages follow one form: the action that failed, why, the value
 * seen, the limit, with no final period.
 */

/** An error of one layer, told apart by `code`. */
export class CodedError<Code extends string = string> extends Error {
  override readonly name: string = "CodedError";
  readonly code: Code;

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The text of anything thrown, for a log field or a one-line message. */
export function describeError(error: unknown): string {
  if (error instanceof Error) return error.message || error.name;
  try {
    return String(error);
  } catch {
    // An object that cannot become text, such as one without a prototype.
    return "an unprintable value";
  }
}

/** Ends an exhaustive `switch`: the compiler refuses it unless every case was handled. */
export function unreachable(value: never): never {
  throw new TypeError(`Cannot handle ${String(value)}: every case was expected to be covered`);
}
