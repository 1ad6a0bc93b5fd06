/** What went over the wires: counted by node and by kind of message, and summed up in one digest. */

import { createHash } from "node:crypto";
import type { Bytes } from "../../src/base/bytes.ts";

/** Kinds of message: the first byte. */
const KINDS = 256;
/** Taken into the digest at once. */
const BLOCK_BYTES = 65_536;
/** Of a delivery, before the message: time f64, from u32, to u32, length u32. */
const HEAD_BYTES = 20;

export class Traffic {
  /** By node: messages and bytes that it sent, lost ones included. */
  readonly sentMessages: Float64Array;
  readonly sentBytes: Float64Array;
  /** By kind: the same. */
  readonly kindMessages = new Float64Array(KINDS);
  readonly kindBytes = new Float64Array(KINDS);
  /** Messages that arrived. */
  delivered = 0;
  /** Messages that did not. */
  dropped = 0;

  constructor(nodes: number) {
    this.sentMessages = new Float64Array(nodes);
    this.sentBytes = new Float64Array(nodes);
  }

  sent(from: number, message: Bytes): void {
    const kind = message[0] ?? 0;
    const { length } = message;
    this.sentMessages[from] = (this.sentMessages[from] as number) + 1;
    this.sentBytes[from] = (this.sentBytes[from] as number) + length;
    this.kindMessages[kind] = (this.kindMessages[kind] as number) + 1;
    this.kindBytes[kind] = (this.kindBytes[kind] as number) + length;
  }

  get totalBytes(): number {
    return this.sentBytes.reduce((sum, bytes) => sum + bytes, 0);
  }

  get totalMessages(): number {
    return this.sentMessages.reduce((sum, messages) => sum + messages, 0);
  }

  /** Begins to count anew what was sent. */
  reset(): void {
    for (const counts of [this.sentMessages, this.sentBytes, this.kindMessages, this.kindBytes]) {
      counts.fill(0);
    }
  }
}

/** SHA-256 over all that was delivered: when, from whom, to whom and every byte. */
export class Digest {
  readonly #hash = createHash("sha256");
  readonly #block = new Uint8Array(BLOCK_BYTES);
  readonly #view = new DataView(this.#block.buffer);
  #length = 0;

  add(timeMs: number, from: number, to: number, message: Bytes): void {
    if (this.#length + HEAD_BYTES + message.length > BLOCK_BYTES) this.#flush();
    const at = this.#length;
    this.#view.setFloat64(at, timeMs);
    this.#view.setUint32(at + 8, from);
    this.#view.setUint32(at + 12, to);
    this.#view.setUint32(at + 16, message.length);
    this.#block.set(message, at + HEAD_BYTES);
    this.#length = at + HEAD_BYTES + message.length;
  }

  /** Of everything so far, as hexadecimal. */
  get value(): string {
    this.#flush();
    return this.#hash.copy().digest("hex");
  }

  #flush(): void {
    // The hash may read the block later: it gets a copy of its own.
    this.#hash.update(this.#block.slice(0, this.#length));
    this.#length = 0;
  }
}
