/**
 * One stream of a session: bytes both ways, each direction with its own credit and its own end.
 *
 * ```
 *  each direction:  open ──data*──> ended (close)          either side: ──reset──> failed, both ways
 * ```
 *
 * A writer waits while more than {@link LOW_WATER_BYTES} of what it gave have not left, and bytes leave
 * only against credit that the reader at the other end gives as it reads: that is the back-pressure. What a
 * peer sent before it ended its direction stays readable after a reset.
 */

import type { Bytes } from "../base/bytes.ts";
import { CodedError } from "../base/errors.ts";
import { ByteQueue } from "./byte_queue.ts";
import {
  MAX_DATA_BYTES,
  MUX_HEADER_BYTES,
  MUX_KINDS,
  MuxError,
  writeFrameHeader,
} from "./mux_frame.ts";
import type { Priority } from "./scheduler.ts";

/** What a sender may send before the reader has read any of it, bytes. */
export const INITIAL_CREDIT_BYTES = 262_144;
/** Credit is renewed once this much was read: often enough that a steady reader never stalls a sender. */
const GRANT_BYTES = INITIAL_CREDIT_BYTES / 2;
/** Up to here what is written is taken at once; above, the writer waits. */
export const LOW_WATER_BYTES = 16_384;
/** Pieces below this length, or below this share of their record, are copied out of it. */
const MIN_KEPT_BYTES = 2_048;
const MIN_KEPT_SHARE = 8;

/**
 * A stream that cannot be used any more. `code` is ours or the peer's reason: `cancelled`, `refused`, `lost`
 * and whatever an application resets with.
 */
export class StreamError extends CodedError {
  override readonly name = "StreamError";
  /** Whether the peer reset it. */
  readonly isRemote: boolean;

  constructor(code: string, message: string, isRemote = false) {
    super(code, message);
    this.isRemote = isRemote;
  }
}

/** Follows a stream without promises: for what is read in one go. */
export interface StreamObserver {
  /** Takes bytes as they arrive, a view that dies with the call; returns how many it has used. */
  onData(bytes: Bytes): number;
  /** The peer has sent everything. */
  onEnd(): void;
  onError(error: StreamError): void;
}

/** What a stream needs of its multiplexer. */
export interface StreamHost {
  /** The stream has something to send. */
  wantToSend(stream: MuxStream): void;
  /** The stream owes the peer new credit. */
  wantToGrant(stream: MuxStream): void;
  /** The stream's reader is to be woken once all of the record was read. */
  wantToWake(stream: MuxStream): void;
  sendReset(stream: MuxStream, code: string): void;
  /** The stream is over, both ways. */
  forget(stream: MuxStream): void;
}

/** Who waits for bytes: to be given them, or to have them put into a buffer. */
type Reader =
  & { reject(error: unknown): void }
  & (
    | { readonly into: undefined; resolve(bytes: Bytes | undefined): void }
    | { readonly into: Bytes; filled: number; resolve(count: number | undefined): void }
  );

export class MuxStream {
  readonly id: number;
  readonly priority: Priority;
  /** Whether we opened it. */
  readonly isOurs: boolean;
  /** Whether it waits for its turn to send; the multiplexer's own mark. */
  isQueued = false;
  readonly #host: StreamHost;
  #observer: StreamObserver | undefined;
  readonly #outgoing = new ByteQueue();
  readonly #incoming = new ByteQueue();
  #credit = INITIAL_CREDIT_BYTES;
  /** What the peer may still send. */
  #window = INITIAL_CREDIT_BYTES;
  /** Read, and not yet given back as credit. */
  #consumed = 0;
  #isOpenSent: boolean;
  #isEnding = false;
  #isCloseSent = false;
  #isEnded = false;
  /** Reset with this once our end has left, should the peer still be sending. */
  #stopCode: string | undefined;
  #error: StreamError | undefined;
  #drained: PromiseWithResolvers<void> | undefined;
  #reader: Reader | undefined;
  #closed: PromiseWithResolvers<void> | undefined;
  #isOver = false;

  constructor(
    host: StreamHost,
    options: { readonly id: number; readonly priority: Priority; readonly isOurs: boolean },
  ) {
    this.#host = host;
    this.id = options.id;
    this.priority = options.priority;
    this.isOurs = options.isOurs;
    this.#isOpenSent = !options.isOurs;
  }

  /** Why the stream failed, if it did. */
  get error(): StreamError | undefined {
    return this.#error;
  }

  /** Whether the peer has sent everything. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Resolves when both directions have ended and all was read; rejects with {@link StreamError}. */
  get closed(): Promise<void> {
    if (this.#closed) return this.#closed.promise;
    this.#closed = Promise.withResolvers<void>();
    if (this.#error) this.#closed.reject(this.#error);
    else if (this.#isOver) this.#closed.resolve();
    return this.#closed.promise;
  }

  /** Bytes that have arrived and were not read. */
  get unread(): number {
    return this.#incoming.length;
  }

  /** Bytes that were written and have not left. */
  get unsent(): number {
    return this.#outgoing.length;
  }

  /** What we may still send, bytes. */
  get credit(): number {
    return this.#credit;
  }

  /**
   * Sends `bytes`. `undefined` when they were taken at once; otherwise resolves when they are the writer's
   * again, and must not change until then. Rejects with {@link StreamError}; throws it, or `TypeError` after
   * `end`, when the stream cannot take them.
   */
  write(bytes: Bytes): Promise<void> | undefined {
    this.#checkWritable();
    if (bytes.length === 0) return undefined;
    const isSmall = this.#outgoing.length + bytes.length <= LOW_WATER_BYTES;
    if (isSmall) this.#outgoing.pushCopy(bytes);
    else this.#outgoing.push(bytes);
    this.#wantToSend();
    if (isSmall) return undefined;
    this.#drained ??= Promise.withResolvers<void>();
    return this.#drained.promise;
  }

  /** Sends `bytes`, at most {@link LOW_WATER_BYTES}, which are the stream's from now on. */
  give(bytes: Bytes): void {
    this.#checkWritable();
    this.#outgoing.push(bytes);
    this.#wantToSend();
  }

  /** Ends our direction once everything written has left. Idempotent. */
  end(): void {
    if (this.#isEnding || this.#error) return;
    this.#isEnding = true;
    this.#wantToSend();
  }

  /** {@link end}, and whatever the peer still sends after that is refused with `code`. */
  finish(code: string): void {
    this.end();
    this.#observer = undefined;
    this.#discard();
    if (this.#isEnded) return this.#settle();
    if (this.#isCloseSent) this.reset(code);
    else this.#stopCode = code;
  }

  /** Ends both directions at once and tells the peer why. Idempotent. */
  reset(code: string): void {
    if (this.#error || (this.#isCloseSent && this.#isEnded)) return;
    this.#discard();
    if (this.#isOpenSent) this.#host.sendReset(this, code);
    this.#fail(new StreamError(code, `Cannot use stream: it was reset (${code})`));
  }

  /** Tells `observer` of what has arrived and what will, until {@link unobserve}. */
  observe(observer: StreamObserver): void {
    this.#observer = observer;
    if (this.#incoming.length > 0) this.#offerUnread(observer);
    if (this.#observer !== observer) return;
    if (this.#isEnded && this.#incoming.length === 0) observer.onEnd();
    else if (this.#error) observer.onError(this.#error);
  }

  /** From here on the stream is read with {@link read}. */
  unobserve(): void {
    this.#observer = undefined;
  }

  /**
   * The next bytes, the caller's to keep; `undefined` at the end. One read at a time. Rejects with
   * {@link StreamError}.
   */
  read(): Promise<Bytes | undefined> {
    const bytes = this.#incoming.shift();
    if (bytes) {
      this.#consume(bytes.length);
      return Promise.resolve(bytes);
    }
    return this.#wait((resolve, reject) => this.#reader = { into: undefined, resolve, reject });
  }

  /**
   * Puts the next bytes into `buffer`, which is the stream's until then; resolves with how many, at least
   * one, or `undefined` at the end. What a record brings is copied out of it at once and the record is freed,
   * so that this is the way to read a great deal. One read at a time. Rejects with {@link StreamError}.
   */
  readInto(buffer: Bytes): Promise<number | undefined> {
    const count = Math.min(buffer.length, this.#incoming.length);
    if (count > 0) {
      this.#incoming.moveInto(buffer, 0, count);
      this.#consume(count);
      return Promise.resolve(count);
    }
    return this.#wait((resolve, reject) => {
      this.#reader = { into: buffer, filled: 0, resolve, reject };
    });
  }

  // What the multiplexer calls.

  /** Whether {@link emit} has something to write. */
  get isReady(): boolean {
    if (this.#error) return false;
    return !this.#isOpenSent || (this.#outgoing.length > 0 && this.#credit > 0) ||
      (this.#isEnding && this.#outgoing.length === 0 && !this.#isCloseSent);
  }

  /**
   * Writes the next frames into `out` at `offset`: the opening, at most one of data (of at most `allowance`
   * bytes) and the end. Returns the offset behind what fitted.
   */
  emit(out: Bytes, offset: number, allowance: number): number {
    if (!this.#isOpenSent) {
      if (out.length - offset < MUX_HEADER_BYTES) return offset;
      offset = writeFrameHeader(out, offset, {
        kind: MUX_KINDS.open,
        flags: this.priority,
        stream: this.id,
        length: 0,
      });
      this.#isOpenSent = true;
    }
    const room = out.length - offset - MUX_HEADER_BYTES;
    const queued = this.#outgoing.length;
    const length = Math.min(queued, this.#credit, MAX_DATA_BYTES, room, allowance);
    if (length > 0) {
      offset = writeFrameHeader(out, offset, { kind: MUX_KINDS.data, stream: this.id, length });
      this.#outgoing.moveInto(out, offset, length);
      offset += length;
      this.#credit -= length;
      if (this.#drained && queued - length <= LOW_WATER_BYTES) this.#releaseWriter();
    }
    if (!this.#isEnding || this.#isCloseSent || this.#outgoing.length > 0) return offset;
    if (out.length - offset < MUX_HEADER_BYTES) return offset;
    this.#isCloseSent = true;
    const end = writeFrameHeader(out, offset, {
      kind: MUX_KINDS.close,
      stream: this.id,
      length: 0,
    });
    this.#settle();
    if (this.#stopCode !== undefined && !this.#isEnded) this.reset(this.#stopCode);
    return end;
  }

  /** The credit that is due to the peer, now given. */
  takeGrant(): number {
    if (this.#error || this.#isEnded) return 0;
    const bytes = this.#consumed;
    this.#consumed = 0;
    this.#window += bytes;
    return bytes;
  }

  /**
   * Takes data of a record of `recordBytes`; returns whether it keeps views of it. Throws {@link MuxError}.
   */
  receiveData(body: Bytes, recordBytes: number): boolean {
    if (this.#isEnded) throw new MuxError("bad_stream", "Cannot accept data: the stream had ended");
    if (body.length > this.#window) {
      throw new MuxError(
        "credit_exceeded",
        `Cannot accept data: length ${body.length} exceeds the credit of ${this.#window}`,
      );
    }
    this.#window -= body.length;
    if (this.#error || this.#stopCode !== undefined) return false;
    let rest = body;
    if (this.#observer && this.#incoming.length === 0) {
      rest = rest.subarray(this.#offer(this.#observer, rest));
      // Whoever was told may have had enough.
      if (this.#error || this.#stopCode !== undefined) return false;
    }
    if (this.#reader?.into) rest = rest.subarray(this.#fillReader(this.#reader, rest));
    if (rest.length === 0) return false;
    const isKept = rest.length >= MIN_KEPT_BYTES && rest.length * MIN_KEPT_SHARE >= recordBytes;
    if (isKept) this.#incoming.push(rest);
    else this.#incoming.pushCopy(rest);
    if (this.#reader && !this.#reader.into) this.wakeReader();
    return isKept;
  }

  /** Gives a waiting reader what there is for it, or tells it of the end. */
  wakeReader(): void {
    const reader = this.#reader;
    if (!reader) return;
    this.#reader = undefined;
    if (reader.into) return reader.resolve(reader.filled || undefined);
    const bytes = this.#incoming.shift();
    if (bytes) this.#consume(bytes.length);
    reader.resolve(bytes);
  }

  /** The peer has sent everything. Throws {@link MuxError} when it says so twice. */
  receiveEnd(): void {
    if (this.#isEnded) throw new MuxError("bad_stream", "Cannot end stream: it had ended");
    this.#isEnded = true;
    this.#observer?.onEnd();
    this.wakeReader();
    this.#settle();
  }

  /** More credit. Throws {@link MuxError} when it adds up to more than a number of the protocol. */
  receiveCredit(bytes: number): void {
    this.#credit += bytes;
    if (this.#credit > 0xffffffff) {
      throw new MuxError("credit_exceeded", "Cannot accept credit: it exceeds 32 bits");
    }
    if (this.#outgoing.length > 0) this.#wantToSend();
  }

  /** The peer reset the stream, or the session is gone. */
  fail(error: StreamError): void {
    if (!this.#error) this.#fail(error);
  }

  #checkWritable(): void {
    if (this.#error) throw this.#error;
    if (this.#isEnding) throw new TypeError("Cannot write to stream: it was ended");
  }

  #wantToSend(): void {
    if (!this.isQueued && this.isReady) this.#host.wantToSend(this);
  }

  #offer(observer: StreamObserver, body: Bytes): number {
    const used = observer.onData(body);
    this.#consume(used);
    return used;
  }

  #offerUnread(observer: StreamObserver): void {
    const unread = this.#incoming.shift(this.#incoming.length);
    if (!unread) return;
    const used = this.#offer(observer, unread);
    if (used < unread.length) this.#incoming.unshift(unread.subarray(used));
  }

  #consume(bytes: number): void {
    this.#consumed += bytes;
    if (this.#isEnded) return this.#settle();
    const isDue = this.#consumed >= GRANT_BYTES;
    if (isDue && this.#consumed - bytes < GRANT_BYTES) this.#host.wantToGrant(this);
  }

  #fillReader(reader: Reader & { into: Bytes }, bytes: Bytes): number {
    const count = Math.min(reader.into.length - reader.filled, bytes.length);
    if (count === 0) return 0;
    reader.into.set(bytes.subarray(0, count), reader.filled);
    if (reader.filled === 0) this.#host.wantToWake(this);
    reader.filled += count;
    this.#consume(count);
    return count;
  }

  #wait<T>(
    start: (resolve: (value: T | undefined) => void, reject: (error: unknown) => void) => void,
  ): Promise<T | undefined> {
    if (this.#isEnded) return Promise.resolve(undefined);
    if (this.#error) return Promise.reject(this.#error);
    if (this.#reader) {
      return Promise.reject(new TypeError("Cannot read stream: it is being read"));
    }
    return new Promise(start);
  }

  /** What is left is small: copied, so that the writer has its bytes back. */
  #releaseWriter(): void {
    this.#outgoing.own();
    this.#drained?.resolve();
    this.#drained = undefined;
  }

  /** What has arrived will not be read. */
  #discard(): void {
    this.#incoming.clear();
  }

  #fail(error: StreamError): void {
    this.#error = error;
    this.#outgoing.clear();
    this.#drained?.promise.catch(() => {
      // Whoever waits has been told; whoever does not, does not care.
    });
    this.#drained?.reject(error);
    this.#drained = undefined;
    const observer = this.#observer;
    this.#observer = undefined;
    observer?.onError(error);
    // What has been put into a reader's buffer is good; the error meets the next read.
    if (this.#reader?.into && this.#reader.filled > 0) this.wakeReader();
    else this.#reader?.reject(error);
    this.#reader = undefined;
    this.#closed?.promise.catch(() => {
      // As above.
    });
    this.#closed?.reject(error);
    this.#host.forget(this);
  }

  /** Leaves the session once both directions have ended and everything was read. */
  #settle(): void {
    if (this.#isOver || !this.#isCloseSent || !this.#isEnded || this.#incoming.length > 0) return;
    this.#isOver = true;
    this.#closed?.resolve();
    this.#host.forget(this);
  }
}
