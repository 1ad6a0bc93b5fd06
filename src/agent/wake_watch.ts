/**
 * Notices that the device was asleep: the wall clock has gone on while our timers stood still.
 *
 * On waking, sessions may be dead without anybody having said so, and the networks may be others. Where the
 * monotonic clock stops during sleep the wall clock shows it; where it goes on, the late timer does. A
 * correction of the wall clock looks the same and costs a ping a peer.
 */

import { type Clock, scheduleEvery, type Timer } from "../base/clock.ts";

const TICK_MS = 1_000;
/** A tick that is later than this was no tick of a busy machine. */
const SLEPT_MS = 5_000;

/** Calls `onWake` after each sleep, with its length in ms, until cancelled. */
export function watchForWake(clock: Clock, onWake: (sleptMs: number) => void): Timer {
  let expectedMs = clock.wallMs() + TICK_MS;
  return scheduleEvery(clock, TICK_MS, () => {
    const lateMs = clock.wallMs() - expectedMs;
    expectedMs = clock.wallMs() + TICK_MS;
    if (lateMs >= SLEPT_MS) onWake(lateMs);
  });
}
