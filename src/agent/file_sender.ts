/**
 * Sends a file to a peer, and goes on by itself when the session is lost and comes back.
 */

import { type Clock, pause } from "../base/clock.ts";
import type { PeerId } from "../base/peer_id.ts";
import { RequestError } from "../channel/requests.ts";
import { sendTransfer, type TransferProgress } from "../channel/send_transfer.ts";
import { StreamError } from "../channel/mux_stream.ts";
import type { TransferOutcome } from "../channel/transfer.ts";
import type { Node } from "../node/node.ts";
import type { RunningHash } from "../noise/primitives.ts";
import type { SourceFile } from "../store/source_file.ts";
import { FILE_PUT } from "./file_receiver.ts";
import { newTransferCounters } from "./transfer_counters.ts";

export interface FileSenderOptions {
  readonly node: Node;
  readonly clock: Clock;
  readonly createSha256: () => RunningHash;
}

/** How far a file is; `waiting` is for a peer that is away. */
export interface SendProgress extends Omit<TransferProgress, "state"> {
  readonly state: TransferProgress["state"] | "waiting";
}

export interface SendFileOptions {
  readonly to: PeerId;
  readonly file: SourceFile;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: SendProgress) => void;
}

/** How long a peer may be away before we give up. */
const PATIENCE_MS = 120_000;
const RETRY_MS = 250;
/** What passes by itself: the peer was away, or still busy with our last attempt. */
const PASSING: ReadonlySet<string> = new Set([
  "not_connected",
  "closed",
  "lost",
  "going_away",
  "busy",
  "refused",
]);

export class FileSender {
  readonly #options: FileSenderOptions;
  readonly counters = newTransferCounters();
  readonly #stop = new AbortController();

  constructor(options: FileSenderOptions) {
    this.#options = options;
  }

  /**
   * Sends all of `file`. Rejects with `RequestError`, `StreamError`, `TransferError` or `StoreError` once that
   * is hopeless; a later call goes on where this one stopped.
   */
  async send(options: SendFileOptions): Promise<TransferOutcome & { resumedFrom: number }> {
    const { counters } = this;
    counters.active++;
    try {
      const outcome = await this.#send(options);
      counters.completed++;
      counters.completedBytes += options.file.size;
      return outcome;
    } catch (error) {
      counters.failed++;
      throw error;
    } finally {
      counters.active--;
    }
  }

  /** Breaks off whatever is being sent. */
  close(): void {
    this.#stop.abort();
  }

  async #send(options: SendFileOptions): Promise<TransferOutcome & { resumedFrom: number }> {
    const { to, file, onProgress } = options;
    const signal = AbortSignal.any([options.signal, this.#stop.signal]);
    const { clock, createSha256, node } = this.#options;
    // Tells the receiver that a later attempt is the same sending, and not the same file once more.
    const extra = { transfer: crypto.randomUUID() };
    let progress: SendProgress = { state: "checking", done: 0, resumedFrom: 0 };
    let progressedAtMs = clock.now();
    const tell = (next: SendProgress) => {
      progress = next;
      onProgress(next);
    };
    for (;;) {
      try {
        return await sendTransfer({
          request: (type, data, request) => node.request(to, type, data, request),
          type: FILE_PUT,
          extra,
          source: file,
          createSha256,
          signal,
          onProgress: (next) => {
            progressedAtMs = clock.now();
            tell(next);
          },
        });
      } catch (error) {
        if (!isPassing(error) || clock.now() - progressedAtMs > PATIENCE_MS) throw error;
      }
      if (!node.isConnected(to)) tell({ ...progress, state: "waiting" });
      await pause(clock, RETRY_MS, signal);
      if (signal.aborted) throw new RequestError("cancelled", "Cannot send: it was cancelled");
    }
  }
}

function isPassing(error: unknown): boolean {
  const isOfSession = error instanceof RequestError || error instanceof StreamError;
  return isOfSession && PASSING.has(error.code);
}
