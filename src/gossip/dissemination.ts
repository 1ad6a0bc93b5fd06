/**
 * Dissemination: how rumours reach everybody (SWIM section 4.1, with memberlist's own gossip messages beside the
 * probes that carry them).
 *
 * Probes take along what fits. What is left goes to a few neighbours every {@link RUMOUR_MS}, and nothing is sent
 * while there is nothing to tell, or nobody. What all neighbours are to hear at once waits for company only.
 */

import type { Bytes } from "../base/bytes.ts";
import type { PeerId } from "../base/peer_id.ts";
import { type Random, shuffled } from "../base/random.ts";
import type { IdCodec } from "./id_codec.ts";
import { encodeRumour, encodeRumours, MAX_MESSAGE_BYTES, type Rumour } from "./message.ts";
import type { Neighbour } from "./neighbour.ts";
import { RumourQueue, tellingsOf } from "./rumour_queue.ts";

export interface DisseminationHost {
  readonly ids: IdCodec;
  readonly random: Random;
  readonly neighbours: ReadonlyMap<PeerId, Neighbour>;
  /** How many members live. */
  members(): number;
  send(to: PeerId, message: Bytes): void;
}

/** memberlist's GossipInterval and GossipNodes. */
export const RUMOUR_MS = 200;
export const RUMOUR_FANOUT = 3;
/** What a probe carries of rumours. */
export const PIGGYBACK_BYTES = 512;
/** How often old news are told: those who missed them, and whoever they told, are few. */
const OLD_TELLINGS = 2;
/** The first of a new queue waits this long for company, and the first that is announced. */
const GATHER_MS = 10;
const ANNOUNCE_MS = 20;

export class Dissemination {
  readonly #host: DisseminationHost;
  readonly #queue = new RumourQueue();
  #dueMs = Infinity;
  #toldMs = -Infinity;
  /** By whom they are about. */
  readonly #announced = new Map<PeerId, Bytes>();
  #announcedBytes = 0;
  #announceMs = Infinity;

  constructor(host: DisseminationHost) {
    this.#host = host;
  }

  /** Rumours that wait. */
  get size(): number {
    return this.#queue.size;
  }

  get deadlineMs(): number {
    return Math.min(this.#dueMs, this.#announceMs);
  }

  /** Tells all neighbours but `id` of `id`, once. */
  announce(id: PeerId, rumour: Rumour, nowMs: number): void {
    const bytes = encodeRumour(rumour, this.#host.ids);
    if (1 + this.#announcedBytes + bytes.length > MAX_MESSAGE_BYTES) this.#tellAll();
    this.#announced.set(id, bytes);
    this.#announcedBytes += bytes.length;
    if (this.#announceMs === Infinity) this.#announceMs = nowMs + ANNOUNCE_MS;
  }

  /** Tells `rumour` of `id` from now on, instead of any older one; but little where it `isOld` news to most. */
  spread(id: PeerId, rumour: Rumour, nowMs: number, isOld = false): void {
    const told = isOld ? Math.max(0, tellingsOf(this.#host.members()) - OLD_TELLINGS) : 0;
    this.#queue.add(id, encodeRumour(rumour, this.#host.ids), told);
    this.#arm(nowMs);
  }

  /** Tells nothing more of `id`. */
  drop(id: PeerId): void {
    this.#queue.drop(id);
    this.#announced.delete(id);
  }

  /** There is a neighbour, who may be told what nobody was there for. */
  met(nowMs: number): void {
    if (this.#queue.size > 0) this.#arm(nowMs);
  }

  /** What a probe takes along. */
  piggyback(): Bytes[] {
    return [...this.#take(PIGGYBACK_BYTES)];
  }

  tick(nowMs: number): void {
    if (nowMs >= this.#announceMs) this.#tellAll();
    if (nowMs < this.#dueMs) return;
    const { neighbours, random, send } = this.#host;
    this.#toldMs = nowMs;
    for (const id of pick([...neighbours.keys()], RUMOUR_FANOUT, random)) {
      const rumours = this.#take(MAX_MESSAGE_BYTES - 1);
      if (rumours.length > 0) send(id, encodeRumours(rumours));
    }
    const isWaiting = this.#queue.size > 0 && neighbours.size > 0;
    this.#dueMs = isWaiting ? nowMs + RUMOUR_MS : Infinity;
  }

  #tellAll(): void {
    const { neighbours, send } = this.#host;
    for (const id of neighbours.keys()) {
      const rumours = [...this.#announced].flatMap(([about, rumour]) => about === id ? [] : rumour);
      if (rumours.length > 0) send(id, encodeRumours(rumours));
    }
    this.#announced.clear();
    this.#announcedBytes = 0;
    this.#announceMs = Infinity;
  }

  #arm(nowMs: number): void {
    if (this.#dueMs !== Infinity) return;
    this.#dueMs = Math.max(nowMs + GATHER_MS, this.#toldMs + RUMOUR_MS);
  }

  #take(maxBytes: number): readonly Bytes[] {
    if (this.#queue.size === 0) return NONE;
    return this.#queue.take(maxBytes, tellingsOf(this.#host.members()));
  }
}

const NONE: readonly Bytes[] = Object.freeze([]);

function pick<T>(items: T[], count: number, random: Random): readonly T[] {
  return items.length <= count ? items : shuffled(random, items).slice(0, count);
}
