/**
 * A transfer's progress as people see it: how far, how fast, how long still.
 */

import { replaceUnprintable } from "../base/guards.ts";
import { type Clock, scheduleEvery, type Timer } from "../base/clock.ts";
import type { ProgressEvent, SendState } from "../control/send_events.ts";
import { formatBytes, formatDuration, formatRate } from "./quantities.ts";

export interface Progress {
  /** The file's name; any text. */
  readonly label: string;
  /** Bytes. */
  readonly done: number;
  readonly size: number;
  /** Bytes per second, once known. */
  readonly rate: number | undefined;
  readonly etaSeconds: number | undefined;
  readonly state: SendState;
  /** Columns that the line may take. */
  readonly width: number;
}

export interface ProgressDisplayOptions {
  readonly name: string;
  readonly size: number;
  readonly peer: string;
  readonly clock: Clock;
  /** The terminal's width now; `undefined` where output is no terminal: then no codes are written. */
  readonly columns: (() => number) | undefined;
  readonly write: (text: string) => void;
}

interface Sample {
  readonly done: number;
  readonly atMs: number;
}

/** Long enough to be calm, short enough to follow a change. */
const WINDOW_MS = 3_000;
/** Nearer samples replace one another, so that there are never more than 32. */
const STEP_MS = 100;
/** A shorter span says more about buffers than about the network. */
const MIN_SPAN_MS = 500;

const REDRAW_MS = 100;
/** After so long without news nothing moves, and the rate shall say so. */
const STALL_MS = 2_000;
const ERASE_LINE = "\r\x1b[K";

const BAR_CELLS = 20;
const EIGHTHS: readonly string[] = Object.freeze([
  "",
  ..."\u258f\u258e\u258d\u258c\u258b\u258a\u2589",
]);
/** With fewer columns than this for the label, what follows it is left out first. */
const MIN_LABEL_COLUMNS = 8;
/** The longest rate, e.g. `12.3 MB/s`: the line does not twitch as digits come and go. */
const RATE_COLUMNS = 9;

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** How fast a transfer is now, over a sliding window of three seconds. */
export class RateEstimator {
  readonly #samples: Sample[] = [];
  #resumedFrom = 0;

  /**
   * At `atMs`, on a clock that never goes back, the first `done` bytes are there, of which `resumedFrom`
   * were so before; these never count.
   */
  feed(done: number, atMs: number, resumedFrom = 0): void {
    const samples = this.#samples;
    const isNewStart = resumedFrom !== this.#resumedFrom || done < (samples.at(-1)?.done ?? 0);
    if (isNewStart) samples.length = 0;
    this.#resumedFrom = resumedFrom;
    if (atMs - (samples.at(-2)?.atMs ?? -Infinity) < STEP_MS) samples.pop();
    samples.push({ done, atMs });
    // One sample at or before the window's start stays: the rate is known from it on.
    while ((samples[1]?.atMs ?? Infinity) <= atMs - WINDOW_MS) samples.shift();
  }

  /** `undefined` until half a second has been seen. */
  get bytesPerSecond(): number | undefined {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (!first || !last || last.atMs - first.atMs < MIN_SPAN_MS) return undefined;
    return (last.done - first.done) * 1_000 / (last.atMs - first.atMs);
  }

  /** Until `size` bytes are there; `undefined` while nothing moves. */
  etaSeconds(size: number): number | undefined {
    const rate = this.bytesPerSecond;
    const done = this.#samples.at(-1)?.done ?? 0;
    return rate ? Math.max(0, size - done) / rate : undefined;
  }
}

/** One file's progress: a line redrawn in place on a terminal, otherwise a line at each tenth. */
export class ProgressDisplay {
  readonly #options: ProgressDisplayOptions;
  readonly #timer: Timer | undefined;
  #estimator = new RateEstimator();
  #latest: ProgressEvent;
  #latestMs: number;
  #tenth = 0;

  /** Shows at once, and on a terminal again and again until it is closed. */
  constructor(options: ProgressDisplayOptions) {
    const { name, size, peer, clock, columns, write } = options;
    this.#options = options;
    this.#latest = { event: "progress", state: "checking", sent: 0, size, resumed_from: 0 };
    this.#latestMs = clock.now();
    if (columns) this.#draw(columns());
    else write(`${printable(name)}: ${formatBytes(size)} to ${printable(peer)}\n`);
    this.#timer = columns && scheduleEvery(clock, REDRAW_MS, () => this.#draw(columns()));
  }

  show(event: ProgressEvent): void {
    const { clock, columns } = this.#options;
    this.#latest = event;
    this.#latestMs = clock.now();
    if (event.state === "sending") {
      this.#estimator.feed(event.sent, this.#latestMs, event.resumed_from);
    } else {
      this.#estimator = new RateEstimator();
    }
    if (!columns && event.state !== "checking") this.#writeTenth(event.sent, event.size);
  }

  /** Everything is there. */
  complete(): void {
    if (!this.#options.columns) this.#writeTenth(1, 1);
  }

  /** Leaves a clean line. */
  close(): void {
    this.#timer?.cancel();
    if (this.#options.columns) this.#options.write(ERASE_LINE);
  }

  #draw(columns: number): void {
    const { state, sent, size, resumed_from } = this.#latest;
    const nowMs = this.#options.clock.now();
    if (state === "sending" && nowMs - this.#latestMs >= STALL_MS) {
      this.#estimator.feed(sent, nowMs, resumed_from);
    }
    const line = progressLine({
      label: this.#options.name,
      done: sent,
      size,
      rate: this.#estimator.bytesPerSecond,
      etaSeconds: this.#estimator.etaSeconds(size),
      state,
      // In the last column some terminals wrap at once.
      width: columns - 1,
    });
    this.#options.write(`\r${line}\x1b[K`);
  }

  #writeTenth(sent: number, size: number): void {
    const percent = percentOf(sent, size);
    if (Math.floor(percent / 10) <= this.#tenth) return;
    this.#tenth = Math.floor(percent / 10);
    const { bytesPerSecond: rate } = this.#estimator;
    const eta = this.#estimator.etaSeconds(size);
    const figures = [
      `${percent} %`,
      ...(rate === undefined ? [] : [formatRate(rate)]),
      ...(eta === undefined || percent === 100 ? [] : [`ETA ${formatDuration(eta)}`]),
    ];
    this.#options.write(`${printable(this.#options.name)}: ${figures.join(", ")}\n`);
  }
}

/**
 * `label  [#####   ]  43 %  12.3 MB/s  ETA 8 s`, or the state where it is not sending. Never takes more
 * than `width` columns: the bar goes first, then the figures from the right; the label is shortened.
 */
export function progressLine(progress: Progress): string {
  const { done, size, rate, etaSeconds, state, width } = progress;
  const percent = `${percentOf(done, size)}`.padStart(4) + " %";
  const speed = rate === undefined ? "" : `  ${formatRate(rate).padStart(RATE_COLUMNS)}`;
  const eta = etaSeconds === undefined ? "" : `  ETA ${formatDuration(etaSeconds)}`;
  const [now, later] = state === "sending" ? [speed, eta] : [`  ${state}`, ""];
  const figures = percent + now + later;
  const tails = [`  ${bar(done, size)}${figures}`, figures, percent + now, percent];
  const label = printable(progress.label);
  const room = Math.max(0, width - Math.min(columnsOf(label), MIN_LABEL_COLUMNS));
  // A column for each code unit: nothing in a tail is wide.
  const tail = tails.find(({ length }) => length <= room) ?? "";
  return shorten(label, width - tail.length) + tail;
}

/** `text` without anything that a terminal would obey or that changes the order of letters. */
export function printable(text: string): string {
  return replaceUnprintable(text.toWellFormed().normalize("NFC"), "?");
}

/** Whole percent, 100 only when all is done, as an empty file always is. */
function percentOf(done: number, size: number): number {
  return size > 0 ? Math.floor(Math.min(size, Math.max(0, done)) * 100 / size) : 100;
}

function bar(done: number, size: number): string {
  const share = size > 0 ? Math.min(1, Math.max(0, done / size)) : 1;
  const eighths = Math.floor(share * BAR_CELLS * 8);
  const full = "\u2588".repeat(Math.floor(eighths / 8));
  return `[${(full + EIGHTHS[eighths % 8]).padEnd(BAR_CELLS)}]`;
}

/** At most `columns` columns of printable `text`, its middle left out. */
function shorten(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  if (columns < 1) return "";
  const clusters = Array.from(graphemes.segment(text), ({ segment }) => segment);
  const head = fitting(clusters, Math.ceil((columns - 1) / 2));
  const tail = fitting(clusters.toReversed(), columns - 1 - columnsOf(head.join("")));
  return [...head, "\u2026", ...tail.toReversed()].join("");
}

/** As many of the first `clusters` as `columns` hold. */
function fitting(clusters: readonly string[], columns: number): readonly string[] {
  let taken = 0;
  const end = clusters.findIndex((cluster) => (taken += columnsOf(cluster)) > columns);
  return end < 0 ? clusters : clusters.slice(0, end);
}

/** At least as many columns as any terminal gives `text`: combining marks and joined emoji count in full. */
function columnsOf(text: string): number {
  let columns = 0;
  for (const letter of text) columns += isPerhapsWide(letter.codePointAt(0) ?? 0) ? 2 : 1;
  return columns;
}

/** Nothing below U+1100 is wide (UAX #11), nor are the later Latin and Greek letters and punctuation. */
function isPerhapsWide(codePoint: number): boolean {
  return codePoint >= 0x1100 && !(codePoint >= 0x1e00 && codePoint <= 0x20cf);
}
