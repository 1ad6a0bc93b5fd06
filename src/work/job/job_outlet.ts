/**
 * What a {@link JobNode} is given, what it wants done, and how it shows itself: its public face. Whoever runs one,
 * the agent or a simulator, gives it messages and time and does what it asks; it does nothing by itself.
 *
 * Fitness here is as the job's worker returns it, whichever way the job is to be optimised.
 */

import type { JsonObject } from "../../base/guards.ts";
import type { PeerId } from "../../base/peer_id.ts";
import type { Random } from "../../base/random.ts";
import type { MessageType } from "../../node/envelope.ts";
import type { Optimizer } from "../evolve/optimizer.ts";
import type { Genome, Space } from "../evolve/space.ts";
import type { ParticipantState } from "./participant_record.ts";
import type { Speaker } from "./signed_record.ts";
import type { Job, JobCrypto } from "./spec.ts";

/** The envelopes that a job is run by; their `evolution_id` is the job's id. */
export type EvolutionMessage = Extract<MessageType, `EVOLUTION_${string}`>;

/** Genomes to be evaluated together, one after another, by one slot. */
export interface Batch {
  readonly id: number;
  readonly genomes: readonly Genome[];
  /** `check`: somebody's claim is measured; it is worth more than the search's next step. */
  readonly purpose: "search" | "check";
}

export interface JobOutlet {
  /** Sends `data` in an envelope of `type`; a recipient without a session is worth a dial. May be lost. */
  send(to: PeerId, type: EvolutionMessage, data: JsonObject): void;
  /**
   * Has a batch evaluated; {@link JobNode.evaluated} is told with its id, never from within this call. At most as
   * many batches as slots are under way; a check may come although the node is paused or the job has ended.
   */
  evaluate(batch: Batch): void;
  /** The job has ended here. Called again when a better founded result became known, e.g. after a partition. */
  ended(outcome: JobOutcome): void;
  /** An order let a job that had ended go on. */
  resumed(): void;
  /** What a view shows or a checkpoint holds is different now. */
  changed(): void;
}

/** How searches are made; `work/evolve` has one for every space. */
export interface SearchFactory {
  create(space: Space, seed: number): Optimizer;
  /** From what `Optimizer.snapshot` gave. Throws `FieldError` for what it cannot read. */
  restore(space: Space, snapshot: JsonObject): Optimizer;
}

/** What the village says of others; asked whenever it matters. */
export interface JobPolicy {
  /** Whether `id` may take part at all. */
  belongs(id: PeerId): boolean;
  /** Whether `id` may stop any job, besides the job's owner. */
  isAdmin(id: PeerId): boolean;
}

export interface JobNodeOptions {
  readonly job: Job;
  readonly self: Speaker;
  readonly crypto: JobCrypto;
  readonly random: Random;
  readonly search: SearchFactory;
  readonly policy: JobPolicy;
  readonly outlet: JobOutlet;
  /** Unix ms by this device's clock. */
  readonly wallMs: () => number;
  /** Who asked us to take part; without it the job begins here. */
  readonly recruiter?: PeerId;
  /** Evaluations that can run at a time; 0 while the worker is not ready. */
  readonly slots: number;
}

/** Members as the village sees them. */
export interface JobPeers {
  /** Everybody who is alive, participants and others. */
  readonly alive: ReadonlySet<PeerId>;
  /** Members fit for work, best first; asked for help by the job's steward. */
  readonly candidates: readonly PeerId[];
}

/**
 * `joining`: our offer of help is not answered yet. `searching`. `closing`: a limit is reached or a stop was
 * ordered, and the result is being confirmed. `ended`.
 */
export type JobPhase = "joining" | "searching" | "closing" | "ended";

/** What ended the search. */
export type EndCause = "target" | "time" | "evaluations" | "stopped";

export type JobOutcome =
  | {
    readonly kind: "accepted";
    readonly cause: EndCause;
    readonly genome: Genome;
    readonly fitness: number;
    readonly finder: PeerId;
    readonly proposer: PeerId;
    /** Participants who measured it again; 0: there was nobody but the proposer. */
    readonly jurors: number;
    readonly agreed: number;
    /** The record that anybody can check: {@link verifyConsensus}. */
    readonly consensus: JsonObject;
  }
  | {
    /** Too few could be asked, or they could not agree. */
    readonly kind: "unconfirmed";
    readonly cause: EndCause;
    readonly genome: Genome | null;
    readonly fitness: number | null;
  }
  /** We were not let in. */
  | { readonly kind: "refused"; readonly reason: string };

export interface ParticipantView {
  readonly id: PeerId;
  readonly state: ParticipantState;
  readonly isLiving: boolean;
  readonly reason: string;
  readonly slots: number;
  readonly evaluations: number;
  readonly perSecond: number;
  readonly generation: number;
  readonly best: number | null;
  /** 0..1, from 0.5; as we see it. */
  readonly trust: number;
}

export interface JobView {
  readonly job: Job;
  readonly phase: JobPhase;
  readonly elapsedMs: number;
  /** Why we are paused; `null` while we are not. */
  readonly paused: string | null;
  readonly steward: PeerId | undefined;
  readonly participants: readonly ParticipantView[];
  /** Of all participants, as far as known. */
  readonly evaluations: number;
  readonly perSecond: number;
  /** The best that this node measured itself. */
  readonly best: { readonly genome: Genome; readonly fitness: number } | null;
  readonly isStopped: boolean;
  readonly outcome: JobOutcome | undefined;
}
