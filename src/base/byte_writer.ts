/**
 * Bytes in the making: grows as needed, big-endian throughout.
 */

import { type Bytes, writeU32 } from "./bytes.ts";

export class ByteWriter {
  #bytes: Bytes;
  #length = 0;

  constructor(capacity = 64) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    const at = this.#grow(1);
    this.#bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.#grow(2);
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
    return this;
  }

  u32(value: number): this {
    const at = this.#grow(4);
    writeU32(this.#bytes, at, value);
    return this;
  }

  /** The low 48 bits of a whole number below 2^48. */
  u48(value: number): this {
    return this.u16(Math.floor(value / 0x1_0000_0000)).u32(value >>> 0);
  }

  bytes(value: Uint8Array): this {
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  /** Writes `value` as one byte over what stands at `at`. */
  patch(at: number, value: number): void {
    this.#bytes[at] = value;
  }

  /** What was written, the caller's to keep. */
  finish(): Bytes {
    const { length } = this;
    // A view would keep the whole capacity alive for as long as the message waits.
    return length === this.#bytes.length ? this.#bytes : this.#bytes.slice(0, length);
  }

  #grow(count: number): number {
    const at = this.#length;
    const length = at + count;
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#length = length;
    return at;
  }
}
