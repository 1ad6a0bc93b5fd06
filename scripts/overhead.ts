/**
 * The price of detection as one percentage a path: how much longer the recognising decoder and the real
 * work behind it take than the same without recognition.
 *
 * Short passes alternate within one process and the fastest tenth of each side is compared, so that
 * other programs on the machine slow what is thrown away.
 */

import { parseArgs } from "@std/cli";
import { systemClock } from "../src/base/clock.ts";
import {
  checkComparison,
  compareJson,
  compareSealed,
  type Comparison,
} from "../bench/lib/detection.ts";
import { type Size, SIZES } from "../bench/lib/samples.ts";
import { median, quantile, rounded } from "./lib/statistics.ts";

const DEFAULT_SECONDS = 15;
const WARM_UP_PASSES = 20;
const SET_UPS = 9;

type Compare = (size: Size) => Comparison;

const HELP = `Usage: deno run scripts/overhead.ts [--json] [--seconds S]

Measures what detection adds to the work on a frame, for sealed records and for discovery
requests, at 64 B, 1 KiB and 64 KiB. A path's percentage is the median over its sizes.

Options:
  --json        Print one JSON object
  --seconds S   Measuring time, 1..600 (default ${DEFAULT_SECONDS})
  -h, --help    Show this text`;

/**
 * Percent that detection adds at `size`: the median over several set-ups, because where a buffer happens to
 * lie in memory can matter as much as what is measured.
 */
function measure(compare: Compare, size: Size, seconds: number): number {
  const percents = Array.from(
    { length: SET_UPS },
    () => measureOnce(compare(size), seconds / SET_UPS),
  );
  return median(percents);
}

function measureOnce(comparison: Comparison, seconds: number): number {
  checkComparison(comparison);
  const { plain, detecting } = comparison;
  for (let i = 0; i < WARM_UP_PASSES; i++) void (plain(), detecting());
  const plainMs: number[] = [];
  const detectingMs: number[] = [];
  const untilMs = systemClock.now() + seconds * 1000;
  while (systemClock.now() < untilMs) {
    const isPlainFirst = plainMs.length % 2 === 0;
    if (isPlainFirst) plainMs.push(timed(plain));
    detectingMs.push(timed(detecting));
    if (!isPlainFirst) plainMs.push(timed(plain));
  }
  return (quantile(detectingMs, 0.1) / quantile(plainMs, 0.1) - 1) * 100;
}

function timed(pass: () => number): number {
  const startedMs = systemClock.now();
  pass();
  return systemClock.now() - startedMs;
}

function run(seconds: number) {
  const share = seconds / (2 * SIZES.length);
  const measured = (compare: Compare) =>
    SIZES.map((size) => ({ size, percent: rounded(measure(compare, size, share), 2) }));
  const sealed = measured(compareSealed);
  const json = measured(compareJson);
  const bySize = (figures: typeof sealed) =>
    Object.fromEntries(figures.map(({ size, percent }) => [size.label, percent]));
  return {
    json_percent: median(json.map(({ percent }) => percent)),
    sealed_percent: median(sealed.map(({ percent }) => percent)),
    json_percent_by_size: bySize(json),
    sealed_percent_by_size: bySize(sealed),
  };
}

if (import.meta.main) {
  const unknown: string[] = [];
  const flags = parseArgs(Deno.args, {
    boolean: ["json", "help"],
    string: ["seconds"],
    alias: { h: "help" },
    unknown: (arg) => unknown.push(arg) === 0,
  });
  const seconds = Number(flags.seconds ?? DEFAULT_SECONDS);
  if (flags.help) {
    console.log(HELP);
  } else if (unknown.length > 0) {
    console.error(`Unknown argument ${unknown[0]}; see --help`);
    Deno.exitCode = 2;
  } else if (!(seconds >= 1 && seconds <= 600)) {
    console.error("--seconds must be within 1..600");
    Deno.exitCode = 2;
  } else {
    const report = run(seconds);
    if (flags.json) console.log(JSON.stringify(report, null, 2));
    else {
      console.log(`sealed path: ${report.sealed_percent} %`, report.sealed_percent_by_size);
      console.log(`JSON path:   ${report.json_percent} %`, report.json_percent_by_size);
    }
  }
}
