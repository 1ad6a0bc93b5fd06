/**
 * Small byte strings cut from larger buffers: allocating a buffer of its own for each costs more than
 * filling it. Whoever keeps a piece keeps its slab, so pieces are for what is soon used up.
 */

import type { Bytes } from "./bytes.ts";

const SLAB_BYTES = 16_384;

/** Hands out pieces of a buffer, and begins a new one when it is used up; nothing is handed out twice. */
export class Slab {
  #buffer = new ArrayBuffer(SLAB_BYTES);
  #used = 0;

  /** `length` bytes, at most 16,384, whose content is unspecified. */
  cut(length: number): Bytes {
    if (this.#used + length > SLAB_BYTES) {
      this.#buffer = new ArrayBuffer(SLAB_BYTES);
      this.#used = 0;
    }
    const piece = new Uint8Array(this.#buffer, this.#used, length);
    this.#used += length;
    return piece;
  }
}
