/**
 * A village of whole agents in a world of its own: handshakes, sealed records and sessions as the product has them,
 * over the in-memory network, with one time and one seed from which all follows, keys and nonces included.
 *
 * What is sealed cannot be looked into; `world.ts` plays the same village by the thousand without the seal.
 */

import type { Bytes } from "../../../src/base/bytes.ts";
import { ManualClock, scheduleEvery, type Timer } from "../../../src/base/clock.ts";
import { describeError } from "../../../src/base/errors.ts";
import type { LogFields, LogLevel } from "../../../src/base/log.ts";
import type { PeerId } from "../../../src/base/peer_id.ts";
import { type Random, seededRandom } from "../../../src/base/random.ts";
import type { GossipEvent } from "../../../src/gossip/gossip.ts";
import { MemoryNetwork } from "../../../src/net/memory.ts";
import { identityFromSeed } from "../../../src/node/identity.ts";
import type { Backend } from "../../../src/noise/backend.ts";
import type { Chain } from "../../../src/trust/certificate.ts";
import { certificate, membershipOf } from "../../testing/trust.ts";
import { mixSeeds } from "../sim_identity.ts";
import { Digest } from "../traffic.ts";
import { SimError } from "../world_options.ts";
import { HostClock } from "./host_clock.ts";
import { SealedInvariants } from "./sealed_invariants.ts";
import { type CrashKind, SealedNode, type SealedOwner } from "./sealed_node.ts";
import { bytesOf, seedCrypto, seededBackend } from "./seeded_chance.ts";

export interface SealedWorldOptions {
  readonly seed: number;
  /** How many there will ever be. */
  readonly nodes: number;
  /** One-way latency between two hosts, ms: for each pair one of these. */
  readonly latencyMs?: readonly [min: number, max: number];
  /** Share of the segments that TCP must send again. */
  readonly loss?: number;
  /** Whether the first founded a network that all others have a certificate of; otherwise anybody may come. */
  readonly isClosed?: boolean;
  readonly maxDriftPpm?: number;
  /** Wall clocks are wrong by up to this. */
  readonly maxAheadMs?: number;
  /** The command that runs this again. */
  readonly replay?: string;
  /** Hears every line that an agent logs. */
  readonly onLine?: (atMs: number, node: number, line: string, fields: LogFields) => void;
}

const PORT = 9000;
/** What arrives at once: some ten packets, as a busy host gets to see them. */
const SEGMENT_BYTES = 16_384;
/** Monotonic clocks begin anywhere in this. */
const MAX_ORIGIN_MS = 1e7;
/** What varies in the time that a segment takes. */
const JITTER_MS = 2;
/** Between two looks at everybody. */
const SCAN_MS = 1_000;
/** What closing everything may take. */
const CLOSE_MS = 30_000;
/** What says that our own code does not take what our own code sends, or worse. */
const FAULTS: ReadonlySet<string> = new Set([
  "internal error",
  "gossip refused",
  "message refused",
]);

export class SealedWorld implements SealedOwner, AsyncDisposable {
  readonly seed: number;
  readonly time = new ManualClock();
  readonly network: MemoryNetwork;
  readonly backend: Backend;
  readonly nodes: readonly SealedNode[];
  readonly invariants: SealedInvariants;
  /** For the scenario's own choices. */
  readonly random: Random;
  isSplit = false;
  splitSinceMs = -Infinity;
  /** Pieces that hosts have read. */
  reads = 0;
  /** Sessions that began, counted at each end. */
  sessions = 0;
  /** How often each line was logged at `warn` and above. */
  readonly alarms = new Map<string, number>();
  readonly #options: SealedWorldOptions;
  readonly #digest = new Digest();
  readonly #byHost = new Map<string, SealedNode>();
  readonly #byId = new Map<PeerId, SealedNode>();
  readonly #crypto: Disposable;
  readonly #scan: Timer;
  #fault: SimError | undefined;
  #events = 0;

  constructor(options: SealedWorldOptions) {
    this.#options = options;
    const { seed, nodes } = options;
    this.seed = seed;
    this.#crypto = seedCrypto(mixSeeds(seed, 1));
    this.backend = seededBackend(mixSeeds(seed, 2));
    this.random = seededRandom(mixSeeds(seed, 3));
    const [min, max] = options.latencyMs ?? [1, 40];
    this.network = new MemoryNetwork(this.time, seededRandom(mixSeeds(seed, 4)), {
      delayMs: [0, JITTER_MS],
      latencyMs: (a, b) => min + (max - min) * this.#distance(a, b),
      loss: options.loss ?? 0,
      maxSegmentBytes: SEGMENT_BYTES,
    });
    this.nodes = Array.from({ length: nodes }, (_, index) => this.#add(index));
    if (options.isClosed) this.#found();
    this.invariants = new SealedInvariants(this);
    this.#scan = scheduleEvery(this.time, SCAN_MS, () => this.invariants.scan());
    globalThis.addEventListener("unhandledrejection", this.#onRejection);
  }

  get nowMs(): number {
    return this.time.now();
  }

  /** Of all that was read so far: when, by whom, from whom, and every byte. */
  get digest(): string {
    return this.#digest.value;
  }

  node(index: number): SealedNode {
    const node = this.nodes[index];
    if (!node) throw new RangeError(`Cannot find node ${index}: there are ${this.nodes.length}`);
    return node;
  }

  nodeOf(id: PeerId): SealedNode | undefined {
    return this.#byId.get(id);
  }

  /** Those that would answer. */
  get up(): readonly SealedNode[] {
    return this.nodes.filter(({ isUp }) => isUp);
  }

  /** Starts a node that is given the address of another, or knows nobody. */
  async start(index: number, seedIndex?: number): Promise<void> {
    const peers = seedIndex === undefined ? [] : [this.node(seedIndex).address];
    this.invariants.onStart(this.node(index));
    await this.node(index).start(peers);
  }

  /** Starts everybody, `gapMs` apart, all but the first with the address of the first. */
  async startAll(gapMs: number): Promise<void> {
    for (const { index } of this.nodes) {
      await this.start(index, index === 0 ? undefined : 0);
      await this.run(gapMs);
    }
  }

  crash(index: number, kind: CrashKind): void {
    this.node(index).crash(kind);
  }

  /** Splits the network: who is in no group is alone with all such. */
  partition(...groups: readonly (readonly number[])[]): void {
    groups.forEach((group, at) => group.forEach((index) => this.node(index).group = at + 1));
    const hosts = groups.map((group) => group.map((index) => this.node(index).address.host));
    this.network.partition(...hosts);
    this.isSplit = true;
    this.splitSinceMs = this.nowMs;
  }

  heal(): void {
    for (const node of this.nodes) node.group = 0;
    this.network.heal();
    this.isSplit = false;
    this.splitSinceMs = this.nowMs;
  }

  /** Removes a node from the closed network by the word of another. */
  async revoke(by: number, index: number): Promise<void> {
    const node = this.node(index);
    node.revokedMs = this.nowMs;
    await this.node(by).agent.gatekeeper.revoke(node.id);
  }

  /** Tells everybody something; its number. */
  broadcast(index: number): number {
    const number = this.#events++;
    this.invariants.expect(number);
    this.node(index).agent.villager.broadcast("sim", String(number));
    return number;
  }

  /** Lets `ms` pass. Rejects with {@link SimError} when something happens that must not. */
  async run(ms: number): Promise<void> {
    await this.#runUntil(this.nowMs + ms, () => false);
  }

  /** Lets time pass until `isSo`, looked at every `stepMs`; how long that took, or Infinity past `limitMs`. */
  async until(isSo: () => boolean, limitMs: number, stepMs = 50): Promise<number> {
    const startMs = this.nowMs;
    while (!isSo()) {
      if (this.nowMs - startMs >= limitMs) return Infinity;
      await this.run(stepMs);
    }
    return this.nowMs - startMs;
  }

  /** Ends everybody. Rejects with {@link SimError} when a connection or a timer is left. */
  async close(): Promise<void> {
    for (const node of this.nodes) {
      if (node.isAsleep) node.wake();
      if (node.isUp) node.leave();
    }
    const endings = Promise.all(this.nodes.map((node) => node.ended()));
    let hasEnded = false;
    void endings.then(() => hasEnded = true);
    await this.#runUntil(this.nowMs + CLOSE_MS, () => hasEnded);
    if (!hasEnded) this.fail(`not all agents are closed after ${CLOSE_MS} ms`);
    for (const { index, sockets, clock } of this.nodes) {
      if (sockets === 0 && clock.pending === 0) continue;
      this.fail(
        `node ${index} is closed with ${sockets} connections, ${clock.pending} timers left`,
      );
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#scan.cancel();
    globalThis.removeEventListener("unhandledrejection", this.#onRejection);
    this.#crypto[Symbol.dispose]();
    return Promise.resolve();
  }

  onRead(from: string, to: string, bytes: Bytes): void {
    this.reads++;
    this.#digest.add(this.nowMs, this.#indexOf(from), this.#indexOf(to), bytes);
  }

  onEvent(node: SealedNode, event: GossipEvent): void {
    this.#guard(() => this.invariants.onEvent(node, event));
  }

  onLog(node: SealedNode, level: LogLevel, event: string, fields: LogFields): void {
    this.#options.onLine?.(this.nowMs, node.index, `${level} ${event}`, fields);
    if (event === "peer connected") this.sessions++;
    if (FAULTS.has(event)) {
      this.#guard(() => this.fail(`node ${node.index} logs ${event}: ${JSON.stringify(fields)}`));
    }
    if (level === "warn" || level === "error") {
      this.alarms.set(event, (this.alarms.get(event) ?? 0) + 1);
    }
  }

  fail(rule: string, cause?: unknown): never {
    const { seed, replay = `seed ${seed}` } = this.#options;
    const atS = (this.nowMs / 1_000).toFixed(3);
    throw new SimError(`Simulation failed at ${atS} s: ${rule}; replay: ${replay}`, { cause });
  }

  /** A rule broken in the midst of an agent's code ends the run, and not only what the agent was about. */
  #guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      if (!(error instanceof SimError)) throw error;
      this.#fault ??= error;
    }
  }

  readonly #onRejection = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    const { reason } = event;
    const stack = reason instanceof Error ? reason.stack : undefined;
    this.#guard(() => this.fail(`a rejection that nobody handles: ${stack ?? reason}`, reason));
  };

  async #runUntil(untilMs: number, isDone: () => boolean): Promise<void> {
    try {
      await this.time.runUntil(untilMs, () => this.#fault !== undefined || isDone());
    } catch (error) {
      if (error instanceof SimError) throw error;
      this.fail(describeError(error), error);
    }
    if (this.#fault) throw this.#fault;
  }

  #add(index: number): SealedNode {
    const { seed, maxDriftPpm = 100, maxAheadMs = 2_000 } = this.#options;
    const random = seededRandom(mixSeeds(mixSeeds(seed, 5), index));
    const identity = identityFromSeed(bytesOf(random, 32), this.backend.primitives);
    const address = { host: `10.0.${index >> 8}.${index & 255}`, port: PORT };
    const around = (most: number) => (random.next() * 2 - 1) * most;
    const clock = new HostClock(this.time, {
      originMs: random.next() * MAX_ORIGIN_MS,
      aheadMs: around(maxAheadMs),
      driftPpm: around(maxDriftPpm),
    });
    const membership = this.#options.isClosed
      ? membershipOf(identity, chainOf(identity.id, index), { clock, isFounder: index === 0 })
      : undefined;
    const node = new SealedNode({ index, identity, address, clock, membership }, this);
    this.#byHost.set(address.host, node);
    this.#byId.set(identity.id, node);
    return node;
  }

  /** The founder has certified all others, and they know it. */
  #found(): void {
    const founder = this.node(0).membership;
    for (const { membership, index } of this.nodes) {
      if (!founder || !membership || index === 0) continue;
      founder.roster.keep(membership.chain);
      membership.roster.keep(founder.chain);
    }
  }

  /** The same share of the longest way for both directions of a pair. */
  #distance(a: string, b: string): number {
    const [low, high] = [this.#indexOf(a), this.#indexOf(b)].sort((x, y) => x - y);
    return mixSeeds(this.seed, (low ?? 0) * 65_536 + (high ?? 0)) / 2 ** 32;
  }

  #indexOf(host: string): number {
    return this.#byHost.get(host)?.index ?? -1 >>> 0;
  }
}

function chainOf(id: PeerId, index: number): Chain {
  const role = index === 0 ? "admin" : "member";
  return [certificate({ node_id: id, name: `device ${index}`, role })];
}
