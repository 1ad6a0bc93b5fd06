/**
 * The workbench: what the slots of a worker are busy with. Checks, somebody's claims that are to be measured, go
 * before the search; each genome is measured once, however many claim it.
 */

import type { Candidate } from "../evolve/optimizer.ts";
import type { Genome } from "../evolve/space.ts";
import type { Evaluation } from "../worker/evaluator.ts";
import type { Batch } from "./job_outlet.ts";

/** Claims that wait; the last of the least urgent makes room. */
export const MAX_WAITING = 64;
/** Measurements that are remembered. */
export const MAX_MEASURED = 256;

/** What is measured for whom: a vote comes before a migrant. */
export type CheckUrgency = "vote" | "claim";

/** Told what a claim really costs; `null`: it could not be measured. */
export type OnMeasured = (cost: number | null, nowMs: number) => void;

interface Check {
  readonly genomeHash: string;
  readonly genome: Genome;
  urgency: CheckUrgency;
  readonly listeners: OnMeasured[];
}

type UnderWay =
  & {
    readonly startedMs: number;
  }
  & (
    | { readonly kind: "search"; readonly candidates: readonly Candidate[] }
    | { readonly kind: "check"; readonly check: Check }
  );

/** A search's batch that came back: `Infinity` for what failed, `undefined` for what was not evaluated. */
export interface Returned {
  readonly candidates: readonly Candidate[];
  readonly costs: readonly (number | undefined)[];
  readonly tookMs: number;
}

export interface WorkbenchOptions {
  /** Cost of what the worker returned. */
  readonly toCost: (fitness: number) => number;
  readonly evaluate: (batch: Batch) => void;
  /** Genomes for one slot; none while nothing is to be searched. */
  readonly nextBatch: () => readonly Candidate[];
}

export class Workbench {
  readonly #options: WorkbenchOptions;
  readonly #underWay = new Map<number, UnderWay>();
  readonly #waiting: Check[] = [];
  readonly #measured = new Map<string, number | null>();
  #slots: number;
  #isPaused = false;
  #nextId = 1;

  constructor(options: WorkbenchOptions, slots: number) {
    this.#options = options;
    this.#slots = slots;
  }

  get slots(): number {
    return this.#slots;
  }

  set slots(slots: number) {
    this.#slots = slots;
  }

  set isPaused(isPaused: boolean) {
    this.#isPaused = isPaused;
  }

  /** Claims that are not measured yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Whether `genomeHash` has been measured, or is about to be. */
  knows(genomeHash: string): boolean {
    return this.#measured.has(genomeHash) || this.#find(genomeHash) !== undefined;
  }

  /** Remembers a measurement that came out of the search. */
  remember(genomeHash: string, cost: number | null): void {
    this.#measured.delete(genomeHash);
    this.#measured.set(genomeHash, cost);
    if (this.#measured.size <= MAX_MEASURED) return;
    for (const oldest of this.#measured.keys()) {
      this.#measured.delete(oldest);
      break;
    }
  }

  /** Has a claim measured; `onMeasured` is told at once where that was done before. */
  check(
    claim: { readonly genomeHash: string; readonly genome: Genome; readonly urgency: CheckUrgency },
    onMeasured: OnMeasured,
    nowMs: number,
  ): void {
    const { genomeHash, genome, urgency } = claim;
    const known = this.#measured.get(genomeHash);
    if (known !== undefined) {
      onMeasured(known, nowMs);
      return;
    }
    const same = this.#find(genomeHash);
    if (same) {
      if (urgency === "vote") same.urgency = urgency;
      if (same.listeners.length < MAX_WAITING) same.listeners.push(onMeasured);
      return;
    }
    if (this.#waiting.length >= MAX_WAITING && !this.#makeRoom(urgency)) return;
    this.#waiting.push({ genomeHash, genome, urgency, listeners: [onMeasured] });
  }

  /** Gives every free slot something to do. */
  fill(nowMs: number): void {
    while (!this.#isPaused && this.#underWay.size < this.#slots) {
      const check = this.#nextCheck();
      if (check) {
        this.#start({ kind: "check", check, startedMs: nowMs }, [check.genome]);
        continue;
      }
      const candidates = this.#options.nextBatch();
      if (candidates.length === 0) return;
      const genomes = candidates.map(({ genome }) => genome);
      this.#start({ kind: "search", candidates, startedMs: nowMs }, genomes);
    }
  }

  /** Takes what became of a batch; a search's is returned, a check told to who wanted it. */
  returned(
    batchId: number,
    evaluations: readonly Evaluation[],
    nowMs: number,
  ): Returned | undefined {
    const work = this.#underWay.get(batchId);
    if (!work) return undefined;
    this.#underWay.delete(batchId);
    if (work.kind === "search") {
      const costs = work.candidates.map((_, i) => this.#costOf(evaluations[i]));
      return { candidates: work.candidates, costs, tookMs: nowMs - work.startedMs };
    }
    const { check } = work;
    const cost = this.#costOf(evaluations[0]) ?? null;
    const measured = cost === null || !Number.isFinite(cost) ? null : cost;
    // What was stopped may be tried again; what failed fails again.
    if (cost !== null) this.remember(check.genomeHash, measured);
    for (const listener of check.listeners) listener(measured, nowMs);
    return undefined;
  }

  #start(work: UnderWay, genomes: readonly Genome[]): void {
    const id = this.#nextId++;
    this.#underWay.set(id, work);
    this.#options.evaluate({ id, genomes, purpose: work.kind });
  }

  #costOf(evaluation: Evaluation | undefined): number | undefined {
    if (!evaluation || (!evaluation.isOk && evaluation.code === "stopped")) return undefined;
    if (!evaluation.isOk || !Number.isFinite(evaluation.fitness)) return Infinity;
    return this.#options.toCost(evaluation.fitness);
  }

  #find(genomeHash: string): Check | undefined {
    for (const work of this.#underWay.values()) {
      if (work.kind === "check" && work.check.genomeHash === genomeHash) return work.check;
    }
    return this.#waiting.find((check) => check.genomeHash === genomeHash);
  }

  #nextCheck(): Check | undefined {
    const at = Math.max(0, this.#waiting.findIndex(({ urgency }) => urgency === "vote"));
    return this.#waiting.splice(at, 1)[0];
  }

  #makeRoom(urgency: CheckUrgency): boolean {
    const at = this.#waiting.findLastIndex((check) => check.urgency === "claim");
    if (urgency === "claim" || at < 0) return false;
    this.#waiting.splice(at, 1);
    return true;
  }
}
