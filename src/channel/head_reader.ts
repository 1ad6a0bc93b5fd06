/**
 * Finds the head at the front of a stream. One that comes in one piece, as nearly all do, is read where it
 * lies.
 */

import type { Bytes } from "../base/bytes.ts";
import { ByteQueue } from "./byte_queue.ts";
import { HEAD_LENGTH_BYTES, headLength } from "./request_head.ts";

export class HeadReader {
  /** The JSON, a view that dies with the bytes it was found in; set once {@link read} has found it. */
  json: Bytes | undefined;
  #held: ByteQueue | undefined;
  #jsonBytes: number | undefined;

  /** Takes the next bytes of the stream; returns how many belong to the head. Throws `HeadError`. */
  read(bytes: Bytes): number {
    if (!this.#held && bytes.length >= HEAD_LENGTH_BYTES) {
      const end = HEAD_LENGTH_BYTES + headLength(bytes);
      if (bytes.length >= end) {
        this.json = bytes.subarray(HEAD_LENGTH_BYTES, end);
        return end;
      }
    }
    let used = 0;
    while (used < bytes.length && !this.json) used += this.#gather(bytes.subarray(used));
    return used;
  }

  /** Takes what is missing of the length field, then of the JSON. */
  #gather(bytes: Bytes): number {
    const held = this.#held ??= new ByteQueue();
    const wanted = this.#jsonBytes ?? HEAD_LENGTH_BYTES;
    const piece = bytes.subarray(0, wanted - held.length);
    held.pushCopy(piece);
    if (held.length === wanted) {
      const whole = new Uint8Array(wanted);
      held.moveInto(whole, 0, wanted);
      if (this.#jsonBytes === undefined) this.#jsonBytes = headLength(whole);
      else this.json = whole;
    }
    return piece.length;
  }
}
