/**
 * One place in which a worker runs: its process is started when it is needed, told what the job is, and started
 * again after it has ended, later and later while that brings nothing.
 */

import { type Clock, pause, type Timer } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Genome } from "../evolve/space.ts";
import { type Evaluation, type EvaluationFault, WorkerError } from "./evaluator.ts";
import type { EvaluatorOptions, WorkerLimits, WorkerSource } from "./open_evaluator.ts";
import type { Launcher } from "./process.ts";
import {
  MAX_BATCH,
  type ModuleDescription,
  WORKER_PROTOCOL_VERSION,
  type WorkerAnswer,
  type WorkerRequest,
} from "./protocol.ts";
import { SessionError, WorkerSession } from "./worker_session.ts";

export interface SlotOptions {
  readonly worker: WorkerSource;
  readonly limits: WorkerLimits;
  readonly launcher: Launcher;
  readonly clock: Clock;
  readonly log: Log;
}

/** What a process is told first. */
export type JobFacts = Pick<EvaluatorOptions, "job" | "space" | "seed" | "options" | "state">;

/** What came of a batch: the first evaluations, and why there are no more. */
export interface BatchOutcome {
  readonly evaluations: readonly Evaluation[];
  readonly fault: BatchFault | undefined;
  /** From the request to its last answer; the start of a process is not in it. */
  readonly elapsedMs: number;
}

export interface BatchFault {
  /** `released`: we have ended the process ourselves, and no genome is to blame. */
  readonly code: Exclude<EvaluationFault, "threw" | "not_a_number" | "stopped"> | "released";
  readonly message: string;
}

/** A process may take so long to be ready, or as long as one evaluation. */
const MIN_READY_MS = 10_000;
/** Besides the time of an evaluation: a module tells of one that took long at the next tenth of a second. */
const SLACK_MS = 500;
/** Ends before it was ready, in a row, until nobody tries again. */
const MAX_START_FAILURES = 3;
const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5_000;
/** A process that cannot be suspended has so long to finish what it does. */
const FINISH_MS = 1_500;
/** After so long a pause, the memory is the owner's again too. */
const KEEP_MS = 60_000;

export class Slot {
  readonly #options: SlotOptions;
  #session: WorkerSession | undefined;
  #wasReady = false;
  /** What the worker said it likes to have at once. */
  #batch = MAX_BATCH;
  #failures = 0;
  #nextId = 0;
  #isPaused = false;
  #releasing: Timer | undefined;
  readonly #closed = new AbortController();

  constructor(options: SlotOptions) {
    this.#options = options;
  }

  /** Genomes that it takes at once. */
  get maxBatch(): number {
    return this.#batch;
  }

  /** Whether a process waits for what it is to evaluate. */
  get isReady(): boolean {
    return this.#wasReady && this.#session?.isOver === false;
  }

  /**
   * Has a process that is ready. Rejects with a `WorkerError` where there will be none, and with a `SessionError`
   * `released` where it was paused or closed meanwhile.
   */
  async open(facts: JobFacts): Promise<void> {
    let failures = 0;
    while (!this.isReady) {
      await this.#backOff();
      try {
        await this.#start(facts);
      } catch (error) {
        if (!(error instanceof SessionError) || error.code === "released") throw error;
        this.#failures += 1;
        if (error.code === "timeout" || ++failures >= MAX_START_FAILURES) {
          throw new WorkerError("init_failed", `Cannot start a worker: ${error.message}`, {
            cause: error,
          });
        }
      }
    }
  }

  /** Evaluates a batch. Rejects as {@link open} does. */
  async evaluate(genomes: readonly Genome[], facts: JobFacts): Promise<BatchOutcome> {
    let evaluations: readonly Evaluation[] = [];
    let startMs = this.#options.clock.now();
    const elapsed = () => this.#options.clock.now() - startMs;
    try {
      await this.open(facts);
      startMs = this.#options.clock.now();
      const id = this.#nextId++;
      await this.#current().exchange({
        requests: [{ type: "evaluate", id, genomes }],
        limitMs: this.#limitMs(genomes.length),
        accept: (answer) => {
          evaluations = readEvaluations(answer, { id, count: genomes.length, evaluations });
          if (answer.type === "result") return { outcome: undefined };
          return { limitMs: this.#limitMs(genomes.length - evaluations.length) };
        },
      });
      this.#failures = 0;
      return { evaluations, fault: undefined, elapsedMs: elapsed() };
    } catch (error) {
      if (!(error instanceof SessionError)) throw error;
      if (error.code !== "released") this.#failures += evaluations.length > 0 ? 0 : 1;
      const fault = { code: error.code, message: error.message };
      return { evaluations, fault, elapsedMs: elapsed() };
    }
  }

  /** What a module says of itself. Rejects with a `WorkerError`. */
  async describe(): Promise<ModuleDescription> {
    try {
      return await this.#renew().exchange({
        requests: [...loadRequests(this.#options.worker), { type: "describe" }],
        limitMs: this.#readyMs,
        accept: (answer) => {
          if (answer.type !== "description") throw refusal(answer);
          return { outcome: answer.description };
        },
      });
    } catch (error) {
      if (!(error instanceof SessionError)) throw error;
      throw new WorkerError("init_failed", `Cannot ask a module what it is: ${error.message}`, {
        cause: error,
      });
    }
  }

  /** What the worker wants to remember; `undefined` for nothing, and where no process is ready. */
  async checkpoint(): Promise<unknown> {
    if (!this.isReady || !this.#session) return undefined;
    try {
      return await this.#session.exchange({
        requests: [{ type: "checkpoint" }],
        limitMs: this.#readyMs,
        accept: (answer) => {
          if (answer.type !== "checkpoint") throw refusal(answer);
          return { outcome: answer.state };
        },
      });
    } catch (error) {
      if (error instanceof SessionError) return undefined;
      throw error;
    }
  }

  /** Stands still; after a while the process is given up. */
  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    const keepMs = this.#session?.canSuspend === false ? FINISH_MS : KEEP_MS;
    this.#session?.suspend();
    this.#releasing = this.#options.clock.schedule(keepMs, () => this.#session?.release());
  }

  resume(): void {
    this.#isPaused = false;
    this.#releasing?.cancel();
    this.#session?.resume();
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#releasing?.cancel();
    await this.#session?.close();
  }

  get #readyMs(): number {
    return Math.max(MIN_READY_MS, this.#options.limits.evaluationMs);
  }

  /** How long nothing may be heard while `count` are left: modules tell as they go, commands need not. */
  #limitMs(count: number): number {
    const { worker, limits } = this.#options;
    return limits.evaluationMs * (worker.kind === "module" ? 1 : Math.max(1, count)) + SLACK_MS;
  }

  async #backOff(): Promise<void> {
    if (this.#failures > 0) {
      const delayMs = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (this.#failures - 1));
      await pause(this.#options.clock, delayMs, this.#closed.signal);
    }
    if (this.#closed.signal.aborted) throw new SessionError("released", "the worker was closed");
  }

  async #start(facts: JobFacts): Promise<void> {
    this.#wasReady = false;
    const { job, space, seed, options, state } = facts;
    const init = { version: WORKER_PROTOCOL_VERSION, job, space, seed, options };
    this.#batch = await this.#renew().exchange({
      requests: [
        ...loadRequests(this.#options.worker),
        { type: "init", ...init, ...(state === undefined ? {} : { state }) },
      ],
      limitMs: this.#readyMs,
      accept: (answer) => {
        if (answer.type !== "ready") throw refusal(answer);
        return { outcome: answer.batch ?? MAX_BATCH };
      },
    });
    this.#wasReady = true;
  }

  #renew(): WorkerSession {
    const { worker, limits, launcher, clock, log } = this.#options;
    this.#session = new WorkerSession({
      program: worker.kind === "module" ? { kind: "module" } : worker,
      memoryMb: limits.memoryMb,
      launcher,
      clock,
      log,
    });
    if (this.#isPaused) this.#session.suspend();
    return this.#session;
  }

  #current(): WorkerSession {
    if (this.#session) return this.#session;
    throw new TypeError("Cannot ask a worker: it was not opened");
  }
}

/** What a module's process is given before all else. Throws `WorkerError` `invalid_module`. */
function loadRequests(worker: WorkerSource): readonly WorkerRequest[] {
  if (worker.kind === "command") return [];
  try {
    const source = new TextDecoder("utf-8", { fatal: true }).decode(worker.source);
    return [{ type: "load", language: worker.language, source }];
  } catch (error) {
    throw new WorkerError("invalid_module", "Cannot load the module: it is not UTF-8", {
      cause: error,
    });
  }
}

/** The first evaluations of a batch, which only ever grow. */
function readEvaluations(
  answer: WorkerAnswer,
  asked: {
    readonly id: number;
    readonly count: number;
    readonly evaluations: readonly Evaluation[];
  },
): readonly Evaluation[] {
  if (answer.type !== "result" && answer.type !== "progress") throw refusal(answer);
  const { type, id, evaluations } = answer;
  const isFit = id === asked.id && evaluations.length <= asked.count &&
    (type === "result"
      ? evaluations.length === asked.count
      : evaluations.length > asked.evaluations.length);
  if (isFit) return evaluations;
  throw new WorkerError(
    "protocol",
    `Cannot read a worker's ${type}: ${evaluations.length} of batch ${id}, ` +
      `asked for ${asked.count} of batch ${asked.id}`,
  );
}

/** What a worker said where it should have said something else. */
function refusal(answer: WorkerAnswer): WorkerError {
  if (answer.type !== "error") {
    return new WorkerError("protocol", `Cannot read a worker's line: ${answer.type} was not asked`);
  }
  const what = answer.code === "invalid_module"
    ? "Cannot load the module"
    : "Cannot start a worker";
  return new WorkerError(answer.code, `${what}: ${answer.message}`);
}
