/**
 * A frame decoder that does not detect: `FrameDecoder` with its buffer handling line for line, and
 * nothing that looks at the payload. The difference between the two is the price of one port for all
 * protocols.
 */

import { type Bytes, readU32 } from "../../src/base/bytes.ts";
import { MAX_BUFFER_BYTES, MIN_BUFFER_BYTES } from "../../src/wire/frame.ts";
import { LENGTH_BYTES, MAX_PAYLOAD_BYTES } from "../../src/wire/limits.ts";

const SMALL_READS_TO_SHRINK = 8;
const NO_BYTES: Bytes = new Uint8Array(0);

/** Cuts a byte stream into frames, whatever they carry. */
export class PlainDecoder {
  #buffer: Bytes = new Uint8Array(MIN_BUFFER_BYTES);
  #start = 0;
  #end = 0;
  #smallReads = 0;
  #readsAhead = false;
  #payload = NO_BYTES;

  /** The payload of the frame that `next` found. */
  get payload(): Bytes {
    return this.#payload;
  }

  readAhead(): void {
    this.#readsAhead = true;
  }

  space(): Bytes {
    this.#payload = NO_BYTES;
    if (this.#start === this.#end) {
      this.#start = this.#end = 0;
      if (this.#smallReads >= SMALL_READS_TO_SHRINK && this.#buffer.length > MIN_BUFFER_BYTES) {
        this.#buffer = new Uint8Array(MIN_BUFFER_BYTES);
      }
    } else if (this.#end === this.#buffer.length) {
      this.#makeRoom();
    }
    return this.#buffer.subarray(this.#end);
  }

  commit(count: number): void {
    const wasFull = this.#readsAhead && count === this.#buffer.length - this.#end;
    this.#end += count;
    this.#smallReads = count < MIN_BUFFER_BYTES / 4 ? this.#smallReads + 1 : 0;
    if (wasFull && this.#start === 0 && this.#buffer.length < MAX_BUFFER_BYTES) this.#resize(2);
  }

  /** Whether another whole frame is there; `payload` is then its body. */
  next(): boolean {
    const start = this.#start;
    const available = this.#end - start;
    if (available < LENGTH_BYTES) return false;
    const length = readU32(this.#buffer, start);
    if (length === 0 || length > MAX_PAYLOAD_BYTES) {
      throw new RangeError(`Cannot decode frame: length ${length} is out of bounds`);
    }
    const end = start + LENGTH_BYTES + length;
    if (end > this.#end) return false;
    this.#start = end;
    this.#payload = this.#buffer.subarray(start + LENGTH_BYTES, end);
    return true;
  }

  #makeRoom(): void {
    if (this.#start === 0) return this.#resize(2);
    this.#buffer.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
  }

  #resize(factor: number): void {
    const grown = new Uint8Array(this.#buffer.length * factor);
    grown.set(this.#buffer.subarray(this.#start, this.#end));
    this.#end -= this.#start;
    this.#start = 0;
    this.#buffer = grown;
  }
}
