/**
 * An island: one participant's own search, at its own speed. It asks its optimiser for as many genomes as a free
 * slot can evaluate in about {@link BATCH_MS}, whatever else is under way, and waits for nobody.
 *
 * Its best are only what was measured here: found by its search, or another island's and measured again.
 */

import type { Candidate, Optimizer, Result, Solution } from "../evolve/optimizer.ts";
import type { SignedSolution } from "./signed_solution.ts";

/** How long a batch is to take: telling others of it costs a small part of that, and little is asked in advance. */
export const BATCH_MS = 50;
export const MAX_BATCH = 64;
/** Generations and time after which an island sends its best. */
export const MIGRATION_GENERATIONS = 10;
export const MIGRATION_MS = 30_000;
/** Migrants that are sent at a time. */
export const MIGRANTS = 2;
/** The best that are kept, for when a result is struck. */
const MAX_BEST = 8;
/** Rates are measured over windows of this length, of two evaluations where those are longer. */
const RATE_WINDOW_MS = 5_000;
const MAX_RATE_WINDOW_MS = 120_000;
/** Of a new duration in the running mean. */
const DURATION_WEIGHT = 0.2;

/** A measured solution. */
export interface Found extends Solution {
  readonly genomeHash: string;
  /** As its finder signed it, where that was another. */
  readonly signed?: SignedSolution;
}

export class Island {
  readonly search: Optimizer;
  #evaluations: number;
  /** Duration of one evaluation in one slot, ms. */
  #evaluationMs: number | undefined;
  #perSecond = 0;
  #windowStartMs: number;
  #windowEvaluations = 0;
  #best: readonly Found[] = [];
  #migratedMs: number;
  #migratedGeneration: number;

  constructor(search: Optimizer, nowMs: number, evaluations = 0, evaluationMs?: number) {
    this.search = search;
    this.#evaluations = evaluations;
    this.#evaluationMs = evaluationMs;
    this.#windowStartMs = nowMs;
    this.#migratedMs = nowMs;
    this.#migratedGeneration = search.generation;
  }

  /** Of the search; what others claim is measured besides. */
  get evaluations(): number {
    return this.#evaluations;
  }

  get perSecond(): number {
    return this.#perSecond;
  }

  /** How long an evaluation takes here; `undefined` before the first. */
  get evaluationMs(): number | undefined {
    return this.#evaluationMs;
  }

  get generation(): number {
    return this.search.generation;
  }

  /** The best that were measured here, best first, all different. */
  get best(): readonly Found[] {
    return this.#best;
  }

  /** Genomes for one free slot; never more than `limit`. */
  nextBatch(limit = Infinity): readonly Candidate[] {
    const wanted = this.#evaluationMs ? BATCH_MS / this.#evaluationMs : 1;
    return this.search.ask(Math.max(1, Math.min(limit, MAX_BATCH, Math.round(wanted))));
  }

  /** Takes the costs of a batch, `Infinity` for what failed. */
  tell(results: readonly Result[], tookMs: number, nowMs: number): void {
    if (results.length === 0) return;
    this.search.tell(results);
    this.#evaluations += results.length;
    this.#windowEvaluations += results.length;
    const eachMs = Math.max(1e-3, tookMs / results.length);
    const before = this.#evaluationMs ?? eachMs;
    this.#evaluationMs = before + DURATION_WEIGHT * (eachMs - before);
    this.review(nowMs);
  }

  /** Measures the rate, which falls to nothing when nothing is evaluated. */
  review(nowMs: number): void {
    const tookMs = nowMs - this.#windowStartMs;
    const slowMs = Math.min(MAX_RATE_WINDOW_MS, 2 * (this.#evaluationMs ?? 0));
    if (tookMs < Math.max(RATE_WINDOW_MS, slowMs)) return;
    const rate = this.#windowEvaluations * 1_000 / tookMs;
    const mean = this.#perSecond > 0 ? (this.#perSecond + rate) / 2 : rate;
    this.#perSecond = Math.floor(mean * 1_000) / 1_000;
    this.#windowStartMs = nowMs;
    this.#windowEvaluations = 0;
  }

  /** What a cost would have to be below to be among the best; such alone are worth a hash. */
  get admission(): number {
    const last = this.#best[MAX_BEST - 1];
    return last ? last.fitness : Infinity;
  }

  /** Takes a measured solution among the best; whether it is the best of all. */
  found(solution: Found): boolean {
    if (!(solution.fitness < this.admission)) return false;
    if (this.#best.some(({ genomeHash }) => genomeHash === solution.genomeHash)) return false;
    const isBest = solution.fitness < (this.#best[0]?.fitness ?? Infinity);
    this.#best = [...this.#best, solution].sort((a, b) => a.fitness - b.fitness).slice(0, MAX_BEST);
    return isBest;
  }

  /** Takes in another island's solution, which was measured here. */
  takeIn(solution: Found): boolean {
    this.search.migrate(solution);
    return this.found(solution);
  }

  /** The migrants to send, if it is time. */
  migrants(nowMs: number): readonly Found[] {
    const isDue = nowMs - this.#migratedMs >= MIGRATION_MS ||
      this.generation - this.#migratedGeneration >= MIGRATION_GENERATIONS;
    if (!isDue || this.#best.length === 0) return [];
    this.#migratedMs = nowMs;
    this.#migratedGeneration = this.generation;
    return this.#best.slice(0, MIGRANTS);
  }
}
