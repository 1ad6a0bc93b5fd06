/**
 * Ctrl-C and its kin: the first asks a command to end cleanly, the second ends the process at once.
 */

/** The convention for a program ended by SIGINT. */
const INTERRUPTED = 130;

const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];

/** Calls `onFirst` at the first signal until the returned function is called. */
export function untilInterrupted(onFirst: (signal: Deno.Signal) => void): () => void {
  let isInterrupted = false;
  const listeners = SIGNALS.map((signal) => {
    const listener = () => {
      if (isInterrupted) Deno.exit(INTERRUPTED);
      isInterrupted = true;
      onFirst(signal);
    };
    Deno.addSignalListener(signal, listener);
    return { signal, listener };
  });
  return () => {
    for (const { signal, listener } of listeners) Deno.removeSignalListener(signal, listener);
  };
}
