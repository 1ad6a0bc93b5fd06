/**
 * Channel frames: what a record's plaintext is made of (PROTOCOL.md section 6).
 *
 * ```
 * kind u8 | flags u8 | stream u32 | length u16 | body        several to a record
 * ```
 *
 * So far a session carries whole envelopes (`MESSAGE`, stream 0). `REKEY` never gets here: the record
 * layer handles it.
 */

import { type Bytes, readU32 } from "../base/bytes.ts";
import { CodedError } from "../base/errors.ts";
import { MAX_PLAINTEXT_BYTES } from "../wire/limits.ts";

/** The kinds in use; 1 to 6 and 8 are kept for streams. */
export const MUX_KINDS = Object.freeze({ rekey: 7, message: 9 });

export const MUX_HEADER_BYTES = 8;
/** The largest body: one frame alone in the largest record. */
export const MAX_MUX_BODY_BYTES = MAX_PLAINTEXT_BYTES - MUX_HEADER_BYTES;

/** A plaintext that is no sequence of channel frames. */
export class MuxError extends CodedError<"truncated" | "unknown_kind"> {
  override readonly name = "MuxError";
}

/**
 * Writes the header of a whole message of `length` bytes into `header` (8 bytes). Throws `RangeError`
 * above {@link MAX_MUX_BODY_BYTES}.
 */
export function writeMessageHeader(header: Bytes, length: number): void {
  if (length > MAX_MUX_BODY_BYTES) {
    throw new RangeError(`Cannot send message: length ${length} exceeds ${MAX_MUX_BODY_BYTES}`);
  }
  header.fill(0);
  header[0] = MUX_KINDS.message;
  header[6] = length >>> 8;
  header[7] = length;
}

/**
 * Calls `onMessage` with the body of every message in `plaintext`, as a view of it. Throws
 * {@link MuxError}.
 */
export function readMessages(plaintext: Bytes, onMessage: (body: Bytes) => void): void {
  let offset = 0;
  while (offset < plaintext.length) {
    const start = offset + MUX_HEADER_BYTES;
    if (start > plaintext.length) throw truncated(plaintext.length);
    const length = ((plaintext[offset + 6] ?? 0) << 8) | (plaintext[offset + 7] ?? 0);
    const end = start + length;
    if (end > plaintext.length) throw truncated(plaintext.length);
    const kind = plaintext[offset];
    if (kind !== MUX_KINDS.message) {
      throw new MuxError("unknown_kind", `Cannot read channel frame: kind ${kind} is not known`);
    }
    if (plaintext[offset + 1] !== 0 || readU32(plaintext, offset + 2) !== 0) {
      throw new MuxError(
        "unknown_kind",
        "Cannot read channel frame: a message has no flags or stream",
      );
    }
    onMessage(plaintext.subarray(start, end));
    offset = end;
  }
}

function truncated(length: number): MuxError {
  return new MuxError(
    "truncated",
    `Cannot read channel frame: it exceeds the record's ${length} bytes`,
  );
}
