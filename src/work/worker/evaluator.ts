/**
 * What evaluates genomes: a module in a sandboxed process, a program that the owner configured, or, in tests and
 * simulators, a function. Whoever uses it knows none of them.
 */

import { CodedError } from "../../base/errors.ts";
import type { Genome } from "../evolve/space.ts";

/** How one evaluation ended. What a worker throws or returns otherwise never ends the others. */
export type Evaluation =
  | { readonly isOk: true; readonly fitness: number }
  | { readonly isOk: false; readonly code: EvaluationFault; readonly message: string };

/**
 * `threw`: the function threw. `not_a_number`: it returned NaN or no number. `timeout`: it took longer than one
 * evaluation may. `memory`: it took more than it may have. `crashed`: its process ended. `stopped`: it was closed.
 */
export type EvaluationFault =
  | "threw"
  | "not_a_number"
  | "timeout"
  | "memory"
  | "crashed"
  | "stopped";

/**
 * Why a worker cannot serve at all; no other genome will do better. `invalid_module`: it does not parse, or exports
 * no `evaluate`. `not_configured`: this device has no command of that name. `not_permitted`: its process cannot be
 * started here. `init_failed`: it ended, failed or was silent before it was ready. `protocol`: what it wrote is no
 * answer. `crashing`: process after process ended without a single evaluation.
 */
export type WorkerFault =
  | "invalid_module"
  | "not_configured"
  | "not_permitted"
  | "init_failed"
  | "protocol"
  | "crashing";

/** A worker that cannot serve. Its message holds no more of a stranger's text than a short printable line. */
export class WorkerError extends CodedError<WorkerFault> {
  override readonly name = "WorkerError";
}

export interface Evaluator {
  /** Evaluations that run at the same time. */
  readonly slots: number;
  /**
   * Evaluates a batch; resolves with one outcome for each genome, in order. Rejects with a `WorkerError` only where
   * the worker cannot serve at all.
   */
  evaluate(genomes: readonly Genome[]): Promise<readonly Evaluation[]>;
  /** Stops or goes on within 2 s; what is under way is finished later, or done again. */
  pause(): void;
  resume(): void;
  /**
   * What the worker wants to remember, as JSON; `undefined` where it remembers nothing. It is given back to every
   * process that is started later, in `init`.
   */
  checkpoint(): Promise<unknown>;
  /** Ends every process. Idempotent. */
  close(): Promise<void>;
}
