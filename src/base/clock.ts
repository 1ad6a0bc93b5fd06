/**
 * Time: the only file that touches the runtime's clocks and timers.
 *
 * Protocol logic takes a {@link Clock}; the agent runs on {@link systemClock}, tests and simulators
 * on a {@link ManualClock} that moves only when told to. Durations and instants are milliseconds.
 */

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

interface Entry {
  readonly dueMs: number;
  readonly order: number;
  readonly action: () => void;
}

/** A clock that moves only by {@link ManualClock.advance}: timers fire in order of their due time. */
export class ManualClock implements Clock {
  #nowMs = 0;
  #order = 0;
  #wallStartMs: number;
  readonly #entries = new Set<Entry>();

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
    const entry = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, action };
    this.#entries.add(entry);
    return { cancel: () => void this.#entries.delete(entry) };
  }

  /** Moves the wall clock alone, as after a sleep or a correction. */
  jumpWall(ms: number): void {
    this.#wallStartMs += ms;
  }

  /** Number of timers that are set. */
  get pending(): number {
    return this.#entries.size;
  }

  /** Moves time on by `ms`, firing every timer that falls due, those they set included. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (let next = this.#earliest(untilMs); next; next = this.#earliest(untilMs)) {
      this.#entries.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.action();
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

  #earliest(untilMs: number): Entry | undefined {
    let earliest: Entry | undefined;
    for (const entry of this.#entries) {
      if (entry.dueMs > untilMs) continue;
      if (
        !earliest || entry.dueMs < earliest.dueMs ||
        (entry.dueMs === earliest.dueMs && entry.order < earliest.order)
      ) earliest = entry;
    }
    return earliest;
  }
}

/** Lets every promise that is ready run its continuations: one turn of the event loop. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
