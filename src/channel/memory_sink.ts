/**
 * Transfers that are kept in memory: whole ones until they are taken, halves of them until their sender comes
 * back or others need the room.
 */

import type { Bytes } from "../base/bytes.ts";
import { CodedError } from "../base/errors.ts";
import type { TransferSink } from "./transfer.ts";

/** A transfer for which there is no room. */
export class MemorySinkError extends CodedError<"busy" | "no_space"> {
  override readonly name = "MemorySinkError";
}

/** A later attempt goes on from a whole chunk. */
const CHUNK_BYTES = 1_048_576;

/** Holds transfers under keys, at most `maxBytes` of them together. */
export class MemorySinks {
  readonly #maxBytes: number;
  /** Kept or in use, the longest untouched first. */
  readonly #sinks = new Map<string, MemorySink>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes held, all sinks together. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * The sink of `key` for `size` bytes, with what an earlier attempt left. Throws {@link MemorySinkError}
   * `busy` while it is in use, `no_space` when the others in use leave no room.
   */
  open(key: string, size: number): MemorySink {
    const held = this.#sinks.get(key);
    if (held?.isInUse) {
      throw new MemorySinkError("busy", "Cannot receive: it is on its way already");
    }
    if (held && held.size !== size) this.#drop(key, held);
    else if (held) {
      held.reopen();
      this.#sinks.delete(key);
      this.#sinks.set(key, held);
      return held;
    }
    this.#makeRoom(size);
    const sink = new MemorySink(size, () => this.#drop(key, sink));
    this.#sinks.set(key, sink);
    this.#bytes += size;
    return sink;
  }

  #makeRoom(size: number): void {
    for (const [key, sink] of this.#sinks) {
      if (this.#bytes + size <= this.#maxBytes) return;
      if (!sink.isInUse) this.#drop(key, sink);
    }
    if (this.#bytes + size <= this.#maxBytes) return;
    throw new MemorySinkError(
      "no_space",
      `Cannot receive: ${size} bytes exceed the ${this.#maxBytes - this.#bytes} that are free`,
    );
  }

  #drop(key: string, sink: MemorySink): void {
    if (this.#sinks.get(key) !== sink) return;
    this.#sinks.delete(key);
    this.#bytes -= sink.size;
  }
}

/** One transfer in memory. */
export class MemorySink implements TransferSink {
  readonly size: number;
  /** All of it, once finished: the owner's to keep. */
  readonly bytes: Bytes;
  readonly #forget: () => void;
  #length = 0;
  #isInUse = true;

  constructor(size: number, forget: () => void) {
    this.size = size;
    this.bytes = new Uint8Array(size);
    this.#forget = forget;
  }

  get length(): number {
    return this.#length;
  }

  get isInUse(): boolean {
    return this.#isInUse;
  }

  /** Begins another attempt. */
  reopen(): void {
    this.#isInUse = true;
  }

  read(offset: number, buffer: Bytes): Promise<number> {
    const piece = this.bytes.subarray(offset, Math.min(this.#length, offset + buffer.length));
    buffer.set(piece);
    return Promise.resolve(piece.length);
  }

  truncate(length: number): Promise<void> {
    this.#length = Math.min(this.#length, length);
    return Promise.resolve();
  }

  write(bytes: Bytes): Promise<void> {
    this.bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return Promise.resolve();
  }

  finish(): Promise<string> {
    this.#forget();
    return Promise.resolve("memory");
  }

  close(): Promise<void> {
    this.#isInUse = false;
    if (this.#length < this.size) this.#length -= this.#length % CHUNK_BYTES;
    if (this.#length === 0) this.#forget();
    return Promise.resolve();
  }

  discard(): Promise<void> {
    this.#length = 0;
    this.#forget();
    return Promise.resolve();
  }
}
