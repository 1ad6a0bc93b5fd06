/** One device of a {@link WorkWorld}: its part in a job, its evaluations, and what it knows of others' jobs. */

import type { JsonObject } from "../../../src/base/guards.ts";
import type { PeerId } from "../../../src/base/peer_id.ts";
import { type Random, seededRandom } from "../../../src/base/random.ts";
import type { Genome } from "../../../src/work/evolve/space.ts";
import { JobNode } from "../../../src/work/job/job_node.ts";
import type {
  Batch,
  EvolutionMessage,
  JobNodeOptions,
  JobOutcome,
} from "../../../src/work/job/job_outlet.ts";
import { readHelpRequest, writeDecline } from "../../../src/work/job/messages.ts";
import type { Speaker } from "../../../src/work/job/signed_record.ts";
import type { Job } from "../../../src/work/job/spec.ts";
import type { Evaluation } from "../../../src/work/worker/evaluator.ts";
import { mixSeeds } from "../sim_identity.ts";
import { RANDOM_SEARCH } from "./random_search.ts";
import { SIM_CRYPTO, simSpeaker } from "./work_crypto.ts";
import { sphere, type WorkWorld } from "./work_world.ts";

export interface WorkMessage {
  readonly job: string;
  readonly type: EvolutionMessage;
  readonly data: JsonObject;
}

/** What a device does otherwise than an honest one. */
export interface Deviation {
  /** What it says that a genome costs. */
  fitness?(genome: Genome, random: Random): number;
  /** What it sends instead of `message`; nothing: `[]`. */
  outgoing?(message: WorkMessage, to: PeerId, device: WorkDevice): readonly WorkMessage[];
  /** Told of each message before the device is. */
  incoming?(message: WorkMessage, from: WorkDevice, device: WorkDevice): void;
}

const SNAPSHOT_MS = 30_000;
const BUSY_MS = 20_000;

export class WorkDevice {
  readonly index: number;
  readonly self: Speaker;
  readonly random: Random;
  isUp = true;
  node: JobNode | undefined;
  job: Job | undefined;
  /** Evaluations it has done. */
  evaluations = 0;
  deviation: Deviation = {};
  /** How its last job ended, as it was told. */
  outcome: JobOutcome | undefined;
  readonly #world: WorkWorld;
  #life = 0;
  #armedMs = Infinity;
  #snapshot: unknown;
  /** Objective of every job. */
  objective: (genome: Genome) => number = sphere;

  constructor(world: WorkWorld, index: number) {
    this.#world = world;
    this.index = index;
    this.self = simSpeaker(world.options.seed, index);
    this.random = seededRandom(mixSeeds(world.options.seed, 0x1_0000 + index));
  }

  get id(): PeerId {
    return this.self.id;
  }

  /** Begins a job here. */
  start(job: Job): void {
    this.#take(job, undefined);
  }

  receive(from: WorkDevice, message: WorkMessage, nowMs: number): void {
    if (!this.isUp) return;
    this.deviation.incoming?.(message, from, this);
    const { job, type, data } = message;
    if (this.node && this.job?.id === job) {
      this.node.receive(from.id, type, data, nowMs);
      this.#arm();
    } else if (type === "EVOLUTION_REQUEST_HELP") this.#consider(from, message);
  }

  setPeers(seen: readonly WorkDevice[], nowMs: number): void {
    const alive = new Set(seen.map(({ id }) => id));
    this.node?.setPeers({ alive, candidates: seen.map(({ id }) => id) }, nowMs);
    this.#arm();
  }

  /** Its process is killed, or its plug is pulled. */
  kill(): void {
    this.isUp = false;
    this.#life++;
    this.node = undefined;
  }

  /** It comes back, with its last checkpoint or without. */
  revive({ isRestored }: { readonly isRestored: boolean }): void {
    this.isUp = true;
    this.#life++;
    if (!isRestored || this.#snapshot === undefined || !this.job) return;
    const options = this.#nodeOptions(this.job, undefined);
    this.node = JobNode.restore(
      options,
      JSON.parse(JSON.stringify(this.#snapshot)),
      this.#world.nowMs,
    );
    this.#begin();
  }

  /** Sends a message of its job, as it is. */
  send(to: PeerId, type: EvolutionMessage, data: JsonObject): void {
    if (this.job) this.#world.send(this, to, { job: this.job.id, type, data });
  }

  /** The village's event about a job: somebody takes part in it. */
  hear(job: string, steward: PeerId, nowMs: number): void {
    if (this.isUp && this.job?.id === job) this.node?.introduce(steward, nowMs);
  }

  #consider(from: WorkDevice, { job, data }: WorkMessage): void {
    const request = readHelpRequest(data, SIM_CRYPTO, () => true);
    if (request.job.id !== job) return;
    if (this.node && this.node.phase !== "ended") {
      const decline = writeDecline({ reason: "busy", retryAfterMs: BUSY_MS });
      this.#world.send(this, from.id, { job, type: "EVOLUTION_DECLINE_HELP", data: decline });
      return;
    }
    this.#take(request.job, from.id);
  }

  #take(job: Job, recruiter: PeerId | undefined): void {
    this.job = job;
    this.outcome = undefined;
    this.#snapshot = undefined;
    this.#life++;
    this.node = new JobNode(this.#nodeOptions(job, recruiter), this.#world.nowMs);
    this.#begin();
  }

  #begin(): void {
    this.#armedMs = Infinity;
    const seen = this.#world.devices.filter((device) => this.#world.reaches(this, device));
    const { nowMs } = this.#world;
    this.setPeers([...new Set([this, ...seen])], nowMs);
    this.node?.advance(nowMs);
    this.#arm();
    this.#keep(this.#life);
  }

  #keep(life: number): void {
    this.#world.timeline.call(this.#world.nowMs + SNAPSHOT_MS, (nowMs) => {
      if (life !== this.#life || !this.node) return;
      this.#snapshot = this.node.snapshot(nowMs);
      this.#keep(life);
    });
  }

  #nodeOptions(job: Job, recruiter: PeerId | undefined): JobNodeOptions {
    const { slots = () => 1 } = this.#world.options;
    const life = this.#life;
    return {
      job,
      self: this.self,
      crypto: SIM_CRYPTO,
      random: this.random,
      search: RANDOM_SEARCH,
      policy: { belongs: (id) => this.#world.deviceOf(id) !== undefined, isAdmin: () => false },
      wallMs: () => this.#world.wallMs,
      slots: slots(this.index),
      ...recruiter && { recruiter },
      outlet: {
        send: (to, type, data) => this.#send(to, { job: job.id, type, data }),
        evaluate: (batch) => this.#evaluate(batch, life),
        ended: (outcome) => this.#ended(outcome),
        resumed: () => void (this.outcome = undefined),
        changed: () => {},
      },
    };
  }

  #ended(outcome: JobOutcome): void {
    // Whoever was not let in is free for another.
    if (outcome.kind !== "refused") this.outcome = outcome;
  }

  #send(to: PeerId, message: WorkMessage): void {
    const sent = this.deviation.outgoing?.(message, to, this) ?? [message];
    for (const each of sent) this.#world.send(this, to, each);
  }

  #evaluate({ id, genomes }: Batch, life: number): void {
    const { evaluationMs = () => 100 } = this.#world.options;
    const tookMs = genomes.length * evaluationMs(this.index) * (0.9 + 0.2 * this.random.next());
    this.#world.timeline.call(this.#world.nowMs + tookMs, (nowMs) => {
      if (life !== this.#life || !this.node) return;
      this.evaluations += genomes.length;
      this.node.evaluated(id, genomes.map((genome) => this.#measure(genome)), nowMs);
      this.#arm();
    });
  }

  #measure(genome: Genome): Evaluation {
    const fitness = this.deviation.fitness?.(genome, this.random) ?? this.objective(genome);
    if (Number.isFinite(fitness)) return { isOk: true, fitness };
    return { isOk: false, code: "not_a_number", message: "no number" };
  }

  #arm(): void {
    const deadlineMs = this.node?.deadlineMs ?? Infinity;
    if (!Number.isFinite(deadlineMs) || this.#armedMs <= deadlineMs) return;
    this.#armedMs = deadlineMs;
    const life = this.#life;
    this.#world.timeline.call(deadlineMs, (nowMs) => {
      if (life !== this.#life || !this.node) return;
      this.#armedMs = Infinity;
      this.node.advance(nowMs);
      this.#arm();
    });
  }
}
