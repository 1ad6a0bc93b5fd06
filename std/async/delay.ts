/** Options of {@linkcode delay}. */
export interface DelayOptions {
  /** Ends the delay early: the promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Whether the pending delay keeps the process alive. Default `true`. */
  persistent?: boolean;
}

/** The longest wait of one platform timer; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Resolves after `ms` milliseconds. Any length will do: fractions are cut off, what is negative or
 * `NaN` counts as 0, and `Infinity` waits for the signal.
 */
export function delay(ms: number, options: DelayOptions = {}): Promise<void> {
  const { signal, persistent = true } = options;
  if (signal?.aborted) return Promise.reject(signal.reason);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let stop: () => void = () => {};

  const wait = (remaining: number) => {
    const step = Math.min(remaining, MAX_TIMER_MS);
    const timer = setTimeout(() => remaining > step ? wait(remaining - step) : done(), step);
    if (!persistent) Deno.unrefTimer(timer);
    stop = () => clearTimeout(timer);
  };
  const done = () => {
    signal?.removeEventListener("abort", abort);
    resolve();
  };
  const abort = () => {
    stop();
    reject(signal?.reason);
  };

  wait(Math.trunc(Math.max(ms, 0) || 0));
  signal?.addEventListener("abort", abort, { once: true });
  return promise;
}
