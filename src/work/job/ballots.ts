/**
 * Ballots: proposals under way, as their proposer, as a juror, and as who looks on.
 *
 * ```
 * proposer -- PROPOSAL --> jury: each measures, signs a VOTE, tells the proposer and the other jurors
 *    whoever has two thirds of the votes -- COMPLETE --> everybody
 *    nothing can come of it, or it is late -- CONSENSUS --> everybody; the proposer asks another jury
 * ```
 *
 * Who measured the proposed genome itself judges proposer and jurors by that, and by nothing else.
 */

import type { PeerId } from "../../base/peer_id.ts";
import { type Consensus, newConsensus, writeConsensus } from "./consensus.ts";
import type { EndCause, JobOutlet } from "./job_outlet.ts";
import { jurorsRequired, MAX_JURORS, MAX_ROUNDS } from "./jury.ts";
import { type Proposal, signProposal } from "./proposal.ts";
import { randomLinks } from "./routes.ts";
import type { Random } from "../../base/random.ts";
import type { Roster } from "./roster.ts";
import type { SignedSolution } from "./signed_solution.ts";
import type { Speaker } from "./signed_record.ts";
import { agree, type Job, type JobCrypto, MAX_PARTICIPANTS } from "./spec.ts";
import { tally } from "./verdict.ts";
import { signVote, type Vote, type VoteWord } from "./vote.ts";
import type { Trust } from "./trust.ts";
import type { Workbench } from "./workbench.ts";

/** A jury is waited for as long as ten evaluations take, and at least this. */
export const MIN_DEADLINE_MS = 30_000;
const DEADLINE_EVALUATIONS = 10;
/** Ballots that are remembered. */
const MAX_BALLOTS = 32;
/** Others who are told of a ballot that came to nothing. */
const MAX_TOLD = 32;
/** A juror that has not voted is reminded so often within the deadline. */
const REMINDERS = 3;
/** After a ballot that came to nothing. */
const PAUSE_MS = 2_000;

interface Ballot {
  proposal: Proposal | undefined;
  readonly votes: Map<PeerId, Vote>;
  /** What we measured. */
  measured: number | undefined;
  readonly judged: Set<PeerId>;
  readonly sinceMs: number;
}

/** Our own proposal that is open. */
interface Asking {
  readonly proposal: Proposal;
  readonly deadlineMs: number;
  remindMs: number;
}

export interface BallotsOptions {
  readonly job: Job;
  readonly self: Speaker;
  readonly crypto: JobCrypto;
  readonly random: Random;
  readonly roster: Roster;
  readonly belongs: (id: PeerId) => boolean;
  readonly trust: Trust;
  readonly workbench: Workbench;
  readonly send: JobOutlet["send"];
  readonly evaluationMs: () => number;
  /** What else than a difference there is to say about a result that costs `cost`; undefined: nothing. */
  readonly objection: (proposal: Proposal, cost: number) => "early" | "better" | undefined;
  /** Two thirds of a jury agree. */
  readonly onAccepted: (consensus: Consensus, from: PeerId) => void;
  /** Two thirds of a jury measured something else. */
  readonly onRefuted: (consensus: Consensus) => void;
}

export class Ballots {
  readonly #options: BallotsOptions;
  readonly #ballots = new Map<string, Ballot>();
  /** Who was asked and did not answer, or could not. */
  readonly #absent = new Set<PeerId>();
  /** Hash of the first proposal of each proposer and round. */
  readonly #first = new Map<PeerId, Map<number, string>>();
  #asking: Asking | undefined;
  #pauseUntilMs = -Infinity;
  /** Juries that we have asked so far. */
  rounds = 0;
  /** How many others were searching when the job ended here: later results are judged by that. */
  crowd = 0;

  constructor(options: BallotsOptions) {
    this.#options = options;
  }

  /** How long a jury is waited for. */
  get deadlineMs(): number {
    return Math.max(MIN_DEADLINE_MS, DEADLINE_EVALUATIONS * this.#options.evaluationMs());
  }

  /** Whether we may propose now. */
  isFree(nowMs: number): boolean {
    return !this.#asking && this.rounds < MAX_ROUNDS && nowMs >= this.#pauseUntilMs;
  }

  /** Whether somebody whom we trust has a proposal under way. */
  isAwaited(nowMs: number): boolean {
    const { trust } = this.#options;
    for (const { proposal, sinceMs, votes } of this.#ballots.values()) {
      if (!proposal || nowMs - sinceMs > this.deadlineMs || trust.isLow(proposal.node)) continue;
      if (tally(proposal, votes.values(), this.#options.job.spec.tolerance).verdict === "open") {
        return true;
      }
    }
    return false;
  }

  /** Proposes what we measured to cost `fitness`. */
  propose(
    result: {
      readonly solution: SignedSolution;
      readonly fitness: number;
      readonly cause: EndCause;
      readonly orderSeq: number;
      readonly unixMs: number;
    },
    nowMs: number,
  ): void {
    const { job, self, crypto, roster } = this.#options;
    const word = { ...result, round: this.rounds, pool: this.#pool() };
    // All others are paused: nobody may be asked, and we alone are not enough.
    if (word.pool.length === 0 && roster.others.length > 0) return;
    // There may be more than we have heard of: they would not believe so few.
    if (word.pool.length < MAX_JURORS && !roster.isSettled(nowMs)) return;
    this.rounds++;
    const proposal = signProposal(job, self, word, crypto);
    const { deadlineMs } = this;
    const ballot = this.#ballotOf(proposal.hash, nowMs);
    ballot.proposal = proposal;
    ballot.measured = result.fitness;
    this.#asking = {
      proposal,
      deadlineMs: nowMs + deadlineMs,
      remindMs: nowMs + deadlineMs / REMINDERS,
    };
    this.#ask(proposal, proposal.jury);
    this.#review(ballot, self.id, nowMs);
  }

  /**
   * Whether its jury is as large as what we see of the job asks for, and all who spoke belong. Who has just come in
   * sees too little to believe less than a full one. Jurors need not be known here: after a partition nobody may be
   * left who tells of them.
   */
  isRepresentative({ node, jury }: Proposal, nowMs: number): boolean {
    const { roster, belongs } = this.#options;
    if (!belongs(node) || !jury.every(belongs)) return false;
    if (!roster.isSettled(nowMs)) return jury.length >= MAX_JURORS;
    const others = roster.running.filter((id) => id !== node).length;
    const crowd = Math.max(others, this.crowd);
    // Who can ask nobody is believed only where there is nobody, paused ones included.
    if (jury.length === 0) return crowd === 0 && roster.living.every((id) => id === node);
    return jury.length >= jurorsRequired(crowd);
  }

  /** A proposal that came from its proposer. */
  onProposal(proposal: Proposal, nowMs: number): void {
    const { self, trust, workbench } = this.#options;
    if (!proposal.jury.includes(self.id) || trust.isLow(proposal.node)) return;
    if (!this.isRepresentative(proposal, nowMs) || !this.#isFirst(proposal)) return;
    const ballot = this.#ballotOf(proposal.hash, nowMs);
    ballot.proposal = proposal;
    const own = ballot.votes.get(self.id);
    if (own && own.says !== "early") {
      this.#send([proposal.node], own);
      return;
    }
    const { genome, genomeHash } = proposal.solution;
    workbench.check({ genomeHash, genome, urgency: "vote" }, (cost, atMs) => {
      this.#vote(ballot, proposal, cost, atMs);
    }, nowMs);
  }

  onVote(vote: Vote, from: PeerId, nowMs: number): void {
    const ballot = this.#ballotOf(vote.proposal, nowMs);
    if (ballot.proposal && !ballot.proposal.jury.includes(vote.node)) return;
    if (!ballot.proposal && ballot.votes.size >= MAX_BALLOTS) return;
    const known = ballot.votes.get(vote.node);
    if (known && known.says !== "early") return;
    ballot.votes.set(vote.node, vote);
    this.#review(ballot, from, nowMs);
  }

  /** A record of a ballot that came to nothing: where jurors contradict each other, we measure ourselves. */
  onRecord({ proposal, votes }: Consensus, from: PeerId, nowMs: number): void {
    const { job, self, workbench } = this.#options;
    const ballot = this.#ballotOf(proposal.hash, nowMs);
    ballot.proposal = proposal;
    for (const vote of votes) {
      if (!ballot.votes.has(vote.node)) ballot.votes.set(vote.node, vote);
    }
    this.#review(ballot, from, nowMs);
    const { agreed, differed } = tally(proposal, ballot.votes.values(), job.spec.tolerance);
    if (proposal.node === self.id || agreed === 0 && differed === 0) return;
    const { genome, genomeHash } = proposal.solution;
    workbench.check({ genomeHash, genome, urgency: "claim" }, (cost) => {
      if (cost === null) return;
      ballot.measured = cost;
      this.#judge(ballot);
    }, nowMs);
  }

  advance(nowMs: number): void {
    const asking = this.#asking;
    if (!asking) return;
    const { proposal } = asking;
    const ballot = this.#ballotOf(proposal.hash, nowMs);
    if (nowMs >= asking.deadlineMs) {
      this.#fail(ballot, proposal, nowMs);
      return;
    }
    if (nowMs < asking.remindMs) return;
    asking.remindMs = nowMs + this.deadlineMs / REMINDERS;
    this.#ask(proposal, proposal.jury.filter((id) => !ballot.votes.has(id)));
  }

  /** Whom we would ask: those who run, whom we trust and who answered so far; others only for want of such. */
  #pool(): readonly PeerId[] {
    const { roster, trust, self } = this.#options;
    const running = roster.running.filter((id) => id !== self.id);
    const required = jurorsRequired(running.length);
    const trusted = running.filter((id) => !trust.isLow(id));
    const willing = trusted.filter((id) => !this.#absent.has(id));
    if (willing.length >= required) return willing;
    return trusted.length >= required ? trusted : running;
  }

  /** A proposer's word for a round is the first we heard: whoever signs many has one of them looked at. */
  #isFirst({ node, round, hash }: Proposal): boolean {
    const rounds = this.#first.get(node) ?? new Map<number, string>();
    if (!this.#first.has(node) && this.#first.size < MAX_PARTICIPANTS) {
      this.#first.set(node, rounds);
    }
    const first = rounds.get(round);
    if (first === undefined) rounds.set(round, hash);
    return first === undefined || first === hash;
  }

  #ask(proposal: Proposal, jurors: readonly PeerId[]): void {
    for (const juror of jurors) {
      this.#options.send(juror, "EVOLUTION_PROPOSAL", { proposal: proposal.signed });
    }
  }

  #send(to: Iterable<PeerId>, vote: Vote): void {
    for (const id of to) this.#options.send(id, "EVOLUTION_VOTE", { vote: vote.signed });
  }

  #vote(ballot: Ballot, proposal: Proposal, cost: number | null, nowMs: number): void {
    const { job, self, crypto } = this.#options;
    const says = this.#word(proposal, cost);
    const vote = signVote(job.id, self, { proposal: proposal.hash, says, fitness: cost }, crypto);
    ballot.votes.set(self.id, vote);
    if (cost !== null) ballot.measured = cost;
    const others = proposal.jury.filter((id) => id !== self.id);
    this.#send([proposal.node, ...others], vote);
    this.#review(ballot, self.id, nowMs);
  }

  #word(proposal: Proposal, cost: number | null): VoteWord {
    const { job, objection } = this.#options;
    if (cost === null) return "failed";
    if (!agree(job.spec.tolerance, cost, proposal.fitness)) return "differs";
    return objection(proposal, cost) ?? "agrees";
  }

  /** Looks at what the votes come to. */
  #review(ballot: Ballot, from: PeerId, nowMs: number): void {
    const { proposal, votes } = ballot;
    if (!proposal) return;
    this.#judge(ballot);
    const { job, onAccepted, onRefuted } = this.#options;
    const { verdict } = tally(proposal, votes.values(), job.spec.tolerance);
    const isOurs = this.#asking?.proposal.hash === proposal.hash;
    if (verdict === "accepted") {
      if (isOurs) this.#asking = undefined;
      onAccepted(this.#recordOf(ballot, proposal), from);
      return;
    }
    if (verdict === "refuted") onRefuted(this.#recordOf(ballot, proposal));
    if (isOurs && verdict !== "open") this.#fail(ballot, proposal, nowMs);
  }

  /** Our proposal came to nothing: everybody may see why. */
  #fail(ballot: Ballot, proposal: Proposal, nowMs: number): void {
    const { roster, random, self, send } = this.#options;
    this.#asking = undefined;
    this.#pauseUntilMs = nowMs + PAUSE_MS;
    for (const juror of proposal.jury) {
      const vote = ballot.votes.get(juror);
      if (!vote || vote.says === "failed") this.#absent.add(juror);
    }
    const data = { consensus: writeConsensus(this.#recordOf(ballot, proposal)) };
    for (const id of randomLinks(roster.others, MAX_TOLD, random, [self.id])) {
      send(id, "EVOLUTION_CONSENSUS", data);
    }
  }

  #recordOf(ballot: Ballot, proposal: Proposal): Consensus {
    const votes = [...ballot.votes.values()].filter(({ node }) => proposal.jury.includes(node));
    return newConsensus(proposal, votes);
  }

  /** Judges proposer and jurors by what we measured ourselves. */
  #judge({ proposal, votes, measured, judged }: Ballot): void {
    if (!proposal || measured === undefined) return;
    const { job: { spec: { tolerance } }, trust, self } = this.#options;
    const isTrue = agree(tolerance, measured, proposal.fitness);
    const once = (id: PeerId, judge: () => void) => {
      if (id === self.id || judged.has(id)) return;
      judged.add(id);
      judge();
    };
    if (!isTrue) once(proposal.node, () => trust.saw(proposal.node, "false_proposal"));
    for (const { node, says, fitness } of votes.values()) {
      if (says !== "agrees" && says !== "differs") continue;
      const isHonest = fitness !== null && agree(tolerance, measured, fitness) &&
        (says === "agrees") === isTrue;
      once(node, () => trust.saw(node, isHonest ? "true_vote" : "false_vote"));
    }
  }

  #ballotOf(hash: string, nowMs: number): Ballot {
    const known = this.#ballots.get(hash);
    if (known) return known;
    if (this.#ballots.size >= MAX_BALLOTS) this.#forgetOne();
    const ballot: Ballot = {
      proposal: undefined,
      votes: new Map(),
      measured: undefined,
      judged: new Set(),
      sinceMs: nowMs,
    };
    this.#ballots.set(hash, ballot);
    return ballot;
  }

  /** Votes on what we have not seen go first, then the oldest; never what we ask ourselves. */
  #forgetOne(): void {
    const own = this.#asking?.proposal.hash;
    const hashes = [...this.#ballots].filter(([hash]) => hash !== own);
    const chosen = hashes.find(([, { proposal }]) => !proposal) ?? hashes[0];
    if (chosen) this.#ballots.delete(chosen[0]);
  }
}
