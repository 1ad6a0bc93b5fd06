/**
 * What we receive on a stream: bytes in the order in which they were sent, at the pace of their reader.
 *
 * The peer may send {@link INITIAL_CREDIT_BYTES} beyond what was read. Nothing of a record is kept for them:
 * they are copied out of it, best of all into a buffer that a reader has brought.
 */

import type { Bytes } from "../base/bytes.ts";
import { ByteQueue } from "./byte_queue.ts";
import { INITIAL_CREDIT_BYTES, MuxError } from "./mux_frame.ts";

/** Credit is renewed once this much was read: often enough that a steady reader never stalls a sender. */
export const GRANT_BYTES = INITIAL_CREDIT_BYTES / 2;

/** Who waits for bytes: to be given them, or to have them put into a buffer. */
type Reader =
  & { reject(error: unknown): void }
  & (
    | { readonly into: undefined; resolve(bytes: Bytes | undefined): void }
    | { readonly into: Bytes; filled: number; resolve(count: number | undefined): void }
  );

export class ReceiveHalf {
  readonly #queue = new ByteQueue();
  readonly #onConsumed: (bytes: number) => void;
  /** What the peer may still send. */
  #window = INITIAL_CREDIT_BYTES;
  /** Read, and not yet given back as credit. */
  #consumed = 0;
  #isEnded = false;
  /** Whether an observer is being offered what is unread: whoever reads meanwhile waits for the rest. */
  #isOffering = false;
  /** Why bytes were thrown away, if any were; an error that hardly anybody asks for is made then. */
  #cutError: (() => unknown) | undefined;
  #reader: Reader | undefined;

  /** `onConsumed` is told of whatever was read. */
  constructor(onConsumed: (bytes: number) => void) {
    this.#onConsumed = onConsumed;
  }

  /** Bytes that have arrived and were not read. */
  get unread(): number {
    return this.#queue.length;
  }

  /** Whether the peer has sent everything. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Whether so much was read that the peer is due new credit. */
  get isGrantDue(): boolean {
    return !this.#isEnded && this.#consumed >= GRANT_BYTES;
  }

  /** The credit that is due to the peer, now given. */
  takeGrant(): number {
    if (this.#isEnded) return 0;
    const bytes = this.#consumed;
    this.#consumed = 0;
    this.#window += bytes;
    return bytes;
  }

  /** Counts data that arrived against its credit. Throws {@link MuxError}. */
  admit(length: number): void {
    if (this.#isEnded) throw new MuxError("bad_stream", "Cannot accept data: the stream had ended");
    if (length > this.#window) {
      throw new MuxError(
        "credit_exceeded",
        `Cannot accept data: length ${length} exceeds the credit of ${this.#window}`,
      );
    }
    this.#window -= length;
  }

  /**
   * Takes a copy of admitted bytes, behind which their record has `more`. Returns whether somebody waits for
   * them: then {@link wakeReader} is to be called once all of the record was read.
   */
  take(bytes: Bytes, more: number): boolean {
    const filled = this.#reader?.into ? this.#fill(this.#reader, bytes) : 0;
    if (filled < bytes.length) this.#queue.pushCopy(bytes.subarray(filled), more);
    return this.#reader !== undefined;
  }

  /** Says that `bytes` were used without being queued. */
  consume(bytes: number): void {
    this.#consumed += bytes;
    this.#onConsumed(bytes);
  }

  /**
   * Offers what is unread to `use`, which returns how many bytes it took, piece by piece while it takes them
   * whole and `isWanted`.
   */
  offer(use: (bytes: Bytes) => number, isWanted: () => boolean): void {
    let consumed = 0;
    let isWhole = true;
    this.#isOffering = true;
    while (isWhole && this.unread > 0 && isWanted()) {
      const piece = this.#queue.shift();
      if (!piece) break;
      const used = use(piece);
      isWhole = used === piece.length;
      if (!isWhole && !this.#cutError) this.#queue.unshift(piece.subarray(used));
      consumed += used;
    }
    this.#isOffering = false;
    this.consume(consumed);
    if (this.#queue.length > 0 || this.#isEnded) this.wakeReader();
  }

  /** The peer has sent everything. Throws {@link MuxError} when it says so twice. */
  end(): void {
    if (this.#isEnded) throw new MuxError("bad_stream", "Cannot end stream: it had ended");
    this.#isEnded = true;
  }

  /** See `MuxStream.read`; `error` is why nothing more will come, if so. */
  read(error: unknown): Promise<Bytes | undefined> {
    const bytes = this.#isOffering ? undefined : this.#queue.shift();
    if (!bytes) {
      return this.#wait(error, (resolve, reject) => {
        this.#reader = { into: undefined, resolve, reject };
      });
    }
    this.consume(bytes.length);
    return Promise.resolve(bytes);
  }

  /** See `MuxStream.readInto`. */
  readInto(buffer: Bytes, error: unknown): Promise<number | undefined> {
    if (buffer.length === 0) {
      return Promise.reject(new RangeError("Cannot read stream: the buffer is empty"));
    }
    const count = this.#isOffering ? 0 : Math.min(buffer.length, this.#queue.length);
    if (count === 0) {
      return this.#wait(error, (resolve, reject) => {
        this.#reader = { into: buffer, filled: 0, resolve, reject };
      });
    }
    this.#queue.moveInto(buffer, 0, count);
    this.consume(count);
    return Promise.resolve(count);
  }

  /** Gives a waiting reader what there is for it, or tells it of the end. */
  wakeReader(): void {
    const reader = this.#reader;
    if (!reader) return;
    this.#reader = undefined;
    if (reader.into) {
      const count = Math.min(reader.into.length - reader.filled, this.#queue.length);
      this.#queue.moveInto(reader.into, reader.filled, count);
      this.consume(count);
      return reader.resolve(reader.filled + count || undefined);
    }
    const bytes = this.#queue.shift();
    if (bytes) this.consume(bytes.length);
    reader.resolve(bytes);
  }

  /** What has arrived, and what will, is thrown away; whoever reads is told the error. */
  discard(errorOf: () => unknown): void {
    if (this.#isEnded && !this.#isOffering && this.#queue.length === 0) return;
    this.#cutError ??= errorOf;
    this.#queue.clear();
    if (this.#reader) this.fail(errorOf());
  }

  /** Nothing more will come. What has been put into a reader's buffer is good; the error meets the next. */
  fail(error: unknown): void {
    const reader = this.#reader;
    if (reader?.into && reader.filled > 0) return this.wakeReader();
    this.#reader = undefined;
    reader?.reject(error);
  }

  #fill(reader: Reader & { into: Bytes }, bytes: Bytes): number {
    const count = Math.min(reader.into.length - reader.filled, bytes.length);
    if (count === 0) return 0;
    reader.into.set(bytes.subarray(0, count), reader.filled);
    reader.filled += count;
    this.consume(count);
    return count;
  }

  #wait<T>(
    error: unknown,
    start: (resolve: (value: T | undefined) => void, reject: (error: unknown) => void) => void,
  ): Promise<T | undefined> {
    if (this.#cutError) return Promise.reject(this.#cutError());
    if (this.#isEnded && !this.#isOffering) return Promise.resolve(undefined);
    if (error !== undefined) return Promise.reject(error);
    if (this.#reader) {
      return Promise.reject(new TypeError("Cannot read stream: it is being read"));
    }
    return new Promise(start);
  }
}
