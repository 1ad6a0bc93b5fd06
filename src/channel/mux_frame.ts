/**
 * Channel frames: what a record's plaintext is made of (PROTOCOL.md section 6).
 *
 * ```
 * kind u8 | flags u8 | stream u32 | length u16 | body        several to a record
 * ```
 *
 * `rekey` never gets here: the record layer handles it.
 */

import { type Bytes, decodeUtf8, encodeUtf8, readU32, writeU32 } from "../base/bytes.ts";
import { CodedError } from "../base/errors.ts";
import { MAX_PLAINTEXT_BYTES } from "../wire/limits.ts";

/** What a frame says. */
export const MUX_KINDS = Object.freeze(
  {
    open: 1,
    data: 2,
    window: 3,
    close: 4,
    reset: 5,
    ping: 6,
    rekey: 7,
    goaway: 8,
    message: 9,
    gossip: 10,
  } as const,
);

export const MUX_HEADER_BYTES = 8;
/** The largest body: one frame alone in the largest record. */
export const MAX_MUX_BODY_BYTES = MAX_PLAINTEXT_BYTES - MUX_HEADER_BYTES;
/** What a sender may send on a stream before its reader has read any of it. */
export const INITIAL_CREDIT_BYTES = 262_144;
/** Data is cut here, so that streams alternate within a record. */
export const MAX_DATA_BYTES = 16_384;
/** Flag of a ping that answers one. */
export const PONG_FLAG = 1;

/** Why a plaintext, or what it asks for, ends the link. */
export type MuxErrorCode =
  | "truncated"
  | "unknown_kind"
  | "malformed_frame"
  | "bad_stream"
  | "credit_exceeded"
  | "flooded";

/** The peer broke the channel's rules: the link is over. */
export class MuxError extends CodedError<MuxErrorCode> {
  override readonly name = "MuxError";
}

/** Takes one frame; `body` is a view of the plaintext. */
export type OnFrame = (kind: number, flags: number, stream: number, body: Bytes) => void;

/** Calls `onFrame` with every frame in `plaintext`, in order. Throws {@link MuxError} `truncated`. */
export function readFrames(plaintext: Bytes, onFrame: OnFrame): void {
  let offset = 0;
  while (offset < plaintext.length) {
    const start = offset + MUX_HEADER_BYTES;
    const end = start + (((plaintext[offset + 6] ?? 0) << 8) | (plaintext[offset + 7] ?? 0));
    if (start > plaintext.length || end > plaintext.length) {
      throw new MuxError(
        "truncated",
        `Cannot read channel frame: it exceeds the record's ${plaintext.length} bytes`,
      );
    }
    onFrame(
      plaintext[offset] ?? 0,
      plaintext[offset + 1] ?? 0,
      readU32(plaintext, offset + 2),
      plaintext.subarray(start, end),
    );
    offset = end;
  }
}

/** What stands in front of a body. */
export interface FrameHeader {
  readonly kind: number;
  readonly flags?: number;
  readonly stream?: number;
  /** Of the body, bytes. */
  readonly length: number;
}

/** Writes a header into `out` at `offset`; returns the offset behind it. */
export function writeFrameHeader(out: Bytes, offset: number, header: FrameHeader): number {
  out[offset] = header.kind;
  out[offset + 1] = header.flags ?? 0;
  writeU32(out, offset + 2, header.stream ?? 0);
  out[offset + 6] = header.length >>> 8;
  out[offset + 7] = header.length;
  return offset + MUX_HEADER_BYTES;
}

/** Writes a whole frame into `out` at `offset`; returns the offset behind it. */
export function writeFrame(
  out: Bytes,
  offset: number,
  frame: Omit<FrameHeader, "length"> & { readonly body: Bytes },
): number {
  const { kind, flags = 0, stream = 0, body } = frame;
  const start = writeFrameHeader(out, offset, { kind, flags, stream, length: body.length });
  out.set(body, start);
  return start + body.length;
}

const REASON = /^[a-z][a-z0-9_]{0,63}$/;

/** The body of a reset or goaway: why, as a code of up to 64 characters. Throws `RangeError`. */
export function encodeReason(code: string): Bytes {
  if (!REASON.test(code)) {
    throw new RangeError("Cannot encode reason: it is no code of 1 to 64 characters");
  }
  return encodeUtf8(code);
}

/** Reads the reason in a reset or goaway. Throws {@link MuxError} `malformed_frame`. */
export function decodeReason(body: Bytes): string {
  const code = body.length <= 64 && body.every((byte) => byte < 0x80) ? decodeUtf8(body) : "";
  if (REASON.test(code)) return code;
  throw new MuxError("malformed_frame", "Cannot read channel frame: its reason is no code");
}
