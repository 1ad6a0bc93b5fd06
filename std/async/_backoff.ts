/** The waiting times of one series of attempts, in milliseconds. */
export interface Backoff {
  readonly minTimeout: number;
  readonly maxTimeout: number;
  readonly multiplier: number;
  readonly jitter: number;
}

/**
 * The wait after failed attempt number `attempt`, counted from 0: exponential, capped, and then
 * shortened by a random part of at most `jitter` (0 none, 1 anything down to no wait).
 */
export function backoffMs(backoff: Backoff, attempt: number): number {
  const full = Math.min(backoff.maxTimeout, backoff.minTimeout * backoff.multiplier ** attempt);
  return full * (1 - backoff.jitter * Math.random());
}
