/**
 * Shows a village while it forms: a table redrawn in place on a terminal, otherwise a line a second.
 */

import { type Clock, scheduleEvery, type Timer } from "../base/clock.ts";
import type { VillageSample } from "./sample.ts";
import { redraw, renderProgress, renderTable, type TerminalSize } from "./view.ts";

export interface DisplayOptions {
  readonly clock: Clock;
  /** The terminal's size; `undefined` where output is no terminal: then no codes are written. */
  readonly terminal: TerminalSize | undefined;
  write(text: string): void;
  /** What to show now. */
  sample(): VillageSample;
}

const REDRAW_MS = 100;
const LINE_MS = 1_000;

export class Display {
  readonly #options: DisplayOptions;
  readonly #timer: Timer;
  #drawn = 0;

  /** Shows at once, and again until it is closed. */
  constructor(options: DisplayOptions) {
    this.#options = options;
    if (options.terminal) this.#show();
    this.#timer = scheduleEvery(
      options.clock,
      options.terminal ? REDRAW_MS : LINE_MS,
      () => this.#show(),
    );
  }

  /** Shows once more and stops. */
  close(): void {
    this.#timer.cancel();
    this.#show();
  }

  #show(): void {
    const { terminal, write } = this.#options;
    const sample = this.#options.sample();
    if (!terminal) return write(`${renderProgress(sample)}\n`);
    const lines = renderTable(sample, terminal);
    write(redraw(lines, this.#drawn));
    this.#drawn = lines.length;
  }
}
