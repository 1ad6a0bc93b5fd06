/**
 * How fast the dial plan may dial: never a storm, whatever it has been told.
 *
 * One bucket counts every dial: 32 at once after a rest, 5/s in the long run. Addresses that the owner gave
 * do not wait for it, since their number and back-off are the owner's own, but the others then wait for
 * them. Dials to where we have been before follow each other at a distance and take half of the places, so
 * that a village of the departed does not keep us from the living. News that anybody can make up leaves four
 * places free, so that silence at made-up addresses does not keep us from those we know.
 *
 * ```
 *             token   distance   places
 * given       taken   -          16
 * urgent      waits   -           8 (shared with redials)
 * redial      waits   250 ms      8
 * member      waits   -          16  (news of a member of our network)
 * news        waits   -          12
 * ```
 */

import { TokenBucket } from "../base/token_bucket.ts";

export interface DialPaceOptions {
  /** Dials a second in the long run. */
  readonly perSecond: number;
  /** Dials at once after a rest. */
  readonly burst: number;
  /** Between two redials. */
  readonly staggerMs: number;
  readonly maxInFlight: number;
  /** Of those in flight, redials and urgent ones. */
  readonly maxRedialsInFlight: number;
  /** And news of whom we do not know. */
  readonly maxNewsInFlight: number;
}

export const DEFAULT_DIAL_PACE: DialPaceOptions = Object.freeze({
  perSecond: 5,
  burst: 32,
  staggerMs: 250,
  maxInFlight: 16,
  maxRedialsInFlight: 8,
  maxNewsInFlight: 12,
});

/** Why something is dialled, which decides what it waits for. */
export type DialReason = "urgent" | "given" | "redial" | "member" | "news";

/** How far back dials are counted. */
const COUNTED_MS = 10_000;

interface Flight {
  readonly reason: DialReason;
  isStale: boolean;
}

export class DialPace {
  readonly #options: DialPaceOptions;
  readonly #bucket: TokenBucket;
  /** Dials under way, by what is dialled. */
  readonly #flights = new Map<string, Flight>();
  #redials = 0;
  #news = 0;
  #nextRedialMs = -Infinity;
  /** When the dials of the last 10 s began, in order. */
  #begunMs: number[] = [];

  constructor(options: DialPaceOptions = DEFAULT_DIAL_PACE) {
    this.#options = options;
    this.#bucket = new TokenBucket({ perSecond: options.perSecond, burst: options.burst }, 0);
  }

  get inFlight(): number {
    return this.#flights.size;
  }

  isInFlight(key: string): boolean {
    return this.#flights.has(key);
  }

  /** Whether a dial for `reason` may begin now. */
  allows(reason: DialReason, nowMs: number): boolean {
    const { maxInFlight, maxRedialsInFlight, maxNewsInFlight } = this.#options;
    if (this.#flights.size >= maxInFlight) return false;
    if (reason === "given") return true;
    if (isRedial(reason) && this.#redials >= maxRedialsInFlight) return false;
    if (reason === "news" && this.#news >= maxNewsInFlight) return false;
    if (reason === "redial" && nowMs < this.#nextRedialMs) return false;
    return this.#bucket.available(nowMs) > 0;
  }

  /** Counts a dial of `key` that begins; it must not be in flight. */
  begin(key: string, reason: DialReason, nowMs: number): void {
    if (isRedial(reason)) this.#redials++;
    if (reason === "news") this.#news++;
    if (reason === "redial") this.#nextRedialMs = nowMs + this.#options.staggerMs;
    this.#flights.set(key, { reason, isStale: false });
    this.#bucket.take(1, nowMs);
    this.#forget(nowMs);
    this.#begunMs.push(nowMs);
  }

  /** Counts it as over: whether it was `stale`; `undefined` when it was not in flight. */
  end(key: string): "fresh" | "stale" | undefined {
    const flight = this.#flights.get(key);
    if (!flight) return undefined;
    this.#flights.delete(key);
    if (isRedial(flight.reason)) this.#redials--;
    if (flight.reason === "news") this.#news--;
    return flight.isStale ? "stale" : "fresh";
  }

  /** The network is another one: how the dials under way fail says nothing about it. */
  makeStale(): void {
    for (const flight of this.#flights.values()) flight.isStale = true;
  }

  /** Dials begun in the last 10 s. */
  recent(nowMs: number): number {
    this.#forget(nowMs);
    return this.#begunMs.length;
  }

  #forget(nowMs: number): void {
    const kept = this.#begunMs.findIndex((begunMs) => begunMs > nowMs - COUNTED_MS);
    if (kept !== 0) this.#begunMs = kept < 0 ? [] : this.#begunMs.slice(kept);
  }
}

function isRedial(reason: DialReason): boolean {
  return reason === "redial" || reason === "urgent";
}
