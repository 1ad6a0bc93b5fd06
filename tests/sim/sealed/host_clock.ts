/** One host's clock: it began at a time of its own, goes at a pace of its own, and stands still while the host sleeps. */

import type { Clock, Timer } from "../../../src/base/clock.ts";

export interface HostClockOptions {
  /** What the monotonic clock shows at the beginning of the world. */
  readonly originMs: number;
  /** How far the wall clock is ahead of the world's then. */
  readonly aheadMs: number;
  /** How much faster than the world's it goes, parts per million. */
  readonly driftPpm: number;
}

interface HostTimer {
  readonly dueMs: number;
  readonly action: () => void;
  timer: Timer | undefined;
}

/** A timer fires a little late rather than a rounding error too early. */
const SLACK_MS = 0.001;

export class HostClock implements Clock {
  readonly #world: Clock;
  readonly #options: HostClockOptions;
  readonly #rate: number;
  readonly #timers = new Set<HostTimer>();
  #sleptMs = 0;
  #asleepSinceMs: number | undefined;

  constructor(world: Clock, options: HostClockOptions) {
    this.#world = world;
    this.#options = options;
    this.#rate = 1 + options.driftPpm / 1e6;
  }

  now(): number {
    const worldMs = this.#asleepSinceMs ?? this.#world.now();
    return this.#options.originMs + (worldMs - this.#sleptMs) * this.#rate;
  }

  wallMs(): number {
    const { aheadMs } = this.#options;
    return this.#world.wallMs() + aheadMs + this.#world.now() * (this.#rate - 1);
  }

  schedule(delayMs: number, action: () => void): Timer {
    const entry: HostTimer = {
      dueMs: this.now() + Math.max(0, delayMs),
      action,
      timer: undefined,
    };
    this.#timers.add(entry);
    if (this.#asleepSinceMs === undefined) this.#set(entry);
    return {
      cancel: () => {
        this.#timers.delete(entry);
        entry.timer?.cancel();
      },
    };
  }

  /** Timers that are set. */
  get pending(): number {
    return this.#timers.size;
  }

  get isAsleep(): boolean {
    return this.#asleepSinceMs !== undefined;
  }

  /** Stops the monotonic clock and every timer; the wall clock goes on. */
  stop(): void {
    this.#asleepSinceMs ??= this.#world.now();
    for (const { timer } of this.#timers) timer?.cancel();
  }

  resume(): void {
    if (this.#asleepSinceMs === undefined) return;
    this.#sleptMs += this.#world.now() - this.#asleepSinceMs;
    this.#asleepSinceMs = undefined;
    for (const entry of this.#timers) this.#set(entry);
  }

  #set(entry: HostTimer): void {
    const leftMs = entry.dueMs - this.now();
    const delayMs = leftMs > 0 ? leftMs / this.#rate + SLACK_MS : 0;
    entry.timer = this.#world.schedule(delayMs, () => {
      this.#timers.delete(entry);
      entry.action();
    });
  }
}
