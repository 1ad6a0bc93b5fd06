/**
 * A queue of bytes that keeps large pieces as they are and gathers small ones, so that what it holds costs
 * little more than its length, however finely a peer cuts it.
 */

import { type Bytes, NO_BYTES } from "../base/bytes.ts";
import { Slab } from "../base/slab.ts";

/** Pieces are gathered in buffers that grow between these sizes. */
const MIN_GATHER_BYTES = 256;
const MAX_GATHER_BYTES = 16_384;
/** A copy that is alone in its queue is as a rule taken at once; up to this length it comes from a slab. */
const MAX_SLAB_PIECE_BYTES = 1_024;
/** The most room that is kept for what may follow, in lengths of what is there. */
const MAX_SPARE_SHARE = 3;

const slab = new Slab();

export class ByteQueue {
  /** Those from `#first` to `#end` are held. */
  readonly #pieces: Bytes[] = [];
  #first = 0;
  #end = 0;
  #length = 0;
  /** Room behind the last piece, where that was gathered. */
  #room: Bytes = NO_BYTES;
  #gatherBytes = MIN_GATHER_BYTES;

  /** Bytes held. */
  get length(): number {
    return this.#length;
  }

  /** Appends `bytes` themselves: nobody may change them while they are held. */
  push(bytes: Bytes): void {
    if (bytes.length === 0) return;
    this.#append(bytes);
    this.#room = NO_BYTES;
  }

  /** Appends a copy of `bytes`, with room for `more` that may follow at once, within reason. */
  pushCopy(bytes: Bytes, more = 0): void {
    if (bytes.length === 0) return;
    if (this.#length === 0 && bytes.length <= MAX_SLAB_PIECE_BYTES) {
      const piece = slab.cut(bytes.length);
      piece.set(bytes);
      this.#append(piece);
    } else if (this.#room.length >= bytes.length) this.#extendLast(bytes);
    else this.#gather(bytes, Math.min(more, bytes.length * MAX_SPARE_SHARE));
  }

  /** Puts back the rest of what was shifted last. */
  unshift(bytes: Bytes): void {
    if (this.#length === 0) return this.#append(bytes);
    if (this.#first > 0) this.#pieces[--this.#first] = bytes;
    else {
      this.#pieces.unshift(bytes);
      this.#end++;
    }
    this.#length += bytes.length;
  }

  /** Takes the first piece, or its first `max` bytes; `undefined` when empty. The caller's to keep. */
  shift(max = Infinity): Bytes | undefined {
    if (this.#length === 0) return undefined;
    const piece = this.#pieces[this.#first] ?? NO_BYTES;
    if (piece.length > max) {
      this.#pieces[this.#first] = piece.subarray(max);
      this.#length -= max;
      return piece.subarray(0, max);
    }
    this.#length -= piece.length;
    this.#pieces[this.#first++] = NO_BYTES;
    if (this.#first === this.#end) this.#reset();
    else if (this.#first >= 64) {
      this.#pieces.splice(0, this.#first);
      this.#end -= this.#first;
      this.#first = 0;
    }
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
    const held = this.#pieces.slice(this.#first, this.#end);
    this.clear();
    for (const piece of held) this.pushCopy(piece);
  }

  clear(): void {
    this.#pieces.length = 0;
    this.#length = 0;
    this.#reset();
  }

  #append(piece: Bytes): void {
    this.#pieces[this.#end++] = piece;
    this.#length += piece.length;
  }

  #extendLast(bytes: Bytes): void {
    const last = this.#pieces[this.#end - 1] ?? NO_BYTES;
    this.#room.set(bytes);
    this.#room = this.#room.subarray(bytes.length);
    const { buffer, byteOffset, length } = last;
    this.#pieces[this.#end - 1] = new Uint8Array(buffer, byteOffset, length + bytes.length);
    this.#length += bytes.length;
  }

  #gather(bytes: Bytes, more: number): void {
    const buffer = new Uint8Array(Math.max(bytes.length + more, this.#gatherBytes));
    buffer.set(bytes);
    this.#append(buffer.subarray(0, bytes.length));
    this.#room = buffer.subarray(bytes.length);
    this.#gatherBytes = Math.min(this.#gatherBytes * 2, MAX_GATHER_BYTES);
  }

  #reset(): void {
    this.#first = 0;
    this.#end = 0;
    this.#room = NO_BYTES;
    this.#gatherBytes = MIN_GATHER_BYTES;
  }
}
