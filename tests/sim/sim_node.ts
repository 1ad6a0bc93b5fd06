/**
 * One node of the simulator: its protocol, its own clock, its sessions, and how its machine fares.
 *
 * A node has one alarm in the timeline, which only ever moves earlier; when it goes off too soon it is set
 * again. Calls into the protocol come with the node's own time, whose rate may be skewed and which stands
 * still while the machine sleeps. A slow node runs for a while and is paused for a while: what reaches it in
 * a pause waits for the end of it, in order.
 */

import type { Bytes } from "../../src/base/bytes.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import type { GossipEvent, GossipOutlet, PartingCause } from "../../src/gossip/gossip.ts";
import type { Address } from "../../src/net/address.ts";
import { LocalClock } from "./local_clock.ts";
import type { Occurrence } from "./event_queue.ts";
import type { Protocol } from "./protocol.ts";
import { Dial, type End, type SimNetwork } from "./sim_network.ts";

/** Who makes the protocol of a node, and hears what it tells. */
export interface NodeOwner {
  readonly network: SimNetwork;
  /** Who listens at `address`. */
  nodeAt(address: Address): SimNode | undefined;
  /** A new process on `node`, whose own time is `localMs`. */
  start(node: SimNode, localMs: number): Protocol;
  onEvent(node: SimNode, event: GossipEvent): void;
}

export interface NodeIdentity {
  readonly index: number;
  readonly id: PeerId;
  readonly address: Address;
}

/** Of own time: rounding must not let an alarm go off a hair before its deadline. */
const CLOCK_GRAIN_MS = 1e-6;
/** Ticks at one moment after which a deadline is taken to be stuck. */
const MAX_TICKS_AT_ONCE = 1_000;

export class SimNode implements Occurrence, GossipOutlet {
  readonly index: number;
  readonly id: PeerId;
  readonly address: Address;
  /** Nodes of different groups cannot reach one another. */
  group = 0;
  isPowered = true;
  /** Processes that ran here before. */
  life = 0;
  /** When the process that runs was started, or the machine woke, in the world's time. */
  upSinceMs = Infinity;
  /** To be set before the start. */
  readonly clock = new LocalClock();
  readonly #owner: NodeOwner;
  readonly #ends = new Map<PeerId, End>();
  readonly #dials = new Map<PeerId, Dial>();
  /** Those that the protocol waits for a session with. */
  readonly #wanted = new Set<PeerId>();
  #protocol: Protocol | undefined;
  #alarmMs = Infinity;
  #ticksAtOnce = 0;
  #backlog: Occurrence[] = [];
  #isCatchingUp = false;

  constructor({ index, id, address }: NodeIdentity, owner: NodeOwner) {
    this.index = index;
    this.id = id;
    this.address = address;
    this.#owner = owner;
  }

  get protocol(): Protocol | undefined {
    return this.#protocol;
  }

  /** Whether its process is there, asleep or not. */
  get isRunning(): boolean {
    return this.#protocol !== undefined;
  }

  /** Whether it would answer. */
  get isUp(): boolean {
    return this.isPowered && this.#protocol !== undefined;
  }

  /** Its ends of open sessions. */
  get ends(): IterableIterator<End> {
    return this.#ends.values();
  }

  get sessions(): number {
    return this.#ends.size;
  }

  get dialing(): number {
    return this.#dials.size;
  }

  /** The node's own time. */
  get localMs(): number {
    return this.clock.at(this.#owner.network.timeline.nowMs);
  }

  endTo(id: PeerId): End | undefined {
    return this.#ends.get(id);
  }

  /** Starts a process. */
  start(): void {
    this.isPowered = true;
    this.upSinceMs = this.#owner.network.timeline.nowMs;
    this.#protocol = this.#owner.start(this, this.localMs);
    this.#arm();
  }

  /** Ends the process without a word; with the machine's power, the other ends hear nothing at all. */
  crash(kind: "process" | "power"): void {
    const { network } = this.#owner;
    const ends = [...this.#ends.values()];
    this.#end();
    if (kind === "power") this.isPowered = false;
    for (const end of ends) {
      if (kind === "process") network.reset(end);
      else {
        end.isOpen = false;
        network.silence(end.peer);
      }
    }
    this.#ends.clear();
  }

  /** Takes leave and ends the process. */
  leave(): void {
    this.#protocol?.leave(this.localMs);
    const ends = [...this.#ends.values()];
    this.#end();
    for (const end of ends) this.#owner.network.close(end, "goodbye");
  }

  /** Announces its sleep and suspends the machine: its time stands still. */
  sleep(): void {
    this.#protocol?.sleep(this.localMs);
    this.clock.stop(this.#owner.network.timeline.nowMs);
    this.isPowered = false;
    for (const end of this.#ends.values()) this.#owner.network.silence(end.peer);
  }

  wake(): void {
    const { network } = this.#owner;
    const { nowMs } = network.timeline;
    this.clock.go(nowMs);
    this.isPowered = true;
    this.upSinceMs = nowMs;
    for (const end of this.#ends.values()) {
      if (end.isLive) network.unsilence(end.peer);
      else network.silence(end);
    }
    this.#alarmMs = Infinity;
    this.act((protocol, localMs) => protocol.wake(localMs));
  }

  /** Calls into the protocol from outside. */
  act(action: (protocol: Protocol, localMs: number) => void): void {
    if (!this.#protocol) return;
    action(this.#protocol, this.localMs);
    this.#arm();
  }

  /** Whether the node is paused, so that `occurrence` happens when it is not. */
  defers(occurrence: Occurrence, nowMs: number): boolean {
    if (!this.clock.cycle && this.#backlog.length === 0) return false;
    if (this.#isCatchingUp || !this.isPowered) return false;
    const resumesMs = this.clock.resumesMs(nowMs);
    if (resumesMs <= nowMs && this.#backlog.length === 0) return false;
    if (this.#backlog.push(occurrence) === 1) {
      this.#owner.network.timeline.call(resumesMs, (atMs) => this.#catchUp(atMs));
    }
    return true;
  }

  /** The alarm. */
  happen(nowMs: number): void {
    if (nowMs < this.#alarmMs || !this.isUp || this.defers(this, nowMs)) return;
    this.#alarmMs = Infinity;
    const protocol = this.#protocol;
    if (!protocol) return;
    const { deadlineMs } = protocol;
    const { localMs } = this;
    if (deadlineMs - localMs < CLOCK_GRAIN_MS) {
      protocol.tick(deadlineMs > localMs ? deadlineMs : localMs);
      this.#ticksAtOnce = protocol.deadlineMs <= localMs ? this.#ticksAtOnce + 1 : 0;
      if (this.#ticksAtOnce > MAX_TICKS_AT_ONCE) {
        throw new Error(
          `the deadline of node ${this.index} is stuck at its ${protocol.deadlineMs}`,
        );
      }
    }
    this.#arm();
  }

  /** A message arrives at one of our ends. */
  arrive(end: End, message: Bytes, nowMs: number, occurrence: Occurrence): void {
    if (!this.isPowered || this.defers(occurrence, nowMs)) return;
    const { network } = this.#owner;
    const { node } = end.peer;
    if (!end.isOpen) {
      network.reset(end);
      return;
    }
    network.traffic.delivered++;
    network.arriving = message;
    network.digest?.add(nowMs, node.index, this.index, message);
    this.#protocol?.receive(node.id, message, this.localMs);
    this.#arm();
  }

  /** A session is there. */
  opened(end: End): void {
    const { id } = end.peer.node;
    const stale = this.#ends.get(id);
    if (stale) this.closed(stale, "lost");
    this.#ends.set(id, end);
    this.#settle(id);
    this.act((protocol, localMs) => protocol.connected(id, localMs, end.isDialer));
  }

  /** A session has ended, and not by us. */
  closed(end: End, cause: PartingCause): void {
    this.drop(end);
    const { id } = end.peer.node;
    this.act((protocol, localMs) => protocol.disconnected(id, cause, localMs));
  }

  /** Forgets a session. */
  drop(end: End): void {
    end.isOpen = false;
    const { id } = end.peer.node;
    if (this.#ends.get(id) === end) this.#ends.delete(id);
  }

  /** Dials, unless that is under way or there is a session. */
  dialNode(target: SimNode): void {
    const { id } = target;
    if (this.#dials.has(id) || this.#ends.has(id)) return;
    const dial = new Dial(this, target, () => {
      this.#dials.delete(id);
      this.#dialFailed(id);
    });
    this.#dials.set(id, dial);
    this.#owner.network.dial(dial);
  }

  send(to: PeerId, message: Bytes, _isUrgent: boolean): void {
    const end = this.#ends.get(to);
    if (end) this.#owner.network.send(end, message);
  }

  dial(to: PeerId, addresses: readonly Address[]): void {
    const { network } = this.#owner;
    const [address] = addresses;
    const target = address && this.#owner.nodeAt(address);
    this.#wanted.add(to);
    if (target?.id === to) this.dialNode(target);
    else network.later(this, network.timeline.nowMs, () => this.#dialFailed(to));
  }

  hangUp(id: PeerId): void {
    const { network } = this.#owner;
    const end = this.#ends.get(id);
    if (!end) return;
    network.close(end, "surplus");
    // The protocol is in the middle of something: it hears of it afterwards.
    network.later(this, network.timeline.nowMs, () => {
      if (this.#ends.has(id)) return;
      this.act((protocol, localMs) => protocol.disconnected(id, "surplus", localMs));
    });
  }

  onEvent(event: GossipEvent): void {
    this.#owner.onEvent(this, event);
  }

  #dialFailed(id: PeerId): void {
    if (!this.#wanted.delete(id)) return;
    this.act((protocol, localMs) => protocol.dialFailed(id, localMs));
  }

  #end(): void {
    for (const id of [...this.#dials.keys()]) this.#settle(id);
    this.#protocol = undefined;
    this.#alarmMs = Infinity;
    this.life++;
    this.upSinceMs = Infinity;
  }

  /** What a dial was for has come about, or is of no interest. */
  #settle(id: PeerId): void {
    this.#wanted.delete(id);
    const dial = this.#dials.get(id);
    if (!dial) return;
    dial.isOver = true;
    this.#dials.delete(id);
  }

  /** Sets the alarm to the protocol's deadline if that is earlier. */
  #arm(): void {
    const protocol = this.#protocol;
    if (!protocol) return;
    const { deadlineMs } = protocol;
    if (deadlineMs === Infinity) return;
    const { timeline } = this.#owner.network;
    const dueMs = this.clock.worldMsOf(deadlineMs);
    if (dueMs >= this.#alarmMs) return;
    this.#alarmMs = dueMs < timeline.nowMs ? timeline.nowMs : dueMs;
    timeline.at(this.#alarmMs, this);
  }

  #catchUp(nowMs: number): void {
    const backlog = this.#backlog;
    this.#backlog = [];
    this.#isCatchingUp = true;
    for (const occurrence of backlog) occurrence.happen(nowMs);
    this.#isCatchingUp = false;
  }
}
