/**
 * Jobs as people see them and `result.json` keeps them: plain JSON objects, snake_case, the same that `--json` prints.
 */

import type { JsonObject } from "../base/guards.ts";
import type { EvolutionType } from "../node/envelope.ts";
import type { Space } from "../work/evolve/space.ts";

/**
 * `running`: islands search. `stopping`: an order has ended the search. `confirming`: a result is being evaluated again by others. Then it has ended: `accepted`;
 * `unconfirmed`, when time was over before anybody could confirm; `stopped` by its owner or an admin.
 */
export type JobState =
  | "running"
  | "stopping"
  | "confirming"
  | "accepted"
  | "unconfirmed"
  | "stopped";

/** What a job is, in a list of them. */
export interface JobSummaryView {
  readonly id: string;
  readonly short_id: string;
  readonly name: string;
  readonly type: EvolutionType;
  readonly state: JobState;
  readonly owner: string;
  /** What its people call the owner; `null` where no certificate says so. */
  readonly owner_name: string | null;
  /** Whether this device's owner started it. */
  readonly owned_here: boolean;
  readonly created_unix_ms: number;
  /** Until now, or until it ended. */
  readonly elapsed_s: number;
  /** Until its time is over; nought once it has ended. */
  readonly remaining_s: number;
  /** Fitness as the job counts it; `null` before the first evaluation, and where only an announcement is known. */
  readonly best: number | null;
  readonly evaluations: number;
  readonly per_second: number;
  /** Devices that take part now. */
  readonly participants: number;
  /** What this device does in it. */
  readonly here: HereView;
}

/**
 * `searching`; `paused`, and why; `waiting` for its turn, its evaluator or its module; `left`; or `not_taking_part`, when
 * it knows of it from others.
 */
export interface HereView {
  readonly state: "searching" | "paused" | "waiting" | "ended" | "not_taking_part";
  readonly reason: string | null;
}

/** Everything about one job. */
export interface JobView extends JobSummaryView {
  readonly steward: string | null;
  readonly space: Space;
  readonly direction: "minimize" | "maximize";
  readonly target: number | null;
  readonly limits: {
    readonly time_s: number;
    readonly evaluations: number | null;
    readonly evaluation_ms: number;
    readonly memory_mb: number;
  };
  /** `module` and its SHA-256, or the name of a program. */
  readonly worker: { readonly kind: "module" | "command"; readonly name: string };
  readonly genome: readonly number[] | null;
  readonly found_by: string | null;
  readonly members: readonly JobMemberView[];
  /** Who was asked for help and does not give it. */
  readonly declined: readonly DeclineView[];
  /** Once it has ended. */
  readonly result: JobResultView | null;
  /** Where this device keeps its files; `null` where it keeps none. */
  readonly directory: string | null;
}

/** One participant's part. */
export interface JobMemberView {
  readonly node_id: string;
  readonly short_id: string;
  readonly name: string | null;
  readonly this_device: boolean;
  readonly state: string;
  readonly reason: string | null;
  readonly evaluations: number;
  /** Of all evaluations, 0..1. */
  readonly share: number;
  readonly per_second: number;
  readonly generation: number;
  readonly best: number | null;
  /** 0..1, from 0.5: what this device has seen of its honesty. */
  readonly trust: number;
}

export interface DeclineView {
  readonly node_id: string;
  readonly short_id: string;
  readonly name: string | null;
  readonly reason: string;
}

/** How it ended, as `result.json` has it. */
export interface JobResultView {
  readonly state: JobState;
  /** What ended the search: `target`, `time`, `evaluations`, `stopped`, or why we were not let in. */
  readonly cause: string;
  readonly fitness: number | null;
  readonly genome: readonly number[] | null;
  readonly evaluations: number;
  readonly seconds: number;
  readonly finder: string | null;
  readonly proposer: string | null;
  /** Who measured it again, and how many of them agree. */
  readonly jurors: number;
  readonly agreed: number;
  /** Nobody else could: whoever proposed it is its only witness. */
  readonly self_confirmed: boolean;
  /** The job as its owner signed it, and the signed votes: what `hamlet job ID --verify` checks. */
  readonly job: JsonObject;
  /** `null` where nothing was accepted. */
  readonly consensus: JsonObject | null;
}
