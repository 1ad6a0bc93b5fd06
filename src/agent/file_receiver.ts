/**
 * Receives the files that peers send into the inbox: any authenticated peer, within the owner's limits.
 */

import { CodedError, describeError } from "../base/errors.ts";
import { FieldError, Fields } from "../base/guards.ts";
import type { Log } from "../base/log.ts";
import { type PeerId, shortId } from "../base/peer_id.ts";
import { receiveTransfer, repeatOutcome } from "../channel/receive_transfer.ts";
import { type IncomingRequest, type OutgoingReply, Refusal } from "../channel/responder.ts";
import { readOffer, type TransferOutcome } from "../channel/transfer.ts";
import type { RunningHash } from "../noise/primitives.ts";
import { safeFileName } from "../store/file_name.ts";
import type { Inbox } from "../store/inbox.ts";
import { InboxError } from "../store/partial_file.ts";
import { newTransferCounters } from "./transfer_counters.ts";

/** The request that offers a file. */
export const FILE_PUT = "FILE_PUT";
/** Files that may be on their way at once; the others are told to come again. */
const MAX_TRANSFERS = 16;
/** Outcomes remembered, for senders that have not heard them. */
const MAX_OUTCOMES = 256;
/** What a peer may be told in the inbox's own words: they name limits, and no path. */
const TELLABLE: ReadonlySet<string> = new Set(["too_large", "no_space", "busy", "too_many"]);

export interface FileReceiverOptions {
  readonly inbox: Inbox;
  readonly createSha256: () => RunningHash;
  readonly log: Log;
}

export class FileReceiver {
  readonly #options: FileReceiverOptions;
  readonly counters = newTransferCounters();
  /** What became of transfers, by sender and the name that it gave the transfer; oldest first. */
  readonly #outcomes = new Map<string, TransferOutcome>();

  constructor(options: FileReceiverOptions) {
    this.#options = options;
  }

  /** Answers a {@link FILE_PUT}. */
  async receive(request: IncomingRequest, from: PeerId): Promise<OutgoingReply> {
    const { inbox, createSha256, log } = this.#options;
    if (this.counters.active >= MAX_TRANSFERS) {
      throw new Refusal("busy", `Cannot receive: ${MAX_TRANSFERS} files are on their way already`);
    }
    this.counters.active++;
    let isCounted = true;
    const release = () => {
      if (isCounted) this.counters.active--;
      isCounted = false;
    };
    try {
      const { name, size } = readOffer(request.data);
      const key = transferKey(request, from);
      const outcome = this.#outcomes.get(key);
      if (outcome) {
        release();
        return repeatOutcome(request, size, outcome);
      }
      const sink = await inbox.begin({ sender: from, name, size });
      const fields = { peer: shortId(from), name: safeFileName(name), size };
      log("info", "receiving file", { ...fields, held: sink.length });
      return await receiveTransfer({
        request,
        size,
        sink,
        createSha256,
        isTellable,
        onEnd: (outcome) => {
          release();
          if (!(outcome instanceof Error)) this.#remember(key, outcome);
          this.#report(outcome, fields);
          this.#count(outcome, size);
        },
      });
    } catch (error) {
      if (isCounted) this.counters.failed++;
      release();
      throw refusalOf(error);
    }
  }

  #remember(key: string, outcome: TransferOutcome): void {
    if (key === "") return;
    this.#outcomes.set(key, outcome);
    for (const oldest of this.#outcomes.keys()) {
      if (this.#outcomes.size <= MAX_OUTCOMES) return;
      this.#outcomes.delete(oldest);
    }
  }

  #count(outcome: TransferOutcome | Error, size: number): void {
    if (outcome instanceof Error) this.counters.failed++;
    else {
      this.counters.completed++;
      this.counters.completedBytes += size;
    }
  }

  #report(outcome: TransferOutcome | Error, fields: Readonly<Record<string, unknown>>): void {
    const { log } = this.#options;
    if (outcome instanceof Error) {
      log("warn", "file not received", { ...fields, reason: describeError(outcome) });
    } else log("info", "file received", { ...fields, saved_as: outcome.savedAs });
  }
}

/** Names one sending of one file, however many attempts it takes; empty where the sender does not. */
function transferKey(request: IncomingRequest, from: PeerId): string {
  const transfer = Fields.of(request.data, "data").textOrNull("transfer", { maxLength: 64 });
  return transfer === null ? "" : `${from} ${transfer}`;
}

/** The system's own words, which an error with a cause repeats, name paths. */
function isTellable(error: CodedError): boolean {
  return TELLABLE.has(error.code) && error.cause === undefined;
}

/** Answers a {@link FILE_PUT} where there is no inbox. */
export function refuseFiles(): never {
  throw new Refusal("no_inbox", "Cannot receive: this agent takes no files");
}

function refusalOf(error: unknown): unknown {
  if (error instanceof FieldError) return new Refusal("malformed_offer", error.message);
  if (error instanceof InboxError) {
    return isTellable(error)
      ? new Refusal(error.code, error.message)
      : new Refusal(storageCode(error), "Cannot receive: the inbox cannot be written");
  }
  return error;
}

function storageCode(error: InboxError): string {
  return error.code === "no_space" ? "no_space" : "storage_failed";
}
