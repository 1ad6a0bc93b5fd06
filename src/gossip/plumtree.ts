/**
 * Epidemic broadcast trees: how an event reaches everybody at about one copy each.
 *
 * J. Leitão, J. Pereira, L. Rodrigues: "Epidemic Broadcast Trees", SRDS 2007 (Plumtree). Links to neighbours
 * are eager, along which events are sent, or lazy, along which only their tags are. Eager links form a tree:
 * who gets a second copy prunes the link it came by; who hears of an event that does not come grafts a link
 * by which it was announced.
 *
 * ```
 *          graft, sent or received; news by it
 *        ┌────────────────────────────────────► eager
 *  lazy ─┤                                        │
 *    ▲   └────────────────────────────────────────┘
 *    │     prune, sent (a second copy) or received
 *  added
 * ```
 *
 * What differs from the paper, and why:
 *
 * - A link begins lazy. The first event is pulled along the quickest announcements, and that makes the tree:
 *   nobody gets a second copy even of the first event.
 * - Eager neighbours are told the tag of what they were sent as well. Who missed it asks for it again on the
 *   same link within a moment, and the tree stays as it is.
 * - What was asked for, and every copy of it from there on, is marked as a detour. It came another way than
 *   the tree's, so a second copy of it prunes nothing, and it tells those behind that the tree was mended:
 *   what they heard of before is asked for without a graft. Otherwise events that are under way together
 *   cut and mend the same break many times, and from some rate on the tree never heals.
 * - Named events and queries that have travelled {@link MAX_PUSH_HOPS} links are held: announced, not sent.
 *   Who is that far down asks whoever of its neighbours has the fewest hops, without a graft. So paths
 *   stay short however the tree has grown. (The paper's section 3.8 changes the tree instead, which
 *   with many origins keeps it moving.)
 * - Neither end of a link announces what the other has announced.
 * - Nothing is acknowledged. Tags of the last seconds are told again to {@link FEW} neighbours, in case that
 *   an event and all that announced it were lost.
 *
 * Capability records can wait, so lazy neighbours hear of them every {@link CALM_WINDOW_MS}, and but a few of
 * them: what that costs a node does not grow with its links.
 */

import type { Bytes } from "../base/bytes.ts";
import type { PeerId } from "../base/peer_id.ts";
import { type Random, randomBelow, shuffled } from "../base/random.ts";
import { EVENT_CLASSES } from "./event.ts";
import {
  EVENT_BURST,
  type KeptEvent,
  NO_RATE,
  type Pace,
  type Rate,
  spend,
} from "./event_memory.ts";
import {
  type Announcement,
  encodeAnnounce,
  encodeEvent,
  encodeRequest,
  MAX_TAGS,
  PRUNE,
} from "./event_message.ts";
import { MissingEvents, type TreeLinks } from "./missing_events.ts";

/** A tree made by one event has this diameter at 1,000 members with 20 neighbours each. */
export const MAX_PUSH_HOPS = 6;
/** Tags of named events and queries wait so long for others. */
export const URGENT_WINDOW_MS = 20;
/** Tags of capability records wait so long, for lazy neighbours. */
export const CALM_WINDOW_MS = 5_000;
/** Younger records are not announced to lazy neighbours yet: the tree may be about to bring them. */
export const CALM_AGE_MS = 2_000;
/** How often the tags of the last two periods are told again. */
export const REMINDER_MS = 5_000;
/** Neighbours to whom calm announcements and reminders go. */
export const FEW = 4;
/** Events on request: all that is kept for one that was away, then five times what one member may send. */
const REQUEST_PACE: Pace = Object.freeze({ everyMs: 20, burst: 2 * EVENT_BURST });

/** What the tree asks of its owner. */
export interface PlumtreeHost {
  send(to: PeerId, message: Bytes): void;
  /** Whether the event was here, kept or not. */
  isKnown(tag: number): boolean;
  find(tag: number, nowMs: number): KeptEvent | undefined;
  /** The last `count` events that a neighbour that was away must hear of. */
  latest(count: number, nowMs: number): readonly KeptEvent[];
}

export class Plumtree implements TreeLinks {
  readonly #host: PlumtreeHost;
  readonly #random: Random;
  readonly #eager = new Set<PeerId>();
  readonly #lazy = new Set<PeerId>();
  readonly #missing: MissingEvents;
  readonly #served = new Map<PeerId, Rate>();
  /** Neighbours that are offered what is kept once more. */
  readonly #newcomers = new Set<PeerId>();
  /** Whether an eager neighbour went, and nothing came since. */
  #isTorn = false;
  /** When the tree was mended here, as far as we can tell. */
  #mendedMs = -Infinity;
  /** To be announced soon: to everybody, and to eager neighbours alone. */
  #urgent: KeptEvent[] = [];
  #sent: KeptEvent[] = [];
  /** To be announced later, to a few lazy neighbours. */
  #calm: KeptEvent[] = [];
  #urgentDueMs = Infinity;
  #calmDueMs = Infinity;
  #reminderDueMs = Infinity;

  constructor(host: PlumtreeHost, random: Random) {
    this.#host = host;
    this.#random = random;
    this.#missing = new MissingEvents(this, random);
  }

  /** Neighbours that are sent events. */
  get eager(): ReadonlySet<PeerId> {
    return this.#eager;
  }

  /** Neighbours that events are announced to. */
  get lazy(): ReadonlySet<PeerId> {
    return this.#lazy;
  }

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
    return Math.min(
      this.#missing.dueMs,
      this.#urgentDueMs,
      this.#calmDueMs,
      this.#reminderDueMs,
    );
  }

  has(id: PeerId): boolean {
    return this.#eager.has(id) || this.#lazy.has(id);
  }

  /** A new neighbour, which may have been away: it is offered what is kept, and once more later. */
  add(id: PeerId, nowMs: number): void {
    if (this.has(id)) return;
    this.#lazy.add(id);
    if (!this.#offer(id, nowMs)) return;
    this.#newcomers.add(id);
    this.#remindLater(nowMs);
  }

  remove(id: PeerId, nowMs: number): void {
    if (this.#eager.delete(id)) this.#isTorn = true;
    this.#lazy.delete(id);
    this.#newcomers.delete(id);
    this.#served.delete(id);
    this.#missing.remove(id, nowMs);
  }

  /** An event that is news here: sends and announces it. */
  spread(event: KeptEvent, nowMs: number): void {
    const { from } = event;
    const missing = this.#missing.take(event.tag);
    for (const { id } of missing?.announcers ?? []) if (id !== from) event.holders.push(id);
    const isInTree = this.#eager.size > 0 && missing?.isDetour !== true;
    if (missing?.isDetour) event.isDetour = true;
    else if (from === undefined) this.#takeRoot();
    else {
      if (this.has(from)) this.#makeEager(from);
      if (event.isDetour) this.#mendedMs = nowMs;
    }
    if (from !== undefined) this.#isTorn = false;
    if (!isHeld(event)) this.#push(event, nowMs);
    this.#announceLater(event, isInTree, nowMs);
  }

  /** A second copy came: the link by which it did is not part of the tree, unless a detour brought it. */
  refuse(tag: number, from: PeerId, isDetour: boolean, nowMs: number): void {
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
      if (!this.#host.isKnown(tag)) this.#missing.hear(from, announcement, nowMs);
      else {
        const event = this.#host.find(tag, nowMs);
        if (event && !event.holders.includes(from)) event.holders.push(from);
      }
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
    if (this.has(from)) this.#makeLazy(from);
  }

  /** Does what is due. */
  tick(nowMs: number): void {
    if (nowMs >= this.#missing.dueMs) this.#ask(nowMs);
    if (nowMs >= this.#urgentDueMs) this.#announceUrgent();
    if (nowMs >= this.#calmDueMs) this.#announceCalm(nowMs);
    if (nowMs >= this.#reminderDueMs) this.#remind(nowMs);
  }

  /** Who broadcasts without an eager link makes one: the rest is the tree's, if there is one. */
  #takeRoot(): void {
    if (this.#eager.size > 0) return;
    const links = [...this.#lazy];
    const first = links[randomBelow(this.#random, links.length)];
    if (first !== undefined) this.#makeEager(first);
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

  #announceLater(event: KeptEvent, isInTree: boolean, nowMs: number): void {
    const isRecord = event.class === EVENT_CLASSES.capabilities;
    if (!isRecord) this.#remindLater(nowMs);
    if (isRecord && isInTree) {
      this.#sent.push(event);
      this.#calm.push(event);
      this.#calmDueMs = Math.min(this.#calmDueMs, nowMs + CALM_WINDOW_MS);
    } else this.#urgent.push(event);
    // Where there is no tree, announcements make it.
    const windowMs = isInTree ? URGENT_WINDOW_MS : 0;
    this.#urgentDueMs = Math.min(this.#urgentDueMs, nowMs + windowMs);
  }

  #announceUrgent(): void {
    this.#urgentDueMs = Infinity;
    const urgent = this.#urgent.splice(0);
    this.#announce([...urgent, ...this.#sent.splice(0)], this.#eager);
    this.#announce(urgent, this.#lazy);
  }

  #announceCalm(nowMs: number): void {
    const due = this.#calm.filter(({ arrivedMs }) => nowMs - arrivedMs >= CALM_AGE_MS);
    this.#calm = this.#calm.filter(({ arrivedMs }) => nowMs - arrivedMs < CALM_AGE_MS);
    this.#calmDueMs = this.#calm.length > 0 ? nowMs + CALM_WINDOW_MS : Infinity;
    this.#announce(due, shuffled(this.#random, [...this.#lazy]).slice(0, FEW));
  }

  /** Tells each of `links` what of `events` it is not known to have. */
  #announce(events: readonly KeptEvent[], links: Iterable<PeerId>): void {
    let common: readonly Bytes[] | undefined;
    for (const id of links) {
      const news = events.filter(({ holders }) => !holders.includes(id));
      if (news.length === 0) continue;
      const messages = news.length < events.length
        ? encodeAnnouncements(news)
        : common ??= encodeAnnouncements(news);
      for (const message of messages) this.#host.send(id, message);
    }
  }

  /** Offers a neighbour what is kept; returns whether there is anything. */
  #offer(id: PeerId, nowMs: number): boolean {
    const kept = this.#host.latest(EVENT_BURST, nowMs);
    for (const message of encodeAnnouncements(kept)) this.#host.send(id, message);
    return kept.length > 0;
  }

  #remindLater(nowMs: number): void {
    this.#reminderDueMs = Math.min(this.#reminderDueMs, nowMs + REMINDER_MS);
  }

  #remind(nowMs: number): void {
    this.#reminderDueMs = Infinity;
    for (const id of this.#newcomers) this.#offer(id, nowMs);
    this.#newcomers.clear();
    const recent = this.#host.latest(EVENT_BURST, nowMs)
      .filter(({ arrivedMs }) => nowMs - arrivedMs <= 2 * REMINDER_MS);
    const links = shuffled(this.#random, [...this.#eager, ...this.#lazy]).slice(0, FEW);
    for (const message of encodeAnnouncements(recent)) {
      for (const id of links) this.#host.send(id, message);
    }
    if (recent.some(({ arrivedMs }) => nowMs - arrivedMs < REMINDER_MS)) this.#remindLater(nowMs);
  }

  #makeEager(id: PeerId): void {
    if (this.#lazy.delete(id)) this.#eager.add(id);
  }

  #makeLazy(id: PeerId): void {
    if (this.#eager.delete(id)) this.#lazy.add(id);
  }
}

/** Whether an event is announced, but not sent further. */
function isHeld(event: KeptEvent): boolean {
  return event.class !== EVENT_CLASSES.capabilities && event.hops >= MAX_PUSH_HOPS;
}

function encodeKept({ bytes, hops, bornMs, isDetour }: KeptEvent, nowMs: number): Bytes {
  return encodeEvent(bytes, { hops: hops + 1, ageMs: nowMs - bornMs, isDetour });
}

function encodeAnnouncements(events: readonly KeptEvent[]): Bytes[] {
  const messages: Bytes[] = [];
  for (let at = 0; at < events.length; at += MAX_TAGS) {
    const batch = events.slice(at, at + MAX_TAGS);
    messages.push(
      encodeAnnounce(batch.map((event) => ({
        tag: event.tag,
        hops: event.hops,
        isHeld: isHeld(event),
      }))),
    );
  }
  return messages;
}
