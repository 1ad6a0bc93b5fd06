/**
 * A deadline that stands still while whoever it is for is not allowed to run.
 */

import type { Clock, Timer } from "../../base/clock.ts";

export class PausableDeadline {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  #leftMs: number;
  #sinceMs: number;
  #timer: Timer | undefined;

  /** Calls `onDue` once, when `limitMs` have passed in which it was not paused. */
  constructor(clock: Clock, limitMs: number, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
    this.#leftMs = limitMs;
    this.#sinceMs = clock.now();
    this.#run();
  }

  /** Begins again with `limitMs`; one that is paused stays so. */
  reset(limitMs: number): void {
    const isRunning = this.#timer !== undefined;
    this.cancel();
    this.#leftMs = limitMs;
    if (isRunning) this.#run();
  }

  pause(): void {
    if (!this.#timer) return;
    this.cancel();
    this.#leftMs = Math.max(0, this.#leftMs - (this.#clock.now() - this.#sinceMs));
  }

  resume(): void {
    if (!this.#timer) this.#run();
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #run(): void {
    this.#sinceMs = this.#clock.now();
    this.#timer = this.#clock.schedule(this.#leftMs, this.#onDue);
  }
}
