/**
 * The workers of one job on this device: genomes go to whichever slot is free, in batches of about 75 ms, and what
 * fails with others beside it is done again alone until it is clear which genome is to blame.
 *
 * A genome whose evaluation takes too long has timed out once it did so alone; one that ends its process gets a
 * second chance, since the process may have been ended by somebody else.
 */

import type { Genome } from "../evolve/space.ts";
import { BatchSize } from "./batch_size.ts";
import { type Evaluation, type Evaluator, WorkerError } from "./evaluator.ts";
import { type EvaluatorOptions, MAX_MODULE_BYTES } from "./open_evaluator.ts";
import { type BatchFault, type BatchOutcome, type JobFacts, Slot } from "./slot.ts";
import { SessionError } from "./worker_session.ts";

/** One genome on its way. */
interface Task {
  readonly genome: Genome;
  readonly deliver: (evaluation: Evaluation) => void;
  /** Those it failed with; alone, it is set apart from them. */
  suspects: { isResolved: boolean } | undefined;
  /** Processes that ended while they evaluated it alone. */
  ends: number;
}

const MAX_ENDS = 2;
/** Processes that ended, in a row and in all slots, without one evaluation between them. */
const MAX_BARREN_ENDS = 20;

export class WorkerPool implements Evaluator {
  readonly slots: number;
  readonly #options: EvaluatorOptions;
  readonly #idle: Slot[];
  readonly #all: readonly Slot[];
  readonly #queue: Task[] = [];
  readonly #size: BatchSize;
  readonly #waiting = new Set<(error: WorkerError) => void>();
  #state: unknown;
  #barrenEnds = 0;
  #isPaused = false;
  #isClosed = false;
  #isPumping = false;
  #broken: WorkerError | undefined;

  /** Throws `RangeError` for less than one slot; `WorkerError` `invalid_module` for a module that is too long. */
  constructor(options: EvaluatorOptions) {
    const { slots, worker, space } = options;
    if (!Number.isInteger(slots) || slots < 1) {
      throw new RangeError(`Cannot open a pool: ${slots} slots are less than 1`);
    }
    if (worker.kind === "module" && worker.source.length > MAX_MODULE_BYTES) {
      throw new WorkerError(
        "invalid_module",
        `Cannot load the module: ${worker.source.length} bytes exceed ${MAX_MODULE_BYTES}`,
      );
    }
    this.slots = slots;
    this.#options = options;
    this.#state = options.state;
    this.#all = Array.from({ length: slots }, () => new Slot(options));
    this.#idle = [...this.#all];
    this.#size = new BatchSize(space.dims);
  }

  /** Starts the first process. Rejects with a `WorkerError`. */
  async open(): Promise<void> {
    try {
      await this.#all[0]?.open(this.#facts);
    } catch (error) {
      if (!(error instanceof SessionError)) throw error;
      throw new WorkerError("init_failed", `Cannot start a worker: ${error.message}`, {
        cause: error,
      });
    }
  }

  evaluate(genomes: readonly Genome[]): Promise<readonly Evaluation[]> {
    if (this.#broken) return Promise.reject(this.#broken);
    if (this.#isClosed) return Promise.resolve(genomes.map(() => STOPPED));
    if (genomes.length === 0) return Promise.resolve([]);
    const { promise, resolve, reject } = Promise.withResolvers<readonly Evaluation[]>();
    const evaluations: Evaluation[] = [];
    let left = genomes.length;
    this.#waiting.add(reject);
    genomes.forEach((genome, index) => {
      const deliver = (evaluation: Evaluation) => {
        evaluations[index] = evaluation;
        if (--left > 0) return;
        this.#waiting.delete(reject);
        resolve(evaluations);
      };
      this.#queue.push({ genome, deliver, suspects: undefined, ends: 0 });
    });
    // What is given in the same moment is shared out together.
    queueMicrotask(() => this.#pump());
    return promise;
  }

  pause(): void {
    this.#isPaused = true;
    for (const slot of this.#all) slot.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    for (const slot of this.#all) slot.resume();
    this.#pump();
  }

  async checkpoint(): Promise<unknown> {
    // One that is busy cannot be asked, and all do the same.
    const index = this.#isPaused ? -1 : this.#idle.findIndex(({ isReady }) => isReady);
    const [slot] = index < 0 ? [] : this.#idle.splice(index, 1);
    if (slot) {
      try {
        this.#state = await slot.checkpoint() ?? this.#state;
      } catch (error) {
        if (!(error instanceof WorkerError)) throw error;
        this.#fail(error);
      } finally {
        this.#idle.push(slot);
        this.#pump();
      }
    }
    return this.#state;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const task of this.#queue.splice(0)) task.deliver(STOPPED);
    await Promise.all(this.#all.map((slot) => slot.close()));
  }

  get #facts(): JobFacts {
    return { ...this.#options, state: this.#state };
  }

  /** Hands out what waits to whoever is free. */
  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (!this.#isPaused && !this.#isClosed && this.#queue.length > 0) {
      const slot = this.#idle.shift();
      if (!slot) break;
      void this.#run(slot, this.#take(slot));
    }
    this.#isPumping = false;
  }

  /** The next batch: one suspect alone, or as many of the others as fit, shared fairly among the free slots. */
  #take(slot: Slot): Task[] {
    const [first] = this.#queue;
    if (first && isSuspect(first)) return this.#queue.splice(0, 1);
    const share = Math.ceil(this.#queue.length / (this.#idle.length + 1));
    const most = Math.min(share, this.#size.next, slot.maxBatch);
    const suspect = this.#queue.slice(0, most).findIndex(isSuspect);
    return this.#queue.splice(0, suspect < 0 ? most : suspect);
  }

  async #run(slot: Slot, tasks: Task[]): Promise<void> {
    try {
      const outcome = await slot.evaluate(tasks.map(({ genome }) => genome), this.#facts);
      if (!outcome.fault) this.#size.learn(tasks.length, outcome.elapsedMs);
      this.#settle(tasks, outcome);
    } catch (error) {
      if (error instanceof WorkerError) this.#fail(error);
      else throw error;
    } finally {
      this.#idle.push(slot);
      this.#pump();
    }
  }

  #settle(tasks: readonly Task[], { evaluations, fault }: BatchOutcome): void {
    evaluations.forEach((evaluation, index) => tasks[index]?.deliver(evaluation));
    const rest = tasks.slice(evaluations.length);
    if (evaluations.length > 0) this.#barrenEnds = 0;
    if (!fault) return;
    if (this.#isClosed) return rest.forEach((task) => task.deliver(STOPPED));
    const isBlameless = fault.code === "released";
    if (!isBlameless && evaluations.length === 0 && ++this.#barrenEnds >= MAX_BARREN_ENDS) {
      return this.#fail(
        new WorkerError(
          "crashing",
          `Cannot evaluate: ${MAX_BARREN_ENDS} processes in a row ended with nothing done; ` +
            `the last: ${fault.message}`,
        ),
      );
    }
    const [alone, ...others] = rest;
    if (isBlameless) this.#queue.unshift(...rest);
    else if (alone && others.length === 0) this.#blame(alone, fault);
    else this.#suspect(rest);
  }

  /** A genome that failed alone: it, and none of those it was with. */
  #blame(task: Task, { code, message }: BatchFault): void {
    if (code === "released") return;
    task.ends += 1;
    if (code !== "timeout" && task.ends < MAX_ENDS) return this.#suspect([task]);
    if (task.suspects) task.suspects.isResolved = true;
    task.deliver({ isOk: false, code, message });
  }

  #suspect(tasks: readonly Task[]): void {
    const group = { isResolved: false };
    for (const task of tasks) task.suspects = group;
    this.#queue.unshift(...tasks);
  }

  /** No worker will serve: nobody waits any longer. */
  #fail(error: WorkerError): void {
    this.#broken ??= error;
    this.#queue.length = 0;
    for (const reject of this.#waiting) reject(error);
    this.#waiting.clear();
  }
}

const STOPPED: Evaluation = Object.freeze({
  isOk: false,
  code: "stopped",
  message: "the evaluator was closed",
});

function isSuspect({ suspects }: Task): boolean {
  return suspects !== undefined && !suspects.isResolved;
}
