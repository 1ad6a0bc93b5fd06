/**
 * What we send on a stream: bytes that wait for their turn and for credit, and the end behind them.
 *
 * A writer waits while more than {@link LOW_WATER_BYTES} of what it gave have not left, and bytes leave only
 * against credit that the reader at the other end gives as it reads: that is the back-pressure.
 */

import type { Bytes } from "../base/bytes.ts";
import { ByteQueue } from "./byte_queue.ts";
import {
  INITIAL_CREDIT_BYTES,
  MAX_DATA_BYTES,
  MUX_HEADER_BYTES,
  MUX_KINDS,
  MuxError,
  writeFrameHeader,
} from "./mux_frame.ts";

/** Up to here what is written is taken at once; above, the writer waits. */
export const LOW_WATER_BYTES = 16_384;
const MAX_CREDIT_BYTES = 0xffff_ffff;

export class SendHalf {
  readonly #id: number;
  readonly #queue = new ByteQueue();
  #credit = INITIAL_CREDIT_BYTES;
  #isEnding = false;
  #isEnded = false;
  #drained: PromiseWithResolvers<void> | undefined;

  constructor(id: number) {
    this.#id = id;
  }

  /** Bytes that were written and have not left. */
  get unsent(): number {
    return this.#queue.length;
  }

  /** What may still be sent, bytes. */
  get credit(): number {
    return this.#credit;
  }

  /** Whether the end was asked for. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** Whether the end has left. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Whether {@link emit} has something to write. */
  get isReady(): boolean {
    if (this.#queue.length > 0) return this.#credit > 0;
    return this.#isEnding && !this.#isEnded;
  }

  /** `undefined` when `bytes` were taken at once; otherwise resolves when they are the writer's again. */
  write(bytes: Bytes): Promise<void> | undefined {
    if (this.#queue.length + bytes.length <= LOW_WATER_BYTES) {
      this.#queue.pushCopy(bytes);
      return undefined;
    }
    this.#queue.push(bytes);
    this.#drained ??= Promise.withResolvers<void>();
    return this.#drained.promise;
  }

  /** Takes `bytes` for good. */
  give(bytes: Bytes): void {
    this.#queue.push(bytes);
  }

  /** Nothing follows what was written. */
  end(): void {
    this.#isEnding = true;
  }

  /** More credit. Throws {@link MuxError} when it adds up to more than a number of the protocol. */
  receiveCredit(bytes: number): void {
    this.#credit += bytes;
    if (this.#credit > MAX_CREDIT_BYTES) {
      throw new MuxError("credit_exceeded", "Cannot accept credit: it exceeds 32 bits");
    }
  }

  /**
   * Writes at most one frame of data, of at most `allowance` bytes, and the end if it is due, into `out` at
   * `offset`. Returns the offset behind what fitted.
   */
  emit(out: Bytes, offset: number, allowance: number): number {
    const room = out.length - offset - MUX_HEADER_BYTES;
    const queued = this.#queue.length;
    const length = Math.min(queued, this.#credit, MAX_DATA_BYTES, room, allowance);
    if (length > 0) {
      offset = writeFrameHeader(out, offset, { kind: MUX_KINDS.data, stream: this.#id, length });
      this.#queue.moveInto(out, offset, length);
      offset += length;
      this.#credit -= length;
      if (this.#drained && queued - length <= LOW_WATER_BYTES) this.#releaseWriter(this.#drained);
    }
    const isDue = this.#isEnding && !this.#isEnded && this.#queue.length === 0;
    if (!isDue || out.length - offset < MUX_HEADER_BYTES) return offset;
    this.#isEnded = true;
    return writeFrameHeader(out, offset, { kind: MUX_KINDS.close, stream: this.#id, length: 0 });
  }

  /** Drops what has not left; whoever waits is told. */
  fail(error: unknown): void {
    this.#queue.clear();
    this.#drained?.promise.catch(() => {
      // Whoever waits has been told; whoever does not, does not care.
    });
    this.#drained?.reject(error);
    this.#drained = undefined;
  }

  /** What is left is small: copied, so that the writer has its bytes back. */
  #releaseWriter(drained: PromiseWithResolvers<void>): void {
    this.#queue.own();
    this.#drained = undefined;
    drained.resolve();
  }
}
