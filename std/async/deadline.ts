import { abortable } from "./abortable.ts";

/** Options of {@linkcode deadline}. */
export interface DeadlineOptions {
  /** Ends the wait early, with its own reason. */
  signal?: AbortSignal;
}

/**
 * The promise, or after `ms` milliseconds a rejection with a `DOMException` named `TimeoutError`.
 * From `Number.MAX_SAFE_INTEGER` on there is no deadline. For an API that takes a signal, prefer
 * `AbortSignal.timeout`, which also ends the work and not only the wait.
 *
 * @throws {TypeError} At once, when `ms` is `NaN` or negative.
 */
export function deadline<T>(
  p: Promise<T>,
  ms: number,
  options: DeadlineOptions = {},
): Promise<T> {
  if (Number.isNaN(ms)) throw new TypeError("Ms must be a number, received NaN");
  const signals: AbortSignal[] = [];
  if (ms < Number.MAX_SAFE_INTEGER) signals.push(AbortSignal.timeout(ms));
  if (options.signal) signals.push(options.signal);
  return signals.length === 0 ? p : abortable(p, AbortSignal.any(signals));
}
