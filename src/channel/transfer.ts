/**
 * What both ends of a transfer agree on: a request whose body is a file or a tensor, which goes on where an
 * earlier attempt stopped and is verified as a whole (PROTOCOL.md section 6).
 *
 * ```
 * sender                                            receiver
 *   request {name, size, ...}      -------------->  holds `offset` bytes of it already
 *                                  <--------------  reply {offset, sha256 of those bytes}
 *   offset u64 | bytes | sha256 of all  --------->  stores, compares
 *                                  <--------------  {saved_as, sha256}, or {code, message}
 * ```
 *
 * The sender compares the digest with its own bytes and starts at 0 when they differ. What has arrived and
 * was stored survives a lost connection; a digest that does not match in the end discards it all.
 */

import { type Bytes, decodeHex, decodeUtf8, encodeUtf8, readU32, writeU32 } from "../base/bytes.ts";
import { CodedError } from "../base/errors.ts";
import { FieldError, Fields, isObject, type JsonObject, toPrintable } from "../base/guards.ts";
import type { RunningHash } from "../noise/primitives.ts";

/** What is read, hashed and sent at once. */
export const PIECE_BYTES = 262_144;
export const DIGEST_BYTES = 32;
export const OFFSET_BYTES = 8;
/** 8 PiB: exact as a number, and beyond any disk here. */
export const MAX_TRANSFER_BYTES = 2 ** 53 - 1;
const MAX_NAME_LENGTH = 1_024;
const MAX_OUTCOME_LENGTH = 4_096;

/**
 * A transfer that did not come to its end: `source_changed`, `digest_mismatch`, `malformed_transfer`,
 * `cancelled`, or a code of the receiver's own.
 */
export class TransferError extends CodedError {
  override readonly name = "TransferError";
}

/** What is to be sent. */
export interface TransferSource {
  readonly name: string;
  readonly size: number;
  /** Fills `buffer` from `offset` on; fewer bytes only at the end. */
  read(offset: number, buffer: Bytes): Promise<number>;
}

/** Where what arrives is kept. */
export interface TransferSink {
  /** Bytes held, at first those of an earlier attempt: whole chunks. */
  readonly length: number;
  read(offset: number, buffer: Bytes): Promise<number>;
  truncate(length: number): Promise<void>;
  /** Appends `bytes`, which are the caller's again afterwards. */
  write(bytes: Bytes): Promise<void>;
  /** All of it is there and verified; resolves with the name it got. */
  finish(): Promise<string>;
  /** Keeps what there is for another attempt. Idempotent. */
  close(): Promise<void>;
  /** Forgets it all. */
  discard(): Promise<void>;
}

/** What a sender offers. */
export interface TransferOffer {
  /** Untrusted. */
  readonly name: string;
  readonly size: number;
}

/** What the receiver made of it. */
export interface TransferOutcome {
  readonly savedAs: string;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

/** Feeds `hash` with `[from, to)` of what `read` gives; `false` when there is less. */
export async function hashRange(
  hash: RunningHash,
  read: (offset: number, buffer: Bytes) => Promise<number>,
  { from = 0, to, buffer, onProgress }: {
    readonly from?: number;
    readonly to: number;
    readonly buffer: Bytes;
    readonly onProgress?: ((offset: number) => void) | undefined;
  },
): Promise<boolean> {
  for (let offset = from; offset < to;) {
    const wanted = buffer.subarray(0, to - offset);
    const count = await read(offset, wanted);
    if (count === 0) return false;
    hash.update(wanted.subarray(0, count));
    offset += count;
    onProgress?.(offset);
  }
  return true;
}

/** Reads an offer. Throws `FieldError`. */
export function readOffer(data: JsonObject): TransferOffer {
  const fields = Fields.of(data, "data");
  const name = fields.raw("name");
  if (typeof name !== "string" || name.length > MAX_NAME_LENGTH) {
    throw new FieldError("invalid_field", "data.name", "expected a string");
  }
  return { name, size: fields.integer("size", { min: 0, max: MAX_TRANSFER_BYTES }) };
}

/** What the receiver holds: `sha256` is of its first `offset` bytes. */
export interface Holding {
  readonly offset: number;
  readonly sha256: Bytes;
}

export function writeHolding({ offset, sha256 }: Holding): JsonObject {
  return { offset, sha256: sha256.toHex() };
}

/** Reads a holding of at most `size` bytes. Throws {@link TransferError} `malformed_transfer`. */
export function readHolding(data: JsonObject, size: number): Holding {
  try {
    const fields = Fields.of(data, "data");
    const offset = fields.integer("offset", { min: 0, max: size });
    const sha256 = decodeHex(fields.text("sha256", { minLength: 64, maxLength: 64 }));
    return { offset, sha256 };
  } catch (error) {
    throw malformed("its reply names no offset", error);
  }
}

export function encodeOffset(offset: number): Bytes {
  const bytes = new Uint8Array(OFFSET_BYTES);
  writeU32(bytes, 0, Math.floor(offset / 2 ** 32));
  writeU32(bytes, 4, offset % 2 ** 32);
  return bytes;
}

export function decodeOffset(bytes: Bytes): number {
  return readU32(bytes, 0) * 2 ** 32 + readU32(bytes, 4);
}

/** The last word of a transfer: what became of it. */
export function encodeOutcome(outcome: TransferOutcome | TransferError): Bytes {
  return encodeUtf8(JSON.stringify(
    outcome instanceof TransferError
      ? { code: outcome.code, message: toPrintable(outcome.message, 512) || outcome.code }
      : { saved_as: outcome.savedAs, sha256: outcome.sha256 },
  ));
}

/** Reads the last word. Throws the {@link TransferError} that it is, or `malformed_transfer`. */
export function decodeOutcome(bytes: Bytes): TransferOutcome {
  try {
    const value: unknown = JSON.parse(decodeUtf8(bytes));
    const fields = Fields.of(value, "outcome");
    if (isObject(value) && "code" in value) {
      throw new TransferError(
        fields.text("code", { maxLength: 64 }),
        fields.text("message", { maxLength: 512 }),
      );
    }
    return {
      savedAs: fields.text("saved_as", { maxLength: MAX_OUTCOME_LENGTH }),
      sha256: fields.text("sha256", { minLength: 64, maxLength: 64 }),
    };
  } catch (error) {
    if (error instanceof TransferError) throw error;
    throw malformed("its last word cannot be read", error);
  }
}

export function malformed(what: string, cause?: unknown): TransferError {
  return new TransferError("malformed_transfer", `Cannot transfer: ${what}`, { cause });
}
