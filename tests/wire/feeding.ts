/**
 * Feeding a `FrameDecoder` as a transport would, and noting what it gives.
 */

import { assert } from "@std/assert";
import {
  FrameDecoder,
  FrameError,
  type FrameErrorCode,
  type FramePath,
} from "../../src/wire/frame.ts";

/** A frame as seen: malformed ones have no payload to copy. */
export interface Seen {
  readonly path: FramePath;
  readonly payload: Uint8Array | undefined;
}

/** Everything a stream of bytes led to. */
export interface Outcome {
  readonly frames: readonly Seen[];
  /** The error that ended decoding and how many bytes had been fed by then. */
  readonly error?: {
    readonly code: FrameErrorCode;
    readonly foreign?: string;
    readonly fed: number;
  };
}

/** Feeds `bytes` to `decoder` in pieces of at most `nextSize()` bytes, taking frames after each. */
export function feed(
  decoder: FrameDecoder,
  bytes: Uint8Array,
  nextSize: () => number = () => Infinity,
): Outcome {
  const frames: Seen[] = [];
  let fed = 0;
  while (fed < bytes.length) {
    const space = decoder.space();
    assert(space.length > 0, "space() is never empty");
    const piece = bytes.subarray(fed, fed + Math.min(space.length, nextSize()));
    space.set(piece);
    decoder.commit(piece.length);
    fed += piece.length;
    try {
      for (let path = decoder.next(); path !== undefined; path = decoder.next()) {
        frames.push({ path, payload: path === "malformed" ? undefined : decoder.payload.slice() });
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      const { code, foreign } = error;
      return { frames, error: foreign === undefined ? { code, fed } : { code, foreign, fed } };
    }
  }
  return { frames };
}

/** `feed` with pieces cut at the given offsets of `bytes`. */
export function feedCut(
  decoder: FrameDecoder,
  bytes: Uint8Array,
  cuts: readonly number[],
): Outcome {
  const frames: Seen[] = [];
  let start = 0;
  for (const cut of [...cuts, bytes.length]) {
    const outcome = feed(decoder, bytes.subarray(start, cut));
    frames.push(...outcome.frames);
    if (outcome.error) {
      return { frames, error: { ...outcome.error, fed: start + outcome.error.fed } };
    }
    start = cut;
  }
  return { frames };
}

/** A frame spelled out by hand: its length in four bytes, then `size` bytes that start with `first`. */
export function frameOf(first: number, size: number, fill = 0x61): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(4 + size).fill(fill);
  new DataView(frame.buffer).setUint32(0, size);
  if (size > 0) frame[4] = first;
  return frame;
}

/** Only the header of such a frame: length and first byte. */
export function headerOf(first: number, size: number): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(5);
  new DataView(header.buffer).setUint32(0, size);
  header[4] = first;
  return header;
}
