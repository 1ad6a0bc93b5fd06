/**
 * One participant of one job, sans-IO: messages, time and measurements go in, messages and genomes to measure come
 * out (PROTOCOL.md section 13). The same runs in the agent and, hundreds at a time, in the simulator.
 *
 * ```
 * joining ──welcome──> searching ──limit, stop──> closing ──result confirmed, or given up──> ended
 *                          └────────target reached and confirmed──────────────────────────────^
 * ```
 *
 * Its parts: `island.ts` searches, `workbench.ts` keeps the slots busy, `migration.ts` exchanges the best,
 * `exchange.ts` keeps the ledgers the same, `recruitment.ts` finds others, `finale.ts` and `ballots.ts` end it.
 */

import { FieldError, type JsonObject } from "../../base/guards.ts";
import type { PeerId } from "../../base/peer_id.ts";
import type { Evaluation } from "../worker/evaluator.ts";
import { type Consensus, readConsensus } from "./consensus.ts";
import type { ExchangeOptions } from "./exchange.ts";
import type {
  EvolutionMessage,
  JobNodeOptions,
  JobOutcome,
  JobPeers,
  JobPhase,
  JobView,
} from "./job_outlet.ts";
import { assemble, type JobParts } from "./job_parts.ts";
import { type JobSnapshot, readSnapshot, writeSnapshot } from "./job_snapshot.ts";
import { writeStatePages } from "./job_state.ts";
import { acceptedOutcome, participantViews, unconfirmedOutcome } from "./job_view.ts";
import type { Ledger } from "./ledger.ts";
import {
  readCompletion,
  readDecline,
  readOffer,
  readOneRecord,
  readProgress,
  readSolutions,
  readWelcome,
  writeOffer,
  writeSolutions,
} from "./messages.ts";
import { type Order, type OrderAction, readOrder, signOrder } from "./order.ts";
import type { ParticipantState } from "./participant_record.ts";
import { readProposal } from "./proposal.ts";
import { randomLinks, ringNeighbours } from "./routes.ts";
import { JobError, reachesTarget, toFitness } from "./spec.ts";
import { tally } from "./verdict.ts";
import { readVote } from "./vote.ts";

type OwnWord = ReturnType<ExchangeOptions["ownWord"]>;

/** How often {@link JobNode.advance} is wanted while the job goes on, and after it has ended. */
const TICK_MS = 500;
const ENDED_TICK_MS = 5_000;
/** An offer that is not answered is repeated so often. */
const OFFER_MS = 5_000;
const MAX_OFFERS = 4;
/** Those who came back and are told the result, at a time. */
const MAX_TOLD = 8;

export class JobNode {
  readonly #options: JobNodeOptions;
  readonly #parts: JobParts;
  #phase: JobPhase = "searching";
  #outcome: JobOutcome | undefined;
  #paused: string | null = null;
  #hasLeft = false;
  #startedMs: number;
  #nowMs: number;
  #offers = 0;
  #offeredMs = -Infinity;

  constructor(options: JobNodeOptions, nowMs: number, restored?: JobSnapshot) {
    this.#options = options;
    this.#nowMs = nowMs;
    // Time passed for the others while we were away.
    const awayMs = restored ? Math.max(0, options.wallMs() - restored.unixMs) : 0;
    this.#startedMs = nowMs - (restored?.elapsedMs ?? 0) - awayMs;
    this.#parts = assemble(
      options,
      {
        elapsedMs: (atMs) => atMs - this.#startedMs,
        isSearching: () => this.#phase === "searching",
        ownWord: () => this.#ownWord(),
        objection: (...said) => this.#parts.finale.objection(...said, this.#nowMs),
        onAccepted: (consensus, from) => this.#accept(consensus, from),
        onRefuted: (consensus) => this.#refuse(consensus),
      },
      nowMs,
      restored,
    );
    if (restored) this.#takeUp(restored);
    else if (options.recruiter !== undefined) this.#phase = "joining";
    if (this.#phase !== "joining") this.#parts.exchange.say(nowMs);
    this.#parts.roster.refresh(nowMs);
  }

  /** From what {@link snapshot} gave. Throws `FieldError` for what it cannot read. */
  static restore(options: JobNodeOptions, snapshot: unknown, nowMs: number): JobNode {
    const { job, crypto, policy } = options;
    const mayOrder = (id: PeerId) => id === job.spec.owner || policy.isAdmin(id);
    return new JobNode(options, nowMs, readSnapshot(snapshot, { job, crypto, mayOrder }));
  }

  get phase(): JobPhase {
    return this.#phase;
  }

  get outcome(): JobOutcome | undefined {
    return this.#outcome;
  }

  /** Of our own search. */
  get evaluations(): number {
    return this.#parts.island.evaluations;
  }

  /** What we hold of the job; its owner must not change it. */
  get ledger(): Ledger {
    return this.#parts.ledger;
  }

  /** When {@link advance} is wanted next, at the latest. */
  get deadlineMs(): number {
    if (this.#isOut) return Infinity;
    return this.#nowMs + (this.#phase === "ended" ? ENDED_TICK_MS : TICK_MS);
  }

  /** Lets time pass. */
  advance(nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    if (this.#isOut) return;
    this.#parts.island.review(nowMs);
    if (this.#phase === "joining") {
      this.#offer(nowMs);
      return;
    }
    this.#meet(this.#parts.roster.refresh(nowMs), nowMs);
    this.#parts.ballots.advance(nowMs);
    if (this.#phase !== "ended") this.#finish(nowMs);
    if (this.#phase === "searching" && this.#paused === null) this.#migrate(nowMs);
    if (this.#phase === "searching") this.#parts.recruitment.advance(nowMs);
    this.#parts.exchange.advance(nowMs, this.#phase === "ended");
    this.#parts.workbench.fill(nowMs);
  }

  /** A message of this job. What is malformed or forged in it is dropped. */
  receive(from: PeerId, type: EvolutionMessage, data: JsonObject, nowMs: number): void {
    if (this.#hasLeft || !this.#options.policy.belongs(from)) return;
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    try {
      if (this.#phase === "joining") this.#receiveJoining(from, type, data, nowMs);
      else this.#receive(from, type, data, nowMs);
    } catch (error) {
      if (!(error instanceof FieldError)) throw error;
      return;
    }
    this.#parts.workbench.fill(nowMs);
  }

  setPeers({ alive, candidates }: JobPeers, nowMs: number): void {
    this.#parts.roster.alive = alive;
    this.#parts.recruitment.candidates = candidates;
    if (this.#phase !== "joining") this.#meet(this.#parts.roster.refresh(nowMs), nowMs);
  }

  /**
   * Somebody says that `id` takes part, e.g. an event of the village: should we not know, then there are two halves
   * of the job that never met.
   */
  introduce(id: PeerId, nowMs: number): void {
    if (this.#phase === "joining" || this.#isOut || this.#parts.roster.living.includes(id)) return;
    if (id !== this.#options.self.id) this.#parts.exchange.greet(id, nowMs);
  }

  /** How many evaluations can run at a time now. */
  setSlots(slots: number, nowMs: number): void {
    if (slots === this.#parts.workbench.slots) return;
    const wasReady = this.#parts.workbench.slots > 0;
    this.#parts.workbench.slots = slots;
    if (this.#phase !== "joining" && wasReady !== slots > 0) this.#announce(nowMs);
    this.#parts.workbench.fill(nowMs);
  }

  /** One outcome for each genome of the batch, in order. */
  evaluated(batchId: number, evaluations: readonly Evaluation[], nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    const returned = this.#parts.workbench.returned(batchId, evaluations, nowMs);
    if (returned) {
      const results = returned.candidates.flatMap(({ id, genome }, i) => {
        const cost = returned.costs[i];
        return cost === undefined ? [] : [{ id, genome, cost }];
      });
      const told = results.map(({ id, cost }) => ({ id, fitness: cost }));
      this.#parts.island.tell(told, returned.tookMs, nowMs);
      const isBetter = results.filter(({ genome, cost }) =>
        this.#parts.migration.found(genome, cost)
      );
      if (isBetter.length > 0) this.#options.outlet.changed();
    }
    if (this.#phase !== "ended" && this.#phase !== "joining" && !this.#hasLeft) this.#finish(nowMs);
    this.#parts.workbench.fill(nowMs);
  }

  /** Begins no evaluation until {@link resume}; `reason` is told to the others. */
  pause(reason: string, nowMs: number): void {
    if (this.#paused === reason) return;
    this.#paused = reason;
    this.#parts.workbench.isPaused = true;
    this.#announce(nowMs);
  }

  resume(nowMs: number): void {
    if (this.#paused === null) return;
    this.#paused = null;
    this.#parts.workbench.isPaused = false;
    this.#announce(nowMs);
    this.#parts.workbench.fill(nowMs);
  }

  /** Stops the job for everybody, or lets it go on. Throws `JobError` `stranger` unless we own it or are an admin. */
  order(action: OrderAction, nowMs: number): void {
    const { job, self, crypto, wallMs } = this.#options;
    if (!this.#mayOrder(self.id)) {
      throw new JobError("stranger", `Cannot ${action} job: we are neither its owner nor an admin`);
    }
    const unixMs = Math.floor(wallMs());
    const seq = Math.max((this.#parts.ledger.order?.seq ?? 0) + 1, unixMs);
    this.#takeOrder(signOrder(job.id, self, { seq, action, unixMs }, crypto), self.id, nowMs);
    this.#parts.workbench.fill(nowMs);
  }

  /** Says that we take part no more, and does nothing from then on. */
  leave(nowMs: number): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#parts.workbench.isPaused = true;
    if (this.#phase !== "joining") this.#announce(nowMs);
  }

  view(nowMs: number): JobView {
    const { job } = this.#options;
    const { finale, ledger, migration, roster, trust } = this.#parts;
    const participants = participantViews(job.spec, ledger, trust, roster.living);
    const living = participants.filter(({ isLiving }) => isLiving);
    const best = migration.best[0];
    return {
      job,
      phase: this.#phase,
      elapsedMs: nowMs - this.#startedMs,
      paused: this.#paused,
      steward: roster.steward,
      participants,
      evaluations: finale.evaluations,
      perSecond: living.reduce((sum, { perSecond }) => sum + perSecond, 0),
      best: best ? { genome: best.genome, fitness: toFitness(job.spec, best.fitness) } : null,
      isStopped: ledger.isStopped,
      outcome: this.#outcome,
    };
  }

  /** Everything we know of the job, for who does not take part. */
  statePages(): readonly JsonObject[] {
    return writeStatePages(this.#parts.ledger);
  }

  /** A checkpoint, as JSON. */
  snapshot(nowMs: number): JsonObject {
    const { job, wallMs } = this.#options;
    const { exchange, ballots, island, ledger, trust } = this.#parts;
    return writeSnapshot(job, {
      isMember: this.#phase !== "joining" && this.#outcome?.kind !== "refused",
      elapsedMs: nowMs - this.#startedMs,
      unixMs: Math.floor(wallMs()),
      seq: exchange.seq,
      rounds: ballots.rounds,
      evaluations: island.evaluations,
      evaluationMs: island.evaluationMs,
      ledger,
      best: island.best,
      trust: trust.entries(),
      unconfirmed: this.#outcome?.kind === "unconfirmed" ? this.#outcome.cause : undefined,
      search: island.search.snapshot(),
    });
  }

  #receive(from: PeerId, type: EvolutionMessage, data: JsonObject, nowMs: number): void {
    const { job, crypto } = this.#options;
    switch (type) {
      case "EVOLUTION_OFFER_HELP":
        return this.#phase === "searching"
          ? this.#parts.recruitment.onOffer(from, readOffer(data), nowMs)
          : this.#parts.recruitment.refuse(from);
      case "EVOLUTION_DECLINE_HELP":
        return this.#parts.recruitment.onDecline(from, readDecline(data), nowMs);
      case "EVOLUTION_START":
      case "EVOLUTION_METRICS_SHARE":
        if (this.#parts.exchange.takeRecord(readOneRecord(data), from, nowMs)) {
          this.#meet(this.#parts.roster.refresh(nowMs), nowMs);
        }
        return;
      case "EVOLUTION_PROGRESS": {
        const progress = readProgress(data);
        const news = progress.participants.filter((record) =>
          this.#parts.exchange.takeRecord(record, from, nowMs)
        );
        if (news.length > 0) this.#options.outlet.changed();
        return this.#parts.exchange.compare(progress, from, nowMs);
      }
      case "EVOLUTION_RESULTS_SHARE":
        if (this.#phase !== "ended") {
          this.#parts.migration.receive(from, readSolutions(data), nowMs);
        }
        return;
      case "EVOLUTION_PROPOSAL": {
        const proposal = readProposal(job, data["proposal"], crypto);
        const { result } = this.#parts.ledger;
        if (result) this.#parts.exchange.tell(from);
        if (proposal.node === from) this.#parts.ballots.onProposal(proposal, nowMs);
        return;
      }
      case "EVOLUTION_VOTE":
        return this.#parts.ballots.onVote(readVote(job.id, data["vote"], crypto), from, nowMs);
      case "EVOLUTION_CONSENSUS":
        return this.#parts.ballots.onRecord(
          readConsensus(job, data["consensus"], crypto),
          from,
          nowMs,
        );
      case "EVOLUTION_COMPLETE":
        return this.#complete(from, data, nowMs);
      case "EVOLUTION_REQUEST_HELP":
        // It does not know that we take part.
        return this.introduce(from, nowMs);
      case "EVOLUTION_ACCEPT_HELP":
      case "EVOLUTION_KNOWLEDGE_SHARE":
        return;
    }
  }

  #receiveJoining(from: PeerId, type: EvolutionMessage, data: JsonObject, nowMs: number): void {
    const { job, recruiter, crypto } = this.#options;
    if (from !== recruiter) return;
    if (type === "EVOLUTION_DECLINE_HELP") {
      this.#end({ kind: "refused", reason: readDecline(data).reason });
    }
    if (type !== "EVOLUTION_ACCEPT_HELP") return;
    const welcome = readWelcome(data);
    const order = welcome.order === null
      ? undefined
      : readOrder(job.id, welcome.order, crypto, (id) => this.#mayOrder(id));
    this.#phase = "searching";
    this.#startedMs = nowMs - welcome.elapsedMs;
    for (const record of welcome.participants) this.#parts.exchange.takeRecord(record, from, nowMs);
    if (order) this.#takeOrder(order, from, nowMs);
    this.#parts.roster.refresh(nowMs);
    this.#parts.exchange.announce("EVOLUTION_START", nowMs);
    this.#parts.roster.refresh(nowMs);
    this.#options.outlet.changed();
  }

  /** Asks to be let in, a few times. */
  #offer(nowMs: number): void {
    const { recruiter, outlet, slots } = this.#options;
    if (recruiter === undefined || nowMs - this.#offeredMs < OFFER_MS) return;
    if (this.#offers >= MAX_OFFERS) {
      this.#end({ kind: "refused", reason: "no answer" });
      return;
    }
    this.#offers++;
    this.#offeredMs = nowMs;
    outlet.send(recruiter, "EVOLUTION_OFFER_HELP", writeOffer({ slots, perSecond: 0 }));
  }

  /** Sees whether the search is over, and to its end. */
  #finish(nowMs: number): void {
    const cause = this.#parts.finale.limitReached(nowMs);
    if (cause && this.#phase === "searching") {
      this.#phase = "closing";
      this.#parts.finale.begin(cause, nowMs);
      this.#options.outlet.changed();
    }
    if (this.#parts.finale.advance(nowMs) === "given_up" && this.#phase === "closing") {
      const { spec } = this.#options.job;
      const best = this.#parts.migration.best[0];
      this.#end(unconfirmedOutcome(spec, this.#parts.finale.cause ?? "time", best));
    }
  }

  #migrate(nowMs: number): void {
    const migrants = this.#parts.island.migrants(nowMs);
    if (migrants.length === 0) return;
    const { random, self, outlet } = this.#options;
    const ring = ringNeighbours(self.id, this.#parts.roster.living);
    const links = randomLinks(this.#parts.roster.others, 1, random, [self.id, ...ring]);
    const signed = migrants.map((found) => this.#parts.migration.signedOf(found));
    for (const data of writeSolutions(signed)) {
      for (const id of [...ring, ...links]) outlet.send(id, "EVOLUTION_RESULTS_SHARE", data);
    }
  }

  /** Participants live that did not, as far as we knew. */
  #meet(newcomers: readonly PeerId[], nowMs: number): void {
    if (newcomers.length === 0) return;
    this.#options.outlet.changed();
    if (this.#phase !== "ended") return;
    if (this.#outcome?.kind === "unconfirmed" && this.#parts.finale.reopen(nowMs)) {
      this.#outcome = undefined;
      this.#phase = "closing";
      this.#parts.ballots.crowd = 0;
      this.#options.outlet.resumed();
    } else for (const id of newcomers.slice(0, MAX_TOLD)) this.#parts.exchange.tell(id);
  }

  #complete(from: PeerId, data: JsonObject, nowMs: number): void {
    const { job, crypto } = this.#options;
    const { order, consensus } = readCompletion(data);
    if (order !== null) {
      const read = readOrder(job.id, order, crypto, (id) => this.#mayOrder(id));
      this.#takeOrder(read, from, nowMs);
    }
    if (consensus === null) return;
    const read = readConsensus(job, consensus, crypto);
    if (tally(read.proposal, read.votes, job.spec.tolerance).verdict === "accepted") {
      this.#accept(read, from);
    }
  }

  /** Two thirds of a jury agree on a result: the job ends with it, unless we hold one that counts more. */
  #accept(consensus: Consensus, from: PeerId): void {
    const { ledger, ballots, migration, exchange } = this.#parts;
    const { job: { spec } } = this.#options;
    const { proposal } = consensus;
    if (proposal.cause === "target" && !reachesTarget(spec, proposal.fitness)) return;
    if (!ballots.isRepresentative(proposal)) {
      // A jury of too few proves nothing; what it found may still be worth something.
      migration.claim(proposal.solution, from, this.#nowMs);
      return;
    }
    const before = ledger.result?.proposal.hash;
    ledger.addResult(consensus);
    const { result } = ledger;
    if (!result || result.proposal.hash === before) return;
    this.#end(acceptedOutcome(spec, result));
    exchange.spread(from);
  }

  #refuse(consensus: Consensus): void {
    if (!this.#parts.ledger.addRefuted(consensus)) return;
    this.#parts.migration.strike(consensus.proposal.solution.genomeHash);
    this.#options.outlet.changed();
  }

  #end(outcome: JobOutcome): void {
    const { ballots, roster } = this.#parts;
    const others = roster.running.filter((id) => id !== this.#options.self.id).length;
    if (this.#phase !== "ended") ballots.crowd = others;
    this.#phase = "ended";
    this.#outcome = outcome;
    this.#parts.finale.cancel();
    this.#options.outlet.ended(outcome);
  }

  #takeOrder(order: Order, from: PeerId, nowMs: number): void {
    const { ledger, exchange, finale, ballots } = this.#parts;
    if (!ledger.addOrder(order)) {
      // Who tells a stale one is told the one that counts.
      if (ledger.order?.hash !== order.hash) exchange.tell(from);
      return;
    }
    const wasEnded = this.#phase === "ended";
    if (order.action === "resume" && !ledger.result && !finale.limitReached(nowMs)) {
      this.#phase = "searching";
      this.#outcome = undefined;
      ballots.crowd = 0;
      finale.cancel();
      if (wasEnded) this.#options.outlet.resumed();
    }
    exchange.spread(from);
    this.#options.outlet.changed();
  }

  /** Goes on from a checkpoint. */
  #takeUp({ isMember, unconfirmed }: JobSnapshot): void {
    const { ledger, island } = this.#parts;
    const { spec } = this.#options.job;
    // Alone it would take itself for the whole job.
    if (!isMember) this.#outcome = { kind: "refused", reason: "never let in" };
    else if (ledger.result) this.#outcome = acceptedOutcome(spec, ledger.result);
    else if (unconfirmed) this.#outcome = unconfirmedOutcome(spec, unconfirmed, island.best[0]);
    if (this.#outcome) this.#phase = "ended";
  }

  #announce(nowMs: number): void {
    if (this.#phase === "joining") return;
    this.#parts.exchange.announce("EVOLUTION_METRICS_SHARE", nowMs);
    this.#parts.roster.refresh(nowMs);
    this.#options.outlet.changed();
  }

  #ownWord(): OwnWord {
    const { island, migration, workbench } = this.#parts;
    const [state, reason] = this.#ownState();
    return {
      state,
      reason,
      slots: workbench.slots,
      evaluations: island.evaluations,
      perSecond: island.perSecond,
      generation: island.generation,
      best: migration.best[0]?.fitness ?? null,
    };
  }

  #ownState(): readonly [ParticipantState, string] {
    if (this.#hasLeft) return ["left", ""];
    if (this.#phase === "ended") return ["paused", "ended"];
    if (this.#paused !== null) return ["paused", this.#paused];
    return this.#parts.workbench.slots === 0 ? ["paused", "preparing"] : ["running", ""];
  }

  #mayOrder(id: PeerId): boolean {
    const { job, policy } = this.#options;
    return id === job.spec.owner || policy.isAdmin(id);
  }

  /** Whether nothing is to be done any more. */
  get #isOut(): boolean {
    return this.#hasLeft || this.#outcome?.kind === "refused";
  }
}
