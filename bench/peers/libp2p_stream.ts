/**
 * What both sides need of a libp2p stream and its interface leaves to the caller: waiting for room to
 * write, and reading answers of a known length.
 */

import type { Stream, StreamMessageEvent } from "@libp2p/interface";

type Message = StreamMessageEvent["data"];

/**
 * Resolves once `stream` takes more; rejects when it closes before.
 *
 * The stream's own `onDrain()` is of no use here: once there has been a drain, it resolves at once.
 */
export async function drained(stream: Stream): Promise<void> {
  while (stream.writableNeedsDrain) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onDrain = () => resolve();
    const onClose = () => reject(new Error(`Cannot write: the stream is ${stream.status}`));
    stream.addEventListener("drain", onDrain);
    stream.addEventListener("close", onClose);
    try {
      await promise;
    } finally {
      stream.removeEventListener("drain", onDrain);
      stream.removeEventListener("close", onClose);
    }
  }
}

/** Where an answer ends: with its last byte, or with the far side's end of writing. */
export type Until = "full" | "end";

interface Pending {
  readonly answer: Uint8Array<ArrayBuffer>;
  readonly until: Until;
  readonly resolve: (answer: Uint8Array<ArrayBuffer>) => void;
  readonly reject: (error: Error) => void;
  filled: number;
}

/**
 * Reads answers that have been asked for: bytes that no read waits for, or more than it waits for, fail
 * the reader for good.
 */
export class AnswerReader {
  #pending: Pending | undefined;
  #failure: Error | undefined;

  /** Takes over the reading of `stream`. */
  constructor(stream: Stream) {
    stream.addEventListener("message", ({ data }) => this.#take(data));
    stream.addEventListener("end", () => this.#finish());
    stream.addEventListener("close", () => this.#fail(`the stream is ${stream.status}`));
  }

  /** Resolves with an answer of exactly `length` bytes; one read at a time. */
  read(length: number, until: Until): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#pending) return Promise.reject(new TypeError("Cannot read: another read waits"));
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
    this.#pending = { answer: new Uint8Array(length), until, resolve, reject, filled: 0 };
    return promise;
  }

  #take(data: Message): void {
    const pending = this.#pending;
    const room = pending ? pending.answer.length - pending.filled : 0;
    if (!pending || data.byteLength > room) {
      return this.#fail(`${data.byteLength} bytes came where ${room} were due`);
    }
    pending.answer.set(data.subarray(), pending.filled);
    pending.filled += data.byteLength;
    if (pending.until === "full" && pending.filled === pending.answer.length) {
      this.#resolve(pending);
    }
  }

  #finish(): void {
    const pending = this.#pending;
    if (pending?.until === "end" && pending.filled === pending.answer.length) {
      this.#resolve(pending);
    }
    this.#fail(`the far side ended after ${pending?.filled ?? 0} bytes`);
  }

  #resolve(pending: Pending): void {
    this.#pending = undefined;
    pending.resolve(pending.answer);
  }

  /** The first failure stays; whoever reads, now or later, learns of it. */
  #fail(why: string): void {
    this.#failure ??= new Error(`Cannot read an answer: ${why}`);
    this.#pending?.reject(this.#failure);
    this.#pending = undefined;
  }
}
