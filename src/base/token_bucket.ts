/**
 * A token bucket that paces bytes: so many a second in the long run, `burst` at once after a rest.
 *
 * Bulk traffic asks first ({@link TokenBucket.available}, {@link TokenBucket.waitMs}); control traffic
 * is never held back, but {@link TokenBucket.take} counts it, so that bulk makes room for it. The
 * balance therefore stays within
 *
 * ```
 * -maxDebt -- debt: nothing to send -- 0 -- so many bytes may go -- +burst
 * ```
 *
 * What exceeds the debt is forgiven: however much control traffic went, the debt is paid `maxDebt /
 * perSecond` seconds after the last of it. The price is that a longer flood of control traffic pushes the
 * total above `perSecond`, and that bulk waits while it lasts.
 *
 * Sans-IO: instants are milliseconds of one monotonic clock, and only whole ones count. The balance is
 * kept in thousandths of a byte, so that a whole millisecond brings a whole number and nothing rounds.
 */

/** How fast, and how much at once. */
export interface TokenBucketOptions {
  /** Bytes a second, a whole number from 1 to {@link MAX_BUCKET_BYTES}. */
  readonly perSecond: number;
  /**
   * Bytes that may go at once, a whole number from 1 to {@link MAX_BUCKET_BYTES}. More rides over
   * longer gaps between looks at the clock; what one look releases delays whatever comes behind it.
   */
  readonly burst: number;
  /** How far control traffic may overdraw, bytes; as much as `burst` where absent. */
  readonly maxDebt?: number;
}

/** 1 TiB: beyond any link, and in thousandths far below the numbers that are no longer exact. */
export const MAX_BUCKET_BYTES = 2 ** 40;

const PER_BYTE = 1_000;

/** Counts bytes against a rate. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #maxDebt: number;
  /** Thousandths of a byte, from `-maxDebt` to `burst`. */
  #balance: number;
  /** The whole millisecond up to which the bucket was filled. */
  #filledAtMs: number;

  /** Starts full at `nowMs`. Throws `RangeError` on options out of their bounds. */
  constructor({ perSecond, burst, maxDebt = burst }: TokenBucketOptions, nowMs: number) {
    checkBytes("perSecond", perSecond, { min: 1, max: MAX_BUCKET_BYTES });
    checkBytes("burst", burst, { min: 1, max: MAX_BUCKET_BYTES });
    checkBytes("maxDebt", maxDebt, { min: 0, max: MAX_BUCKET_BYTES });
    this.#maxDebt = maxDebt;
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#balance = burst * PER_BYTE;
    this.#filledAtMs = Math.floor(nowMs);
  }

  /** Debits `bytes`, whether or not they were available; the debt ends at its maximum. */
  take(bytes: number, nowMs: number): void {
    checkBytes("bytes", bytes, { min: 0, max: Number.MAX_SAFE_INTEGER });
    this.#fill(nowMs);
    this.#balance = Math.max(-this.#maxDebt * PER_BYTE, this.#balance - bytes * PER_BYTE);
  }

  /** Whole bytes that may be sent now: 0 in debt, never more than the burst. */
  available(nowMs: number): number {
    this.#fill(nowMs);
    return Math.max(0, Math.floor(this.#balance / PER_BYTE));
  }

  /**
   * Whole milliseconds until `bytes` are available if nothing else is taken; 0 when they are now. More
   * than a burst is never available at once, so that more counts as a burst.
   */
  waitMs(bytes: number, nowMs: number): number {
    checkBytes("bytes", bytes, { min: 0, max: Number.MAX_SAFE_INTEGER });
    this.#fill(nowMs);
    const missing = Math.min(bytes, this.#burst) * PER_BYTE - this.#balance;
    if (bytes === 0 || missing <= 0) return 0;
    // Counted from the last filling, for a clock that went back has that much to make up first.
    return this.#filledAtMs + Math.ceil(missing / this.#perSecond) - Math.floor(nowMs);
  }

  /** Credits the time since the last filling; a clock that went back credits nothing, twice neither. */
  #fill(nowMs: number): void {
    const wholeMs = Math.floor(nowMs);
    if (!(wholeMs > this.#filledAtMs)) return;
    const gained = (wholeMs - this.#filledAtMs) * this.#perSecond;
    this.#balance = Math.min(this.#burst * PER_BYTE, this.#balance + gained);
    this.#filledAtMs = wholeMs;
  }
}

function checkBytes(
  name: string,
  value: number,
  { min, max }: { readonly min: number; readonly max: number },
): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new RangeError(`Cannot pace: ${name} ${value} is no whole number in ${min}..${max}`);
}
