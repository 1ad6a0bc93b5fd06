/**
 * One stream of a session: bytes both ways, each direction with its own credit and its own end.
 *
 * ```
 *  each direction:  open --data*--> ended (close)          either side: --reset--> failed, both ways
 * ```
 *
 * The two directions are `send_half.ts` and `receive_half.ts`; here is what they have in common. What a peer
 * sent before it ended its direction stays readable after a reset.
 */

import type { Bytes } from "../base/bytes.ts";
import { CodedError } from "../base/errors.ts";
import { MUX_HEADER_BYTES, MUX_KINDS, writeFrameHeader } from "./mux_frame.ts";
import { ReceiveHalf } from "./receive_half.ts";
import type { Priority } from "./scheduler.ts";
import { SendHalf } from "./send_half.ts";

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

export class MuxStream {
  readonly id: number;
  readonly priority: Priority;
  /** Whether we opened it. */
  readonly isOurs: boolean;
  /** Whether it waits to send, to give credit, to wake its reader; the multiplexer's own marks. */
  isQueued = false;
  isGranting = false;
  isWaking = false;
  readonly #host: StreamHost;
  readonly #send: SendHalf;
  readonly #receive: ReceiveHalf;
  #observer: StreamObserver | undefined;
  #isOpenSent: boolean;
  /** Reset with this once our end has left, should the peer still be sending. */
  #stopCode: string | undefined;
  #isIgnoring = false;
  #error: StreamError | undefined;
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
    this.#send = new SendHalf(options.id);
    this.#receive = new ReceiveHalf(() => this.#onConsumed());
  }

  /** Why the stream failed, if it did. */
  get error(): StreamError | undefined {
    return this.#error;
  }

  /** Whether the peer has sent everything. */
  get isEnded(): boolean {
    return this.#receive.isEnded;
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
    return this.#receive.unread;
  }

  /** Bytes that were written and have not left. */
  get unsent(): number {
    return this.#send.unsent;
  }

  /** What we may still send, bytes. */
  get credit(): number {
    return this.#send.credit;
  }

  /**
   * Sends `bytes`. `undefined` when they were taken at once; otherwise resolves when they are the writer's
   * again, and must not change until then. Rejects with {@link StreamError}; throws it, or `TypeError` after
   * `end`, when the stream cannot take them.
   */
  write(bytes: Bytes): Promise<void> | undefined {
    this.#checkWritable();
    if (bytes.length === 0) return undefined;
    const written = this.#send.write(bytes);
    this.#wantToSend();
    return written;
  }

  /** Sends `bytes`, which are the stream's from now on, whatever waits already. */
  give(bytes: Bytes): void {
    this.#checkWritable();
    this.#send.give(bytes);
    this.#wantToSend();
  }

  /** Ends our direction once everything written has left. Idempotent. */
  end(): void {
    if (this.#send.isEnding || this.#error) return;
    this.#send.end();
    this.#wantToSend();
  }

  /** {@link end}, and whatever the peer still sends after that is refused with `code`. */
  finish(code: string): void {
    this.end();
    this.#observer = undefined;
    this.#receive.discard(() => givenUp(code));
    if (this.isEnded) return this.#settle();
    if (this.#send.isEnded) this.reset(code);
    else this.#stopCode = code;
  }

  /** Drops what the peer has sent and will send, without a word: our own direction goes on. */
  ignore(code: string): void {
    this.#isIgnoring = true;
    this.#receive.discard(() => givenUp(code));
    this.#settle();
  }

  /** Wants nothing more of what the peer sends: resets the stream, unless the peer has sent it all. */
  stopReading(code: string): void {
    if (!this.isEnded) return this.reset(code);
    this.#receive.discard(() => givenUp(code));
    this.#settle();
  }

  /** Ends both directions at once and tells the peer why. Idempotent. */
  reset(code: string): void {
    if (this.#error || this.#isOver) return;
    const error = new StreamError(code, `Cannot use stream: it was reset (${code})`);
    this.#receive.discard(() => error);
    const isKnown = this.#isOpenSent && !(this.#send.isEnded && this.isEnded);
    if (isKnown) this.#host.sendReset(this, code);
    this.#fail(error);
  }

  /** Tells `observer` of what has arrived and what will, until {@link unobserve}. */
  observe(observer: StreamObserver): void {
    this.#observer = observer;
    if (this.unread > 0) {
      this.#receive.offer(
        (bytes) => observer.onData(bytes),
        () => this.#observer === observer && !this.#isDeaf,
      );
    }
    if (this.#observer !== observer) return;
    if (this.isEnded && this.unread === 0) observer.onEnd();
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
    return this.#receive.read(this.#error);
  }

  /**
   * Puts the next bytes into `buffer`, which is the stream's until then; resolves with how many, at least
   * one, or `undefined` at the end. What a record brings is copied out of it at once and the record is freed,
   * so that this is the way to read a great deal. One read at a time. Rejects with {@link StreamError}.
   */
  readInto(buffer: Bytes): Promise<number | undefined> {
    return this.#receive.readInto(buffer, this.#error);
  }

  // What the multiplexer calls.

  /** Whether {@link emit} has something to write. */
  get isReady(): boolean {
    return !this.#error && (!this.#isOpenSent || this.#send.isReady);
  }

  /**
   * Writes the next frames into `out` at `offset`: the opening, at most one of data (of at most `allowance`
   * bytes) and the end. Returns the offset behind what fitted.
   */
  emit(out: Bytes, offset: number, allowance: number): number {
    if (!this.#isOpenSent) {
      if (out.length - offset < MUX_HEADER_BYTES) return offset;
      const { priority: flags, id: stream } = this;
      offset = writeFrameHeader(out, offset, { kind: MUX_KINDS.open, flags, stream, length: 0 });
      this.#isOpenSent = true;
    }
    const hadEnded = this.#send.isEnded;
    const end = this.#send.emit(out, offset, allowance);
    if (this.#send.isEnded && !hadEnded) {
      this.#settle();
      if (this.#stopCode !== undefined && !this.isEnded) this.reset(this.#stopCode);
    }
    return end;
  }

  /** The credit that is due to the peer, now given. */
  takeGrant(): number {
    return this.#error ? 0 : this.#receive.takeGrant();
  }

  /** Takes a copy of data, behind which its record has `more` bytes. Throws `MuxError`. */
  receiveData(body: Bytes, more: number): void {
    this.#receive.admit(body.length);
    if (this.#isDeaf) return;
    let rest = body;
    if (this.#observer && this.unread === 0) {
      const used = this.#observer.onData(body);
      this.#receive.consume(used);
      rest = body.subarray(used);
      // Whoever was told may have had enough.
      if (this.#isDeaf) return;
    }
    const isAwaited = rest.length > 0 && this.#receive.take(rest, more);
    if (isAwaited && !this.isWaking) this.#host.wantToWake(this);
  }

  /** Gives a waiting reader what there is for it. */
  wakeReader(): void {
    this.#receive.wakeReader();
  }

  /** The peer has sent everything. Throws `MuxError` when it says so twice. */
  receiveEnd(): void {
    this.#receive.end();
    this.#observer?.onEnd();
    this.#receive.wakeReader();
    this.#settle();
  }

  /** More credit. Throws `MuxError` when it is too much. */
  receiveCredit(bytes: number): void {
    this.#send.receiveCredit(bytes);
    if (this.unsent > 0) this.#wantToSend();
  }

  /** The peer reset the stream, or the session is gone. */
  fail(error: StreamError): void {
    if (!this.#error) this.#fail(error);
  }

  /** Whether what arrives is of no use to anybody. */
  get #isDeaf(): boolean {
    return this.#error !== undefined || this.#stopCode !== undefined || this.#isIgnoring;
  }

  #checkWritable(): void {
    if (this.#error) throw this.#error;
    if (this.#send.isEnding) throw new TypeError("Cannot write to stream: it was ended");
  }

  #wantToSend(): void {
    if (!this.isQueued && this.isReady) this.#host.wantToSend(this);
  }

  #onConsumed(): void {
    if (this.isEnded) this.#settle();
    else if (!this.isGranting && this.#receive.isGrantDue) this.#host.wantToGrant(this);
  }

  #fail(error: StreamError): void {
    this.#error = error;
    this.#send.fail(error);
    const observer = this.#observer;
    this.#observer = undefined;
    observer?.onError(error);
    this.#receive.fail(error);
    this.#closed?.promise.catch(() => {
      // Whoever waits has been told; whoever does not, does not care.
    });
    this.#closed?.reject(error);
    this.#host.forget(this);
  }

  /** Leaves the session once both directions have ended and everything was read. */
  #settle(): void {
    if (this.#isOver || !this.#send.isEnded || !this.isEnded || this.unread > 0) return;
    this.#isOver = true;
    this.#closed?.resolve();
    this.#host.forget(this);
  }
}

function givenUp(code: string): StreamError {
  return new StreamError(code, `Cannot read stream: its rest was given up (${code})`);
}
