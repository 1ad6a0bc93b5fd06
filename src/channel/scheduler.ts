/**
 * Whose turn it is: which priority sends next, as a pure function of who has something to send and of what
 * was sent before (PROTOCOL.md section 6).
 *
 * Critical goes before all. High, normal and low share what is left 8:4:1 by bytes, by start-time fair
 * queueing (Goyal, Vin and Cheng, SIGCOMM 1996): each priority has a virtual time at which it may start,
 * which advances by bytes / weight; the earliest sends. A priority that had nothing to send gains nothing
 * by having waited.
 */

/** 0 low, 1 normal, 2 high, 3 critical. */
export type Priority = 0 | 1 | 2 | 3;
export const NORMAL: Priority = 1;
export const CRITICAL = 3 satisfies Priority;
/** How many there are. */
export const PRIORITIES = 4;

/** Shares of low, normal and high. */
export const WEIGHTS = Object.freeze([1, 4, 8] as const);

/** What was sent so far, in virtual time. */
export interface Shares {
  /** Where the priority last served started. */
  readonly virtualTime: number;
  /** Where low, normal and high have finished. */
  readonly finished: readonly [low: number, normal: number, high: number];
}

export const FRESH_SHARES: Shares = Object.freeze<Shares>({ virtualTime: 0, finished: [0, 0, 0] });

/** Who has something to send: bit `1 << priority` is set. */
export type ReadySet = number;

/** Who sends next of those in `ready`; `undefined` when nobody is. Of equals the more urgent goes first. */
export function nextPriority(ready: ReadySet, shares: Shares): Priority | undefined {
  if (ready & (1 << CRITICAL)) return CRITICAL;
  let chosen: Priority | undefined;
  let earliest = Infinity;
  for (let priority: Sharing = 2; priority >= 0; priority--) {
    if (!(ready & (1 << priority))) continue;
    const start = startOf(shares, priority as Sharing);
    if (start >= earliest) continue;
    chosen = priority as Sharing;
    earliest = start;
  }
  return chosen;
}

/** The shares once `priority` has sent `bytes`. Critical is outside the sharing. */
export function charge(shares: Shares, priority: Priority, bytes: number): Shares {
  if (priority === CRITICAL) return shares;
  const start = startOf(shares, priority);
  const end = start + bytes / WEIGHTS[priority];
  const [low, normal, high] = shares.finished;
  return {
    virtualTime: start,
    finished: [
      priority === 0 ? end : low,
      priority === 1 ? end : normal,
      priority === 2 ? end : high,
    ],
  };
}

type Sharing = Exclude<Priority, typeof CRITICAL>;

function startOf(shares: Shares, priority: Sharing): number {
  return Math.max(shares.virtualTime, shares.finished[priority]);
}
