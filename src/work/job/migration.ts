/**
 * Migration: what islands tell each other of their best. What comes in is measured here before it is taken in: one
 * evaluation, for which a liar is found out. An island spends a tenth of its evaluations on migrants that are no
 * better than what it has, and measures at any time what claims to be.
 */

import { FieldError } from "../../base/guards.ts";
import type { PeerId } from "../../base/peer_id.ts";
import type { Genome } from "../evolve/space.ts";
import type { Found, Island } from "./island.ts";
import {
  genomeHashOf,
  readSolution,
  type SignedSolution,
  signSolution,
} from "./signed_solution.ts";
import type { Speaker } from "./signed_record.ts";
import { agree, type Job, type JobCrypto } from "./spec.ts";
import type { JobOutlet } from "./job_outlet.ts";
import { writeSolutions } from "./messages.ts";
import type { Roster } from "./roster.ts";
import { randomLinks, ringNeighbours } from "./routes.ts";
import type { Random } from "../../base/random.ts";
import type { Trust } from "./trust.ts";
import type { Workbench } from "./workbench.ts";

/** Of our evaluations, spent on migrants that may be no better. */
const CHECKED_SHARE = 0.1;
/** Claims of one peer that wait. */
const MAX_CLAIMS = 4;
/** Own solutions and struck ones that are remembered. */
const MAX_REMEMBERED = 256;

export interface MigrationOptions {
  readonly job: Job;
  readonly self: Speaker;
  readonly crypto: JobCrypto;
  readonly island: Island;
  readonly workbench: Workbench;
  readonly trust: Trust;
  readonly roster: Roster;
  readonly random: Random;
  readonly send: JobOutlet["send"];
}

export class Migration {
  readonly #options: MigrationOptions;
  /** What we found and told, by genome. */
  readonly #own = new Map<string, SignedSolution>();
  readonly #claims = new Map<PeerId, number>();
  #checked = 0;
  /** Solutions that were struck by a jury. */
  readonly #struck = new Set<string>();

  constructor(options: MigrationOptions) {
    this.#options = options;
  }

  /** The best that were measured here and not struck. */
  get best(): readonly Found[] {
    return this.#options.island.best.filter(({ genomeHash }) => !this.#struck.has(genomeHash));
  }

  /** Takes what our own search measured; whether it is better than all before. */
  found(genome: Genome, cost: number): boolean {
    const { job, crypto, island, workbench } = this.#options;
    if (!(cost < island.admission)) return false;
    const genomeHash = genomeHashOf(genome, job.spec.space, crypto);
    workbench.remember(genomeHash, cost);
    return island.found({ genome, genomeHash, fitness: cost });
  }

  strike(genomeHash: string): void {
    if (this.#struck.size < MAX_REMEMBERED) this.#struck.add(genomeHash);
  }

  /** A solution as its finder signed it; where that is nobody else, we do. */
  signedOf(found: Found): SignedSolution {
    const known = found.signed ?? this.#own.get(found.genomeHash);
    if (known) return known;
    const { job, self, crypto } = this.#options;
    const signed = signSolution(job, self, found, crypto);
    this.#own.set(signed.genomeHash, signed);
    if (this.#own.size > MAX_REMEMBERED) {
      for (const oldest of this.#own.keys()) {
        this.#own.delete(oldest);
        break;
      }
    }
    return signed;
  }

  /** Sends our best round, if it is time: to the neighbours in the ring, and to one more at random. */
  advance(nowMs: number): void {
    const { island, random, self, roster, send } = this.#options;
    const migrants = island.migrants(nowMs).filter(({ genomeHash }) =>
      !this.#struck.has(genomeHash)
    );
    if (migrants.length === 0) return;
    const ring = ringNeighbours(self.id, roster.living);
    const links = randomLinks(roster.others, 1, random, [self.id, ...ring]);
    for (const data of writeSolutions(migrants.map((found) => this.signedOf(found)))) {
      for (const id of [...ring, ...links]) send(id, "EVOLUTION_RESULTS_SHARE", data);
    }
  }

  /** Takes what `from` sent. */
  receive(from: PeerId, values: readonly unknown[], nowMs: number): void {
    const { job, crypto, trust } = this.#options;
    if (trust.isLow(from)) return;
    for (const value of values) {
      let solution: SignedSolution;
      try {
        solution = readSolution(job, value, crypto);
      } catch (error) {
        if (!(error instanceof FieldError)) throw error;
        trust.saw(from, "forged");
        return;
      }
      this.claim(solution, from, nowMs);
    }
  }

  /** Has a signed solution measured, and takes it in if it is what it claims. */
  claim(solution: SignedSolution, from: PeerId, nowMs: number): void {
    const { island, workbench, trust } = this.#options;
    const { genomeHash, genome } = solution;
    if (this.#isCopied(solution)) trust.saw(solution.node, "copied");
    if (trust.isLow(solution.node) || trust.isLow(from)) return;
    if (solution.node === this.#options.self.id || workbench.knows(genomeHash)) return;
    const isBetter = solution.fitness < (island.best[0]?.fitness ?? Infinity);
    if (!isBetter && this.#checked >= CHECKED_SHARE * island.evaluations) return;
    const claims = this.#claims.get(from) ?? 0;
    if (claims >= MAX_CLAIMS) return;
    this.#claims.set(from, claims + 1);
    this.#checked++;
    workbench.check({ genomeHash, genome, urgency: "claim" }, (cost) => {
      this.#claims.set(from, Math.max(0, (this.#claims.get(from) ?? 0) - 1));
      this.#judge(solution, from, cost);
    }, nowMs);
  }

  #judge(solution: SignedSolution, from: PeerId, cost: number | null): void {
    const { job, island, trust } = this.#options;
    const authors = new Set([from, solution.node]);
    if (cost === null || !agree(job.spec.tolerance, cost, solution.fitness)) {
      // Where it failed we may be the ones who cannot measure it.
      if (cost !== null) { for (const id of authors) trust.saw(id, "false_migrant"); }
      return;
    }
    for (const id of authors) trust.saw(id, "true_migrant");
    const { genome, genomeHash } = solution;
    island.takeIn({ genome, genomeHash, fitness: cost, signed: solution });
  }

  /**
   * Whether somebody signed what we found and signed first. Two searches never meet in the same vector of reals,
   * unless it is a corner of the space; in the same string of bits or the same tour they may.
   */
  #isCopied({ node, genome, genomeHash }: SignedSolution): boolean {
    const { space } = this.#options.job.spec;
    if (space.kind !== "real" || node === this.#options.self.id || !this.#own.has(genomeHash)) {
      return false;
    }
    return genome.some((x, i) => x !== space.lower[i] && x !== space.upper[i]);
  }
}
