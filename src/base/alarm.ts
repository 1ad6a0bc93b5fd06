/**
 * An alarm: one timer for something that says itself when it next has to do something, set anew only when it must go off
 * sooner. It goes off too early rather than late: whoever is woken looks at the time.
 */

import type { Clock, Timer } from "./clock.ts";

export class Alarm {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  readonly #minWaitMs: number;
  #timer: Timer | undefined;
  #dueMs = Infinity;

  /** Calls `onDue` when it goes off, never sooner than `minWaitMs` after it was set. */
  constructor(clock: Clock, onDue: () => void, minWaitMs = 0) {
    this.#clock = clock;
    this.#onDue = onDue;
    this.#minWaitMs = minWaitMs;
  }

  /** Has it go off at `deadlineMs`, monotonic, or sooner, if it is set already. */
  set(deadlineMs: number): void {
    if (deadlineMs >= this.#dueMs) return;
    this.#timer?.cancel();
    this.#dueMs = deadlineMs;
    const waitMs = Math.max(this.#minWaitMs, deadlineMs - this.#clock.now());
    this.#timer = this.#clock.schedule(waitMs, () => {
      this.#dueMs = Infinity;
      this.#onDue();
    });
  }

  /** It does not go off any more, unless it is set again. */
  cancel(): void {
    this.#timer?.cancel();
    this.#dueMs = Infinity;
  }
}
