/**
 * Epidemic broadcast trees: how an event reaches everybody at about one copy each.
 *
 * J. Leitão, J. Pereira, L. Rodrigues: "Epidemic Broadcast Trees", SRDS 2007 (Plumtree). Links to neighbours
 * are eager, along which events are sent, or lazy, along which only their tags are. Eager links form a tree:
 * who gets a second copy prunes the link it came by; who hears of an event that does not come grafts the link
 * the announcement came by.
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
 * - A missing event is asked of the announcer with the fewest hops, not of the first, and what has travelled
 *   {@link MAX_PUSH_HOPS} links is announced only. So paths stay short: whoever is far down the tree asks a
 *   neighbour that is not. The optimisation of the paper's section 3.8 shortens the tree itself.
 * - Neither sends what the other has announced, so that a link carries a tag once.
 * - Nothing is acknowledged. The tags of the last seconds are told again to a few neighbours, any of them,
 *   in case that a message and all that announced it were lost.
 *
 * Capability records can wait, so their tags are collected for {@link CALM_WINDOW_MS} and told to a few lazy
 * neighbours: what announcing costs a node does not grow with its links.
 *
 * Bounds: 1,024 missing tags, 256 of them on one neighbour's word; 8 announcers of each, 8 requests; a
 * neighbour is sent what it missed at a bounded rate.
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
  encodeGraft,
  MAX_TAGS,
  PRUNE,
} from "./event_message.ts";

/** What travelled further is announced, not sent: the diameter of a good tree of 1,000 members. */
export const MAX_PUSH_HOPS = 6;
/** Hops that another neighbour must save to be worth a change of the tree (the paper's threshold). */
export const WORTHWHILE_HOPS = 3;
/** How long the tree may take longer than announcements before a node asks (the paper's first timeout). */
export const GRAFT_WAIT_MS = 300;
/** The same without any eager link: until the announcements of one round have come. */
export const FIRST_GRAFT_WAIT_MS = 20;
/** How long an answer to a request may take (the paper's second timeout). */
export const GRAFT_RETRY_MS = 500;
/** Announcements of named events and queries wait so long for others. */
export const URGENT_WINDOW_MS = 20;
export const CALM_WINDOW_MS = 5_000;
/** How often the tags of the last two periods are told again. */
export const REMINDER_MS = 5_000;
/** Neighbours to whom calm announcements and reminders go. */
export const FEW = 4;
export const MAX_MISSING = 1_024;
export const MAX_MISSING_OF_NEIGHBOUR = 256;
export const MAX_ANNOUNCERS = 8;
const MAX_REQUESTS = 8;
/** Events on request: everything kept for one that was away, then twice what a member may send. */
const GRAFT_PACE: Pace = Object.freeze({ everyMs: 20, burst: 2 * EVENT_BURST });

/** What the tree asks of its owner. */
export interface PlumtreeHost {
  send(to: PeerId, message: Bytes): void;
  /** Whether the event was here, kept or not. */
  isKnown(tag: number): boolean;
  find(tag: number, nowMs: number): KeptEvent | undefined;
  /** The last `count` events that a neighbour that was away must hear of. */
  latest(count: number, nowMs: number): readonly KeptEvent[];
}

interface Announcer {
  readonly id: PeerId;
  readonly hops: number;
  requests: number;
}

/** An event that was announced and has not come. */
interface Missing {
  readonly tag: number;
  /** The neighbour that is charged for it. */
  readonly claimant: PeerId;
  readonly heardMs: number;
  readonly announcers: Announcer[];
  requests: number;
  askedMs: number;
}

export class Plumtree {
  readonly #host: PlumtreeHost;
  readonly #random: Random;
  readonly #eager = new Set<PeerId>();
  readonly #lazy = new Set<PeerId>();
  readonly #missing = new Map<number, Missing>();
  /** How many missing tags each neighbour was the first to announce. */
  readonly #claims = new Map<PeerId, number>();
  readonly #served = new Map<PeerId, Rate>();
  /** Neighbours that are offered what is kept once more. */
  readonly #newcomers = new Set<PeerId>();
  #urgent: KeptEvent[] = [];
  #calm: KeptEvent[] = [];
  #missingDueMs = Infinity;
  #urgentDueMs = Infinity;
  #calmDueMs = Infinity;
  #reminderDueMs = Infinity;

  constructor(host: PlumtreeHost, random: Random) {
    this.#host = host;
    this.#random = random;
  }

  /** Neighbours that are sent events. */
  get eager(): ReadonlySet<PeerId> {
    return this.#eager;
  }

  /** Neighbours that events are announced to. */
  get lazy(): ReadonlySet<PeerId> {
    return this.#lazy;
  }

  get size(): number {
    return this.#eager.size + this.#lazy.size;
  }

  get missing(): number {
    return this.#missing.size;
  }

  get deadlineMs(): number {
    return Math.min(
      this.#missingDueMs,
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

  /** A neighbour is gone: what it was asked for is asked of others at once. */
  remove(id: PeerId, nowMs: number): void {
    this.#eager.delete(id);
    this.#lazy.delete(id);
    this.#newcomers.delete(id);
    this.#served.delete(id);
    for (const missing of this.#missing.values()) {
      const at = missing.announcers.findIndex((announcer) => announcer.id === id);
      if (at < 0) continue;
      const [gone] = missing.announcers.splice(at, 1);
      if (gone && gone.requests > 0) missing.askedMs = -Infinity;
    }
    if (this.#missing.size > 0) this.#missingDueMs = nowMs;
  }

  /** An event that is news here: sends and announces it. */
  spread(event: KeptEvent, nowMs: number): void {
    const missing = this.#take(event.tag);
    for (const { id } of missing?.announcers ?? []) {
      if (id !== event.from) event.holders.push(id);
    }
    const wasPushed = missing === undefined || missing.requests === 0;
    const isInTree = wasPushed && this.#eager.size > 0;
    if (event.from !== undefined) this.#follow(event, event.from, missing);
    else if (!isInTree) this.#takeRoot();
    if (event.hops < MAX_PUSH_HOPS) this.#push(event, nowMs);
    if (event.class === EVENT_CLASSES.capabilities && isInTree) {
      this.#calm.push(event);
      this.#calmDueMs = Math.min(this.#calmDueMs, nowMs + CALM_WINDOW_MS);
      return;
    }
    this.#urgent.push(event);
    const windowMs = isInTree ? URGENT_WINDOW_MS : 0;
    this.#urgentDueMs = Math.min(this.#urgentDueMs, nowMs + windowMs);
    if (event.class !== EVENT_CLASSES.capabilities) this.#remindLater(nowMs);
  }

  /** A second copy came: the link by which it did is not part of the tree. */
  refuse(tag: number, from: PeerId, nowMs: number): void {
    const event = this.#host.find(tag, nowMs);
    // Asked twice, answered twice: that link is the tree.
    if (event?.from === from || !this.has(from)) return;
    this.#makeLazy(from);
    this.#host.send(from, PRUNE);
  }

  /** An event came that is not to be passed on: nobody is asked for it any more. */
  drop(tag: number): void {
    this.#take(tag);
  }

  receiveAnnounce(from: PeerId, announcements: readonly Announcement[], nowMs: number): void {
    if (!this.has(from)) return;
    for (const { tag, hops } of announcements) {
      if (this.#host.isKnown(tag)) this.#hearAgain(tag, from, hops, nowMs);
      else this.#miss(tag, from, hops, nowMs);
    }
  }

  receiveGraft(from: PeerId, tags: readonly number[], nowMs: number): void {
    if (!this.has(from)) return;
    this.#makeEager(from);
    for (const tag of tags) {
      const event = this.#host.find(tag, nowMs);
      if (!event) continue;
      const rate = spend(this.#served.get(from) ?? NO_RATE, GRAFT_PACE, nowMs);
      if (rate === undefined) return;
      this.#served.set(from, rate);
      this.#send(from, event, nowMs);
    }
  }

  receivePrune(from: PeerId): void {
    if (this.has(from)) this.#makeLazy(from);
  }

  tick(nowMs: number): void {
    if (nowMs >= this.#missingDueMs) this.#ask(nowMs);
    if (nowMs >= this.#urgentDueMs) {
      this.#urgentDueMs = Infinity;
      this.#announce(this.#urgent.splice(0), [...this.#lazy]);
    }
    if (nowMs >= this.#calmDueMs) {
      this.#calmDueMs = Infinity;
      this.#announce(this.#calm.splice(0), shuffled(this.#random, [...this.#lazy]).slice(0, FEW));
    }
    if (nowMs >= this.#reminderDueMs) this.#remind(nowMs);
  }

  /** Makes the link by which news came eager, or a much shorter one instead. */
  #follow(event: KeptEvent, from: PeerId, missing: Missing | undefined): void {
    if (!this.has(from)) return;
    this.#makeEager(from);
    if (!missing || missing.requests > 0) return;
    const best = bestAnnouncer(missing);
    if (best) this.#shorten(event, best.id, best.hops);
  }

  /** Section 3.8 of the paper: exchanges the link an event came by for one that is worthwhile hops shorter. */
  #shorten(event: KeptEvent, by: PeerId, hops: number): void {
    const { from } = event;
    if (from === undefined || !this.#eager.has(from) || !this.has(by)) return;
    if (hops + 1 + WORTHWHILE_HOPS > event.bestHops) return;
    event.bestHops = hops + 1;
    this.#makeEager(by);
    this.#makeLazy(from);
    this.#host.send(by, encodeGraft([]));
    this.#host.send(from, PRUNE);
  }

  /** Who broadcasts without an eager link makes one: the rest is the tree's, if there is one. */
  #takeRoot(): void {
    const links = [...this.#lazy];
    const first = links[randomBelow(this.#random, links.length)];
    if (first !== undefined) this.#makeEager(first);
  }

  #push(event: KeptEvent, nowMs: number): void {
    let message: Bytes | undefined;
    for (const id of this.#eager) {
      if (event.holders.includes(id)) continue;
      message ??= encodeEvent(event.bytes, event.hops + 1, nowMs - event.bornMs);
      this.#host.send(id, message);
    }
  }

  #send(to: PeerId, event: KeptEvent, nowMs: number): void {
    this.#host.send(to, encodeEvent(event.bytes, event.hops + 1, nowMs - event.bornMs));
  }

  #hearAgain(tag: number, from: PeerId, hops: number, nowMs: number): void {
    const event = this.#host.find(tag, nowMs);
    if (!event || event.holders.includes(from)) return;
    event.holders.push(from);
    // Later ones are reminders: the tree may have changed since.
    if (nowMs - event.arrivedMs < GRAFT_WAIT_MS) this.#shorten(event, from, hops);
  }

  #miss(tag: number, from: PeerId, hops: number, nowMs: number): void {
    let missing = this.#missing.get(tag);
    if (!missing) {
      const claims = this.#claims.get(from) ?? 0;
      if (this.#missing.size >= MAX_MISSING || claims >= MAX_MISSING_OF_NEIGHBOUR) return;
      this.#claims.set(from, claims + 1);
      missing = { tag, claimant: from, heardMs: nowMs, announcers: [], requests: 0, askedMs: 0 };
      this.#missing.set(tag, missing);
      this.#missingDueMs = Math.min(this.#missingDueMs, this.#dueMs(missing));
    }
    const { announcers } = missing;
    if (announcers.length >= MAX_ANNOUNCERS || announcers.some(({ id }) => id === from)) return;
    announcers.push({ id: from, hops, requests: 0 });
  }

  /** Asks for what is overdue, all that one neighbour is asked for in one message. */
  #ask(nowMs: number): void {
    const requests = new Map<PeerId, number[]>();
    let nextMs = Infinity;
    for (const missing of this.#missing.values()) {
      if (this.#dueMs(missing) <= nowMs) {
        const best = missing.requests < MAX_REQUESTS ? bestAnnouncer(missing) : undefined;
        if (!best) {
          this.#take(missing.tag);
          continue;
        }
        best.requests++;
        missing.requests++;
        missing.askedMs = nowMs;
        this.#makeEager(best.id);
        const tags = requests.get(best.id);
        if (tags) tags.push(missing.tag);
        else requests.set(best.id, [missing.tag]);
      }
      nextMs = Math.min(nextMs, this.#dueMs(missing));
    }
    this.#missingDueMs = nextMs;
    for (const [id, tags] of requests) {
      for (let at = 0; at < tags.length; at += MAX_TAGS) {
        this.#host.send(id, encodeGraft(tags.slice(at, at + MAX_TAGS)));
      }
    }
  }

  #dueMs({ requests, askedMs, heardMs }: Missing): number {
    if (requests > 0) return askedMs + GRAFT_RETRY_MS;
    return heardMs + (this.#eager.size > 0 ? GRAFT_WAIT_MS : FIRST_GRAFT_WAIT_MS);
  }

  /** No longer missing. */
  #take(tag: number): Missing | undefined {
    const missing = this.#missing.get(tag);
    if (!missing) return undefined;
    this.#missing.delete(tag);
    if (this.#missing.size === 0) this.#missingDueMs = Infinity;
    const claims = (this.#claims.get(missing.claimant) ?? 0) - 1;
    if (claims > 0) this.#claims.set(missing.claimant, claims);
    else this.#claims.delete(missing.claimant);
    return missing;
  }

  /** Tells each of `links` what of `events` it is not known to have. */
  #announce(events: readonly KeptEvent[], links: readonly PeerId[]): void {
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

/** Asked least often, then the fewest hops away, then the first. */
function bestAnnouncer({ announcers }: Missing): Announcer | undefined {
  let best: Announcer | undefined;
  for (const announcer of announcers) {
    const requests = announcer.requests - (best?.requests ?? Infinity);
    if (requests < 0 || (requests === 0 && best && announcer.hops < best.hops)) best = announcer;
  }
  return best;
}

function encodeAnnouncements(events: readonly KeptEvent[]): Bytes[] {
  const messages: Bytes[] = [];
  for (let at = 0; at < events.length; at += MAX_TAGS) {
    messages.push(encodeAnnounce(events.slice(at, at + MAX_TAGS)));
  }
  return messages;
}
