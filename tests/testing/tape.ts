/** Bytes that know their place, so that whatever is lost, doubled or moved shows where it is read. */

import { Buffer } from "node:buffer";
import type { Bytes } from "../../src/base/bytes.ts";
import { randomBelow, seededRandom } from "../../src/base/random.ts";

/** The longest tape. */
export const MAX_TAPE_BYTES = 409_600;
const STARTS = 65_536;
/** Odd, so that no two tapes of up to {@link STARTS} begin at the same place. */
const STRIDE = 40_503;
const NOISE: Bytes = noise(MAX_TAPE_BYTES + STARTS);

/** Byte `i` of tape `n` is a function of both alone: the noise at a place of `n`'s own, plus `i`. */
export class Tape {
  readonly #start: number;

  constructor(n: number) {
    this.#start = (n * STRIDE) % STARTS;
  }

  /** A copy of `length` bytes from `position` on. */
  copy(position: number, length: number): Bytes {
    const start = this.#start + position;
    return NOISE.slice(start, start + length);
  }

  /** Where `bytes`, read at `position`, first differ from the tape; `undefined` when they do not. */
  mismatch(bytes: Uint8Array, position: number): number | undefined {
    const start = this.#start + position;
    const expected = NOISE.subarray(start, start + bytes.length);
    if (Buffer.compare(bytes, expected) === 0) return undefined;
    return position + bytes.findIndex((byte, i) => byte !== expected[i]);
  }
}

function noise(length: number): Bytes {
  const random = seededRandom(length);
  return Uint8Array.from({ length }, () => randomBelow(random, 256));
}
