/**
 * Ctrl-C and its kin: the first asks a command to end cleanly, the second ends the process at once.
 */

import { systemClock } from "../base/clock.ts";

/** The convention for a program ended by SIGINT. */
const INTERRUPTED = 130;
/** Task runners pass on the signal that the terminal has sent already: nobody presses twice this fast. */
const ECHO_MS = 50;

const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];

/** Calls `onFirst` at the first signal until the returned function is called. */
export function untilInterrupted(onFirst: (signal: Deno.Signal) => void): () => void {
  let interruptedAtMs: number | undefined;
  const listeners = SIGNALS.map((signal) => {
    const listener = () => {
      const nowMs = systemClock.now();
      if (interruptedAtMs === undefined) {
        interruptedAtMs = nowMs;
        onFirst(signal);
      } else if (nowMs - interruptedAtMs > ECHO_MS) {
        Deno.exit(INTERRUPTED);
      }
    };
    Deno.addSignalListener(signal, listener);
    return { signal, listener };
  });
  return () => {
    for (const { signal, listener } of listeners) Deno.removeSignalListener(signal, listener);
  };
}
