/**
 * The network of the simulator, whole messages at a time: sessions that open, carry messages in order with
 * latency, lose some, go silent and end.
 *
 * A lost message is lost by itself, and what follows it arrives: harsher than TCP, where it comes late. The
 * steps of opening and closing a session are never lost, but a lost step of opening one costs
 * {@link RETRANSMIT_MS}. Ends of a session that nothing can reach are told after {@link SILENCE_MS}, as the
 * node's keepalive would; an end whose other end is gone is told by the first message that finds nobody.
 *
 * ```
 * dialer  ── SYN ──>  <── SYN, ACK ──  ── hello ──> target opens ──  ── answer ──> dialer opens
 * ```
 */

import type { Bytes } from "../../src/base/bytes.ts";
import { type Random, seededRandom } from "../../src/base/random.ts";
import type { Occurrence, Timeline } from "./event_queue.ts";
import type { PartingCause } from "../../src/gossip/gossip.ts";
import { mixSeeds } from "./sim_identity.ts";
import type { SimNode } from "./sim_node.ts";
import type { Digest, Traffic } from "./traffic.ts";

export interface LinkOptions {
  /** One way, ms; each pair of nodes keeps the one it drew. */
  readonly latencyMs: readonly [min: number, max: number];
  /** Added to each message at random, ms. */
  readonly jitterMs: number;
  /** Of messages, 0..1. */
  readonly loss: number;
}

/** A home network over a slow access point. */
export const DEFAULT_LINKS: LinkOptions = Object.freeze({
  latencyMs: [20, 20] as const,
  jitterMs: 2,
  loss: 0,
});

/** A dial that nobody answers fails after this. */
export const DIAL_TIMEOUT_MS = 3_000;
/** The node's keepalive: asked after 15 s of silence, closed 10 s later. */
export const SILENCE_MS = 15_000 + 10_000;
/** The first retransmission of TCP (RFC 6298 section 2). */
export const RETRANSMIT_MS = 1_000;

/** One end of a session. What is sent here arrives at its peer. */
export class End {
  isOpen = true;
  /** Since when nothing can have come from the other end; Infinity while it can. */
  silentSinceMs = Infinity;
  /** When the last message sent from here arrives. */
  lastArrivalMs = 0;
  readonly node: SimNode;
  readonly latencyMs: number;
  readonly isDialer: boolean;
  #peer: End = this;

  constructor(node: SimNode, latencyMs: number, isDialer: boolean) {
    this.node = node;
    this.latencyMs = latencyMs;
    this.isDialer = isDialer;
  }

  get peer(): End {
    return this.#peer;
  }

  get isLive(): boolean {
    return this.isOpen && this.peer.isOpen;
  }

  static pair(dialer: SimNode, target: SimNode, latencyMs: number): [End, End] {
    const near = new End(dialer, latencyMs, true);
    const far = new End(target, latencyMs, false);
    near.#peer = far;
    far.#peer = near;
    return [near, far];
  }
}

export class SimNetwork {
  readonly timeline: Timeline;
  readonly traffic: Traffic;
  readonly digest: Digest | undefined;
  /** The message that its receiver is handling, or handled last. */
  arriving: Bytes | undefined;
  /** Sessions opened so far. */
  opened = 0;
  /** Whether two nodes may hold a session: admission, as each sees the other. */
  admits: (a: SimNode, b: SimNode) => boolean = () => true;
  #links: LinkOptions;
  readonly #seed: number;
  readonly #random: Random;

  constructor(
    { timeline, traffic, digest, links, seed }: {
      readonly timeline: Timeline;
      readonly traffic: Traffic;
      readonly digest: Digest | undefined;
      readonly links: LinkOptions;
      readonly seed: number;
    },
  ) {
    this.timeline = timeline;
    this.traffic = traffic;
    this.digest = digest;
    this.#links = links;
    this.#seed = seed;
    this.#random = seededRandom(mixSeeds(seed, 0x4e_4554));
  }

  /** Changes how messages fare from now on; latencies stay those of the sessions that are open. */
  set loss(loss: number) {
    this.#links = { ...this.#links, loss };
  }

  isReachable(a: SimNode, b: SimNode): boolean {
    return a.isPowered && b.isPowered && a.group === b.group;
  }

  /** Sends `message` from an open end to the other. */
  send(from: End, message: Bytes): void {
    const { node, peer } = from;
    this.traffic.sent(node.index, message);
    const { loss, jitterMs } = this.#links;
    const isLost = loss > 0 && this.#random.next() < loss;
    if (isLost || !this.isReachable(node, peer.node)) {
      this.traffic.dropped++;
      return;
    }
    this.timeline.at(
      this.#arrivalMs(from, this.#random.next() * jitterMs),
      new Arrival(peer, message),
    );
  }

  /** Lets `dialer` dial; its node hears of the session, or `dial.fail` is called. */
  dial(dial: Dial): void {
    const { nowMs } = this.timeline;
    const { dialer, target } = dial;
    this.later(dialer, nowMs + DIAL_TIMEOUT_MS, () => dial.fail());
    const latencyMs = this.#latencyOf(dialer, target);
    let waitMs = 0;
    // SYN, its answer, the hello; a message of the answer that is lost has the target repeat it.
    for (let step = 0; step < 4; step++) {
      while (waitMs < DIAL_TIMEOUT_MS && this.#random.next() < this.#links.loss) {
        waitMs += RETRANSMIT_MS;
      }
    }
    if (!this.isReachable(dialer, target)) return;
    if (!target.isRunning) {
      this.later(dialer, nowMs + 2 * latencyMs + waitMs, () => dial.fail());
      return;
    }
    this.later(target, nowMs + 3 * latencyMs + waitMs, () => this.#accept(dial, latencyMs));
  }

  /** Opens a session that both ends know of at once. */
  openNow(dialer: SimNode, target: SimNode): void {
    const [near, far] = End.pair(dialer, target, this.#latencyOf(dialer, target));
    this.opened++;
    target.opened(far);
    dialer.opened(near);
  }

  /** A hello reaches the process of its target. */
  #accept(dial: Dial, latencyMs: number): void {
    const { dialer, target } = dial;
    if (!this.isReachable(dialer, target) || dial.isOver) return;
    const { nowMs } = this.timeline;
    if (!target.isRunning || !this.admits(dialer, target)) {
      this.later(dialer, nowMs + latencyMs, () => dial.fail());
      return;
    }
    // Of two crossed dials the second comes to nothing: its dialer hears of the session that the first opened.
    if (target.endTo(dialer.id)?.isLive || dialer.endTo(target.id)?.isLive) return;
    const [near, far] = End.pair(dialer, target, latencyMs);
    this.opened++;
    const { life } = dialer;
    // Before the target knows: what it sends at once must not overtake its answer.
    this.later(dialer, this.#arrivalMs(far, 0), () => this.#answer(near, dialer.life === life));
    target.opened(far);
  }

  /** Ends an open session in an orderly way: the other end is told after what was sent before. */
  close(end: End, cause: PartingCause): void {
    end.node.drop(end);
    this.#tell(end.peer, cause);
  }

  /** What came for a session that its process does not have: its host says so, and the other end ends. */
  reset(end: End): void {
    end.node.drop(end);
    this.#tell(end.peer, "lost");
  }

  /** Lets an end that can no longer be reached find out by itself. */
  silence(end: End): void {
    if (!end.isOpen || end.silentSinceMs !== Infinity) return;
    const { nowMs } = this.timeline;
    end.silentSinceMs = nowMs;
    this.later(end.node, nowMs + SILENCE_MS, (atMs) => {
      // Healed meanwhile, perhaps to fall silent again later.
      if (end.isOpen && atMs - end.silentSinceMs >= SILENCE_MS) end.node.closed(end, "lost");
    });
  }

  /** The other end can be reached again, and still is one. */
  unsilence(end: End): void {
    if (end.isLive && this.isReachable(end.node, end.peer.node)) end.silentSinceMs = Infinity;
  }

  #tell(end: End, cause: PartingCause): void {
    if (!end.isOpen) return;
    const { node, peer } = end;
    if (!this.isReachable(node, peer.node)) {
      this.silence(end);
      return;
    }
    this.later(node, this.#arrivalMs(peer, 0), () => {
      if (!end.isOpen) return;
      if (this.isReachable(node, peer.node)) node.closed(end, cause);
      else this.silence(end);
    });
  }

  /** The target's answer reaches the dialer. */
  #answer(end: End, isSameProcess: boolean): void {
    if (!end.isOpen) return;
    const { node, peer } = end;
    if (!this.isReachable(node, peer.node)) {
      end.isOpen = false;
      this.silence(peer);
    } else if (!isSameProcess || !node.isRunning) this.reset(end);
    else node.opened(end);
  }

  /** Lets `action` happen at `atMs`, or when `node` next runs. */
  later(node: SimNode, atMs: number, action: (nowMs: number) => void): void {
    const step: Occurrence = {
      happen(nowMs) {
        if (!node.defers(step, nowMs)) action(nowMs);
      },
    };
    this.timeline.at(atMs, step);
  }

  /** Nothing overtakes what was sent before. */
  #arrivalMs(from: End, jitterMs: number): number {
    const atMs = this.timeline.nowMs + from.latencyMs + jitterMs;
    return from.lastArrivalMs = atMs < from.lastArrivalMs ? from.lastArrivalMs : atMs;
  }

  #latencyOf(a: SimNode, b: SimNode): number {
    const [min, max] = this.#links.latencyMs;
    if (min === max) return min;
    const [low, high] = a.index < b.index ? [a.index, b.index] : [b.index, a.index];
    const drawn = mixSeeds(mixSeeds(this.#seed, low), high) / 0x1_0000_0000;
    return min + drawn * (max - min);
  }
}

/** A dial under way. */
export class Dial {
  isOver = false;
  readonly dialer: SimNode;
  readonly target: SimNode;
  readonly #onFail: () => void;

  constructor(dialer: SimNode, target: SimNode, onFail: () => void) {
    this.dialer = dialer;
    this.target = target;
    this.#onFail = onFail;
  }

  fail(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#onFail();
  }
}

class Arrival implements Occurrence {
  readonly #end: End;
  readonly #message: Bytes;

  constructor(end: End, message: Bytes) {
    this.#end = end;
    this.#message = message;
  }

  happen(nowMs: number): void {
    this.#end.node.arrive(this.#end, this.#message, nowMs, this);
  }
}
