/**
 * Exponential back-off with jitter: how long to leave a place alone after so many failures in a row.
 *
 * The wait doubles from the least to the most. Chance adds up to half of it, so that those who lost a peer
 * at the same moment do not all come back at the same moment; at the most it takes up to a quarter away.
 */

import type { Random } from "../base/random.ts";

/** Bounds of a wait, ms. */
export interface BackoffRange {
  readonly minMs: number;
  readonly maxMs: number;
}

/** Beyond this many doublings any range is at its end. */
const MAX_DOUBLINGS = 30;

/** The wait after a failure that `failures` others came before, ms. */
export function backoffMs(
  random: Random,
  { minMs, maxMs }: BackoffRange,
  failures: number,
): number {
  const base = minMs * 2 ** Math.min(failures, MAX_DOUBLINGS);
  const low = Math.min(base, maxMs * 0.75);
  const high = Math.min(base * 1.5, maxMs);
  return low + random.next() * (high - low);
}
