/**
 * Opens what evaluates a job's genomes, for whoever runs the job; and asks a module what it is about.
 *
 * Both start processes of their own and never run foreign code here. The protocol is in PROTOCOL.md, "Workers".
 */

import type { Bytes } from "../../base/bytes.ts";
import type { Clock } from "../../base/clock.ts";
import type { JsonObject } from "../../base/guards.ts";
import type { Log } from "../../base/log.ts";
import type { Space } from "../evolve/space.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Launcher } from "./process.ts";
import { WorkerPool } from "./pool.ts";
import type { ModuleDescription } from "./protocol.ts";
import { Slot } from "./slot.ts";

/** What evaluates. */
export type WorkerSource =
  | {
    readonly kind: "module";
    /** UTF-8 text, at most {@link MAX_MODULE_BYTES}. */
    readonly source: Bytes;
    readonly language: "js" | "ts";
  }
  | {
    readonly kind: "command";
    /** A program and its arguments, as this device's owner configured them. */
    readonly command: readonly [string, ...string[]];
  };

export interface WorkerLimits {
  /** One evaluation may take so long. */
  readonly evaluationMs: number;
  /** One process may hold so much, in MiB. */
  readonly memoryMb: number;
}

export interface EvaluatorOptions {
  readonly worker: WorkerSource;
  /** The job's id, for the worker to tell its jobs apart. */
  readonly job: string;
  readonly space: Space;
  /** Unsigned, 32 bits. */
  readonly seed: number;
  /** Handed to the worker as it is. */
  readonly options: JsonObject;
  readonly limits: WorkerLimits;
  /** Processes, at least one. */
  readonly slots: number;
  readonly launcher: Launcher;
  readonly clock: Clock;
  readonly log: Log;
  /** What an earlier {@link Evaluator.checkpoint} of the same job gave. */
  readonly state?: unknown;
}

/** Of a module's source; so much travels between peers. */
export const MAX_MODULE_BYTES = 2 ** 20;

/**
 * Starts the first process; resolves once it is ready. Rejects with a `WorkerError` where it cannot serve. Whoever
 * opens it closes it.
 */
export async function openEvaluator(options: EvaluatorOptions): Promise<Evaluator> {
  const pool = new WorkerPool(options);
  try {
    await pool.open();
    return pool;
  } catch (error) {
    await pool.close();
    throw error;
  }
}

/**
 * What a module says of itself by `describe()`, asked in a process of its own that ends afterwards; nothing is
 * known of a module without one. Rejects with a `WorkerError`.
 */
export async function describeModule(
  options: Pick<EvaluatorOptions, "limits" | "launcher" | "clock" | "log"> & {
    readonly worker: WorkerSource & { readonly kind: "module" };
  },
): Promise<ModuleDescription> {
  const slot = new Slot(options);
  try {
    return await slot.describe();
  } finally {
    await slot.close();
  }
}
