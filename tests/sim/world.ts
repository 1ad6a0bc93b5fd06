/**
 * A village in a world of its own: nodes, the network between them, one time and one seed.
 *
 * Whatever happens follows from the seed, so that a run can be had again. Nothing waits for real time, and
 * nothing is asynchronous.
 */

import type { ByteReader } from "../../src/base/byte_reader.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import { type Random, seededRandom } from "../../src/base/random.ts";
import { EVENT_KINDS } from "../../src/gossip/event_message.ts";
import { Gossip, type GossipEvent } from "../../src/gossip/gossip.ts";
import { LAN_PROFILE } from "../../src/gossip/probe_profile.ts";
import type { MemberChange } from "../../src/gossip/swim.ts";
import type { Address } from "../../src/net/address.ts";
import { ALIVE, beliefOf, Beliefs, DEAD, LEFT, UNKNOWN } from "./beliefs.ts";
import { describeError } from "../../src/base/errors.ts";
import { Timeline } from "./event_queue.ts";
import { type Broadcast, Invariants, SCAN_MS, type Village } from "./invariants.ts";
import type { Protocol } from "./protocol.ts";
import { RecordPool } from "./record_pool.ts";
import { InterningIdCodec, mixSeeds, simKey, simSigner } from "./sim_identity.ts";
import { DEFAULT_LINKS, SimNetwork } from "./sim_network.ts";
import { type NodeOwner, SimNode } from "./sim_node.ts";
import { simCapabilities } from "./sim_identity.ts";
import { connectVillage } from "./topology.ts";
import { Digest, Traffic } from "./traffic.ts";
import { SimError, type WorldOptions } from "./world_options.ts";

/** Own clocks begin anywhere in this. */
const MAX_OFFSET_MS = 1e6;
/** How often a node without a session asks its seed again. */
const SEEK_MS = 2_000;
/** Others' questions that a member takes at once. */
const MAX_ERRANDS = 256;
const EVENT_NAME = "sim";
/** Where an event's message says how many links it travelled. */
const HOPS_OFFSET = 1;
/** Of that byte; the highest bit is the relays' own. */
const HOPS_MASK = 0x7f;

export class World implements NodeOwner, Village {
  readonly seed: number;
  readonly timeline = new Timeline();
  readonly traffic: Traffic;
  readonly network: SimNetwork;
  readonly nodes: readonly SimNode[];
  readonly beliefs: Beliefs;
  readonly invariants: Invariants;
  /** For the scenario's own choices. */
  readonly random: Random;
  readonly ids = new InterningIdCodec();
  readonly #records = new RecordPool(this.ids);
  readonly #gossips: (Gossip | undefined)[] = [];
  isSplit = false;
  splitSinceMs = -Infinity;
  /** Hears every event, after it was counted. */
  onNodeEvent: ((node: SimNode, event: GossipEvent) => void) | undefined;
  readonly #options: WorldOptions;
  readonly #digest: Digest | undefined;
  readonly #byId = new Map<PeerId, SimNode>();
  readonly #byHost = new Map<string, SimNode>();
  readonly #seeds = new Map<SimNode, SimNode>();
  readonly #revoked = new Set<PeerId>();

  constructor(options: WorldOptions) {
    const { seed, nodes, links, hasDigest, maxDriftPpm = 0 } = options;
    this.#options = options;
    this.seed = seed;
    this.random = seededRandom(mixSeeds(seed, 0x574f));
    this.traffic = new Traffic(nodes);
    this.#digest = hasDigest ? new Digest() : undefined;
    this.beliefs = new Beliefs(nodes);
    this.invariants = new Invariants(this, nodes);
    this.network = new SimNetwork({
      timeline: this.timeline,
      traffic: this.traffic,
      digest: this.#digest,
      links: { ...DEFAULT_LINKS, ...links },
      seed,
    });
    this.network.admits = (a, b) => !this.isRevoked(a) && !this.isRevoked(b);
    this.nodes = Array.from({ length: nodes }, (_, index) => this.#add(index, maxDriftPpm));
    this.#every(SCAN_MS, () => this.invariants.scan());
    this.#every(SEEK_MS, () => this.#seek());
  }

  get nowMs(): number {
    return this.timeline.nowMs;
  }

  /** Of everything that was delivered so far. */
  get digest(): string {
    return this.#digest?.value ?? "";
  }

  node(index: number): SimNode {
    const node = this.nodes[index];
    if (!node) throw new RangeError(`Cannot find node ${index}: there are ${this.nodes.length}`);
    return node;
  }

  /** Those that would answer. */
  get up(): readonly SimNode[] {
    return this.nodes.filter(({ isUp }) => isUp);
  }

  /** Lets `ms` pass. Throws {@link SimError} when something happens that must not. */
  run(ms: number): void {
    try {
      this.timeline.runUntil(this.nowMs + ms);
    } catch (error) {
      if (error instanceof SimError) throw error;
      this.fail(describeError(error), error);
    }
  }

  /** Lets time pass until `isSo`, looked at every `stepMs`; how long that took, or Infinity past `limitMs`. */
  until(isSo: () => boolean, limitMs: number, stepMs = 10): number {
    const startMs = this.nowMs;
    while (!isSo()) {
      if (this.nowMs - startMs >= limitMs) return Infinity;
      this.run(stepMs);
    }
    return this.nowMs - startMs;
  }

  /** Starts a node that knows its seed, or none. */
  join(index: number, seedIndex?: number): void {
    const node = this.node(index);
    node.start();
    if (seedIndex === undefined) return;
    this.#seeds.set(node, this.node(seedIndex));
    this.#ask(node);
  }

  /** The protocol of a node that runs Gossip. */
  gossip(index: number): Gossip {
    const gossip = this.node(index).isRunning ? this.#gossips[index] : undefined;
    if (!gossip) throw new RangeError(`Cannot find the gossip of node ${index}: it does not run`);
    return gossip;
  }

  /** Starts the first `count` nodes as a village that has long been there: all know all and hold their sessions. */
  village(count: number): void {
    const nodes = this.nodes.slice(0, count);
    for (const node of nodes) node.start();
    const records = nodes.map(({ index }) => this.gossip(index).own);
    const indexes = nodes.map(({ index }) => index);
    for (const record of records) this.#records.add(record);
    for (const node of nodes) {
      this.gossip(node.index).preload(records, node.localMs);
      this.beliefs.setAlive(node.index, indexes);
    }
    this.connectAll();
  }

  /** Opens sessions as a settled village has them, between the nodes that are up. */
  connectAll(): void {
    connectVillage(this.network, this.up, this.random);
  }

  crash(index: number, kind: "process" | "power" = "process"): void {
    this.node(index).crash(kind);
    this.beliefs.forget(index);
  }

  /** A new process of the same key, that asks its seed. */
  restart(index: number): void {
    const node = this.node(index);
    node.start();
    this.#ask(node);
  }

  leave(index: number): void {
    this.node(index).leave();
    this.beliefs.forget(index);
  }

  sleep(index: number): void {
    this.node(index).sleep();
  }

  wake(index: number): void {
    this.node(index).wake();
  }

  /** Splits the network: nodes reach those of the same group alone; who is in none is in the first. */
  partition(...groups: readonly (readonly number[])[]): void {
    for (const node of this.nodes) node.group = 0;
    groups.forEach((group, at) => group.forEach((index) => this.node(index).group = at));
    this.#mark(true);
    for (const node of this.nodes) {
      for (const end of node.ends) {
        if (!this.network.isReachable(node, end.peer.node)) this.network.silence(end);
      }
    }
  }

  heal(): void {
    for (const node of this.nodes) node.group = 0;
    this.#mark(false);
    for (const node of this.nodes) for (const end of node.ends) this.network.unsilence(end);
  }

  /** From now on nobody believes this key anything, nor holds a session with it. */
  revoke(index: number): void {
    const node = this.node(index);
    this.#revoked.add(node.id);
    for (const end of [...node.ends]) {
      const { peer } = end;
      if (peer.isOpen) peer.node.closed(peer, "lost");
      node.closed(end, "lost");
    }
    for (const other of this.up) {
      other.act((protocol) => protocol.forget(node.id));
      this.beliefs.set(other.index, index, UNKNOWN, 0);
    }
  }

  isRevoked(node: SimNode): boolean {
    return this.#revoked.has(node.id);
  }

  faultOf({ index, sessions }: SimNode): string | undefined {
    const gossip = this.#gossips[index];
    if (!gossip) return undefined;
    const { queued, members, neighbours } = gossip;
    if (neighbours.size !== sessions) return `${neighbours.size} neighbours, ${sessions} sessions`;
    const cap = members.size + neighbours.size + MAX_ERRANDS;
    return queued > cap ? `${queued} rumours, probes and errands, of at most ${cap}` : undefined;
  }

  /** Tells everybody something, `data` after its number. */
  broadcast(index: number, data = ""): Broadcast {
    const node = this.node(index);
    const broadcast = this.invariants.expect(index);
    const { number } = broadcast;
    this.network.arriving = undefined;
    node.act((_, localMs) =>
      this.gossip(index).broadcast(EVENT_NAME, `${number} ${data}`, localMs)
    );
    return broadcast;
  }

  /** Whether all that are up believe all that are up alive, and nobody else. */
  get isOneView(): boolean {
    let up = 0;
    for (const node of this.nodes) if (node.isUp) up++;
    return this.nodes.every((node) => {
      const expected = node.isUp ? up - 1 : 0;
      return this.beliefs.count(ALIVE, node.index) === expected;
    });
  }

  /** How many of those that are up believe `index` gone. */
  believersInDeath(index: number): number {
    return this.beliefs.count(DEAD, index) + this.beliefs.count(LEFT, index);
  }

  nodeAt({ host }: Address): SimNode | undefined {
    return this.#byHost.get(host);
  }

  nodeOf(id: PeerId): SimNode | undefined {
    return this.#byId.get(id);
  }

  start(node: SimNode, localMs: number): Protocol {
    const { create, profile = LAN_PROFILE, capabilities = simCapabilities } = this.#options;
    const { index, id } = node;
    const seed = mixSeeds(mixSeeds(this.seed, node.index), node.life);
    const addresses = [node.address];
    this.beliefs.forget(node.index);
    this.invariants.onStart(node);
    const options = {
      id,
      signer: simSigner(this.ids.write(id), seed),
      verify: () => true,
      ids: this.ids,
      readRecord: (reader: ByteReader) => this.#records.read(reader),
      random: seededRandom(seed),
      addresses: () => addresses,
      profile: () => profile,
      belongs: (other: PeerId) => !this.#revoked.has(other),
      outlet: node,
    };
    if (create) return create(options, localMs);
    const gossip = new Gossip(options, localMs);
    this.#gossips[index] = gossip;
    if (capabilities) gossip.setCapabilities(capabilities(index));
    return gossip;
  }

  onEvent(node: SimNode, event: GossipEvent): void {
    if (event.type === "member") this.#onMember(node, event.member);
    else if (event.type === "event" && event.event.name === EVENT_NAME) {
      const { arriving } = this.network;
      const hops = arriving?.[0] === EVENT_KINDS.event
        ? (arriving[HOPS_OFFSET] ?? 0) & HOPS_MASK
        : 0;
      this.invariants.onEvent(node, parseInt(event.event.data), hops);
    }
    this.onNodeEvent?.(node, event);
  }

  fail(rule: string, cause?: unknown): never {
    const { seed, replay = `seed ${seed}` } = this.#options;
    const atS = (this.nowMs / 1_000).toFixed(3);
    throw new SimError(`Simulation failed at ${atS} s: ${rule}; replay: ${replay}`, { cause });
  }

  #add(index: number, maxDriftPpm: number): SimNode {
    const id = this.ids.read(simKey(this.seed, index));
    const address = { host: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`, port: 9000 };
    const node = new SimNode({ index, id, address }, this);
    const drift = (this.random.next() * 2 - 1) * maxDriftPpm;
    node.clock.set(this.random.next() * MAX_OFFSET_MS, drift);
    this.#byId.set(id, node);
    this.#byHost.set(address.host, node);
    return node;
  }

  #onMember(node: SimNode, { id, incarnation, change }: MemberChange): void {
    const subject = this.#byId.get(id);
    if (!subject) this.fail(`node ${node.index} tells of ${id}, which nobody is`);
    const belief = beliefOf(change);
    this.invariants.onBelief(node, subject, belief, incarnation);
    this.beliefs.set(node.index, subject.index, belief, incarnation);
  }

  #mark(isSplit: boolean): void {
    this.isSplit = isSplit;
    this.splitSinceMs = this.nowMs;
  }

  /** Lets whoever is alone ask its seed again, as the agent's dial plan would. */
  #seek(): void {
    for (const node of this.#seeds.keys()) {
      if (node.isUp && node.sessions === 0 && node.dialing === 0) this.#ask(node);
    }
  }

  #ask(node: SimNode): void {
    const seed = this.#seeds.get(node);
    if (seed) node.dialNode(seed);
  }

  #every(periodMs: number, action: () => void): void {
    const again = (nowMs: number) => {
      action();
      this.timeline.call(nowMs + periodMs, again);
    };
    this.timeline.call(periodMs, again);
  }
}
