/**
 * Announcements: when neighbours are told the tags of events that are here, and which neighbours.
 *
 * | events                          | told to                             | after                              |
 * |---------------------------------|-------------------------------------|------------------------------------|
 * | any, where there is no tree yet | all                                 | at once: that makes the tree       |
 * | any, along the tree             | eager neighbours, who were sent it  | {@link URGENT_WINDOW_MS}           |
 * | named events and queries        | lazy neighbours                     | {@link URGENT_WINDOW_MS}           |
 * | capability records              | {@link FEW} lazy neighbours         | {@link CALM_WINDOW_MS} at most     |
 * | records in a full mesh          | {@link FEW} neighbours              | {@link MESH_WINDOW_MS}             |
 * | named events and queries, again | {@link FEW} neighbours              | {@link REMINDER_MS}, twice         |
 * | what is kept of these           | a new neighbour                     | at once, and once more             |
 *
 * What waits longer goes in fewer messages. Records can wait, for their owners repeat them; told to a few
 * neighbours, they cost a node the same however many it has. Nothing is acknowledged: reminders are for
 * events that were lost together with all that announced them. Who is known to have an event is not told.
 */

import type { Bytes } from "../base/bytes.ts";
import type { PeerId } from "../base/peer_id.ts";
import { type Random, shuffled } from "../base/random.ts";
import { EVENT_CLASSES } from "./event.ts";
import { EVENT_BURST, type KeptEvent } from "./event_memory.ts";
import { encodeAnnounce, MAX_TAGS } from "./event_message.ts";

export const URGENT_WINDOW_MS = 20;
export const CALM_WINDOW_MS = 5_000;
/** Younger records are not announced to lazy neighbours yet: the tree may be about to bring them. */
export const CALM_AGE_MS = 2_000;
/**
 * In a full mesh records ride along with probes; only who has no session with their origin has not got them by then. A newer
 * one of the same origin is announced in the place of the last.
 */
export const MESH_WINDOW_MS = 45_000;
export const REMINDER_MS = 5_000;
export const FEW = 4;
/** Named events and queries that have come so far are announced only. */
export const MAX_PUSH_HOPS = 6;

export interface AnnouncerHost {
  readonly eager: ReadonlySet<PeerId>;
  readonly lazy: ReadonlySet<PeerId>;
  send(to: PeerId, message: Bytes): void;
  sendLater(to: PeerId, message: Bytes): void;
  /** The last `count` named events and queries that are kept. */
  latest(count: number, nowMs: number): readonly KeptEvent[];
}

export class Announcer {
  readonly #host: AnnouncerHost;
  readonly #random: Random;
  /** Neighbours that are offered what is kept once more. */
  readonly #newcomers = new Set<PeerId>();
  #forAll: KeptEvent[] = [];
  #forEager: KeptEvent[] = [];
  #forFew: KeptEvent[] = [];
  #urgentDueMs = Infinity;
  #calmDueMs = Infinity;
  #inMesh: KeptEvent[] = [];
  #meshDueMs = Infinity;
  #reminderDueMs = Infinity;

  constructor(host: AnnouncerHost, random: Random) {
    this.#host = host;
    this.#random = random;
  }

  get deadlineMs(): number {
    return Math.min(this.#urgentDueMs, this.#calmDueMs, this.#meshDueMs, this.#reminderDueMs);
  }

  /** A new neighbour, which may have been away, is offered what is kept. */
  welcome(id: PeerId, nowMs: number): void {
    if (!this.#offer(id, nowMs)) return;
    this.#newcomers.add(id);
    this.#remindLater(nowMs);
  }

  forget(id: PeerId): void {
    this.#newcomers.delete(id);
  }

  /** An event is here, `isInTree` if the tree brought it, or takes it from here. */
  add(event: KeptEvent, isInTree: boolean, nowMs: number): void {
    const isRecord = event.class === EVENT_CLASSES.capabilities;
    if (!isRecord) this.#remindLater(nowMs);
    if (isRecord && isInTree) {
      this.#forEager.push(event);
      this.#forFew.push(event);
      this.#calmDueMs = Math.min(this.#calmDueMs, nowMs + CALM_WINDOW_MS);
    } else this.#forAll.push(event);
    const windowMs = isInTree ? URGENT_WINDOW_MS : 0;
    this.#urgentDueMs = Math.min(this.#urgentDueMs, nowMs + windowMs);
  }

  /** An event is here that its origin has sent to everybody. */
  addInMesh(event: KeptEvent, nowMs: number): void {
    if (event.class !== EVENT_CLASSES.capabilities) return this.#remindLater(nowMs);
    const isFromOrigin = (each: KeptEvent) => each.hops <= 1 && each.from === event.from;
    if (isFromOrigin(event)) this.#inMesh = this.#inMesh.filter((each) => !isFromOrigin(each));
    this.#inMesh.push(event);
    this.#meshDueMs = Math.min(this.#meshDueMs, nowMs + MESH_WINDOW_MS);
  }

  tick(nowMs: number): void {
    if (nowMs >= this.#urgentDueMs) this.#announceUrgent();
    if (nowMs >= this.#calmDueMs) this.#announceCalm(nowMs);
    if (nowMs >= this.#meshDueMs) this.#announceInMesh();
    if (nowMs >= this.#reminderDueMs) this.#remind(nowMs);
  }

  #announceUrgent(): void {
    this.#urgentDueMs = Infinity;
    const forAll = this.#forAll.splice(0);
    this.#announce([...forAll, ...this.#forEager.splice(0)], this.#host.eager);
    this.#announce(forAll, this.#host.lazy);
  }

  #announceCalm(nowMs: number): void {
    const due = this.#forFew.filter(({ arrivedMs }) => nowMs - arrivedMs >= CALM_AGE_MS);
    this.#forFew = this.#forFew.filter(({ arrivedMs }) => nowMs - arrivedMs < CALM_AGE_MS);
    this.#calmDueMs = this.#forFew.length > 0 ? nowMs + CALM_WINDOW_MS : Infinity;
    this.#announce(due, this.#few(this.#host.lazy));
  }

  #announceInMesh(): void {
    this.#meshDueMs = Infinity;
    const messages = encodeAnnouncements(this.#inMesh.splice(0));
    for (const id of this.#few(this.#host.lazy)) {
      for (const message of messages) this.#host.sendLater(id, message);
    }
  }

  #remind(nowMs: number): void {
    this.#reminderDueMs = Infinity;
    for (const id of this.#newcomers) this.#offer(id, nowMs);
    this.#newcomers.clear();
    const recent = this.#host.latest(EVENT_BURST, nowMs)
      .filter(({ arrivedMs }) => nowMs - arrivedMs <= 2 * REMINDER_MS);
    const { eager, lazy } = this.#host;
    const messages = encodeAnnouncements(recent);
    for (const id of this.#few([...eager, ...lazy])) this.#sendAll(id, messages);
    if (recent.some(({ arrivedMs }) => nowMs - arrivedMs <= REMINDER_MS)) this.#remindLater(nowMs);
  }

  #remindLater(nowMs: number): void {
    this.#reminderDueMs = Math.min(this.#reminderDueMs, nowMs + REMINDER_MS);
  }

  /** Offers a neighbour what is kept; returns whether there is anything. */
  #offer(id: PeerId, nowMs: number): boolean {
    const kept = this.#host.latest(EVENT_BURST, nowMs);
    this.#sendAll(id, encodeAnnouncements(kept));
    return kept.length > 0;
  }

  /** Tells each of `links` what of `events` it is not known to have. */
  #announce(events: readonly KeptEvent[], links: Iterable<PeerId>): void {
    // Most links are told all of them, in the same bytes.
    let common: readonly Bytes[] | undefined;
    for (const id of links) {
      const news = events.filter(({ holders }) => !holders.includes(id));
      if (news.length < events.length) this.#sendAll(id, encodeAnnouncements(news));
      else this.#sendAll(id, common ??= encodeAnnouncements(news));
    }
  }

  #sendAll(to: PeerId, messages: readonly Bytes[]): void {
    for (const message of messages) this.#host.send(to, message);
  }

  #few(links: Iterable<PeerId>): readonly PeerId[] {
    return shuffled(this.#random, [...links]).slice(0, FEW);
  }
}

/** Whether an event is announced, but not sent to who does not ask. */
export function isHeld(event: KeptEvent): boolean {
  return event.class !== EVENT_CLASSES.capabilities && event.hops >= MAX_PUSH_HOPS;
}

function encodeAnnouncements(events: readonly KeptEvent[]): readonly Bytes[] {
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
