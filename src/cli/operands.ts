/**
 * NAME and DATA, as `hamlet event`, `hamlet query` and `hamlet on` take them.
 */

import { decodeUtf8, encodeUtf8 } from "../base/bytes.ts";
import { isEventName, MAX_DATA_BYTES } from "../gossip/event.ts";
import { MEMBER_CHANGES, MEMBER_PREFIX } from "../control/village_events.ts";
import { nearest } from "./nearest.ts";
import { printable } from "./progress.ts";
import { UsageError } from "./usage_error.ts";

/** What {@link readData} reads from for `-`. */
export type Input = AsyncIterable<Uint8Array>;

/** The name of something to tell or to ask. Throws {@link UsageError}. */
export function readName(text: string): string {
  checkName(text);
  if (!text.startsWith(MEMBER_PREFIX)) return text;
  throw new UsageError(
    `NAME cannot begin with ${MEMBER_PREFIX}: such names are of what becomes of members`,
  );
}

/** The name of something to wait for, a member's change among others. Throws {@link UsageError}. */
export function readAwaited(text: string): string {
  checkName(text);
  const isKnown = MEMBER_CHANGES.some((change) => change === text);
  if (isKnown || !text.startsWith(MEMBER_PREFIX)) return text;
  const guess = nearest(text, MEMBER_CHANGES);
  const hint = guess ? `; did you mean ${guess}?` : "";
  throw new UsageError(
    `"${text}" never happens to a member; there are ${MEMBER_CHANGES.join(", ")}${hint}`,
  );
}

/** DATA as it was given, or, for `-`, what `input` gives, less its last line's end. Throws {@link UsageError}. */
export async function readData(given: string | undefined, input: Input): Promise<string> {
  if (given !== "-") return checkData(given ?? "");
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of input) {
    parts.push(part);
    length += part.length;
    // Two more, for the line's end.
    if (length > MAX_DATA_BYTES + 2) throw tooLong("");
  }
  return checkData(textOf(parts).replace(/\r?\n$/, ""));
}

function checkName(text: string): void {
  if (isEventName(text)) return;
  throw new UsageError(
    `NAME takes 1 to 64 letters, digits, _, . and -, the first a letter or a digit, ` +
      `not "${printable(text)}"`,
  );
}

function checkData(text: string): string {
  const { length } = encodeUtf8(text);
  if (length > MAX_DATA_BYTES) throw tooLong(`${length} bytes, and `);
  if (!text.isWellFormed()) throw new UsageError("DATA is not well-formed Unicode");
  return text;
}

function textOf(parts: readonly Uint8Array[]): string {
  try {
    return decodeUtf8(new Uint8Array(parts.flatMap((part) => [...part])));
  } catch (error) {
    throw new UsageError("DATA from standard input is not UTF-8 text", { cause: error });
  }
}

function tooLong(found: string): UsageError {
  return new UsageError(`DATA is too long: ${found}at most ${MAX_DATA_BYTES} bytes are taken`);
}
