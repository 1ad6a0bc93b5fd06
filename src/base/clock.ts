/**
 * Time: the only file that touches the runtime's clocks and timers.
 *
 * Protocol logic takes a {@link Clock}; the agent runs on {@link systemClock}, tests and simulators
 * on a {@link ManualClock} that moves only when told to. Durations and instants are milliseconds.
 */

import { TimerHeap } from "./timer_heap.ts";

/** A timer that has been set. */
export interface Timer {
  /** Stops the timer; harmless once it has fired. */
  cancel(): void;
}

/** A source of time. */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary origin; never goes back. */
  now(): number;
  /** Milliseconds since the Unix epoch, as this device believes; may jump. */
  wallMs(): number;
  /** Calls `action` once, `delayMs` from now. */
  schedule(delayMs: number, action: () => void): Timer;
}

/** The longest timer of the runtime; a longer one would fire at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The device's own clock. */
export const systemClock: Clock = Object.freeze({
  now: () => performance.now(),
  wallMs: () => Date.now(),
  schedule(delayMs: number, action: () => void): Timer {
    let id: ReturnType<typeof setTimeout>;
    const wait = (leftMs: number) => {
      const stepMs = Math.min(leftMs, MAX_TIMEOUT_MS);
      id = setTimeout(() => leftMs > stepMs ? wait(leftMs - stepMs) : action(), stepMs);
    };
    wait(Math.max(0, delayMs));
    return { cancel: () => clearTimeout(id) };
  },
});

/** Calls `action` every `periodMs` until cancelled; a period starts when the last action returned. */
export function scheduleEvery(clock: Clock, periodMs: number, action: () => void): Timer {
  let timer = clock.schedule(periodMs, tick);
  let cancelled = false;
  function tick() {
    try {
      action();
    } finally {
      if (!cancelled) timer = clock.schedule(periodMs, tick);
    }
  }
  return {
    cancel() {
      cancelled = true;
      timer.cancel();
    },
  };
}

/** Resolves after `delayMs`, or at once when `signal` aborts; never rejects. */
export function pause(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = clock.schedule(delayMs, finish);
  signal?.addEventListener("abort", finish, { once: true });
  function finish() {
    timer.cancel();
    signal?.removeEventListener("abort", finish);
    resolve();
  }
  return promise;
}

/** A clock that moves only when told to: timers fire in order of their due time. */
export class ManualClock implements Clock {
  #nowMs = 0;
  #wallStartMs: number;
  readonly #timers = new TimerHeap<() => void>();

  /** `wallStartMs` is the wall time at which the clock starts, Unix milliseconds. */
  constructor(wallStartMs = 1_750_000_000_000) {
    this.#wallStartMs = wallStartMs;
  }

  now(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wallStartMs + this.#nowMs;
  }

  schedule(delayMs: number, action: () => void): Timer {
    const entry = this.#timers.push(this.#nowMs + Math.max(0, delayMs), action);
    return { cancel: () => this.#timers.drop(entry) };
  }

  /** Moves the wall clock alone, as after a sleep or a correction. */
  jumpWall(ms: number): void {
    this.#wallStartMs += ms;
  }

  /** Number of timers that are set. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves time on by `ms`, firing every timer that falls due, those they set included. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (let nextMs = this.#timers.nextMs; nextMs <= untilMs; nextMs = this.#timers.nextMs) {
      this.#nowMs = Math.max(this.#nowMs, nextMs);
      this.#timers.pop()?.();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  /** {@link advance} in steps, letting pending promises settle between them. */
  async run(ms: number, stepMs = 1): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      this.advance(Math.min(stepMs, ms - passed));
      await settle();
    }
  }

  /**
   * Moves on to `untilMs` from timer to timer, letting promises settle after each instant at which any fired: what
   * waits for nothing but this clock cannot tell it from {@link run} in endlessly small steps. Ends early once
   * `isDone`; resolves with whether it is.
   */
  async runUntil(untilMs: number, isDone: () => boolean = () => false): Promise<boolean> {
    await turn();
    while (!isDone()) {
      const { nextMs } = this.#timers;
      this.advance(Math.max(0, Math.min(nextMs, untilMs) - this.#nowMs));
      if (nextMs > untilMs) return isDone();
      await turn();
    }
    return true;
  }
}

/**
 * Lets every promise that is ready run its continuations, and those of promises that wait for a moment's work of the
 * disk: it takes a millisecond or two.
 */
export function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Lets every promise that is ready run its continuations, and no more: it takes some microseconds. */
function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
