/**
 * One line of an answer that is lines of JSON, as a client reads it.
 */

import { FieldError, Fields } from "../base/guards.ts";

/** The members of a line's object. Throws {@link FieldError} when it is none. */
export function fieldsOfLine(line: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // An agent that is killed leaves half a line.
    throw new FieldError("invalid_field", "answer", "it is not JSON");
  }
  return Fields.of(value, "answer");
}
