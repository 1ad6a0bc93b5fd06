/**
 * How many genomes one request holds: so many that asking costs little beside evaluating, and so few that a pause, a
 * better idea or a lost process costs little too.
 */

import { MAX_BATCH, MAX_LINE_BYTES } from "./protocol.ts";

/** A batch takes about so long. */
const TARGET_MS = 75;
/** A guess may be wrong; a batch grows so much at a time. */
const MAX_GROWTH = 4;
/** Weight of the latest batch: evaluations of one job may take very different times. */
const LATEST_WEIGHT = 0.3;
/** The longest that a finite double is as JSON, and its comma. */
const MAX_NUMBER_BYTES = 25;

export class BatchSize {
  readonly #most: number;
  #evaluationMs: number | undefined;
  #last = 1;

  /** For genomes of `dims` numbers: a request stays below half of what a line may have. */
  constructor(dims: number) {
    const fitting = Math.floor(MAX_LINE_BYTES / 2 / (dims * MAX_NUMBER_BYTES + 2));
    this.#most = Math.max(1, Math.min(MAX_BATCH, fitting));
  }

  /** Genomes for the next batch, at least one. */
  get next(): number {
    if (this.#evaluationMs === undefined) return 1;
    const wanted = Math.round(TARGET_MS / Math.max(this.#evaluationMs, TARGET_MS / MAX_BATCH));
    return Math.max(1, Math.min(wanted, this.#last * MAX_GROWTH, this.#most));
  }

  /** Takes note that `count` evaluations took `ms` together. */
  learn(count: number, ms: number): void {
    const latest = ms / count;
    this.#evaluationMs = this.#evaluationMs === undefined
      ? latest
      : this.#evaluationMs + LATEST_WEIGHT * (latest - this.#evaluationMs);
    this.#last = count;
  }
}
