/**
 * The finale: when a search ends, and whose turn it is to propose its result.
 *
 * Whoever reaches the target proposes at once. When a limit or an order ends the search, everybody sends its best to
 * the stewards-to-be; the first of them proposes after a moment, each further one a jury's deadline later, if
 * nothing was accepted until then. When nobody could have a result confirmed for long enough, or nobody has any, the job
 * ends unconfirmed; when others come back, it is tried again.
 */

import type { PeerId } from "../../base/peer_id.ts";
import type { Ballots } from "./ballots.ts";
import { type Island, MIGRANTS } from "./island.ts";
import type { EndCause, JobOutlet } from "./job_outlet.ts";
import type { Ledger } from "./ledger.ts";
import { writeSolutions } from "./messages.ts";
import type { Migration } from "./migration.ts";
import type { Proposal } from "./proposal.ts";
import type { Roster } from "./roster.ts";
import { agree, type Job, reachesTarget } from "./spec.ts";
import type { Trust } from "./trust.ts";
import type { Workbench } from "./workbench.ts";

/** Participants who are sent everybody's best when the search ends. */
const HEIRS = 3;
/** The least time for those to come in. */
const GRACE_MS = 3_000;
/** An evaluation more than this long is not waited for twice. */
const MAX_GRACE_MS = 120_000;
/** For how long, at least, confirmation is tried; in deadlines of a jury, where those are long. */
const CONFIRM_MS = 180_000;
const CONFIRM_DEADLINES = 6;
/** Where nobody has measured anything, so many times what the best may take to come in are waited for one. */
const EMPTY_GRACES = 2;
/** How much earlier than we another may hold a limit for reached. */
const SLACK_MS = 10_000;
const SLACK_SHARE = 0.05;
/** How often a job that ended unconfirmed is tried again. */
const MAX_REOPENED = 8;

export interface FinaleOptions {
  readonly job: Job;
  readonly self: PeerId;
  readonly ledger: Ledger;
  readonly roster: Roster;
  readonly trust: Trust;
  readonly island: Island;
  readonly migration: Migration;
  readonly workbench: Workbench;
  readonly ballots: Ballots;
  readonly send: JobOutlet["send"];
  readonly elapsedMs: (nowMs: number) => number;
  readonly evaluationMs: () => number;
  readonly wallMs: () => number;
}

export class Finale {
  readonly #options: FinaleOptions;
  #closing: { readonly cause: EndCause; readonly sinceMs: number } | undefined;
  #hasSentAgain = false;
  /** Since when we know of a result that reaches the target. */
  #reachedMs: number | undefined;
  #reopened = 0;

  constructor(options: FinaleOptions) {
    this.#options = options;
  }

  /** What ends the search now, other than its target. */
  limitReached(nowMs: number): EndCause | undefined {
    if (this.#options.ledger.isStopped) return "stopped";
    return (["time", "evaluations"] as const).find((cause) => this.#share(cause, nowMs) >= 1);
  }

  /** Evaluations of all, as far as they can be believed. */
  get evaluations(): number {
    const { ledger, trust, self, island } = this.#options;
    let sum = island.evaluations;
    for (const { node, evaluations } of ledger.participants.values()) {
      if (node !== self && !trust.isLow(node)) sum += evaluations;
    }
    return sum;
  }

  /** Whether the search is over for us. */
  get cause(): EndCause | undefined {
    return this.#closing?.cause;
  }

  /** What is wrong with a proposal whose fitness is right. */
  objection(proposal: Proposal, cost: number, nowMs: number): "early" | "better" | undefined {
    const { job: { spec }, migration } = this.#options;
    if (proposal.cause === "target") {
      return reachesTarget(spec, proposal.fitness) ? undefined : "early";
    }
    if (!this.#isDue(proposal.cause, nowMs)) return "early";
    const best = migration.best[0];
    if (!best || best.fitness >= cost || agree(spec.tolerance, best.fitness, cost)) {
      return undefined;
    }
    this.#sendBest([proposal.node]);
    return "better";
  }

  /** The search is over: everybody's best is collected. */
  begin(cause: EndCause, nowMs: number): void {
    this.#closing = { cause, sinceMs: nowMs };
    this.#hasSentAgain = false;
    this.#sendBest(this.#heirs().slice(0, HEIRS));
  }

  /** The search goes on. */
  cancel(): void {
    this.#closing = undefined;
    this.#reachedMs = undefined;
  }

  /** Others came back: whether an unconfirmed result is tried again. */
  reopen(nowMs: number): boolean {
    const cause = this.limitReached(nowMs);
    if (!cause || this.#reopened >= MAX_REOPENED) return false;
    this.#reopened++;
    this.begin(cause, nowMs);
    return true;
  }

  /** Proposes when it is our turn; `"given_up"` when nobody could for too long. */
  advance(nowMs: number): "given_up" | undefined {
    this.#proposeTarget(nowMs);
    if (!this.#closing) return undefined;
    const { cause, sinceMs } = this.#closing;
    const { ballots, workbench } = this.#options;
    const { deadlineMs } = ballots;
    const tookMs = nowMs - sinceMs;
    if (tookMs > Math.max(CONFIRM_MS, CONFIRM_DEADLINES * deadlineMs)) return "given_up";
    const heirs = this.#heirs();
    const graceMs = GRACE_MS + Math.min(MAX_GRACE_MS, 2 * this.#options.evaluationMs());
    if (tookMs > EMPTY_GRACES * graceMs && this.#hasNothing) return "given_up";
    if (!this.#hasSentAgain && tookMs >= graceMs / 2) {
      this.#hasSentAgain = true;
      this.#sendBest(heirs.slice(0, HEIRS));
    }
    const turn = heirs.indexOf(this.#options.self);
    const isTurn = turn >= 0 && tookMs >= graceMs + turn * deadlineMs;
    // What others claim to have is measured before less is proposed.
    const isReady = workbench.waiting === 0 || tookMs >= 3 * graceMs;
    if (isTurn && isReady) this.#propose(cause, nowMs);
    return undefined;
  }

  /** Who found what reaches the target proposes it at once, others only when nothing came of that. */
  #proposeTarget(nowMs: number): void {
    const { job: { spec }, self, migration, ballots } = this.#options;
    const best = migration.best[0];
    if (!best || !reachesTarget(spec, best.fitness)) {
      this.#reachedMs = undefined;
      return;
    }
    this.#reachedMs ??= nowMs;
    const isOurs = best.signed === undefined;
    const turn = this.#heirs().indexOf(self);
    const waitMs = isOurs ? 0 : (1 + Math.max(0, turn)) * ballots.deadlineMs;
    if (nowMs - this.#reachedMs >= waitMs && !ballots.isAwaited(nowMs)) {
      this.#propose("target", nowMs);
    }
  }

  #propose(cause: EndCause, nowMs: number): void {
    const { ballots, migration, ledger, wallMs } = this.#options;
    const best = migration.best[0];
    if (!best || !ballots.isFree(nowMs)) return;
    ballots.propose({
      solution: migration.signedOf(best),
      fitness: best.fitness,
      cause,
      orderSeq: ledger.order?.seq ?? 0,
      unixMs: Math.floor(wallMs()),
    }, nowMs);
  }

  /** Whether nobody whom we trust has measured a solution, as far as we know: each evaluation has failed. */
  get #hasNothing(): boolean {
    const { migration, workbench, ledger, trust } = this.#options;
    const others = [...ledger.participants.values()];
    return migration.best.length === 0 && workbench.waiting === 0 &&
      others.every(({ node, best }) => best === null || trust.isLow(node));
  }

  /** In the order of stewardship, whom everybody trusts as far as we know. */
  #heirs(): readonly PeerId[] {
    const { roster, trust } = this.#options;
    return roster.living.filter((id) => !trust.isLow(id));
  }

  #sendBest(to: readonly PeerId[]): void {
    const { migration, send, self } = this.#options;
    const best = migration.best.slice(0, MIGRANTS).map((found) => migration.signedOf(found));
    for (const data of writeSolutions(best)) {
      for (const id of to) if (id !== self) send(id, "EVOLUTION_RESULTS_SHARE", data);
    }
  }

  #isDue(cause: EndCause, nowMs: number): boolean {
    if (cause === "stopped") return this.#options.ledger.isStopped;
    const { limits } = this.#options.job.spec;
    const slack = cause === "time"
      ? Math.max(SLACK_SHARE, SLACK_MS / (limits.timeS * 1_000))
      : SLACK_SHARE;
    return cause !== "target" && this.#share(cause, nowMs) >= 1 - slack;
  }

  /** How much of a limit is used up. */
  #share(cause: "time" | "evaluations", nowMs: number): number {
    const { limits } = this.#options.job.spec;
    if (cause === "time") return this.#options.elapsedMs(nowMs) / (limits.timeS * 1_000);
    return limits.evaluations === null ? 0 : this.evaluations / limits.evaluations;
  }
}
