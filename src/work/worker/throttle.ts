/**
 * Holds an evaluator to a decision of the governor: stopped, running, or running for a share of each half second.
 */

import type { Clock, Timer } from "../../base/clock.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Decision } from "./governor.ts";

/** Short beside a person's patience, long beside a batch. */
export const PERIOD_MS = 500;

export class Throttle {
  readonly #evaluator: Pick<Evaluator, "pause" | "resume">;
  readonly #clock: Clock;
  #duty = 1;
  #timer: Timer | undefined;
  #isClosed = false;

  /** It runs until it is told otherwise. */
  constructor(evaluator: Pick<Evaluator, "pause" | "resume">, clock: Clock) {
    this.#evaluator = evaluator;
    this.#clock = clock;
  }

  follow({ mayWork, duty }: Pick<Decision, "mayWork" | "duty">): void {
    const wanted = mayWork ? duty : 0;
    if (wanted === this.#duty || this.#isClosed) return;
    this.#duty = wanted;
    this.#timer?.cancel();
    if (wanted > 0 && wanted < 1) this.#run();
    else if (wanted > 0) this.#evaluator.resume();
    else this.#evaluator.pause();
  }

  /** Leaves the evaluator as it is. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #run(): void {
    this.#evaluator.resume();
    this.#timer = this.#clock.schedule(this.#duty * PERIOD_MS, () => {
      this.#evaluator.pause();
      this.#timer = this.#clock.schedule((1 - this.#duty) * PERIOD_MS, () => this.#run());
    });
  }
}
