/**
 * Something that is worth its memory only to who is busy: loaded in the background once it has been
 * missed often enough in a short time, and used from then on.
 */

import type { Clock } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";

export interface OnDemandOptions<T> {
  readonly clock: Clock;
  /** What it takes; when it rejects it is not tried again. */
  load(): Promise<T>;
  /** It is loaded when {@link OnDemand.use} was called this often in vain within `withinMs`. */
  readonly uses: number;
  readonly withinMs: number;
}

export class OnDemand<T> {
  readonly #options: OnDemandOptions<T>;
  #value: T | undefined;
  #refused: string | undefined;
  #loading: Promise<void> | undefined;
  #misses = 0;
  #sinceMs: number;

  constructor(options: OnDemandOptions<T>) {
    this.#options = options;
    this.#sinceMs = options.clock.now();
  }

  /** It, once it has been loaded. */
  get value(): T | undefined {
    return this.#value;
  }

  /** Why it cannot be had, once that is known. */
  get refused(): string | undefined {
    return this.#refused;
  }

  /** Resolves when what is being loaded has come, or has not. Never rejects. */
  get settled(): Promise<void> {
    return this.#loading ?? Promise.resolve();
  }

  /** It; `undefined` while it is not there, which counts as missing it. */
  use(): T | undefined {
    if (this.#value === undefined && !this.#loading) this.#miss();
    return this.#value;
  }

  #miss(): void {
    const { clock, uses, withinMs } = this.#options;
    if (++this.#misses < uses) return;
    // The clock is asked once in so many uses.
    const nowMs = clock.now();
    if (nowMs - this.#sinceMs <= withinMs) this.#loading = this.#load();
    this.#misses = 0;
    this.#sinceMs = nowMs;
  }

  async #load(): Promise<void> {
    try {
      this.#value = await this.#options.load();
    } catch (error) {
      this.#refused = describeError(error);
    }
  }
}
