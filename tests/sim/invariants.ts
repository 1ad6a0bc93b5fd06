/**
 * What must hold in every run: checked as things happen where that is cheap, and every few simulated seconds
 * by a look at each node.
 *
 * - Who is up and reachable is believed so by all, at the latest {@link SETTLE_MS} after it came up, or the
 *   network healed; who is not, is believed gone.
 * - The incarnations that an observer tells of a member never fall.
 * - An event reaches nobody twice, and everybody who was there throughout in {@link EVENT_MS}.
 * - Queues stay within their bounds.
 * - Nobody holds a session with a revoked key.
 *
 * That a healthy member is declared dead for a moment is counted, not forbidden: SWIM excludes it only with
 * some probability, and what a run may have of it is for the scenario to say.
 */

import {
  ALIVE,
  ASLEEP,
  type Belief,
  type Beliefs,
  DEAD,
  LEFT,
  SUSPECT,
  UNKNOWN,
} from "./beliefs.ts";
import type { SimNode } from "./sim_node.ts";

/** Beliefs may be wrong this long. */
export const SETTLE_MS = 90_000;
/** A false death is one that nothing within this time explains. */
const CALM_MS = 60_000;
/** An event may be under way this long, to whoever was there throughout. */
export const EVENT_MS = 90_000;
/** Whoever was not may be told of it for as long as others keep it, and no longer. */
const EVENT_LIFE_MS = 20 * 60_000;
/** Between two looks at everybody. */
export const SCAN_MS = 5_000;

/** One thing told to all. */
export interface Broadcast {
  readonly number: number;
  readonly origin: number;
  readonly sentMs: number;
  /** 1 for each node that has it. */
  readonly has: Uint8Array;
  /** Nodes that have it, the origin included. */
  reached: number;
  /** When it last reached anybody. */
  lastMs: number;
  /** The most links that it travelled to anybody. */
  maxHops: number;
  /** Whether it was looked at if all have it. */
  isJudged: boolean;
}

/** A healthy member that was declared dead. */
export interface FalseDeath {
  readonly atMs: number;
  readonly observer: number;
  readonly subject: number;
}

export interface Village {
  readonly nodes: readonly SimNode[];
  readonly beliefs: Beliefs;
  readonly nowMs: number;
  /** Whether the network is split, and since when it has been what it is. */
  readonly isSplit: boolean;
  readonly splitSinceMs: number;
  isRevoked(node: SimNode): boolean;
  /** Names what a node holds that it must not. */
  faultOf(node: SimNode): string | undefined;
  fail(rule: string): never;
}

export class Invariants {
  readonly falseDeaths: FalseDeath[] = [];
  /** Events that are still on their way. */
  readonly #broadcasts = new Map<number, Broadcast>();
  /** Since when not everybody is right about a node; Infinity when all are. */
  readonly #wrongSinceMs: Float64Array;
  readonly #village: Village;
  #events = 0;

  constructor(village: Village, nodes: number) {
    this.#village = village;
    this.#wrongSinceMs = new Float64Array(nodes).fill(Infinity);
  }

  /** `observer` comes to believe `belief` of `subject`. */
  onBelief(observer: SimNode, subject: SimNode, belief: Belief, incarnation: number): void {
    const { beliefs, nowMs } = this.#village;
    const before = beliefs.of(observer.index, subject.index);
    const known = beliefs.incarnationOf(observer.index, subject.index);
    if (before !== UNKNOWN && belief !== UNKNOWN && incarnation < known) {
      this.#village.fail(
        `node ${observer.index} tells of incarnation ${incarnation} of node ${subject.index} after ${known}`,
      );
    }
    if (belief === DEAD && before !== DEAD && this.#isHealthy(observer, subject)) {
      this.falseDeaths.push({ atMs: nowMs, observer: observer.index, subject: subject.index });
    }
  }

  /** `origin` is about to tell everybody something. */
  expect(origin: number): Broadcast {
    const { nowMs, nodes } = this.#village;
    const broadcast: Broadcast = {
      number: this.#events++,
      origin,
      sentMs: nowMs,
      has: new Uint8Array(nodes.length),
      reached: 0,
      lastMs: nowMs,
      maxHops: 0,
      isJudged: false,
    };
    this.#broadcasts.set(broadcast.number, broadcast);
    return broadcast;
  }

  /** `node` is told of the event `number` that travelled `hops` links. */
  onEvent(node: SimNode, number: number, hops: number): void {
    const broadcast = this.#broadcasts.get(number);
    if (!broadcast) this.#village.fail(`node ${node.index} is told of event ${number} too late`);
    if (broadcast.has[node.index] === 1) {
      this.#village.fail(`node ${node.index} is told of event ${number} twice`);
    }
    broadcast.has[node.index] = 1;
    broadcast.reached++;
    broadcast.lastMs = this.#village.nowMs;
    broadcast.maxHops = Math.max(broadcast.maxHops, hops);
  }

  /** A new process knows nothing, nor what it was told before. */
  onStart(node: SimNode): void {
    for (const broadcast of this.#broadcasts.values()) {
      if (broadcast.has[node.index] === 0) continue;
      broadcast.has[node.index] = 0;
      broadcast.reached--;
    }
    this.#wrongSinceMs[node.index] = Infinity;
  }

  /** Looks at everybody. */
  scan(): void {
    const { nodes } = this.#village;
    for (const node of nodes) this.#look(node);
    if (this.#village.isSplit) this.#wrongSinceMs.fill(Infinity);
    else for (const node of nodes) this.#judgeBeliefs(node);
    for (const broadcast of this.#broadcasts.values()) this.#judgeEvent(broadcast);
  }

  #look(node: SimNode): void {
    if (!node.isUp) return;
    const fault = this.#village.faultOf(node);
    if (fault) this.#village.fail(`node ${node.index} holds ${fault}`);
    for (const { peer } of node.ends) {
      if (this.#village.isRevoked(peer.node)) {
        this.#village.fail(
          `node ${node.index} holds a session with node ${peer.node.index}, revoked`,
        );
      }
    }
  }

  #judgeBeliefs(subject: SimNode): void {
    const { nowMs } = this.#village;
    const wrong = this.#village.isRevoked(subject) ? undefined : this.#whoIsWrong(subject);
    if (!wrong) {
      this.#wrongSinceMs[subject.index] = Infinity;
      return;
    }
    const sinceMs = Math.min(this.#wrongSinceMs[subject.index] as number, nowMs);
    this.#wrongSinceMs[subject.index] = sinceMs;
    if (nowMs - sinceMs < SETTLE_MS) return;
    const state = subject.isUp ? "up" : "down";
    const [observer, belief] = wrong;
    this.#village.fail(
      `node ${subject.index} is ${state}, and node ${observer} still believes it ${NAMES[belief]}`,
    );
  }

  /** Somebody who has long been there and is wrong about `subject`. */
  #whoIsWrong(subject: SimNode): [observer: number, belief: Belief] | undefined {
    // Asleep, it may be believed so or gone.
    if (subject.isRunning && !subject.isPowered) return undefined;
    const { beliefs, nodes, nowMs } = this.#village;
    const isSettled = (observer: number) => {
      const node = nodes[observer];
      return node !== undefined && node.isUp && nowMs - node.upSinceMs >= SETTLE_MS;
    };
    for (const belief of subject.isUp ? WRONG_OF_LIVING : WRONG_OF_GONE) {
      const observer = beliefs.find(belief, subject.index, isSettled);
      if (observer !== undefined) return [observer, belief];
    }
    return undefined;
  }

  /** Whether nothing explains that `observer` takes `subject` for dead. */
  #isHealthy(observer: SimNode, subject: SimNode): boolean {
    const { nowMs, splitSinceMs } = this.#village;
    if (!subject.isUp || !observer.isUp || subject.group !== observer.group) return false;
    const calmSinceMs = Math.max(subject.upSinceMs, observer.upSinceMs, splitSinceMs);
    return nowMs - calmSinceMs >= CALM_MS;
  }

  #judgeEvent(broadcast: Broadcast): void {
    const { nodes, nowMs, isSplit, splitSinceMs } = this.#village;
    const { number, sentMs, has } = broadcast;
    if (nowMs - sentMs > EVENT_LIFE_MS) this.#broadcasts.delete(number);
    if (broadcast.isJudged || isSplit) return;
    if (nowMs - Math.max(sentMs, splitSinceMs) < EVENT_MS) return;
    broadcast.isJudged = true;
    const there = nodes.filter((node) =>
      node.isUp && node.upSinceMs <= sentMs && !this.#village.isRevoked(node)
    );
    // It may have died with its origin, before anybody else had it.
    if (!there.some(({ index }) => has[index] === 1)) return;
    for (const { index } of there) {
      if (has[index] === 0) this.#village.fail(`node ${index} was never told of event ${number}`);
    }
  }
}

const NAMES = ["unknown", "alive", "suspect", "dead", "left", "asleep"] as const;
const WRONG_OF_LIVING: readonly Belief[] = [DEAD, LEFT, ASLEEP, UNKNOWN];
const WRONG_OF_GONE: readonly Belief[] = [ALIVE, SUSPECT];
