/**
 * A histogram: how many values fell below each of a few fixed bounds, and their sum.
 *
 * For what happens now and then, a handshake or a round trip: one observation costs a walk along the bounds.
 */

/** A histogram as it stands. */
export interface HistogramReading {
  /** Upper bounds, inclusive, ascending. */
  readonly bounds: readonly number[];
  /** Values in each bucket alone: one count a bound, and one more for what exceeds the last. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** From 100 us to 10 s: a session on loopback, and one across a bad radio. Seconds. */
export const LATENCY_BOUNDS_S: readonly number[] = Object.freeze([
  0.0001,
  0.00025,
  0.0005,
  0.001,
  0.0025,
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  1,
  2.5,
  5,
  10,
]);

export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  /** `bounds` ascend. Throws `RangeError` when they do not. */
  constructor(bounds: readonly number[]) {
    const isAscending = bounds.every((bound, at) => at === 0 || bound > (bounds[at - 1] ?? 0));
    if (!isAscending) throw new RangeError("Cannot make histogram: its bounds do not ascend");
    this.#bounds = bounds;
    this.#counts = new Array(bounds.length + 1).fill(0);
  }

  /** Counts one value; what is not a finite number is nothing that was measured. */
  observe(value: number): void {
    if (!Number.isFinite(value)) return;
    let at = 0;
    while (at < this.#bounds.length && value > (this.#bounds[at] ?? Infinity)) at++;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += value;
  }

  /** As it stands now. */
  get reading(): HistogramReading {
    return { bounds: this.#bounds, counts: [...this.#counts], sum: this.#sum };
  }
}
