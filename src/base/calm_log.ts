/**
 * A log for what strangers can cause: past a burst it says no more at levels that people see, so that nobody
 * can fill a disk with lines about himself.
 */

import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";
import { TokenBucket } from "./token_bucket.ts";

const LINES_PER_SECOND = 1;
const BURST_LINES = 50;

/** `log`, with info and warnings past one a second (50 at once) at level debug; errors stay what they are. */
export function calmLog(log: Log, clock: Clock): Log {
  const lines = new TokenBucket({ perSecond: LINES_PER_SECOND, burst: BURST_LINES }, clock.now());
  return (level, event, fields) => {
    if (level !== "info" && level !== "warn") return log(level, event, fields);
    const nowMs = clock.now();
    if (lines.available(nowMs) === 0) return log("debug", event, fields);
    lines.take(1, nowMs);
    log(level, event, fields);
  };
}
