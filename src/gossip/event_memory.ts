/**
 * What a node remembers of events, so that each is news once and can be had again for a while.
 *
 * Three memories, each bounded, each for one question:
 *
 * - {@link TagMemory}: was what a neighbour announces here already? The last 4,096 to 8,192 tags.
 * - {@link OriginMemory}: is this event of its origin news, and within its rate? Per origin a floor and the
 *   numbers seen above it. Past 256 of them the older half falls below a raised floor, and whatever is below
 *   the floor counts as seen: exactly once, however late a replay comes, for at most 65,536 numbers.
 * - {@link RecentEvents}: the last events whole, for neighbours that missed them or were away.
 *
 * All evict what was touched longest ago, in order of arrival: the same events leave the same memory.
 */

import type { Bytes } from "../base/bytes.ts";
import type { PeerId } from "../base/peer_id.ts";
import type { EventClass, SignedEvent } from "./event.ts";
import type { Journey } from "./event_message.ts";

/** Events of one member at once: as many as a neighbour that was away is offered. */
export const EVENT_BURST = 256;

const MAX_TAGS_A_GENERATION = 4_096;

/** Two generations of tags: the older one is dropped when the younger is full. */
export class TagMemory {
  #young = new Set<number>();
  #old = new Set<number>();

  add(tag: number): void {
    if (this.#young.size >= MAX_TAGS_A_GENERATION) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    this.#young.add(tag);
  }

  has(tag: number): boolean {
    return this.#young.has(tag) || this.#old.has(tag);
  }
}

export interface OriginLimits {
  readonly maxOrigins: number;
  /** Numbers remembered of one origin. */
  readonly maxSeqsOfOrigin: number;
  readonly maxSeqs: number;
}

export const DEFAULT_ORIGIN_LIMITS: OriginLimits = Object.freeze({
  maxOrigins: 16_384,
  maxSeqsOfOrigin: 256,
  maxSeqs: 65_536,
});

interface Origin {
  /** Numbers up to this one count as seen. */
  floor: number;
  /** Numbers above the floor that were seen, ascending. */
  seqs: number[];
  rate: Rate;
}

export class OriginMemory {
  readonly #limits: OriginLimits;
  /** In order of their last event. */
  readonly #origins = new Map<PeerId, Origin>();
  #seqs = 0;

  constructor(limits: OriginLimits = DEFAULT_ORIGIN_LIMITS) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#origins.size;
  }

  /** Numbers that are remembered one by one. */
  get seqs(): number {
    return this.#seqs;
  }

  isSeen(id: PeerId, seq: number): boolean {
    const origin = this.#origins.get(id);
    return origin !== undefined && (seq <= origin.floor || origin.seqs.includes(seq));
  }

  /** Remembers an event that was not seen; returns whether it is within its origin's rate. */
  add(id: PeerId, seq: number, nowMs: number): boolean {
    const origin = this.#origins.get(id) ?? { floor: 0, seqs: [], rate: NO_RATE };
    this.#origins.delete(id);
    this.#origins.set(id, origin);
    insert(origin.seqs, seq);
    this.#seqs++;
    if (origin.seqs.length > this.#limits.maxSeqsOfOrigin) {
      this.#raise(origin, origin.seqs.length >>> 1);
    }
    this.#evict();
    const rate = spend(origin.rate, EVENT_PACE, nowMs);
    if (rate !== undefined) origin.rate = rate;
    return rate !== undefined;
  }

  #evict(): void {
    for (const [id, origin] of this.#origins) {
      const isFull = this.#origins.size > this.#limits.maxOrigins;
      if (!isFull && this.#seqs <= this.#limits.maxSeqs) return;
      this.#raise(origin, origin.seqs.length);
      if (isFull) this.#origins.delete(id);
    }
  }

  /** Lets the first `count` numbers fall below the floor. */
  #raise(origin: Origin, count: number): void {
    origin.floor = origin.seqs[count - 1] ?? origin.floor;
    origin.seqs = origin.seqs.slice(count);
    this.#seqs -= count;
  }
}

export interface RecentLimits {
  readonly maxEvents: number;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

/** Named events and queries: enough for a neighbour that was away. */
export const RECENT_LIMITS: RecentLimits = Object.freeze({
  maxEvents: 1_024,
  maxBytes: 1_048_576,
  maxAgeMs: 900_000,
});

/** Capability records, repeated by their owners anyway: until the neighbours have asked for them. */
export const RECENT_RECORD_LIMITS: RecentLimits = Object.freeze({
  maxEvents: 1_024,
  maxBytes: 1_048_576,
  maxAgeMs: 20_000,
});

/** An event as it is here. */
export interface KeptEvent {
  readonly class: EventClass;
  readonly tag: number;
  readonly bytes: Bytes;
  /** Links it travelled, at most 16. */
  readonly hops: number;
  /** When it was sent by its origin, by our clock and the relays' word. */
  readonly bornMs: number;
  readonly arrivedMs: number;
  /** The neighbour that sent it; `undefined` for our own. */
  readonly from: PeerId | undefined;
  /** Neighbours that have it and said so, the one that sent it first. */
  readonly holders: PeerId[];
  /** Whether it was asked for on its way here. */
  isDetour: boolean;
  /** Whether it is ours and can wait: others know as much already. */
  readonly isCalm: boolean;
}

/** `event` as it is kept; `from` is `undefined` for our own. */
export function keptEvent(
  event: SignedEvent,
  from: PeerId | undefined,
  { hops, ageMs, isDetour, isCalm = false }: Journey,
  nowMs: number,
): KeptEvent {
  return {
    isCalm,
    class: event.class,
    tag: event.tag,
    bytes: ownBytes(event.bytes),
    hops,
    bornMs: nowMs - ageMs,
    arrivedMs: nowMs,
    from,
    holders: from === undefined ? [] : [from],
    isDetour,
  };
}

export class RecentEvents {
  readonly #limits: RecentLimits;
  readonly #events = new Map<number, KeptEvent>();
  #bytes = 0;

  constructor(limits: RecentLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#events.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Keeps an event that is not kept yet; the oldest make room. */
  add(event: KeptEvent, nowMs: number): void {
    this.#events.set(event.tag, event);
    this.#bytes += event.bytes.length;
    const { maxEvents, maxBytes } = this.#limits;
    for (const oldest of this.#events.values()) {
      const isOver = this.#events.size > maxEvents || this.#bytes > maxBytes;
      if (!isOver && !this.#isOld(oldest, nowMs)) return;
      this.#events.delete(oldest.tag);
      this.#bytes -= oldest.bytes.length;
    }
  }

  find(tag: number, nowMs: number): KeptEvent | undefined {
    const event = this.#events.get(tag);
    return event && !this.#isOld(event, nowMs) ? event : undefined;
  }

  /** The last `count` to arrive, in order of arrival. */
  latest(count: number, nowMs: number): readonly KeptEvent[] {
    const kept = [...this.#events.values()].filter((event) => !this.#isOld(event, nowMs));
    return kept.slice(-count);
  }

  #isOld({ bornMs }: KeptEvent, nowMs: number): boolean {
    return nowMs - bornMs > this.#limits.maxAgeMs;
  }
}

/** So many in the long run, and so many at once. */
export interface Pace {
  readonly everyMs: number;
  readonly burst: number;
}

/** When all that was let through would have come at an even pace; a number is all a rate needs. */
export type Rate = number;

export const NO_RATE: Rate = -Infinity;
/** What a member's events are passed on at: 10 a second. */
export const EVENT_PACE: Pace = Object.freeze({ everyMs: 100, burst: EVENT_BURST });

/**
 * Lets one more through: the rate afterwards, `undefined` when it is too much. The generic cell rate
 * algorithm (ITU-T I.371, annex A): a token bucket in one number.
 */
export function spend(rate: Rate, { everyMs, burst }: Pace, nowMs: number): Rate | undefined {
  const nextMs = Math.max(rate, nowMs) + everyMs;
  return nextMs - nowMs > burst * everyMs ? undefined : nextMs;
}

/** `bytes`, cut out when they are a small part of a buffer that would be kept with them. */
export function ownBytes(bytes: Bytes): Bytes {
  return bytes.buffer.byteLength > 2 * bytes.length ? bytes.slice() : bytes;
}

/** Inserts into ascending numbers, nearly always at the end. */
function insert(ascending: number[], value: number): void {
  let at = ascending.length;
  while (at > 0 && (ascending[at - 1] as number) > value) at--;
  ascending.splice(at, 0, value);
}
