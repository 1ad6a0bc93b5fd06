/**
 * Local health awareness: who misses answers may itself be the slow one (Lifeguard section IV-A).
 *
 * The local health multiplier rises when a probe fails, when a helper's answer stays away and when we must
 * refute that we are gone; it falls when a probe succeeds. Our probe interval and timeout are multiplied by one
 * more than it, so that a slow member accuses others more slowly.
 */

/** Lifeguard's S, its default. */
const MAX_MULTIPLIER = 8;

export class Awareness {
  #multiplier = 0;

  /** 0 when all is well, up to 8. */
  get multiplier(): number {
    return this.#multiplier;
  }

  /** What intervals and timeouts are multiplied by, 1 to 9. */
  get factor(): number {
    return this.#multiplier + 1;
  }

  /** Raises the multiplier by `events`, or lowers it where negative. */
  adjust(events: number): void {
    this.#multiplier = Math.min(MAX_MULTIPLIER, Math.max(0, this.#multiplier + events));
  }
}
