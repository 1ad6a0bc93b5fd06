/**
 * The sending end of a transfer; see `transfer.ts`.
 */

import { type Bytes, equalBytes } from "../base/bytes.ts";
import type { JsonObject } from "../base/guards.ts";
import type { RunningHash } from "../noise/primitives.ts";
import type { Reply, RequestOptions } from "./requests.ts";
import type { Priority } from "./scheduler.ts";
import {
  decodeOutcome,
  encodeOffset,
  hashRange,
  type Holding,
  PIECE_BYTES,
  readHolding,
  TransferError,
  type TransferOutcome,
  type TransferSource,
} from "./transfer.ts";

/** How far a transfer is: `done` bytes of it, those held before included. */
export interface TransferProgress {
  readonly state: "checking" | "sending" | "verifying";
  readonly done: number;
  /** Where this attempt began. */
  readonly resumedFrom: number;
}

export interface SendTransferOptions {
  /** Asks the receiver. */
  readonly request: (type: string, data: JsonObject, options: RequestOptions) => Promise<Reply>;
  readonly type: string;
  readonly source: TransferSource;
  /** Goes into the offer besides name and size. */
  readonly extra?: JsonObject;
  readonly createSha256: () => RunningHash;
  readonly priority?: Priority;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TransferProgress) => void;
}

const LOW: Priority = 0;
const MAX_OUTCOME_BYTES = 8_192;

/**
 * Sends `source`, from where the receiver's last attempt stopped. Resolves once the receiver has verified
 * and stored all of it. Rejects with `RequestError`, `StreamError` or {@link TransferError}; what was stored
 * until then is not sent again.
 */
export async function sendTransfer(
  options: SendTransferOptions,
): Promise<TransferOutcome & { readonly resumedFrom: number }> {
  const { request, type, source, signal } = options;
  const sending = new Sending(options);
  const reply = await request(type, { ...options.extra, name: source.name, size: source.size }, {
    body: sending.body(),
    deadlineMs: Infinity,
    priority: options.priority ?? LOW,
    ...(signal ? { signal } : {}),
  });
  const cancel = () => reply.body.cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    signal?.throwIfAborted();
    sending.start(readHolding(reply.data, source.size));
    const outcome = decodeOutcome(await reply.body.bytes(MAX_OUTCOME_BYTES));
    if (outcome.sha256 !== sending.sha256) {
      throw new TransferError("digest_mismatch", "Cannot transfer: the receiver's digest differs");
    }
    return { ...outcome, resumedFrom: sending.resumedFrom };
  } catch (error) {
    cancel();
    if (signal?.aborted) throw new TransferError("cancelled", "Cannot transfer: it was cancelled");
    throw sending.failure ?? error;
  } finally {
    sending.stop();
    signal?.removeEventListener("abort", cancel);
  }
}

class Sending {
  readonly #options: SendTransferOptions;
  #isStopped = false;
  readonly #holding = Promise.withResolvers<Holding>();
  /** Why the body broke off, if it did. */
  failure: unknown;
  sha256: string | undefined;
  resumedFrom = 0;

  constructor(options: SendTransferOptions) {
    this.#options = options;
  }

  /** Nobody waits for it any more: nothing further is read or told. */
  stop(): void {
    this.#isStopped = true;
  }

  /** The receiver has said what it holds. */
  start(holding: Holding): void {
    this.#holding.resolve(holding);
  }

  /** The request's body, which begins when the reply has come. */
  async *body(): AsyncGenerator<Bytes, void, void> {
    try {
      yield* this.#pieces(await this.#holding.promise);
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }

  async *#pieces(holding: Holding): AsyncGenerator<Bytes, void, void> {
    const { source } = this.#options;
    const buffer = new Uint8Array(PIECE_BYTES);
    const hash = await this.#findStart(holding, buffer);
    yield encodeOffset(this.resumedFrom);
    for (let offset = this.resumedFrom; offset < source.size;) {
      const wanted = buffer.subarray(0, source.size - offset);
      const count = await this.#read(offset, wanted);
      if (count === 0) throw changed(source);
      const piece = wanted.subarray(0, count);
      hash.update(piece);
      yield piece;
      offset += count;
      this.#tell("sending", offset);
    }
    const digest = hash.digest();
    this.sha256 = digest.toHex();
    this.#tell("verifying", source.size);
    yield digest;
  }

  /** The hash of what the receiver holds, if that is the beginning of our source. */
  async #findStart({ offset, sha256 }: Holding, buffer: Bytes): Promise<RunningHash> {
    const { source, createSha256 } = this.#options;
    const hash = createSha256();
    const isWhole = await hashRange(hash, (at, into) => this.#read(at, into), {
      to: offset,
      buffer,
      onProgress: (done) => this.#tell("checking", done),
    });
    if (!isWhole) throw changed(source);
    if (!equalBytes(hash.copy().digest(), sha256)) return createSha256();
    this.resumedFrom = offset;
    return hash;
  }

  #read(offset: number, buffer: Bytes): Promise<number> {
    if (this.#isStopped) throw new TransferError("cancelled", "Cannot transfer: it is over");
    return this.#options.source.read(offset, buffer);
  }

  #tell(state: TransferProgress["state"], done: number): void {
    if (!this.#isStopped) {
      this.#options.onProgress?.({ state, done, resumedFrom: this.resumedFrom });
    }
  }
}

function changed(source: TransferSource): TransferError {
  return new TransferError(
    "source_changed",
    `Cannot transfer: the file became shorter than ${source.size} bytes while it was read`,
  );
}
