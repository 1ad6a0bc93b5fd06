/**
 * What evaluates genomes: a module in a sandboxed process, a program that the owner configured, or, in tests and
 * simulators, a function. Whoever uses it knows none of them.
 */

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

/** Why a worker cannot serve at all, e.g. a module that does not parse; no other genome will do better. */
export type WorkerFault =
  | "invalid_module"
  | "not_configured"
  | "not_permitted"
  | "init_failed"
  | "protocol";

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
  /** Ends every process. Idempotent. */
  close(): Promise<void>;
}
