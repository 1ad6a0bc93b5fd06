/**
 * What stands in front of a request's and a reply's body (PROTOCOL.md section 6): an envelope without what
 * the session and the stream say already.
 *
 * ```
 * length u32 | JSON | body until the end of the direction
 * ```
 */

import { type Bytes, decodeUtf8, encodeUtf8Into, readU32, writeU32 } from "../base/bytes.ts";
import { CodedError } from "../base/errors.ts";
import { FieldError, Fields, isShallow, type JsonObject, toPrintable } from "../base/guards.ts";
import { Slab } from "../base/slab.ts";

/** The longest head, its length field not counted. */
export const MAX_HEAD_BYTES = 65_536;
export const HEAD_LENGTH_BYTES = 4;
const MAX_DEPTH = 16;
const MAX_DEADLINE_MS = 86_400_000 * 30;
const MAX_TEXT_LENGTH = 512;
const TYPE = /^[A-Z][A-Z0-9_]{0,63}$/;
/** Longer heads have a buffer of their own. */
const MAX_SLAB_PIECE_BYTES = 1_024;
const slab = new Slab();
/** Where every head is written before its length is known. */
const json: Bytes = new Uint8Array(MAX_HEAD_BYTES);
const CODE = /^[a-z][a-z0-9_]{0,63}$/;

/** The head of a request. */
export interface RequestHead {
  readonly type: string;
  readonly data: JsonObject;
  /** How long the sender waits for the reply, from now; `Infinity` where it does not say. */
  readonly deadlineMs: number;
}

/** The head of a reply: what was asked for, or why there is nothing. */
export type ReplyHead =
  | { readonly isOk: true; readonly data: JsonObject }
  | { readonly isOk: false; readonly code: string; readonly message: string };

/** A head that cannot be read. */
export class HeadError extends CodedError<"malformed_head"> {
  override readonly name = "HeadError";
}

/** Throws `RangeError` on a deadline out of its bounds or data too long or deep, `TypeError` on no type. */
export function encodeRequestHead(head: RequestHead): Bytes {
  const { type, data, deadlineMs } = head;
  if (!TYPE.test(type)) throw new TypeError("Cannot ask: the type is no word of capitals");
  if (deadlineMs === Infinity) return encode({ type, data });
  if (!(deadlineMs >= 0 && deadlineMs <= MAX_DEADLINE_MS)) {
    throw new RangeError(`Cannot ask: deadline ${deadlineMs} is outside 0..${MAX_DEADLINE_MS} ms`);
  }
  return encode({ type, data, deadline_ms: deadlineMs });
}

/** Throws `RangeError` on data too long or deep, or on no code. */
export function encodeReplyHead(head: ReplyHead): Bytes {
  if (head.isOk) return encode({ data: head.data });
  checkCode(head.code);
  const message = toPrintable(head.message, MAX_TEXT_LENGTH) || head.code;
  return encode({ type: "ERROR", data: { code: head.code, message } });
}

/** Throws `RangeError` unless `code` is 1 to 64 of `[a-z0-9_]`, a letter first. */
export function checkCode(code: string): void {
  if (!CODE.test(code)) {
    throw new RangeError("Cannot refuse: the code is no code of 1 to 64 characters");
  }
}

/** The length of the JSON whose length field is `bytes`' first four. Throws {@link HeadError}. */
export function headLength(bytes: Bytes): number {
  const length = readU32(bytes, 0);
  if (length < 2 || length > MAX_HEAD_BYTES) {
    throw new HeadError(
      "malformed_head",
      `Cannot read head: length ${length} is outside 2..${MAX_HEAD_BYTES}`,
    );
  }
  return length;
}

/** Reads the JSON of a request's head. Throws {@link HeadError}; `data` stays untrusted. */
export function decodeRequestHead(json: Bytes): RequestHead {
  return decode(json, (fields) => {
    const type = fields.text("type", { maxLength: 64 });
    if (!TYPE.test(type)) {
      throw new FieldError("invalid_field", "type", "expected a word of capitals");
    }
    return {
      type,
      data: readData(fields),
      deadlineMs: fields.number("deadline_ms", {
        min: 0,
        max: MAX_DEADLINE_MS,
        absent: Infinity,
      }),
    };
  });
}

/** Reads the JSON of a reply's head. Throws {@link HeadError}; `data` stays untrusted. */
export function decodeReplyHead(json: Bytes): ReplyHead {
  return decode(json, (fields) => {
    if (fields.raw("type") !== "ERROR") return { isOk: true, data: readData(fields) };
    const error = fields.object("data");
    const code = error.text("code", { maxLength: 64 });
    if (!CODE.test(code)) throw new FieldError("invalid_field", "data.code", "expected a code");
    const message = error.text("message", { maxLength: MAX_TEXT_LENGTH, absent: code });
    return { isOk: false, code, message };
  });
}

function readData(fields: Fields): JsonObject {
  return fields.raw("data") === undefined ? {} : fields.object("data").value;
}

function encode(head: JsonObject): Bytes {
  if (!isShallow(head, MAX_DEPTH)) {
    throw new RangeError(`Cannot ask: the head is deeper than ${MAX_DEPTH} levels`);
  }
  const length = encodeUtf8Into(JSON.stringify(head), json);
  if (length === undefined) {
    throw new RangeError(`Cannot ask: the head exceeds ${MAX_HEAD_BYTES} bytes`);
  }
  const bytes = length <= MAX_SLAB_PIECE_BYTES
    ? slab.cut(HEAD_LENGTH_BYTES + length)
    : new Uint8Array(HEAD_LENGTH_BYTES + length);
  writeU32(bytes, 0, length);
  bytes.set(json.subarray(0, length), HEAD_LENGTH_BYTES);
  return bytes;
}

function decode<T>(json: Bytes, read: (fields: Fields) => T): T {
  try {
    const value: unknown = JSON.parse(decodeUtf8(json));
    if (!isShallow(value, MAX_DEPTH)) {
      throw new HeadError("malformed_head", `Cannot read head: deeper than ${MAX_DEPTH} levels`);
    }
    return read(Fields.of(value, "head"));
  } catch (error) {
    if (error instanceof HeadError) throw error;
    const reason = error instanceof FieldError ? error.message : "it is not JSON in UTF-8";
    throw new HeadError("malformed_head", `Cannot read head: ${reason}`, { cause: error });
  }
}
