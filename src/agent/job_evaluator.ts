/**
 * A job's evaluator on this device: opened when it is wanted, held to the governor's decision, and tried again later where
 * it cannot serve. Its faults are told and never thrown.
 */

import type { Clock } from "../base/clock.ts";
import { CodedError, describeError } from "../base/errors.ts";
import type { Genome } from "../work/evolve/space.ts";
import { type Evaluation, type Evaluator, WorkerError } from "../work/worker/evaluator.ts";
import { Throttle } from "../work/worker/throttle.ts";
import type { WorkPermit } from "./job_admission.ts";

export interface JobEvaluatorOptions {
  readonly clock: Clock;
  /** Opens what evaluates. Rejects with a `CodedError` where that cannot be. */
  readonly open: (slots: number, state: unknown) => Promise<Evaluator>;
  /** There is one. */
  readonly onReady: () => void;
  /** It cannot serve; it will be tried again. */
  readonly onTrouble: (error: CodedError) => void;
}

/** A worker that could not serve is tried again after this, and after twice as long each time. */
const RETRY_MS = 10_000;
const MAX_RETRY_MS = 600_000;
/** Other slots are worth a restart of the processes only so often. */
const REOPEN_MS = 60_000;

export class JobEvaluator {
  readonly #options: JobEvaluatorOptions;
  #evaluator: Evaluator | undefined;
  #throttle: Throttle | undefined;
  #opening: Promise<Evaluator | undefined> | undefined;
  #openedAtMs = -Infinity;
  #state: unknown;
  #trouble: string | null = null;
  #retryMs = RETRY_MS;
  #retryAtMs = 0;
  #failures = 0;
  #failure: string | null = null;
  /** Calls of {@link measure} under way. */
  #measuring = 0;
  #isClosed = false;

  /** `state` is what an earlier worker of the job wanted to remember. */
  constructor(options: JobEvaluatorOptions, state: unknown) {
    this.#options = options;
    this.#state = state;
  }

  /** Why it does not serve although it is wanted; `null` where it does. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Evaluations that failed, and how the last of them did. */
  get failures(): { readonly count: number; readonly last: string | null } {
    return { count: this.#failures, last: this.#failure };
  }

  /** Slots that can be used now; none while there is no evaluator. */
  get slots(): number {
    return this.#evaluator?.slots ?? 0;
  }

  /** Takes an evaluator that is open already. */
  adopt(evaluator: Evaluator): void {
    this.#evaluator = evaluator;
    this.#throttle = new Throttle(evaluator, this.#options.clock);
    this.#openedAtMs = this.#options.clock.now();
  }

  /** Does as it is permitted: stops, goes on, or is opened, which {@link JobEvaluatorOptions.onReady} tells. */
  follow({ slots, duty }: WorkPermit): void {
    this.#throttle?.follow({ mayWork: slots > 0, duty });
    if (slots === 0) return;
    const nowMs = this.#options.clock.now();
    if (this.#trouble !== null && nowMs < this.#retryAtMs) return;
    this.#trouble = null;
    const isStale = slots > (this.#evaluator?.slots ?? slots) &&
      nowMs - this.#openedAtMs >= REOPEN_MS;
    if (isStale) void this.#drop();
    if (!this.#evaluator) this.#open(slots);
  }

  /** Evaluates, or says of each that it was not. Never rejects. */
  async measure(genomes: readonly Genome[]): Promise<readonly Evaluation[]> {
    this.#measuring++;
    try {
      return await this.#measure(genomes);
    } finally {
      this.#measuring--;
    }
  }

  async #measure(genomes: readonly Genome[]): Promise<readonly Evaluation[]> {
    if (!this.#evaluator) this.#open(1);
    await this.#opening;
    const evaluator = this.#evaluator;
    if (!evaluator) return stopped(genomes);
    try {
      const evaluations = await evaluator.evaluate(genomes);
      this.#count(evaluations);
      return evaluations;
    } catch (error) {
      if (evaluator === this.#evaluator) this.#stumble(error);
      return stopped(genomes);
    }
  }

  /** What the worker wants to remember. */
  async checkpoint(): Promise<unknown> {
    this.#state = await this.#evaluator?.checkpoint() ?? this.#state;
    return this.#state;
  }

  /** Gives the memory of processes back that have nothing to do; {@link measure} starts others. */
  rest(): void {
    if (this.#measuring === 0 && !this.#opening) void this.#drop();
  }

  /** Ends every process. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await (await this.#opening)?.close();
    await this.#drop();
  }

  #open(slots: number): void {
    if (this.#opening || this.#isClosed || this.#options.clock.now() < this.#retryAtMs) return;
    this.#opening = this.#openOnce(slots).finally(() => this.#opening = undefined);
  }

  /** Resolves with an evaluator that came too late. */
  async #openOnce(slots: number): Promise<Evaluator | undefined> {
    try {
      const evaluator = await this.#options.open(slots, this.#state);
      if (this.#isClosed) return evaluator;
      this.adopt(evaluator);
      this.#retryMs = RETRY_MS;
      this.#options.onReady();
    } catch (error) {
      this.#stumble(error);
    }
    return undefined;
  }

  #stumble(error: unknown): void {
    // What no layer expected is a defect of ours, and no reason to end the agent.
    const coded = error instanceof CodedError
      ? error
      : new CodedError("internal_error", describeError(error), { cause: error });
    this.#trouble = coded.message;
    this.#retryAtMs = this.#options.clock.now() + this.#retryMs;
    // Who has the module may come back at any time.
    if (error instanceof WorkerError) this.#retryMs = Math.min(MAX_RETRY_MS, 2 * this.#retryMs);
    void this.#drop();
    this.#options.onTrouble(coded);
  }

  /** Ends the worker's processes; what they were at is done again. */
  async #drop(): Promise<void> {
    const evaluator = this.#evaluator;
    this.#evaluator = undefined;
    this.#throttle?.close();
    this.#throttle = undefined;
    await evaluator?.close();
  }

  #count(evaluations: readonly Evaluation[]): void {
    for (const evaluation of evaluations) {
      if (evaluation.isOk || evaluation.code === "stopped") continue;
      this.#failures++;
      this.#failure = `${evaluation.code}: ${evaluation.message}`;
    }
  }
}

function stopped(genomes: readonly Genome[]): readonly Evaluation[] {
  return genomes.map(() => ({ isOk: false, code: "stopped", message: "the worker was not ready" }));
}
