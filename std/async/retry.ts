import { type Backoff, backoffMs } from "./_backoff.ts";
import { delay } from "./delay.ts";

/** What {@linkcode retry} rejects with after the last attempt; `cause` is that attempt's error. */
export class RetryError extends Error {
  constructor(cause: unknown, attempts: number) {
    super(`Retrying exceeded the maxAttempts (${attempts}).`);
    this.name = "RetryError";
    this.cause = cause;
  }
}

/** Options of {@linkcode retry}; times in milliseconds. */
export interface RetryOptions {
  /** Growth of the wait from one attempt to the next, at least 1. Default 2. */
  multiplier?: number;
  /** Cap of the wait. Default 60,000. */
  maxTimeout?: number;
  /** Calls in all, the first included. Default 5. */
  maxAttempts?: number;
  /** The first wait before jitter. Default 1,000. */
  minTimeout?: number;
  /** The part of each wait, 0 to 1, that is left to chance. Default 1: from no wait to all of it. */
  jitter?: number;
  /** Whether to try again after this error; if not, it is thrown as it is. Default: always. */
  isRetriable?: (err: unknown) => boolean;
}

/**
 * Calls `fn` until it returns, or its promise resolves, with growing waits in between.
 *
 * @throws {RetryError} After `maxAttempts` failures.
 * @throws {RangeError} For an option out of its range, before the first call.
 */
export async function retry<T>(
  fn: (() => Promise<T>) | (() => T),
  options?: RetryOptions,
): Promise<T> {
  const {
    multiplier = 2,
    maxTimeout = 60_000,
    maxAttempts = 5,
    minTimeout = 1_000,
    jitter = 1,
    isRetriable = () => true,
  } = options ?? {};
  const backoff = { minTimeout, maxTimeout, multiplier, jitter };
  checkAttempts(maxAttempts);
  checkBackoff(backoff);

  for (let attempt = 0;; attempt++) {
    try {
      return await fn();
    } catch (error) {
      if (!isRetriable(error)) throw error;
      if (attempt + 1 >= maxAttempts) throw new RetryError(error, maxAttempts);
    }
    await delay(backoffMs(backoff, attempt));
  }
}

function checkAttempts(maxAttempts: number): void {
  if (Number.isInteger(maxAttempts) && maxAttempts >= 1) return;
  throw outOfRange("maxAttempts", "a positive integer", maxAttempts);
}

function checkBackoff({ minTimeout, maxTimeout, multiplier, jitter }: Backoff): void {
  if (!Number.isFinite(multiplier) || multiplier < 1) {
    throw outOfRange("multiplier", "a finite number >= 1", multiplier);
  }
  if (!(maxTimeout > 0)) throw outOfRange("maxTimeout", "a positive number", maxTimeout);
  if (!(minTimeout >= 0)) throw outOfRange("minTimeout", ">= 0", minTimeout);
  if (minTimeout > maxTimeout) {
    throw new RangeError(
      `Cannot retry as 'minTimeout' must be <= 'maxTimeout': ` +
        `current values 'minTimeout=${minTimeout}', 'maxTimeout=${maxTimeout}'`,
    );
  }
  if (!(jitter >= 0 && jitter <= 1)) throw outOfRange("jitter", "between 0 and 1", jitter);
}

function outOfRange(option: keyof RetryOptions, range: string, value: number): RangeError {
  return new RangeError(`Cannot retry as '${option}' must be ${range}: current value is ${value}`);
}
