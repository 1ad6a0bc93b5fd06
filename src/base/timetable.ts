/**
 * Many deadlines on one timer: cheap to set and to drop, since nearly all are dropped.
 */

import type { Clock, Timer } from "./clock.ts";

/** An action that falls due unless it is removed. */
export interface Appointment {
  readonly dueMs: number;
  readonly onDue: () => void;
}

export class Timetable {
  readonly #clock: Clock;
  readonly #appointments = new Set<Appointment>();
  #timer: Timer | undefined;
  #timerDueMs = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `onDue` in `delayMs`; `Infinity` is never. Throws `RangeError` when it is no number. */
  add(delayMs: number, onDue: () => void): Appointment {
    if (Number.isNaN(delayMs)) throw new RangeError("Cannot make an appointment: NaN ms is never");
    const appointment = { dueMs: this.#clock.now() + delayMs, onDue };
    if (delayMs === Infinity) return appointment;
    this.#appointments.add(appointment);
    if (appointment.dueMs < this.#timerDueMs) this.#arm(appointment.dueMs);
    return appointment;
  }

  /** Drops an appointment; harmless once it was kept. */
  remove(appointment: Appointment): void {
    this.#appointments.delete(appointment);
  }

  /** Drops them all and frees the timer. */
  clear(): void {
    this.#appointments.clear();
    this.#timer?.cancel();
    this.#timerDueMs = Infinity;
  }

  #arm(dueMs: number): void {
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    if (dueMs === Infinity) return;
    this.#timer = this.#clock.schedule(dueMs - this.#clock.now(), () => this.#keep());
  }

  #keep(): void {
    const nowMs = this.#clock.now();
    const due = [...this.#appointments].filter(({ dueMs }) => dueMs <= nowMs);
    this.#timerDueMs = Infinity;
    const errors: unknown[] = [];
    for (const appointment of due) {
      try {
        if (this.#appointments.delete(appointment)) appointment.onDue();
      } catch (error) {
        // The others are kept first.
        errors.push(error);
      }
    }
    let nextMs = Infinity;
    for (const { dueMs } of this.#appointments) nextMs = Math.min(nextMs, dueMs);
    this.#arm(nextMs);
    if (errors.length > 0) throw errors[0];
  }
}
