/**
 * Announces the sleep of a laptop whose lid was closed, before it begins (PROTOCOL.md section 11).
 *
 * A closed lid mostly means that the device sleeps in the next second. Where it does not, with another screen for
 * instance, it is awake all the same and says so after {@link AWAKE_MS}.
 */

import type { Clock, Timer } from "../base/clock.ts";
import type { LidState } from "../host/lid.ts";

export interface LidWatchOptions {
  readonly clock: Clock;
  /** Never rejects; `undefined` where there is no lid. */
  readonly read: () => Promise<LidState | undefined>;
  readonly onSleep: () => void;
  readonly onWake: () => void;
}

/** The system waits for longer than this before it sleeps, and a file in memory costs nothing to read. */
const POLL_MS = 500;
/** A device that was not put to sleep in this time will not be. */
export const AWAKE_MS = 60_000;

export class LidWatch {
  readonly #options: LidWatchOptions;
  #timer: Timer | undefined;
  #closedMs: number | undefined;
  #isAsleep = false;
  #isClosed = false;

  /** Looks at once, and goes on while there is a lid. */
  constructor(options: LidWatchOptions) {
    this.#options = options;
    void this.#look();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    const { clock, read } = this.#options;
    const state = await read();
    if (this.#isClosed || state === undefined) return;
    this.#take(state, clock.now());
    this.#timer = clock.schedule(POLL_MS, () => void this.#look());
  }

  #take(state: LidState, nowMs: number): void {
    if (state === "open") {
      this.#closedMs = undefined;
      return this.#wake();
    }
    // An agent that starts under a closed lid is awake.
    if (this.#timer && this.#closedMs === undefined) {
      this.#isAsleep = true;
      this.#options.onSleep();
    }
    this.#closedMs ??= nowMs;
    if (nowMs - this.#closedMs >= AWAKE_MS) this.#wake();
  }

  #wake(): void {
    if (!this.#isAsleep) return;
    this.#isAsleep = false;
    this.#options.onWake();
  }
}
