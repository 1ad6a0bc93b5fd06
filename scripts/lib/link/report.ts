/**
 * From measurements to the figures that are compared with their targets.
 */

import { median, quantile, rounded } from "../statistics.ts";
import type { ContenderName, Measurements } from "./measure.ts";

/** The figures, under the names in which they are published. */
export interface LinkReport {
  readonly raw_MBps: number;
  readonly loop_MBps: number;
  readonly sealed_MBps: number;
  readonly sealed_over_loop: number;
  readonly raw_rtt_us_p50: number;
  readonly raw_rtt_us_p99: number;
  readonly loop_rtt_us_p50: number;
  readonly loop_rtt_us_p99: number;
  readonly sealed_rtt_us_p50: number;
  readonly sealed_rtt_us_p99: number;
  readonly rtt_ratio: number;
  readonly loop_rtt_ratio: number;
  readonly handshakes_per_s: number;
  /** What this machine's X25519 alone would allow, in the same run. */
  readonly agreements_per_s: number;
  readonly handshakes_over_agreements: number;
  /** iroh's in the same run; `null` without it. */
  readonly iroh_handshakes_per_s: number | null;
  readonly handshakes_over_iroh: number | null;
  /** The one core of both processes during round trips; `null` when they were not pinned. */
  readonly rtt_core: number | null;
}

/** Medians over all rounds; `core` is the one that held the round trips. */
export function reportOf(measurements: Measurements, core: string | undefined): LinkReport {
  const { oneWay, roundTrips, dials } = measurements;
  const speed = (name: ContenderName) => rounded(median(oneWay.map((round) => round[name])), 1);
  const trip = (name: ContenderName, q: number) =>
    rounded(median(roundTrips.map((round) => quantile(round[name], q))), 1);
  const tripRatio = (name: ContenderName) =>
    rounded(median(roundTrips.map((round) => median(round[name]) / median(round.raw))), 3);
  const beside = dials.flatMap(({ sealed, iroh }) => iroh === undefined ? [] : [{ sealed, iroh }]);
  return {
    raw_MBps: speed("raw"),
    loop_MBps: speed("loop"),
    sealed_MBps: speed("sealed"),
    sealed_over_loop: rounded(median(oneWay.map((round) => round.sealed / round.loop)), 3),
    raw_rtt_us_p50: trip("raw", 0.5),
    raw_rtt_us_p99: trip("raw", 0.99),
    loop_rtt_us_p50: trip("loop", 0.5),
    loop_rtt_us_p99: trip("loop", 0.99),
    sealed_rtt_us_p50: trip("sealed", 0.5),
    sealed_rtt_us_p99: trip("sealed", 0.99),
    rtt_ratio: tripRatio("sealed"),
    loop_rtt_ratio: tripRatio("loop"),
    handshakes_per_s: rounded(median(dials.map(({ sealed }) => sealed)), 0),
    agreements_per_s: rounded(median(dials.map(({ agreed }) => agreed)), 0),
    handshakes_over_agreements: rounded(median(dials.map((it) => it.sealed / it.agreed)), 3),
    iroh_handshakes_per_s: beside.length === 0
      ? null
      : rounded(median(beside.map((it) => it.iroh)), 0),
    handshakes_over_iroh: beside.length === 0
      ? null
      : rounded(median(beside.map((it) => it.sealed / it.iroh)), 3),
    rtt_core: core === undefined ? null : Number(core),
  };
}

/** The report for people. */
export function tableOf(report: LinkReport): string {
  const rows: (readonly string[])[] = [
    ["", "raw TCP", "hand-written", "hamlet", "ratio"],
    row("one way, 64 KiB, MB/s", "MBps", report, `${report.sealed_over_loop} of the loop`),
    row("round trip, 64 B, us, p50", "rtt_us_p50", report, `${report.rtt_ratio} x raw`),
    row("round trip, 64 B, us, p99", "rtt_us_p99", report, ""),
    [
      "dials ready a second",
      ...["", "", String(report.handshakes_per_s)],
      `${report.handshakes_over_agreements} of the ${report.agreements_per_s} that X25519 alone allows`,
    ],
  ];
  if (report.handshakes_over_iroh !== null) {
    const iroh = String(report.iroh_handshakes_per_s);
    rows.push(["  by iroh", "", "", iroh, `ours are ${report.handshakes_over_iroh} of it`]);
  }
  const where = report.rtt_core === null
    ? "round trips were not held to one core"
    : `round trips on core ${report.rtt_core} alone`;
  return [...rows.map((cells) => cells.map(padCell).join("").trimEnd()), where].join("\n");
}

function row(
  label: string,
  key: "MBps" | "rtt_us_p50" | "rtt_us_p99",
  report: LinkReport,
  ratio: string,
): string[] {
  const figures = (["raw", "loop", "sealed"] as const).map((name) => report[`${name}_${key}`]);
  return [label, ...figures.map(String), ratio];
}

function padCell(cell: string, column: number): string {
  if (column === 0) return cell.padEnd(28);
  return column === 4 ? `   ${cell}` : cell.padStart(13);
}
