/**
 * Token buckets per address (PROTOCOL.md section 3): 20 requests a second, bursts of 100, one refusal
 * said aloud, then silence until the bucket has a token again.
 *
 * The table is bounded: past `maxAddresses`, the bucket unused for longest goes. A forgotten bucket
 * starts full again, which gives an attacker with that many addresses nothing that they lack.
 */

/** Each at least 1. */
export interface RateLimitOptions {
  /** Requests that one address may make, in the long run. */
  readonly perSecond: number;
  /** And at once, after a rest. */
  readonly burst: number;
  /** Addresses remembered. */
  readonly maxAddresses: number;
}

export const DEFAULT_RATE_LIMIT: RateLimitOptions = Object.freeze({
  perSecond: 20,
  burst: 100,
  maxAddresses: 4_096,
});

/** What to do with a request: take it, refuse it with a word, or drop it. */
export type Verdict =
  | { readonly action: "allow" }
  | { readonly action: "refuse"; readonly retryAfterMs: number }
  | { readonly action: "drop" };

/** What became of the requests since the start. */
export interface RateLimitCounters {
  readonly allowed: number;
  /** Refused with a word. */
  readonly refused: number;
  /** Refused in silence. */
  readonly dropped: number;
  /** Addresses remembered now. */
  readonly addresses: number;
}

const ALLOW: Verdict = Object.freeze({ action: "allow" });
const DROP: Verdict = Object.freeze({ action: "drop" });

interface Bucket {
  tokens: number;
  filledAtMs: number;
  isToldOff: boolean;
}

export class RateLimiter {
  readonly #options: RateLimitOptions;
  /** In order of last use: the first is the one to forget. */
  readonly #buckets = new Map<string, Bucket>();
  readonly #counters = { allowed: 0, refused: 0, dropped: 0 };

  constructor(options: RateLimitOptions = DEFAULT_RATE_LIMIT) {
    this.#options = options;
  }

  /** As they stand now. */
  get counters(): RateLimitCounters {
    return { ...this.#counters, addresses: this.#buckets.size };
  }

  /** Counts one request from `address` at `nowMs`. */
  take(address: string, nowMs: number): Verdict {
    const { perSecond, burst, maxAddresses } = this.#options;
    const bucket = this.#buckets.get(address) ??
      { tokens: burst, filledAtMs: nowMs, isToldOff: false };
    this.#buckets.delete(address);
    this.#buckets.set(address, bucket);
    if (this.#buckets.size > maxAddresses) {
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest);
        break;
      }
    }
    const gained = (nowMs - bucket.filledAtMs) / 1000 * perSecond;
    bucket.tokens = Math.min(burst, bucket.tokens + gained);
    bucket.filledAtMs = nowMs;
    if (bucket.tokens >= 1) {
      bucket.tokens--;
      bucket.isToldOff = false;
      this.#counters.allowed++;
      return ALLOW;
    }
    if (bucket.isToldOff) {
      this.#counters.dropped++;
      return DROP;
    }
    bucket.isToldOff = true;
    this.#counters.refused++;
    return { action: "refuse", retryAfterMs: Math.ceil((1 - bucket.tokens) / perSecond * 1000) };
  }
}
