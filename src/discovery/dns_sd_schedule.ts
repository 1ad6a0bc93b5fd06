/**
 * When to ask who is there: after 20 to 120 ms, then 1, 3, 9 and 27 s later, then every minute (the growing
 * intervals of RFC 6762 section 5.2); every 8 s at most while somebody is missing. However often a search
 * begins anew, two questions are a second apart. Instants are milliseconds of one monotonic clock.
 */

import { type Random, randomBelow } from "../base/random.ts";

const FIRST_MS = { least: 20, spread: 101 };
const INTERVALS_MS = [1_000, 3_000, 9_000, 27_000];
const STEADY_MS = 60_000;
const URGENT_MS = 8_000;
const LEAST_MS = 1_000;

export class SearchSchedule {
  readonly #random: Random;
  #nextMs = Infinity;
  #lastMs = -Infinity;
  /** Questions of this search so far. */
  #asked = 0;

  /** Nothing is due until {@link restart}. */
  constructor(random: Random) {
    this.#random = random;
  }

  /** When to ask next. */
  get nextMs(): number {
    return this.#nextMs;
  }

  /** Begins a search anew. */
  restart(nowMs: number): void {
    this.#asked = 0;
    const firstMs = nowMs + FIRST_MS.least + randomBelow(this.#random, FIRST_MS.spread);
    this.#nextMs = Math.max(firstMs, this.#lastMs + LEAST_MS);
  }

  /** Somebody is missing: the question that is next comes soon. */
  hurry(): void {
    if (this.#asked > 0) this.#nextMs = Math.min(this.#nextMs, this.#lastMs + URGENT_MS);
  }

  /** The question was asked. */
  noteAsked(nowMs: number): void {
    this.#lastMs = nowMs;
    this.#nextMs = nowMs + (INTERVALS_MS[this.#asked++] ?? STEADY_MS);
  }

  /** There is nobody to ask until {@link restart}. */
  rest(): void {
    this.#asked = 0;
    this.#nextMs = Infinity;
  }
}
