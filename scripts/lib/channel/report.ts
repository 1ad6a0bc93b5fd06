/**
 * From measurements to the figures that are compared with their targets.
 */

import { MAX_PLAINTEXT_BYTES } from "../../../src/wire/limits.ts";
import { median, quantile, rounded } from "../statistics.ts";
import type { OneWayRound, PingFigures, RequestsRound, TripRound } from "./measure.ts";
import type { MemoryCosts } from "./memory.ts";

/** What was measured. */
export interface Measurements {
  readonly oneWay: readonly OneWayRound[];
  readonly trips: readonly TripRound[];
  readonly requests: readonly RequestsRound[];
  readonly pings: PingFigures;
  readonly memory: MemoryCosts;
  /** The one core of round trips, if they were held to one. */
  readonly core: string | undefined;
}

export type ChannelReport = Readonly<Record<string, number | null>>;

/** Medians over all rounds; ratios are medians of the rounds' own ratios. */
export function reportOf(measurements: Measurements): ChannelReport {
  const { oneWay, trips, requests, pings, memory, core } = measurements;
  const tripRatio = (name: "sealed" | "stream" | "request") =>
    medianOf(trips, (round) => median(round[name]) / median(round.raw), 3);
  const idle99 = quantile(pings.idleUs, 0.99);
  const recordUs = MAX_PLAINTEXT_BYTES / median(oneWay.map(({ sealed }) => sealed));
  return {
    sealed_MBps: medianOf(oneWay, ({ sealed }) => sealed),
    stream_MBps: medianOf(oneWay, ({ one }) => one),
    stream_over_sealed: medianOf(oneWay, ({ one, sealed }) => one / sealed, 3),
    streams16_MBps: medianOf(oneWay, ({ many }) => many),
    streams16_over_stream: medianOf(oneWay, ({ one, many }) => many / one, 3),
    raw_rtt_us_p50: medianOf(trips, ({ raw }) => median(raw)),
    sealed_rtt_us_p50: medianOf(trips, ({ sealed }) => median(sealed)),
    stream_rtt_us_p50: medianOf(trips, ({ stream }) => median(stream)),
    request_rtt_us_p50: medianOf(trips, ({ request }) => median(request)),
    sealed_rtt_ratio: tripRatio("sealed"),
    stream_rtt_ratio: tripRatio("stream"),
    request_rtt_ratio: tripRatio("request"),
    rtt_core: core === undefined ? null : Number(core),
    requests_per_s: medianOf(requests, ({ channel }) => channel, 0),
    ping_idle_us_p50: rounded(median(pings.idleUs), 0),
    ping_idle_us_p99: rounded(idle99, 0),
    ping_loaded_us_p50: rounded(median(pings.loadedUs), 0),
    ping_loaded_us_p99: rounded(quantile(pings.loadedUs, 0.99), 0),
    ping_loaded_limit_us: rounded(3 * idle99 + recordUs, 0),
    raw_loaded_us_p99: rounded(quantile(pings.rawLoadedUs, 0.99), 0),
    transfer_MBps: rounded(pings.transferMBps, 1),
    session_heap_bytes: rounded(memory.session.heap, 0),
    session_buffer_bytes: rounded(memory.session.external, 0),
    stream_heap_bytes: rounded(memory.stream.heap, 0),
    stream_buffer_bytes: rounded(memory.stream.external, 0),
    ...libp2pFigures(measurements),
  };
}

/** How often each of ours is that of js-libp2p; `null` where it did not take part. */
function libp2pFigures({ oneWay, trips, requests }: Measurements): ChannelReport {
  return {
    libp2p_MBps: medianOf(oneWay, ({ libp2p }) => libp2p),
    libp2p_rtt_us_p50: medianOf(trips, ({ libp2pStream }) => libp2pStream && median(libp2pStream)),
    libp2p_request_us_p50: medianOf(
      trips,
      ({ libp2pRequest }) => libp2pRequest && median(libp2pRequest),
    ),
    libp2p_requests_per_s: medianOf(requests, ({ libp2p }) => libp2p, 0),
    throughput_vs_libp2p: medianOf(oneWay, ({ one, libp2p }) => libp2p && one / libp2p, 2),
    rtt_vs_libp2p: medianOf(
      trips,
      ({ stream, libp2pStream }) => libp2pStream && median(libp2pStream) / median(stream),
      2,
    ),
    request_vs_libp2p: medianOf(
      trips,
      ({ request, libp2pRequest }) => libp2pRequest && median(libp2pRequest) / median(request),
      2,
    ),
    requests_vs_libp2p: medianOf(requests, ({ channel, libp2p }) => libp2p && channel / libp2p, 2),
  };
}

function medianOf<T>(
  rounds: readonly T[],
  figure: (round: T) => number | undefined,
  digits = 1,
): number | null {
  const figures = rounds.map(figure).filter((each) => each !== undefined);
  return figures.length === 0 ? null : rounded(median(figures), digits);
}

/** The report for people. */
export function tableOf(report: ChannelReport): string {
  const value = (key: string) => String(report[key] ?? "-");
  const rows = [
    ["", "hamlet", "beside", "ratio"],
    row("one stream, MB/s", "stream_MBps", "sealed link", "sealed_MBps", "stream_over_sealed"),
    row("16 streams, MB/s", "streams16_MBps", "one", "stream_MBps", "streams16_over_stream"),
    row("64 B over a stream, us", "stream_rtt_us_p50", "raw", "raw_rtt_us_p50", "stream_rtt_ratio"),
    row("64 B request, us", "request_rtt_us_p50", "raw", "raw_rtt_us_p50", "request_rtt_ratio"),
    ["64 in flight, requests/s", value("requests_per_s"), "", ""],
    row(
      "critical, loaded, p99 us",
      "ping_loaded_us_p99",
      "limit",
      "ping_loaded_limit_us",
      "",
    ),
    row("idle session, heap bytes", "session_heap_bytes", "buffers", "session_buffer_bytes", ""),
    row("idle stream, heap bytes", "stream_heap_bytes", "buffers", "stream_buffer_bytes", ""),
    row("one stream, MB/s", "stream_MBps", "js-libp2p", "libp2p_MBps", "throughput_vs_libp2p"),
    row("64 B, us", "stream_rtt_us_p50", "js-libp2p", "libp2p_rtt_us_p50", "rtt_vs_libp2p"),
    row(
      "request, us",
      "request_rtt_us_p50",
      "js-libp2p",
      "libp2p_request_us_p50",
      "request_vs_libp2p",
    ),
    row("requests/s", "requests_per_s", "js-libp2p", "libp2p_requests_per_s", "requests_vs_libp2p"),
  ];
  return rows.map((cells) => cells.map(padCell).join("").trimEnd()).join("\n");

  function row(label: string, key: string, beside: string, other: string, ratio: string): string[] {
    return [
      label,
      value(key),
      `${beside} ${value(other)}`,
      ratio === "" ? "" : `${value(ratio)} x`,
    ];
  }
}

function padCell(cell: string, column: number): string {
  return column === 0 ? cell.padEnd(28) : cell.padStart(column === 2 ? 24 : 12);
}
