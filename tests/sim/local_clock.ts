/**
 * A node's own time: it begins anywhere, goes at its own rate, and stands still while the machine sleeps. A slow
 * node moreover runs only in its turns.
 */

/** How a slow node's time goes by: by turns from time 0 on, the same for all. */
export interface DutyCycle {
  readonly runMs: number;
  readonly pauseMs: number;
}

export class LocalClock {
  cycle: DutyCycle | undefined;
  #offsetMs = 0;
  #rate = 1;
  #stoppedMs = 0;

  /** Where it stands at time 0 of the world, and how fast it goes, in parts per million. */
  set(offsetMs: number, driftPpm: number): void {
    this.#offsetMs = offsetMs;
    this.#rate = 1 + driftPpm / 1e6;
  }

  /** What it shows at `worldMs`. */
  at(worldMs: number): number {
    return this.#offsetMs + worldMs * this.#rate;
  }

  /** When in the world it shows `localMs`. */
  worldMsOf(localMs: number): number {
    return (localMs - this.#offsetMs) / this.#rate;
  }

  stop(worldMs: number): void {
    this.#stoppedMs = worldMs;
  }

  /** Goes on from where it stopped. */
  go(worldMs: number): void {
    this.#offsetMs -= (worldMs - this.#stoppedMs) * this.#rate;
  }

  /** Lets `ms` pass for this node alone. */
  jump(ms: number): void {
    this.#offsetMs += ms;
  }

  /** When a node that is paused at `worldMs` runs again; `worldMs` if it does run. */
  resumesMs(worldMs: number): number {
    if (!this.cycle) return worldMs;
    const periodMs = this.cycle.runMs + this.cycle.pauseMs;
    const passedMs = worldMs % periodMs;
    return passedMs < this.cycle.runMs ? worldMs : worldMs - passedMs + periodMs;
  }
}
