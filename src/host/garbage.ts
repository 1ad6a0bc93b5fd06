/**
 * Gives memory back to the device.
 *
 * The runtime collects garbage when it allocates much: an idle agent would keep what its start left behind, some 9 MB,
 * for as long as it runs, and one that does little would gather as much again. V8 offers its collector to programs
 * that ask by flag; a fresh context is the way to reach it once the program is running.
 */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Less than this is not worth the pause. */
const WORTHWHILE_BYTES = 2 ** 20;

let collect: (() => void) | undefined;
/** What was in use right after the last collection. */
let keptBytes = 0;

/** Collects garbage now, which takes some 10 ms; does nothing where the runtime does not offer it. */
export function collectGarbage(): void {
  try {
    collect ??= offeredCollector();
    collect?.();
    keptBytes = Deno.memoryUsage().heapUsed;
  } catch {
    // Memory is a courtesy: an agent that cannot give it back still runs.
  }
}

/** Collects garbage if a good deal has come since the last time. */
export function tidyHeap(): void {
  if (Deno.memoryUsage().heapUsed - keptBytes >= WORTHWHILE_BYTES) collectGarbage();
}

function offeredCollector(): (() => void) | undefined {
  setFlagsFromString("--expose-gc");
  const gc: unknown = runInNewContext("gc");
  return typeof gc === "function" ? () => void gc() : undefined;
}
