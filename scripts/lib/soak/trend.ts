/**
 * Whether something grows: slopes and growth that one odd sample does not move.
 */

import { median } from "../statistics.ts";

export interface Point {
  readonly atMs: number;
  readonly value: number;
}

export interface Trend {
  /** Medians of the first and the last third. */
  readonly first: number;
  readonly last: number;
  /** From the one to the other, a share of the first. */
  readonly growth: number;
  /** Theil and Sen's: the median of the slopes between all pairs. */
  readonly perHour: number;
}

const HOUR_MS = 3_600_000;

/** Of at least three points in order of time. Throws `RangeError` for fewer. */
export function trendOf(points: readonly Point[]): Trend {
  if (points.length < 3) throw new RangeError(`Cannot see a trend: ${points.length} points`);
  const third = Math.floor(points.length / 3);
  const first = median(points.slice(0, third).map(({ value }) => value));
  const last = median(points.slice(-third).map(({ value }) => value));
  const slopes = points.flatMap((a, at) =>
    points.slice(at + 1).map((b) => (b.value - a.value) / (b.atMs - a.atMs))
  );
  return { first, last, growth: (last - first) / first, perHour: median(slopes) * HOUR_MS };
}
