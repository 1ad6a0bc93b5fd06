/**
 * Views of the first bytes of a buffer, each made once: to make one anew costs a small record more than to
 * copy what it shows.
 */

import type { Bytes } from "./bytes.ts";

/** Up to this length views are kept: some 100 bytes each, of those that were ever asked for. */
const MAX_KEPT_BYTES = 1_024;

export class Prefixes {
  readonly #bytes: Bytes;
  readonly #kept: (Bytes | undefined)[] = new Array(MAX_KEPT_BYTES + 1).fill(undefined);

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  /** The first `length` bytes. */
  of(length: number): Bytes {
    if (length > MAX_KEPT_BYTES) return this.#bytes.subarray(0, length);
    return this.#kept[length] ??= this.#bytes.subarray(0, length);
  }
}
