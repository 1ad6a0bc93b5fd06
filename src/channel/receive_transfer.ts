/**
 * The receiving end of a transfer; see `transfer.ts`.
 */

import { type Bytes, decodeHex, equalBytes } from "../base/bytes.ts";
import { CodedError } from "../base/errors.ts";
import type { RunningHash } from "../noise/primitives.ts";
import { BodyError } from "./body.ts";
import { StreamError } from "./mux_stream.ts";
import type { IncomingRequest, OutgoingReply } from "./responder.ts";
import {
  decodeOffset,
  DIGEST_BYTES,
  encodeOutcome,
  hashRange,
  malformed,
  OFFSET_BYTES,
  PIECE_BYTES,
  TransferError,
  type TransferOutcome,
  type TransferSink,
  writeHolding,
} from "./transfer.ts";

/** A sender that holds another file by now sends it all: it is not worth more than this to find out. */
const MAX_REPEATED_BYTES = 1_048_576;

export interface ReceiveTransferOptions {
  readonly request: IncomingRequest;
  /** What the offer says. */
  readonly size: number;
  readonly sink: TransferSink;
  readonly createSha256: () => RunningHash;
  /** Whether `error`, thrown by the sink, may be told to the peer in its own words. */
  readonly isTellable: (error: CodedError) => boolean;
  /** Told once the transfer is over, for better or worse. */
  readonly onEnd?: (outcome: TransferOutcome | Error) => void;
}

/** Answers a transfer's request: with what is held, and in the end with what became of it. */
export async function receiveTransfer(options: ReceiveTransferOptions): Promise<OutgoingReply> {
  const receiving = new Receiving(options);
  try {
    return { data: await receiving.open(), body: receiving.outcome() };
  } catch (error) {
    await options.sink.close();
    throw error;
  }
}

/** Answers a transfer that was stored already, whose last word the sender has not heard. */
export function repeatOutcome(
  request: IncomingRequest,
  size: number,
  outcome: TransferOutcome,
): OutgoingReply {
  const sha256 = decodeHex(outcome.sha256);
  return { data: writeHolding({ offset: size, sha256 }), body: lastWord() };

  async function* lastWord(): AsyncGenerator<Bytes, void, void> {
    const end = await request.body.bytes(MAX_REPEATED_BYTES).catch((error) => {
      if (error instanceof BodyError) return new Uint8Array(0);
      throw error;
    });
    const isSame = end.length === OFFSET_BYTES + DIGEST_BYTES &&
      equalBytes(end.subarray(OFFSET_BYTES), sha256);
    yield encodeOutcome(
      isSame
        ? outcome
        : new TransferError("source_changed", "Cannot receive: the file is another one by now"),
    );
  }
}

class Receiving {
  readonly #options: ReceiveTransferOptions;
  readonly #buffer: Bytes = new Uint8Array(PIECE_BYTES);
  #hash: RunningHash;
  #held = 0;
  /** Bytes in the buffer that were read ahead: from `#start` to `#end`. */
  #start = 0;
  #end = 0;

  constructor(options: ReceiveTransferOptions) {
    this.#options = options;
    this.#hash = options.createSha256();
  }

  /** Hashes what is held. */
  async open() {
    const { sink, request } = this.#options;
    this.#held = sink.length;
    const read = (offset: number, buffer: Bytes) => {
      request.signal.throwIfAborted();
      return sink.read(offset, buffer);
    };
    const isWhole = await hashRange(this.#hash, read, { to: this.#held, buffer: this.#buffer });
    if (!isWhole) throw new TypeError("Cannot receive: the sink holds less than it says");
    return writeHolding({ offset: this.#held, sha256: this.#hash.copy().digest() });
  }

  /** The reply's body: one word, once all is there. */
  async *outcome(): AsyncGenerator<Bytes, void, void> {
    const { sink, onEnd } = this.#options;
    try {
      const outcome = await this.#receive();
      onEnd?.(outcome);
      yield encodeOutcome(outcome);
    } catch (error) {
      onEnd?.(error instanceof Error ? error : new Error(String(error)));
      yield encodeOutcome(this.#tellable(error));
    } finally {
      await sink.close();
    }
  }

  async #receive(): Promise<TransferOutcome> {
    const { sink, size } = this.#options;
    const offset = decodeOffset(await this.#readExactly(OFFSET_BYTES));
    await this.#startAt(offset);
    for (let left = size - offset; left > 0;) {
      const piece = await this.#readSome(left);
      this.#hash.update(piece);
      await sink.write(piece);
      left -= piece.length;
    }
    const claimed = await this.#readExactly(DIGEST_BYTES);
    const digest = this.#hash.digest();
    if (!equalBytes(digest, claimed)) {
      await sink.discard();
      throw new TransferError("digest_mismatch", "Cannot receive: the digest does not match");
    }
    return { savedAs: await sink.finish(), sha256: digest.toHex() };
  }

  /** The sender goes on where we are, or starts again. */
  async #startAt(offset: number): Promise<void> {
    if (offset === this.#held) return;
    if (offset !== 0) throw malformed("it starts where nobody proposed");
    await this.#options.sink.truncate(0);
    this.#hash = this.#options.createSha256();
  }

  /** At least one byte and at most `max`, in the buffer. */
  async #readSome(max: number): Promise<Bytes> {
    if (this.#start === this.#end) {
      this.#start = 0;
      this.#end = await this.#options.request.body.readInto(this.#buffer) ?? 0;
      if (this.#end === 0) throw malformed("it ended before its digest");
    }
    const piece = this.#buffer.subarray(this.#start, Math.min(this.#end, this.#start + max));
    this.#start += piece.length;
    return piece;
  }

  async #readExactly(length: number): Promise<Bytes> {
    const bytes = new Uint8Array(length);
    for (let filled = 0; filled < length;) {
      const piece = await this.#readSome(length - filled);
      bytes.set(piece, filled);
      filled += piece.length;
    }
    return bytes;
  }

  #tellable(error: unknown): TransferError {
    if (error instanceof TransferError) return error;
    if (!(error instanceof CodedError) || error instanceof StreamError) throw error;
    if (this.#options.isTellable(error)) return new TransferError(error.code, error.message);
    return new TransferError("storage_failed", "Cannot receive: what came could not be stored");
  }
}
