/**
 * What every search is to its island: something that is asked for genomes and told how good they are. It always
 * minimises, and never waits: any number of genomes may be under way, and their results may come in any order,
 * late or not at all.
 */

import type { JsonObject } from "../../base/guards.ts";
import type { Genome, Space } from "./space.ts";

/** A genome to be evaluated. */
export interface Candidate {
  /** Unique within its optimiser. */
  readonly id: number;
  readonly genome: Genome;
}

/** How good a candidate is: lower is better. What failed, or is no number, is `Infinity`. */
export interface Result {
  readonly id: number;
  readonly fitness: number;
}

/** A genome and its fitness. */
export interface Solution {
  readonly genome: Genome;
  readonly fitness: number;
}

export interface Optimizer {
  readonly space: Space;
  /** Generations that were completed, over all restarts. */
  readonly generation: number;
  /** Results that were told. */
  readonly evaluations: number;
  /** The best that was told or taken in. */
  readonly best: Solution | undefined;
  /** How many may be under way at once and cost the search little; more make it take more evaluations. */
  readonly population?: number;
  /** Exactly `count` genomes within the space. */
  ask(count: number): readonly Candidate[];
  /** Takes results; unknown ids and such as were told before are ignored. */
  tell(results: readonly Result[]): void;
  /** Takes in a solution that another island found, as its paper on migration says, or as the algorithm permits. */
  migrate(solution: Solution): void;
  /** Everything that `restoreOptimizer` needs, as JSON; what is under way is asked again. */
  snapshot(): JsonObject;
}
