/**
 * One participant of one job, sans-IO: messages, time and measurements go in, messages and genomes to measure come
 * out (PROTOCOL.md section 13). The same runs in the agent and, hundreds at a time, in the simulator.
 *
 * ```
 * joining --welcome--> searching --limit, stop--> closing --result confirmed, or given up--> ended
 *                          +--------target reached and confirmed------------------------------^
 * ```
 *
 * Its parts: `island.ts` searches, `workbench.ts` keeps the slots busy, `migration.ts` exchanges the best,
 * `exchange.ts` keeps the ledgers the same, `recruitment.ts` finds others, `finale.ts` and `ballots.ts` end it.
 */

import { FieldError, type JsonObject } from "../../base/guards.ts";
import type { PeerId } from "../../base/peer_id.ts";
import type { Evaluation } from "../worker/evaluator.ts";
import type { Consensus } from "./consensus.ts";
import { JobInbox } from "./job_inbox.ts";
import type {
  EvolutionMessage,
  JobNodeOptions,
  JobOutcome,
  JobPeers,
  JobPhase,
  JobView,
} from "./job_outlet.ts";
import { assemble, type JobParts } from "./job_parts.ts";
import { type JobSnapshot, readSnapshot, snapshotParts, writeSnapshot } from "./job_snapshot.ts";
import { acceptedOutcome, unconfirmedOutcome, viewParts } from "./job_view.ts";
import { type Answer, Joining } from "./joining.ts";
import type { Ledger } from "./ledger.ts";
import { type Order, type OrderAction, readOrder, signOrder } from "./order.ts";
import type { ParticipantWord } from "./participant_record.ts";
import { JobError, reachesTarget } from "./spec.ts";

/** How often {@link JobNode.advance} is wanted while the job goes on, and after it has ended. */
const TICK_MS = 500;
const ENDED_TICK_MS = 5_000;
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
  #advancedMs = -Infinity;
  readonly #inbox: JobInbox;
  readonly #joining: Joining | undefined;

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
        ownState: () => this.#ownState(),
        objection: (...said) => this.#parts.finale.objection(...said, this.#nowMs),
        onAccepted: (consensus, from) => this.#accept(consensus, from),
        onRefuted: (consensus) => this.#refuse(consensus),
      },
      nowMs,
      restored,
    );
    this.#inbox = new JobInbox(options, this.#parts, {
      phase: () => this.#phase,
      mayOrder: (id) => this.#mayOrder(id),
      onRecords: (atMs) => {
        options.outlet.changed();
        this.#meet(this.#parts.roster.refresh(atMs), atMs);
      },
      onIntroduced: (id, atMs) => this.introduce(id, atMs),
      onOrder: (order, from, atMs) => this.#takeOrder(order, from, atMs),
      onAccepted: (consensus, from) => this.#accept(consensus, from),
    });
    if (restored) this.#takeUp(restored);
    else if (options.recruiter !== undefined) {
      this.#joining = new Joining(options.recruiter, options.outlet.send.bind(options.outlet));
      this.#phase = "joining";
    }
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
    return this.#advancedMs + (this.#phase === "ended" ? ENDED_TICK_MS : TICK_MS);
  }

  /** Lets time pass. */
  advance(nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    this.#advancedMs = this.#nowMs;
    if (this.#isOut) return;
    this.#parts.island.review(nowMs);
    if (this.#phase === "joining") {
      const answer = this.#joining?.advance(this.#parts.workbench.slots, nowMs);
      if (answer) this.#enter(answer, nowMs);
      return;
    }
    this.#meet(this.#parts.roster.refresh(nowMs), nowMs);
    this.#parts.ballots.advance(nowMs);
    if (this.#phase !== "ended") this.#finish(nowMs);
    if (this.#phase === "searching") {
      if (this.#paused === null) this.#parts.migration.advance(nowMs);
      this.#parts.recruitment.advance(nowMs);
    }
    this.#parts.exchange.advance(nowMs, this.#phase === "ended");
    this.#parts.workbench.fill(nowMs);
  }

  /** A message of this job. What is malformed or forged in it is dropped. */
  receive(from: PeerId, type: EvolutionMessage, data: JsonObject, nowMs: number): void {
    if (this.#isOut || !this.#options.policy.belongs(from)) return;
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    try {
      if (this.#phase === "joining") {
        const answer = this.#joining?.receive(from, type, data);
        if (answer) this.#enter(answer, nowMs);
      } else this.#inbox.take({ from, type, data, nowMs });
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
    return {
      ...viewParts(this.#options.job, this.#parts),
      phase: this.#phase,
      elapsedMs: nowMs - this.#startedMs,
      paused: this.#paused,
      outcome: this.#outcome,
    };
  }

  /** A checkpoint, as JSON. */
  snapshot(nowMs: number): JsonObject {
    const { job, wallMs } = this.#options;
    return writeSnapshot(job, {
      ...snapshotParts(this.#parts),
      isMember: this.#phase !== "joining" && this.#outcome?.kind !== "refused",
      elapsedMs: nowMs - this.#startedMs,
      unixMs: Math.floor(wallMs()),
      unconfirmed: this.#outcome?.kind === "unconfirmed" ? this.#outcome.cause : undefined,
    });
  }

  /** We are let in, or not. */
  #enter(answer: Answer, nowMs: number): void {
    if (answer.type === "refused") return this.#end({ kind: "refused", reason: answer.reason });
    const { job, recruiter, crypto } = this.#options;
    const { welcome: { order, elapsedMs, participants } } = answer;
    if (recruiter === undefined) return;
    const read = order === null
      ? undefined
      : readOrder(job.id, order, crypto, (id) => this.#mayOrder(id));
    const { exchange, roster } = this.#parts;
    this.#phase = "searching";
    this.#startedMs = nowMs - elapsedMs;
    roster.begin(nowMs);
    for (const record of participants) exchange.takeRecord(record, recruiter, nowMs);
    if (read) this.#takeOrder(read, recruiter, nowMs);
    roster.refresh(nowMs);
    exchange.announce("EVOLUTION_START", nowMs);
    roster.refresh(nowMs);
    this.#options.outlet.changed();
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

  /** Participants live that did not, as far as we knew. */
  #meet(newcomers: readonly PeerId[], nowMs: number): void {
    if (newcomers.length === 0) return;
    this.#options.outlet.changed();
    if (this.#phase !== "ended") {
      // News of who came in goes round at once among few.
      if (this.#parts.roster.isSmall) this.#parts.exchange.hurry();
      return;
    }
    if (this.#outcome?.kind === "unconfirmed" && this.#parts.finale.reopen(nowMs)) {
      this.#outcome = undefined;
      this.#phase = "closing";
      this.#parts.ballots.crowd = 0;
      this.#options.outlet.resumed();
    } else for (const id of newcomers.slice(0, MAX_TOLD)) this.#parts.exchange.tell(id);
  }

  /** Two thirds of a jury agree on a result: the job ends with it, unless we hold one that counts more. */
  #accept(consensus: Consensus, from: PeerId): void {
    const { ledger, ballots, migration, exchange } = this.#parts;
    const { job: { spec } } = this.#options;
    const { proposal } = consensus;
    if (proposal.cause === "target" && !reachesTarget(spec, proposal.fitness)) return;
    if (!ballots.isRepresentative(proposal, this.#nowMs)) {
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

  #ownState(): Pick<ParticipantWord, "state" | "reason"> {
    if (this.#hasLeft) return { state: "left", reason: "" };
    if (this.#phase === "ended") return { state: "paused", reason: "ended" };
    if (this.#paused !== null) return { state: "paused", reason: this.#paused };
    const isReady = this.#parts.workbench.slots > 0;
    return isReady ? { state: "running", reason: "" } : { state: "paused", reason: "preparing" };
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
