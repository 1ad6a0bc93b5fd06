/**
 * A queue of bytes that keeps large pieces as they are and gathers small ones, so that what it holds costs
 * little more than its length, however finely a peer cuts it.
 */

import type { Bytes } from "../base/bytes.ts";

/** Pieces are gathered in buffers that grow between these sizes. */
const MIN_GATHER_BYTES = 256;
const MAX_GATHER_BYTES = 16_384;

export class ByteQueue {
  #pieces: Bytes[] = [];
  #first = 0;
  #length = 0;
  /** Room behind the last piece, where that was gathered. */
  #room: Bytes | undefined;
  #gatherBytes = MIN_GATHER_BYTES;

  /** Bytes held. */
  get length(): number {
    return this.#length;
  }

  /** Appends `bytes` themselves: nobody may change them while they are held. */
  push(bytes: Bytes): void {
    if (bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.#length += bytes.length;
    this.#room = undefined;
  }

  /** Appends a copy of `bytes`. */
  pushCopy(bytes: Bytes): void {
    if (bytes.length === 0) return;
    const last = this.#pieces.length - 1;
    const tail = this.#pieces[last];
    if (this.#room && tail && this.#room.length >= bytes.length) {
      this.#room.set(bytes);
      this.#room = this.#room.subarray(bytes.length);
      this.#pieces[last] = new Uint8Array(
        tail.buffer,
        tail.byteOffset,
        tail.length + bytes.length,
      );
    } else {
      const buffer = new Uint8Array(Math.max(bytes.length, this.#gatherBytes));
      buffer.set(bytes);
      this.#pieces.push(buffer.subarray(0, bytes.length));
      this.#room = buffer.subarray(bytes.length);
      this.#gatherBytes = Math.min(this.#gatherBytes * 2, MAX_GATHER_BYTES);
    }
    this.#length += bytes.length;
  }

  /** Puts back the rest of what was shifted last. */
  unshift(bytes: Bytes): void {
    if (this.#first > 0) this.#pieces[--this.#first] = bytes;
    else this.#pieces.unshift(bytes);
    this.#length += bytes.length;
  }

  /** Takes the first piece, or its first `max` bytes; `undefined` when empty. The caller's to keep. */
  shift(max = Infinity): Bytes | undefined {
    const piece = this.#pieces[this.#first];
    if (piece === undefined) return undefined;
    if (piece.length > max) {
      this.#pieces[this.#first] = piece.subarray(max);
      this.#length -= max;
      return piece.subarray(0, max);
    }
    this.#length -= piece.length;
    this.#dropFirst();
    return piece;
  }

  /** Moves `count` bytes, which it must hold, into `out` at `offset`. */
  moveInto(out: Bytes, offset: number, count: number): void {
    for (let left = count; left > 0;) {
      const piece = this.shift(left);
      if (!piece) throw new RangeError(`Cannot move ${count} bytes: fewer are held`);
      out.set(piece, offset);
      offset += piece.length;
      left -= piece.length;
    }
  }

  /** Copies what was pushed uncopied: its owner may have it back. */
  own(): void {
    const held = this.#pieces.slice(this.#first);
    this.clear();
    for (const piece of held) this.pushCopy(piece);
  }

  clear(): void {
    this.#pieces = [];
    this.#first = 0;
    this.#length = 0;
    this.#room = undefined;
    this.#gatherBytes = MIN_GATHER_BYTES;
  }

  #dropFirst(): void {
    this.#first++;
    if (this.#first === this.#pieces.length) {
      this.#pieces.length = 0;
      this.#first = 0;
      this.#room = undefined;
      this.#gatherBytes = MIN_GATHER_BYTES;
    } else if (this.#first >= 64) {
      this.#pieces.splice(0, this.#first);
      this.#first = 0;
    }
  }
}
