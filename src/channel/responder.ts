/**
 * Answering: takes the streams that the peer opens, as many at once as it may occupy us with, reads their
 * heads and hands them to the handler of their type (PROTOCOL.md section 6).
 */

import type { Bytes } from "../base/bytes.ts";
import { CodedError } from "../base/errors.ts";
import type { JsonObject } from "../base/guards.ts";
import type { Appointment, Timetable } from "../base/timetable.ts";
import { BodyError, IncomingBody, type OutgoingBody, writeBody } from "./body.ts";
import { HeadReader } from "./head_reader.ts";
import type { Mux } from "./mux.ts";
import { type MuxStream, StreamError, type StreamObserver } from "./mux_stream.ts";
import {
  checkCode,
  decodeRequestHead,
  encodeReplyHead,
  HeadError,
  type RequestHead,
} from "./request_head.ts";
import type { Priority } from "./scheduler.ts";
import { CANCELLED } from "./web_stream.ts";

/** A request that has arrived. */
export interface IncomingRequest {
  readonly type: string;
  /** Untrusted. */
  readonly data: JsonObject;
  readonly priority: Priority;
  /** How long the peer waits for the reply, from its head's arrival; `Infinity` where it does not say. */
  readonly deadlineMs: number;
  readonly body: IncomingBody;
  /** Aborts when the peer gives up, its deadline passes or the session ends. */
  readonly signal: AbortSignal;
}

/** What a handler answers with; an empty answer is one too. */
export interface OutgoingReply {
  readonly data?: JsonObject;
  readonly body?: OutgoingBody;
}

/** Answers requests of one type. What it throws other than {@link Refusal} is a defect of ours. */
export type RequestHandler = (request: IncomingRequest) => OutgoingReply | Promise<OutgoingReply>;

/** Thrown by a handler: `code` and `message` are what the peer is told. Throws `RangeError` on no code. */
export class Refusal extends CodedError {
  override readonly name = "Refusal";

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(code, message, options);
    checkCode(code);
  }
}

export interface ResponderOptions {
  readonly mux: Mux;
  readonly timetable: Timetable;
  readonly handlerOf: (type: string) => RequestHandler | undefined;
  /** Told of an error that no handler expected. */
  readonly onFault: (error: unknown) => void;
  readonly maxActive?: number;
}

/** Requests of one peer that are handled at once; the others wait, at most 64, and then are refused. */
export const DEFAULT_MAX_ACTIVE = 32;
/** How long a stream may be open without its head. */
const HEAD_DEADLINE_MS = 10_000;
/** What a peer hears that goes on sending what nobody reads. */
const UNREAD = "unread";

export class Responder {
  readonly #options: ResponderOptions;
  #active = 0;

  constructor(options: ResponderOptions) {
    this.#options = options;
  }

  /** Requests that are being handled. */
  get active(): number {
    return this.#active;
  }

  /** Takes what has arrived, as far as there is room; call when a stream has come. */
  serve(): void {
    const { mux, maxActive = DEFAULT_MAX_ACTIVE } = this.#options;
    while (this.#active < maxActive) {
      const stream = mux.accept();
      if (!stream) return;
      this.#active++;
      new Exchange(stream, this.#options, () => {
        this.#active--;
        this.serve();
      }).start();
    }
  }
}

/** One request and its answer. */
class Exchange implements StreamObserver {
  readonly #stream: MuxStream;
  readonly #options: ResponderOptions;
  readonly #onDone: () => void;
  #head: HeadReader | undefined = new HeadReader();
  #deadline: Appointment | undefined;
  #controller: AbortController | undefined;
  #isDone = false;

  constructor(stream: MuxStream, options: ResponderOptions, onDone: () => void) {
    this.#stream = stream;
    this.#options = options;
    this.#onDone = onDone;
  }

  start(): void {
    this.#stream.observe(this);
    if (this.#head && !this.#isDone) this.#expire(HEAD_DEADLINE_MS);
  }

  onData(bytes: Bytes): number {
    // Behind the head all is the body's, which is read at the handler's pace.
    if (!this.#head) return 0;
    try {
      const used = this.#head.read(bytes);
      const { json } = this.#head;
      if (json) {
        this.#head = undefined;
        this.#handle(decodeRequestHead(json));
      }
      return used;
    } catch (error) {
      if (!(error instanceof HeadError)) throw error;
      this.#abandon(error.code);
      return bytes.length;
    }
  }

  onEnd(): void {
    if (this.#head) this.#abandon("malformed_head");
  }

  onError(error: StreamError): void {
    this.#controller?.abort(error);
    if (this.#head) this.#done();
  }

  #handle(head: RequestHead): void {
    this.#removeDeadline();
    const handler = this.#options.handlerOf(head.type);
    if (!handler) {
      const message = `Cannot answer ${head.type}: it is not understood here`;
      return this.#refuse("unsupported_type", message);
    }
    try {
      const reply = handler(this.#request(head));
      if (reply instanceof Promise) {
        this.#expire(head.deadlineMs);
        reply.then((settled) => this.#answer(settled), (error) => this.#fail(error));
      } else this.#answer(reply);
    } catch (error) {
      this.#fail(error);
    }
  }

  #request(head: RequestHead): IncomingRequest {
    const stream = this.#stream;
    const signal = () => this.#signal();
    return {
      type: head.type,
      data: head.data,
      deadlineMs: head.deadlineMs,
      priority: stream.priority,
      body: new IncomingBody(stream, () => stream.ignore(CANCELLED)),
      get signal() {
        return signal();
      },
    };
  }

  /** Made on demand: most handlers never look at it. */
  #signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#stream.error) this.#controller.abort(this.#stream.error);
    }
    return this.#controller.signal;
  }

  #answer(reply: OutgoingReply): void {
    try {
      this.#removeDeadline();
      // A peer that has left does not end a body by itself: it is begun, and meets the failed stream.
      if (!this.#stream.error) {
        this.#stream.give(encodeReplyHead({ isOk: true, data: reply.data ?? {} }));
      }
      if (reply.body === undefined) return this.#finish();
      writeBody(this.#stream, reply.body).then(
        () => this.#finish(),
        (error) => this.#breakOff(error),
      );
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The handler threw, or its answer cannot be sent. */
  #fail(error: unknown): void {
    if (error instanceof Refusal) return this.#refuse(error.code, error.message);
    if (error instanceof BodyError) return this.#refuse(error.code, error.message);
    if (this.#stream.error) return this.#done();
    this.#options.onFault(error);
    this.#refuse("internal_error", "Cannot answer: the handler failed");
  }

  #refuse(code: string, message: string): void {
    if (this.#stream.error) return this.#done();
    this.#stream.give(encodeReplyHead({ isOk: false, code, message }));
    this.#finish();
  }

  /** A body of ours broke off after its head had left: all that is left is to say so. */
  #breakOff(error: unknown): void {
    if (!this.#stream.error) {
      // Another stream's failure, passed on, is no defect of ours.
      if (!(error instanceof StreamError)) this.#options.onFault(error);
      this.#stream.reset("internal_error");
    }
    this.#done();
  }

  #finish(): void {
    this.#stream.finish(UNREAD);
    this.#done();
  }

  /** No head, no answer. */
  #abandon(code: string): void {
    this.#stream.reset(code);
    this.#done();
  }

  #expire(delayMs: number): void {
    this.#deadline = this.#options.timetable.add(delayMs, () => {
      this.#stream.reset("timeout");
      if (this.#head) this.#done();
    });
  }

  #removeDeadline(): void {
    if (this.#deadline) this.#options.timetable.remove(this.#deadline);
  }

  #done(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#removeDeadline();
    this.#onDone();
  }
}
