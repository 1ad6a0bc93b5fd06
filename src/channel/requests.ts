/**
 * Asking: one stream a request, a head each way, a body each way if there is one (PROTOCOL.md section 6).
 */

import type { Bytes } from "../base/bytes.ts";
import { CodedError } from "../base/errors.ts";
import type { JsonObject } from "../base/guards.ts";
import type { Appointment, Timetable } from "../base/timetable.ts";
import { IncomingBody, type OutgoingBody, writeBody } from "./body.ts";
import { HeadReader } from "./head_reader.ts";
import type { Mux } from "./mux.ts";
import { type MuxStream, StreamError, type StreamObserver } from "./mux_stream.ts";
import { decodeReplyHead, encodeRequestHead, HeadError } from "./request_head.ts";
import { NORMAL, type Priority } from "./scheduler.ts";
import { CANCELLED } from "./web_stream.ts";

/**
 * A request without a reply. `code` says why: `not_connected`, `unsupported`, `too_many_streams`, `timeout`,
 * `cancelled`, `closed` (the peer went away), `going_away` (it is about to), `refused` (it has too much to do),
 * `malformed_head`, or whatever code the peer's handler answered with.
 */
export class RequestError extends CodedError {
  override readonly name = "RequestError";
}

export interface RequestOptions {
  /** Follows the head; whoever gave it must not change it until the reply has come. */
  readonly body?: OutgoingBody;
  /** How long to wait for the reply's head; `Infinity` is for ever. */
  readonly deadlineMs?: number;
  readonly priority?: Priority;
  /** Gives the request up. */
  readonly signal?: AbortSignal;
}

export const DEFAULT_DEADLINE_MS = 30_000;

/** What came back. */
export interface Reply {
  /** Untrusted. */
  readonly data: JsonObject;
  /** To be read or cancelled where the request is one that is answered with a body. */
  readonly body: IncomingBody;
}

/** Sends requests over one session. */
export class Requester {
  readonly #mux: Mux;
  readonly #timetable: Timetable;

  constructor(mux: Mux, timetable: Timetable) {
    this.#mux = mux;
    this.#timetable = timetable;
  }

  /** Resolves with the reply's head and its body to come. Rejects with {@link RequestError}. */
  request(type: string, data: JsonObject, options: RequestOptions = {}): Promise<Reply> {
    const { deadlineMs = DEFAULT_DEADLINE_MS, priority = NORMAL, signal, body } = options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(requestError(CANCELLED, "it was cancelled"));
      try {
        const head = encodeRequestHead({ type, data, deadlineMs });
        const stream = this.#mux.open(priority);
        const pending = new PendingRequest(stream, this.#timetable, { resolve, reject });
        pending.start({ deadlineMs, signal });
        stream.give(head);
        if (body === undefined) stream.end();
        else void pending.send(body);
      } catch (error) {
        reject(error instanceof StreamError ? fromStream(error) : error);
      }
    });
  }
}

interface Outcome {
  resolve(reply: Reply): void;
  reject(error: unknown): void;
}

/** A request that waits for its reply's head. */
class PendingRequest implements StreamObserver {
  readonly #stream: MuxStream;
  readonly #timetable: Timetable;
  readonly #outcome: Outcome;
  readonly #head = new HeadReader();
  #deadline: Appointment | undefined;
  #signal: AbortSignal | undefined;

  constructor(stream: MuxStream, timetable: Timetable, outcome: Outcome) {
    this.#stream = stream;
    this.#timetable = timetable;
    this.#outcome = outcome;
  }

  start(options: { readonly deadlineMs: number; readonly signal: AbortSignal | undefined }): void {
    const { deadlineMs, signal } = options;
    this.#deadline = this.#timetable.add(deadlineMs, () => {
      this.#giveUp(requestError("timeout", `no reply in ${deadlineMs} ms`));
    });
    this.#signal = signal;
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    this.#stream.observe(this);
  }

  /** Sends the body; a body that fails takes the request with it, a peer that answers early ends it. */
  async send(body: OutgoingBody): Promise<void> {
    try {
      await writeBody(this.#stream, body);
      this.#stream.end();
    } catch (error) {
      // The stream's own failure is told by itself; a body may fail with another's.
      if (this.#stream.error) return;
      this.#settle();
      this.#outcome.reject(error);
      this.#stream.reset(CANCELLED);
    }
  }

  onData(bytes: Bytes): number {
    try {
      const used = this.#head.read(bytes);
      if (this.#head.json) this.#finish(this.#head.json);
      return used;
    } catch (error) {
      if (!(error instanceof HeadError)) throw error;
      this.#giveUp(new RequestError(error.code, error.message, { cause: error }));
      return bytes.length;
    }
  }

  onEnd(): void {
    this.#giveUp(requestError("malformed_head", "the reply ended before its head"));
  }

  onError(error: StreamError): void {
    this.#settle();
    this.#outcome.reject(fromStream(error));
  }

  #finish(json: Bytes): void {
    const head = decodeReplyHead(json);
    this.#settle();
    if (head.isOk) {
      this.#outcome.resolve({ data: head.data, body: new IncomingBody(this.#stream) });
    } else {
      this.#outcome.reject(new RequestError(head.code, head.message));
      // An error has no body, and whatever we were sending is not wanted.
      this.#stream.finish(CANCELLED);
    }
  }

  readonly #onAbort = (): void => this.#giveUp(requestError(CANCELLED, "it was cancelled"));

  #giveUp(error: RequestError): void {
    this.#settle();
    this.#outcome.reject(error);
    this.#stream.reset(error.code);
  }

  #settle(): void {
    this.#stream.unobserve();
    if (this.#deadline) this.#timetable.remove(this.#deadline);
    this.#signal?.removeEventListener("abort", this.#onAbort);
  }
}

function fromStream(error: StreamError): RequestError {
  const code = error.code === "lost" ? "closed" : error.code;
  return new RequestError(code, error.message.replace("use stream", "get a reply"), {
    cause: error,
  });
}

function requestError(code: string, reason: string): RequestError {
  return new RequestError(code, `Cannot get a reply: ${reason}`);
}
