/**
 * One worker process from its start to its end: a request, then its answer, within a time.
 *
 * ```
 * idle -- exchange --> busy -- accepted --> idle
 *                       +-- timeout | end | no answer of the protocol --> over
 * ```
 * What a process says unasked is a breach of the protocol, and no process outlives one.
 */

import { type Clock, pause } from "../../base/clock.ts";
import { encodeUtf8 } from "../../base/bytes.ts";
import { CodedError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { WorkerError } from "./evaluator.ts";
import { LineReader } from "./line_reader.ts";
import { PausableDeadline } from "./pausable_deadline.ts";
import type { Launcher, ProcessEnd, WorkerProcess, WorkerProgram } from "./process.ts";
import {
  decodeAnswer,
  encodeRequest,
  MAX_LINE_BYTES,
  type WorkerAnswer,
  type WorkerRequest,
} from "./protocol.ts";

/** Why a process answered no more. `released`: we have ended it. */
export type SessionFault = "timeout" | "memory" | "crashed" | "released";

export class SessionError extends CodedError<SessionFault> {
  override readonly name = "SessionError";
}

export interface WorkerSessionOptions {
  readonly program: WorkerProgram;
  readonly memoryMb: number;
  readonly launcher: Launcher;
  readonly clock: Clock;
  readonly log: Log;
}

/** What is asked, how long that may take, and which answer ends it. */
export interface Exchange<T> {
  readonly requests: readonly WorkerRequest[];
  readonly limitMs: number;
  /**
   * The outcome, or for how long to wait for the next line. Throws `WorkerError` where this is no answer to what
   * was asked.
   */
  readonly accept: (answer: WorkerAnswer) => { readonly outcome: T } | { readonly limitMs: number };
}

interface Pending {
  readonly accept: (answer: WorkerAnswer) => void;
  readonly reject: (error: Error) => void;
  readonly deadline: PausableDeadline;
}

/** From `stop` to the end. */
const STOP_MS = 2_000;

export class WorkerSession {
  readonly #options: WorkerSessionOptions;
  readonly #process: WorkerProcess;
  readonly #reader = new LineReader(MAX_LINE_BYTES);
  #pending: Pending | undefined;
  #over: Error | undefined;
  #isSuspended = false;

  /** Starts the process. Throws `WorkerError` `not_permitted`. */
  constructor(options: WorkerSessionOptions) {
    this.#options = options;
    const { launcher, log, program, memoryMb } = options;
    this.#process = launcher.launch({
      program,
      memoryMb,
      onOutput: (bytes) => this.#take(bytes),
      onComplaint: (line) => log("debug", "worker says", { line }),
    });
    void this.#process.ended.then((end) => this.#end(errorOf(end, memoryMb)));
  }

  /** Whether it can be asked no more. */
  get isOver(): boolean {
    return this.#over !== undefined;
  }

  get canSuspend(): boolean {
    return this.#process.canSuspend;
  }

  /**
   * Asks, one thing at a time. Rejects with a {@link SessionError}, or with a {@link WorkerError} `protocol`; the
   * process is gone then.
   */
  exchange<T>({ requests, limitMs, accept }: Exchange<T>): Promise<T> {
    if (this.#over) return Promise.reject(this.#over);
    if (this.#pending) throw new TypeError("Cannot ask a worker: it is busy");
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const deadline = new PausableDeadline(this.#options.clock, limitMs, () => {
      this.#end(new SessionError("timeout", "it took longer than it may"));
    });
    if (this.#isSuspended) deadline.pause();
    this.#pending = {
      deadline,
      reject,
      accept: (answer) => {
        const step = accept(answer);
        if ("limitMs" in step) return deadline.reset(step.limitMs);
        this.#settle();
        resolve(step.outcome);
      },
    };
    for (const request of requests) this.#process.write(encodeUtf8(encodeRequest(request)));
    return promise;
  }

  suspend(): void {
    if (this.#isSuspended || this.#over) return;
    this.#isSuspended = true;
    this.#pending?.deadline.pause();
    if (this.canSuspend) this.#process.suspend();
  }

  resume(): void {
    if (!this.#isSuspended || this.#over) return;
    this.#isSuspended = false;
    if (this.canSuspend) this.#process.resume();
    this.#pending?.deadline.resume();
  }

  /** Ends the process at once; what it was asked fails as `released`. */
  release(): void {
    this.#end(new SessionError("released", "its process was ended"));
  }

  /** Lets the process end by itself within two seconds, if it is not busy; resolves once it has ended. */
  async close(): Promise<void> {
    const isPolite = !this.#over && !this.#pending && !this.#isSuspended;
    if (!isPolite) this.release();
    else {
      this.#process.write(encodeUtf8(encodeRequest({ type: "stop" })));
      const ended = new AbortController();
      void this.#process.ended.then(() => ended.abort());
      await pause(this.#options.clock, STOP_MS, ended.signal);
      this.release();
    }
    await this.#process.ended;
  }

  #take(bytes: Uint8Array): void {
    if (this.#over) return;
    try {
      for (const line of this.#reader.push(bytes)) {
        if (!this.#pending) {
          throw new WorkerError("protocol", "Cannot read a worker's line: nothing was asked");
        }
        this.#pending.accept(decodeAnswer(line));
      }
    } catch (error) {
      this.#end(error instanceof Error ? error : new TypeError("no error was thrown"));
    }
  }

  #settle(): void {
    this.#pending?.deadline.cancel();
    this.#pending = undefined;
  }

  #end(error: Error): void {
    if (this.#over) return;
    this.#over = error;
    const pending = this.#pending;
    this.#settle();
    this.#process.kill();
    pending?.reject(error);
  }
}

function errorOf({ reason, code }: ProcessEnd, memoryMb: number): SessionError {
  return reason === "memory"
    ? new SessionError("memory", `its process held more than ${memoryMb} MB`)
    : new SessionError("crashed", `its process ended with code ${code}`);
}
