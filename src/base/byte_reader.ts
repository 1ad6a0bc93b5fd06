/**
 * A cursor over untrusted bytes: each read names what was wanted when the bytes end too soon.
 */

import type { Bytes } from "./bytes.ts";
import { CodedError } from "./errors.ts";

/** Bytes that are not what they should be. */
export class ByteReaderError extends CodedError<"truncated" | "malformed"> {
  override readonly name = "ByteReaderError";
}

export class ByteReader {
  readonly #bytes: Bytes;
  #offset: number;

  constructor(bytes: Bytes, offset = 0) {
    this.#bytes = bytes;
    this.#offset = offset;
  }

  /** Bytes that have not been read. */
  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  get offset(): number {
    return this.#offset;
  }

  u8(): number {
    return this.#bytes[this.#advance(1)] as number;
  }

  u16(): number {
    const at = this.#advance(2);
    return ((this.#bytes[at] as number) << 8) | (this.#bytes[at + 1] as number);
  }

  u32(): number {
    const at = this.#advance(4);
    const bytes = this.#bytes;
    return (((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0;
  }

  /** An unsigned 48-bit number: the largest that is exact and whole bytes. */
  u48(): number {
    const high = this.u16();
    return high * 0x1_0000_0000 + this.u32();
  }

  /** A view of the next `length` bytes. */
  view(length: number): Bytes {
    const at = this.#advance(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** A view of what has been read since `offset`. */
  since(offset: number): Bytes {
    return this.#bytes.subarray(offset, this.#offset);
  }

  /** Throws unless everything was read. */
  end(): void {
    if (this.left === 0) return;
    throw new ByteReaderError("malformed", `Cannot read: ${this.left} bytes follow the end`);
  }

  #advance(length: number): number {
    const at = this.#offset;
    if (length > this.left) {
      throw new ByteReaderError(
        "truncated",
        `Cannot read ${length} bytes at ${at}: ${this.left} are left`,
      );
    }
    this.#offset = at + length;
    return at;
  }
}
