/**
 * Capability records: the newest of each member, JSON text that its owner repeats while it lives.
 *
 * A record is forgotten 90 s after its owner last sent it, and the owner repeats it three times as often. Each
 * repetition costs every member a copy, so with N members a node would get N of them in 30 s. Above 32
 * members all these times grow with N / 32: a node then gets about one record a second, however large the
 * village. The price is that a member which vanished is remembered as able for longer; who asks with a query
 * hears from the living alone.
 *
 * Bounded: 16,384 records of 1 KiB; with more, the one unheard of for longest goes.
 */

import type { Bytes } from "../base/bytes.ts";
import { isObject } from "../base/guards.ts";
import type { PeerId } from "../base/peer_id.ts";
import { dataOf, type SignedEvent } from "./event.ts";
import { MAX_FULL_MESH } from "./neighbourhood.ts";
import { NO_RATE, type Rate, spend } from "./event_memory.ts";

/** How long a record is believed after it was last sent, in villages up to {@link EVEN_MEMBERS}. */
export const RECORD_LIFETIME_MS = 90_000;
/** How soon an owner may send a changed record after the last. */
export const MIN_RECORD_GAP_MS = 5_000;
/** From here on these times grow with the village. */
export const EVEN_MEMBERS = MAX_FULL_MESH;
export const MAX_RECORDS = 16_384;
/** Records of one member at once, each for half the gap: restarts, and other ideas of how many we are. */
const RECORD_BURST = 8;
/** How much later than its time a record may be forgotten. */
const SLACK_MS = 10_000;

export interface SentRecord {
  /** The signed event: the text is read from it when it is wanted. */
  readonly bytes: Bytes;
  /** When its owner sent it. */
  readonly sentMs: number;
}

interface CapabilityRecord extends SentRecord {
  readonly seq: number;
  readonly rate: Rate;
}

/** How much longer the times of records are among so many members. */
export function recordScale(memberCount: number): number {
  return Math.max(1, memberCount / EVEN_MEMBERS);
}

/** Whether `text` is a JSON object. */
export function isRecord(text: string): boolean {
  try {
    return isObject(JSON.parse(text));
  } catch {
    // No JSON: no record either.
    return false;
  }
}

export interface CapabilityBookOptions {
  memberCount(): number;
  /** A member's record is another one; `undefined`: it is forgotten. */
  onChange(origin: PeerId, record: string | undefined): void;
  readonly maxRecords?: number;
}

export class CapabilityBook {
  readonly #options: CapabilityBookOptions;
  readonly #maxRecords: number;
  /** In the order in which they were sent, give or take {@link SLACK_MS}. */
  #records = new Map<PeerId, CapabilityRecord>();
  #latestMs = -Infinity;
  #isSorted = true;

  constructor(options: CapabilityBookOptions) {
    this.#options = options;
    this.#maxRecords = options.maxRecords ?? MAX_RECORDS;
  }

  get size(): number {
    return this.#records.size;
  }

  get deadlineMs(): number {
    if (!this.#isSorted) this.#sort();
    for (const { sentMs } of this.#records.values()) return sentMs + this.#lifetimeMs;
    return Infinity;
  }

  get(origin: PeerId): string | undefined {
    const record = this.#records.get(origin);
    return record && dataOf(record.bytes);
  }

  recordOf(origin: PeerId): SentRecord | undefined {
    return this.#records.get(origin);
  }

  /** Whether a record of `origin` with this number would be news. */
  isNews(origin: PeerId, seq: number): boolean {
    return seq > (this.#records.get(origin)?.seq ?? 0);
  }

  /**
   * Takes an authentic record that is news and `ageMs` old. Returns whether it is to be passed on: it is
   * not when it is no JSON object, too old, or one too many of its owner.
   */
  take({ origin, seq, data, bytes }: SignedEvent, ageMs: number, nowMs: number): boolean {
    if (ageMs >= this.#lifetimeMs || !isRecord(data)) return false;
    const former = this.#records.get(origin);
    const everyMs = MIN_RECORD_GAP_MS / 2 * recordScale(this.#options.memberCount());
    const rate = spend(former?.rate ?? NO_RATE, { everyMs, burst: RECORD_BURST }, nowMs);
    if (rate === undefined) return false;
    const sentMs = nowMs - ageMs;
    this.#records.delete(origin);
    if (this.#records.size >= this.#maxRecords) this.#forgetFirst();
    this.#records.set(origin, { seq, bytes, sentMs, rate });
    if (sentMs < this.#latestMs - SLACK_MS) this.#isSorted = false;
    this.#latestMs = Math.max(this.#latestMs, sentMs);
    if (!former || dataOf(former.bytes) !== data) this.#options.onChange(origin, data);
    return true;
  }

  /** Forgets what was not repeated. */
  tick(nowMs: number): void {
    while (this.deadlineMs <= nowMs) this.#forgetFirst();
  }

  #sort(): void {
    this.#records = new Map([...this.#records].sort(([, a], [, b]) => a.sentMs - b.sentMs));
    this.#isSorted = true;
  }

  #forgetFirst(): void {
    if (!this.#isSorted) this.#sort();
    for (const origin of this.#records.keys()) {
      this.#records.delete(origin);
      return this.#options.onChange(origin, undefined);
    }
  }

  get #lifetimeMs(): number {
    return RECORD_LIFETIME_MS * recordScale(this.#options.memberCount());
  }
}
