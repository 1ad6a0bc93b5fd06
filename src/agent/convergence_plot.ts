/**
 * Draws how a job's best fitness came nearer to what was wanted, as SVG: over time, with a logarithmic axis where the
 * values span it. The text that a job brings is escaped, numbers alone make up the rest.
 */

import { toPrintable } from "../base/guards.ts";
import type { HistoryRow } from "./job_history.ts";

export interface PlotOptions {
  readonly title: string;
  readonly rows: readonly HistoryRow[];
  readonly target: number | null;
}

const WIDTH = 720;
const HEIGHT = 360;
const MARGIN = Object.freeze({ left: 76, right: 24, top: 40, bottom: 48 });
const INK = "#1f77b4";
const TARGET_INK = "#2ca02c";
/** With fewer decades than this a logarithmic axis shows nothing more. */
const MIN_DECADES = 1.5;
const MAX_TICKS = 8;
/** Smaller and larger numbers than this and its inverse have no power of ten on either side. */
const LEAST = 1e-300;
const MAX_TITLE_LENGTH = 80;

/** An axis of values: where on it a value is, 0 to 1, and the values that are written beside it. */
interface Axis {
  readonly place: (value: number) => number;
  readonly ticks: readonly number[];
}

/** The plot; without a single row, an empty frame. */
export function drawConvergence({ title, rows, ...given }: PlotOptions): string {
  const points = rows.flatMap(({ elapsedS, best }) =>
    best === null ? [] : [{ elapsedS, best: drawable(best) }]
  );
  const target = given.target === null ? null : drawable(given.target);
  const values = [...points.map(({ best }) => best), ...(target === null ? [] : [target])];
  const vertical = valueAxis(values);
  const horizontal = linearAxis(0, Math.max(1, points.at(-1)?.elapsedS ?? 1));
  const x = (seconds: number) =>
    MARGIN.left + horizontal.place(seconds) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (value: number) =>
    HEIGHT - MARGIN.bottom - vertical.place(value) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" ` +
    'font-family="sans-serif" font-size="12">',
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    `<text x="${MARGIN.left}" y="22" font-size="14">${escaped(title)}</text>`,
    ...vertical.ticks.flatMap((value) => tickAt(MARGIN.left, y(value), value)),
    ...horizontal.ticks.map((seconds) =>
      `<text x="${at(x(seconds))}" y="${HEIGHT - MARGIN.bottom + 18}" text-anchor="middle">` +
      `${numberText(seconds)}</text>`
    ),
    `<text x="${WIDTH / 2}" y="${HEIGHT - 10}" text-anchor="middle">seconds</text>`,
    `<line x1="${MARGIN.left}" y1="${HEIGHT - MARGIN.bottom}" x2="${WIDTH - MARGIN.right}" ` +
    `y2="${HEIGHT - MARGIN.bottom}" stroke="#999"/>`,
    ...(target === null ? [] : targetLine(y(target))),
    ...(points.length === 0 ? [] : [
      `<polyline points="${steps(points.map((p) => [x(p.elapsedS), y(p.best)]))}" fill="none" ` +
      `stroke="${INK}" stroke-width="2"/>`,
    ]),
    "</svg>",
    "",
  ].join("\n");
}

/** The best stays what it is until it is bettered: a stair, not a slope. */
function steps(points: readonly (readonly [number, number])[]): string {
  const corners: string[] = [];
  let before: readonly [number, number] | undefined;
  for (const point of points) {
    if (before && before[1] !== point[1]) corners.push(`${at(point[0])},${at(before[1])}`);
    corners.push(`${at(point[0])},${at(point[1])}`);
    before = point;
  }
  return corners.join(" ");
}

function targetLine(y: number): readonly string[] {
  const right = WIDTH - MARGIN.right;
  return [
    `<line x1="${MARGIN.left}" y1="${at(y)}" x2="${right}" y2="${at(y)}" stroke="${TARGET_INK}" ` +
    'stroke-dasharray="6 4"/>',
    `<text x="${right}" y="${at(y - 4)}" text-anchor="end" fill="${TARGET_INK}">target</text>`,
  ];
}

function tickAt(x: number, y: number, value: number): readonly string[] {
  return [
    `<line x1="${x}" y1="${at(y)}" x2="${WIDTH - MARGIN.right}" y2="${at(y)}" stroke="#eee"/>`,
    `<text x="${x - 8}" y="${at(y + 4)}" text-anchor="end" fill="#555">${numberText(value)}</text>`,
  ];
}

function valueAxis(values: readonly number[]): Axis {
  const low = values.length > 0 ? Math.min(...values) : 0;
  const high = values.length > 0 ? Math.max(...values) : 1;
  // What came down to nought lies on the floor of the decades above.
  const least = Math.min(...values.filter((value) => value > 0));
  const decades = low >= 0 && high > 0 ? Math.log10(high) - Math.log10(least) : 0;
  return decades >= MIN_DECADES ? decadeAxis(least, high) : linearAxis(low, high);
}

function decadeAxis(low: number, high: number): Axis {
  const logOf = (value: number) => Math.log10(Math.max(LEAST, value));
  const [bottom, top] = [Math.floor(logOf(low)), Math.ceil(logOf(high))];
  const step = Math.ceil((top - bottom) / MAX_TICKS);
  const ticks: number[] = [];
  for (let power = bottom; power <= top; power += step) ticks.push(10 ** power);
  return {
    ticks,
    place: (value) => Math.max(0, logOf(value) - bottom) / (top - bottom),
  };
}

/** From at or below `low` to at or above `high`, in steps of 1, 2 or 5 times a power of ten. */
function linearAxis(low: number, high: number): Axis {
  // Halves, since the difference of two finite numbers may be none.
  const half = high / 2 - low / 2;
  const size = half > 0 ? half / (MAX_TICKS / 2) : Math.max(1, Math.abs(high)) / MAX_TICKS;
  const power = 10 ** Math.floor(Math.log10(size));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= size) ?? 10) * power;
  const bottom = Math.floor(low / step);
  const top = Math.max(bottom + 1, Math.ceil(high / step));
  const ticks = Array.from(
    { length: Math.min(top - bottom, 2 * MAX_TICKS) + 1 },
    (_, index) => (bottom + index) * step,
  );
  return { ticks, place: (value) => (value / step - bottom) / (top - bottom) };
}

/** Near the largest numbers there is none for a tick beside them. */
function drawable(value: number): number {
  return Math.max(-1 / LEAST, Math.min(1 / LEAST, value));
}

function escaped(text: string): string {
  const marks: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return toPrintable(text, MAX_TITLE_LENGTH).replace(/[&<>"]/g, (mark) => marks[mark] ?? "");
}

function numberText(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e6)
    ? value.toExponential(1).replace(/\.0e/, "e").replace("e+", "e")
    : String(Number(value.toPrecision(4)));
}

/** To a tenth of a point. */
function at(place: number): string {
  return String(Math.round(place * 10) / 10);
}
