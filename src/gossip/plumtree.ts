/**
 * Epidemic broadcast trees: how an event reaches everybody at about one copy each.
 *
 * J. Leitao, J. Pereira, L. Rodrigues: "Epidemic Broadcast Trees", SRDS 2007 (Plumtree). Links to neighbours
 * are eager, along which events are sent, or lazy, along which only their tags are. Eager links form a tree:
 * who gets a second copy prunes the link it came by; who hears of an event that does not come grafts a link
 * by which it was announced.
 *
 * ```
 *          graft, sent or received; news by it
 *        +------------------------------------> eager
 *  lazy -+                                        |
 *    ^   +----------------------------------------+
 *    |     prune, sent (a second copy) or received
 *  added
 * ```
 *
 * What differs from the paper, and why:
 *
 * - A link begins lazy. The first event is pulled along the quickest announcements, and that makes the tree:
 *   nobody gets a second copy even of the first event.
 * - Eager neighbours are told the tag of what they were sent as well. Who missed it asks for it again on the
 *   same link within a moment, and the tree stays as it is.
 * - What was asked of a lazy neighbour, and every copy of it from there on, is marked as a detour. It came
 *   another way than the tree's, so a second copy of it prunes nothing; and it tells those behind that the
 *   tree was mended: what they heard of before is asked for without a graft. Otherwise events that are
 *   under way together mend the same break many times and cut the cycles that this makes many times, and
 *   from some rate of events on the tree never heals.
 * - Named events and queries that have travelled `MAX_PUSH_HOPS` links are held: announced, not sent.
 *   Who is that far down asks whoever of its neighbours has the fewest hops, without a graft. So paths
 *   stay short however the tree has grown. (The paper's section 3.8 changes the tree instead, which
 *   with many origins keeps it moving.)
 *
 * `announcer.ts` says when tags are told, `missing_events.ts` when they are asked for.
 */

import type { Bytes } from "../base/bytes.ts";
import type { PeerId } from "../base/peer_id.ts";
import { type Random, randomBelow } from "../base/random.ts";
import { Announcer, isHeld } from "./announcer.ts";
import {
  EVENT_BURST,
  type KeptEvent,
  NO_RATE,
  type Pace,
  type Rate,
  spend,
} from "./event_memory.ts";
import { type Announcement, encodeEvent, encodeRequest, MAX_TAGS, PRUNE } from "./event_message.ts";
import { MissingEvents } from "./missing_events.ts";

/** Events on request: all that is kept for one that was away, then five times what one member may send. */
const REQUEST_PACE: Pace = Object.freeze({ everyMs: 20, burst: 2 * EVENT_BURST });

/** What the tree asks of its owner. */
export interface PlumtreeHost {
  send(to: PeerId, message: Bytes): void;
  /** Sends what can wait until something else goes the same way. */
  sendLater(to: PeerId, message: Bytes): void;
  /** Whether everybody has a session with everybody. */
  isFullMesh(nowMs: number): boolean;
  /** Whether the event was here, kept or not. */
  isKnown(tag: number): boolean;
  find(tag: number, nowMs: number): KeptEvent | undefined;
  /** The last `count` events that a neighbour that was away must hear of. */
  latest(count: number, nowMs: number): readonly KeptEvent[];
}

export class Plumtree {
  readonly #host: PlumtreeHost;
  readonly #random: Random;
  readonly #eager = new Set<PeerId>();
  readonly #lazy = new Set<PeerId>();
  readonly #missing: MissingEvents;
  readonly #announcer: Announcer;
  readonly #served = new Map<PeerId, Rate>();
  /** Whether an eager neighbour went, and nothing came since. */
  #isTorn = false;
  /** When the tree was mended here, as far as we can tell. */
  #mendedMs = -Infinity;

  constructor(host: PlumtreeHost, random: Random) {
    this.#host = host;
    this.#random = random;
    this.#missing = new MissingEvents(this, random);
    const { send, sendLater, latest } = host;
    const links = { eager: this.#eager, lazy: this.#lazy };
    this.#announcer = new Announcer({ ...links, send, sendLater, latest }, random);
  }

  /** Neighbours that are sent events. */
  get eager(): ReadonlySet<PeerId> {
    return this.#eager;
  }

  /** Neighbours that events are announced to. */
  get lazy(): ReadonlySet<PeerId> {
    return this.#lazy;
  }

  /** Whether events can be expected to come by themselves. */
  get isRooted(): boolean {
    return this.#eager.size > 0 && !this.#isTorn;
  }

  /** Neighbours. */
  get size(): number {
    return this.#eager.size + this.#lazy.size;
  }

  /** Events that were announced and have not come. */
  get missing(): number {
    return this.#missing.size;
  }

  get deadlineMs(): number {
    return Math.min(this.#missing.dueMs, this.#announcer.deadlineMs);
  }

  has(id: PeerId): boolean {
    return this.#eager.has(id) || this.#lazy.has(id);
  }

  add(id: PeerId, nowMs: number): void {
    if (this.has(id)) return;
    this.#lazy.add(id);
    this.#announcer.welcome(id, nowMs);
  }

  remove(id: PeerId, nowMs: number): void {
    if (this.#eager.delete(id)) this.#isTorn = true;
    this.#lazy.delete(id);
    this.#served.delete(id);
    this.#announcer.forget(id);
    this.#missing.remove(id, nowMs);
  }

  /** An event that is news here: sends and announces it. */
  spread(event: KeptEvent, nowMs: number): void {
    const { from } = event;
    const missing = this.#missing.take(event.tag);
    for (const { id } of missing?.announcers ?? []) if (id !== from) event.holders.push(id);
    if (this.#host.isFullMesh(nowMs)) return this.#spreadInMesh(event, nowMs);
    const isInTree = this.#eager.size > 0 && missing?.isDetour !== true;
    if (missing?.isDetour) event.isDetour = true;
    else if (from === undefined) this.#takeRoot();
    else {
      if (this.has(from)) this.#makeEager(from);
      if (event.isDetour) this.#mendedMs = nowMs;
    }
    if (from !== undefined) this.#isTorn = false;
    if (!isHeld(event)) this.#push(event, nowMs);
    this.#announcer.add(event, isInTree, nowMs);
  }

  /** A second copy came: the link by which it did is not part of the tree, unless a detour brought it. */
  refuse(tag: number, from: PeerId, isDetour: boolean, nowMs: number): void {
    if (this.#host.isFullMesh(nowMs)) return;
    const event = this.#host.find(tag, nowMs);
    // Asked twice and answered twice, by the same neighbour: that link is the tree.
    if (!event || event.from === from || event.isDetour || isDetour || !this.has(from)) return;
    this.#makeLazy(from);
    this.#host.send(from, PRUNE);
  }

  /** An event came that is not to be passed on: nobody is asked for it any more. */
  drop(tag: number): void {
    this.#missing.take(tag);
  }

  receiveAnnounce(from: PeerId, announcements: readonly Announcement[], nowMs: number): void {
    if (!this.has(from)) return;
    for (const announcement of announcements) {
      const { tag } = announcement;
      if (!this.#host.isKnown(tag)) {
        this.#missing.hear(from, announcement, nowMs);
        continue;
      }
      const event = this.#host.find(tag, nowMs);
      if (event && !event.holders.includes(from)) event.holders.push(from);
    }
  }

  receiveRequest(from: PeerId, isGraft: boolean, tags: readonly number[], nowMs: number): void {
    if (!this.has(from)) return;
    if (isGraft) this.#makeEager(from);
    for (const tag of tags) {
      const event = this.#host.find(tag, nowMs);
      if (!event) continue;
      const rate = spend(this.#served.get(from) ?? NO_RATE, REQUEST_PACE, nowMs);
      if (rate === undefined) return;
      this.#served.set(from, rate);
      this.#host.send(from, encodeKept(event, nowMs));
    }
  }

  receivePrune(from: PeerId): void {
    this.#makeLazy(from);
  }

  /** Does what is due. */
  tick(nowMs: number): void {
    if (nowMs >= this.#missing.dueMs) this.#ask(nowMs);
    this.#announcer.tick(nowMs);
  }

  /** Who broadcasts without an eager link makes one: the rest is the tree's, if there is one. */
  #takeRoot(): void {
    if (this.#eager.size > 0) return;
    const links = [...this.#lazy];
    const first = links[randomBelow(this.#random, links.length)];
    if (first !== undefined) this.#makeEager(first);
  }

  /** Its origin tells all, and others only remind: a tree would have one member carry what everybody says. */
  #spreadInMesh(event: KeptEvent, nowMs: number): void {
    if (event.from === undefined) {
      const message = encodeKept(event, nowMs);
      const { send, sendLater } = this.#host;
      for (const links of [this.#eager, this.#lazy]) {
        for (const id of links) (event.isCalm ? sendLater : send)(id, message);
      }
    }
    this.#announcer.addInMesh(event, nowMs);
  }

  #push(event: KeptEvent, nowMs: number): void {
    let message: Bytes | undefined;
    for (const id of this.#eager) {
      if (event.holders.includes(id)) continue;
      message ??= encodeKept(event, nowMs);
      this.#host.send(id, message);
    }
  }

  /** Asks for what is overdue, all that one neighbour is asked for in one message. */
  #ask(nowMs: number): void {
    const requests = new Map<PeerId, number[]>();
    for (const [missing, { id }] of this.#missing.due(nowMs)) {
      const isCutOff = !missing.isOnTree && missing.heardMs >= this.#mendedMs;
      if (!this.#eager.has(id) && (isCutOff || !this.isRooted)) {
        this.#makeEager(id);
        this.#mendedMs = nowMs;
        this.#isTorn = false;
      }
      const tags = requests.get(id);
      if (tags) tags.push(missing.tag);
      else requests.set(id, [missing.tag]);
    }
    for (const [id, tags] of requests) {
      for (let at = 0; at < tags.length; at += MAX_TAGS) {
        const message = encodeRequest(tags.slice(at, at + MAX_TAGS), this.#eager.has(id));
        this.#host.send(id, message);
      }
    }
  }

  #makeEager(id: PeerId): void {
    if (this.#lazy.delete(id)) this.#eager.add(id);
  }

  #makeLazy(id: PeerId): void {
    if (this.#eager.delete(id)) this.#lazy.add(id);
  }
}

function encodeKept({ bytes, hops, bornMs, isDetour }: KeptEvent, nowMs: number): Bytes {
  return encodeEvent(bytes, { hops: hops + 1, ageMs: nowMs - bornMs, isDetour });
}
