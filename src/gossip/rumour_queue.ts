/**
 * Rumours: news of members that wait to be told, each a bounded number of times (SWIM section 4.1, infection-style
 * dissemination; the bound is memberlist's).
 *
 * What was told least goes first. Newer news of a member replaces what was still to be told of it, so that the
 * queue never holds more than one rumour, and its confirmations, a member.
 */

import type { Bytes } from "../base/bytes.ts";

/**
 * memberlist's RetransmitMult. Its bound is 4 * ceil(log10(N + 1)); here what lies between the steps counts too, and two
 * more: each telling leaves some 1/e of those who have not heard, and whoever misses them all waits for a comparison.
 */
const RETRANSMIT_FACTOR = 4;
const MORE_TELLINGS = 2;
/** The shortest rumour, a claim: with less room than this left nothing more is looked for. */
const MIN_RUMOUR_BYTES = 69;
/** Rumours that did not fit after which no more are tried: thousands wait while a village gathers. */
const MAX_PASSED = 32;

/** How often each member tells one rumour in a village of `members`. */
export function tellingsOf(members: number): number {
  return Math.ceil(RETRANSMIT_FACTOR * Math.log10(members + 1)) + MORE_TELLINGS;
}

export class RumourQueue {
  /** By the number of times that they were told; within each the oldest first. */
  readonly #tiers: Map<string, Bytes>[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /**
   * Tells `rumour` from now on, instead of anything told under the same `subject`, as if it had been `told` so many times
   * before.
   */
  add(subject: string, rumour: Bytes, told = 0): void {
    this.drop(subject);
    this.#tier(told).set(subject, rumour);
    this.#size++;
  }

  /** Stops telling of `subject`. */
  drop(subject: string): void {
    for (const tier of this.#tiers) {
      if (!tier.delete(subject)) continue;
      this.#size--;
      return;
    }
  }

  /** Rumours for one message, of at most `maxBytes` together; each counts as told once more. */
  take(maxBytes: number, tellings: number): readonly Bytes[] {
    if (this.#size === 0) return NONE;
    const taken: [subject: string, rumour: Bytes, told: number][] = [];
    let left = maxBytes;
    let passed = 0;
    const isDone = () => left < MIN_RUMOUR_BYTES || passed >= MAX_PASSED;
    for (let told = 0; told < this.#tiers.length && !isDone(); told++) {
      for (const [subject, rumour] of this.#tier(told)) {
        if (isDone()) break;
        if (rumour.length > left) {
          passed++;
          continue;
        }
        left -= rumour.length;
        taken.push([subject, rumour, told + 1]);
      }
    }
    for (const [subject, rumour, told] of taken) {
      this.#tier(told - 1).delete(subject);
      if (told < tellings) this.#tier(told).set(subject, rumour);
      else this.#size--;
    }
    return taken.map(([, rumour]) => rumour);
  }

  #tier(told: number): Map<string, Bytes> {
    while (this.#tiers.length <= told) this.#tiers.push(new Map());
    return this.#tiers[told] as Map<string, Bytes>;
  }
}

const NONE: readonly Bytes[] = Object.freeze([]);
