/**
 * A village of devices that search, on a time of its own: {@link JobNode}s over a network with latency, loss,
 * partitions and deaths, with evaluations that take virtual time. Everything follows from the seed.
 *
 * What the agent does with jobs is done here in small: a device takes part in one job at a time, declines others as
 * busy, and asks a participant how a job ended that it only heard of.
 */

import { createHash } from "node:crypto";
import type { JsonObject } from "../../../src/base/guards.ts";
import type { PeerId } from "../../../src/base/peer_id.ts";
import { type Random, seededRandom } from "../../../src/base/random.ts";
import type { Genome, RealSpace } from "../../../src/work/evolve/space.ts";
import type { EvolutionMessage } from "../../../src/work/job/job_outlet.ts";
import { type Job, type JobSpec, signJob } from "../../../src/work/job/spec.ts";
import { Timeline } from "../event_queue.ts";
import { mixSeeds } from "../sim_identity.ts";
import { SIM_CRYPTO, simSpeaker } from "./work_crypto.ts";
import { WorkDevice } from "./work_device.ts";

export interface WorkWorldOptions {
  readonly seed: number;
  readonly devices: number;
  /** Of messages, 0..1. */
  readonly loss?: number;
  /** One way, ms. */
  readonly latencyMs?: readonly [min: number, max: number];
  /** How long one evaluation takes on a device. */
  readonly evaluationMs?: (index: number) => number;
  readonly slots?: (index: number) => number;
  /** Whether every byte that is delivered is summed up. */
  readonly hasDigest?: boolean;
}

/** The village notices a death, or a partition, after this long. */
const NOTICED_MS = 6_000;
/** How often devices look at who is there. */
const PEERS_MS = 1_000;
const ANNOUNCE_MS = 60_000;
export const WALL_MS = 1_750_000_000_000;

/** What a device looks for: the lower the better, 0 at the middle of the space. */
export function sphere(genome: Genome): number {
  return genome.reduce((sum, x) => sum + x * x, 0);
}

/** Vectors within -5..5. */
export function spaceOf(dims: number): RealSpace {
  const bound = (at: number) => Array.from({ length: dims }, () => at);
  return { kind: "real", dims, lower: bound(-5), upper: bound(5) };
}

export class WorkWorld {
  readonly options: WorkWorldOptions;
  readonly timeline = new Timeline();
  readonly random: Random;
  readonly devices: WorkDevice[];
  /** Messages that were sent. */
  sent = 0;
  readonly #byId = new Map<PeerId, WorkDevice>();
  readonly #digest;
  #groups: readonly number[];
  /** When those of a group last reached each device, by group and index. */
  readonly #seenMs = new Map<number, Map<number, number>>();

  constructor(options: WorkWorldOptions) {
    this.options = options;
    const { seed, devices } = options;
    this.random = seededRandom(mixSeeds(seed, 0x57_4f_52));
    this.#digest = options.hasDigest ? createHash("sha256") : undefined;
    this.devices = Array.from({ length: devices }, (_, index) => new WorkDevice(this, index));
    for (const device of this.devices) this.#byId.set(device.id, device);
    this.#groups = this.devices.map(() => 0);
    this.timeline.call(0, () => this.#tick());
    this.timeline.call(0, () => this.#announce());
  }

  get nowMs(): number {
    return this.timeline.nowMs;
  }

  get wallMs(): number {
    return WALL_MS + Math.floor(this.timeline.nowMs);
  }

  get up(): readonly WorkDevice[] {
    return this.devices.filter(({ isUp }) => isUp);
  }

  /** SHA-256 of all that was delivered so far. */
  get digest(): string {
    return this.#digest?.copy().digest("hex") ?? "";
  }

  device(index: number): WorkDevice {
    const device = this.devices[index];
    if (!device) throw new RangeError(`Cannot find device ${index} of ${this.devices.length}`);
    return device;
  }

  deviceOf(id: PeerId): WorkDevice | undefined {
    return this.#byId.get(id);
  }

  /** A job of device `owner`; what `spec` does not say is as it mostly is. */
  job(owner: number, spec: Partial<JobSpec> = {}): Job {
    const speaker = simSpeaker(this.options.seed, owner);
    return signJob(
      {
        name: `job of ${owner}`,
        owner: speaker.id,
        createdUnixMs: this.wallMs,
        type: "breakthrough",
        space: spaceOf(4),
        direction: "minimize",
        target: 1e-6,
        limits: { timeS: 600, evaluations: null, evaluationMs: 60_000, memoryMb: 256 },
        worker: { kind: "command", name: "sphere" },
        tolerance: { relative: 1e-6, absolute: 1e-9 },
        seed: this.options.seed,
        maxParticipants: null,
        options: {},
        ...spec,
      },
      speaker.signer,
      SIM_CRYPTO,
    );
  }

  /** Carries a message, if nothing happens to it. */
  send(
    from: WorkDevice,
    to: PeerId,
    message: { readonly job: string; readonly type: EvolutionMessage; readonly data: JsonObject },
  ): void {
    const target = this.#byId.get(to);
    if (!target || target === from) return;
    this.sent++;
    const { loss = 0, latencyMs: [min, max] = [5, 60] } = this.options;
    const delayMs = min + this.random.next() * (max - min);
    if (this.random.next() < loss) return;
    this.timeline.call(this.nowMs + delayMs, (nowMs) => {
      if (!from.isUp || !this.reaches(from, target)) return;
      this.#digest?.update(`${from.index}>${target.index} ${JSON.stringify(message)}\n`);
      target.receive(from, message, nowMs);
    });
  }

  reaches(a: WorkDevice, b: WorkDevice): boolean {
    return a.isUp && b.isUp && this.#groups[a.index] === this.#groups[b.index];
  }

  /** Splits the network: devices of different groups cannot reach each other. */
  partition(groupOf: (index: number) => number): void {
    this.#groups = this.devices.map(({ index }) => groupOf(index));
  }

  heal(): void {
    this.#groups = this.devices.map(() => 0);
  }

  run(ms: number): void {
    this.timeline.runUntil(this.nowMs + ms);
  }

  /** Runs until `isDone`, looking every second; how long it took, ms. Throws when it takes longer than `limitMs`. */
  until(isDone: () => boolean, limitMs: number): number {
    const startMs = this.nowMs;
    while (!isDone()) {
      if (this.nowMs - startMs >= limitMs) {
        throw new Error(`seed ${this.options.seed}: not done within ${limitMs} simulated ms`);
      }
      this.run(1_000);
    }
    return this.nowMs - startMs;
  }

  /** Tells every device who is there, as the village's membership would. */
  #tick(): void {
    this.timeline.call(this.nowMs + PEERS_MS, () => this.#tick());
    const seenBy = new Map<number, readonly WorkDevice[]>();
    for (const observer of this.up) {
      const group = this.#groups[observer.index] ?? 0;
      const seen = seenBy.get(group) ??
        this.devices.filter((device) => this.#sees(group, device));
      seenBy.set(group, seen);
      observer.setPeers(seen, this.nowMs);
    }
  }

  /** What stewards tell the village every minute, an event that reaches whoever can be reached. */
  #announce(): void {
    this.timeline.call(this.nowMs + ANNOUNCE_MS, () => this.#announce());
    for (const device of this.up) {
      const { node, job, id } = device;
      if (!node || !job || node.view(this.nowMs).steward !== id) continue;
      for (const other of this.up) {
        if (this.reaches(device, other)) other.hear(job.id, id, this.nowMs);
      }
    }
  }

  /** Whether those of `group` hold `device` for alive: what changed is noticed later. */
  #sees(group: number, device: WorkDevice): boolean {
    const isReachable = device.isUp && this.#groups[device.index] === group;
    const seenMs = this.#seenMs.get(group) ?? new Map<number, number>();
    this.#seenMs.set(group, seenMs);
    if (isReachable) seenMs.set(device.index, this.nowMs);
    return this.nowMs - (seenMs.get(device.index) ?? -Infinity) < NOTICED_MS;
  }
}
