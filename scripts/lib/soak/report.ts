/**
 * What a soak has shown: growth of each agent that lived all the time, and the verdict.
 */

import { median, rounded } from "../statistics.ts";
import { type Point, type Trend, trendOf } from "./trend.ts";
import type { DeedCount } from "./village.ts";

/** What was measured of one agent at the quiet end of a round. */
export interface Measurement {
  readonly atMs: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly files: number;
}

/** What is measured. */
export const QUANTITIES = ["rss", "heap", "files"] as const;
export type Quantity = typeof QUANTITIES[number];

export interface AgentGrowth {
  readonly node: number;
  readonly rss: Trend;
  readonly heap: Trend;
  readonly files: Trend;
}

export interface SoakReport {
  /** Whether nothing grew by more than `limit` and nothing went wrong. */
  readonly ok: boolean;
  readonly seed: number;
  readonly nodes: number;
  readonly minutes: number;
  readonly rounds: number;
  readonly warm_up_rounds: number;
  /** The median of all agents' growth after the warm-up, a share. */
  readonly growth: Readonly<Record<Quantity, number>>;
  /** The median of all agents' slopes: bytes, bytes and files an hour. */
  readonly per_hour: Readonly<Record<Quantity, number>>;
  readonly limit: number;
  readonly agents: readonly AgentGrowth[];
  readonly deeds: Readonly<Record<string, DeedCount>>;
  readonly problems: readonly string[];
}

export interface SoakFacts {
  readonly seed: number;
  readonly nodes: number;
  readonly minutes: number;
  readonly rounds: number;
  readonly warmUpRounds: number;
  readonly limit: number;
  /** Of each agent that lived all the time, one a round. */
  readonly measured: readonly (readonly Measurement[])[];
  readonly deeds: Readonly<Record<string, DeedCount>>;
  readonly problems: readonly string[];
}

/** At least three rounds must follow the warm-up. */
export function soakReport(facts: SoakFacts): SoakReport {
  const { warmUpRounds, limit, measured, deeds, problems } = facts;
  const agents = measured.map((all, node): AgentGrowth => {
    const settled = all.slice(warmUpRounds);
    const trend = (of: (one: Measurement) => number) =>
      trendOf(settled.map((one): Point => ({ atMs: one.atMs, value: of(one) })));
    return {
      node,
      rss: trend(({ rssBytes }) => rssBytes),
      heap: trend(({ heapBytes }) => heapBytes),
      files: trend(({ files }) => files),
    };
  });
  const overall = (of: (trend: Trend) => number, digits: number) =>
    Object.fromEntries(QUANTITIES.map((quantity) => [
      quantity,
      rounded(median(agents.map((agent) => of(agent[quantity]))), digits),
    ])) as Record<Quantity, number>;
  const growth = overall((trend) => trend.growth, 4);
  return {
    ok: growth.rss <= limit && growth.files <= limit && problems.length === 0,
    seed: facts.seed,
    nodes: facts.nodes,
    minutes: facts.minutes,
    rounds: facts.rounds,
    warm_up_rounds: warmUpRounds,
    growth,
    per_hour: overall((trend) => trend.perHour, 1),
    limit,
    agents,
    deeds,
    problems,
  };
}

/** The report for people, within 80 columns. */
export function writeReport(report: SoakReport): string {
  const megabytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`.padStart(8);
  const { rounds, warm_up_rounds: warmUp } = report;
  const lines = [
    `after a warm-up of ${warmUp} rounds of ${rounds}, in agents that were never killed:`,
    "node   RSS MB          a hour   growth   heap MB   files          a hour   growth",
    ...report.agents.map(({ node, rss, heap, files }) =>
      [
        `n${node}`.padEnd(6),
        `${megabytes(rss.first)} -> ${megabytes(rss.last)}`.padEnd(15),
        megabytes(rss.perHour).padStart(7),
        percent(rss.growth),
        `  ${megabytes(heap.last)}`.padEnd(11),
        `${files.first} -> ${files.last}`.padEnd(14),
        files.perHour.toFixed(1).padStart(7),
        percent(files.growth),
      ].join(" ")
    ),
    `median growth: RSS ${percent(report.growth.rss).trim()} (${
      megabytes(report.per_hour.rss)
    } MB an hour), files ${percent(report.growth.files).trim()}; limit ${
      percent(report.limit).trim()
    }`,
    `done: ${
      Object.entries(report.deeds).sort().map(([kind, { done, failed }]) =>
        `${kind} ${done}${failed > 0 ? ` (${failed} failed)` : ""}`
      ).join(", ")
    }`,
    ...report.problems.slice(0, 20).map((problem) => `problem: ${problem}`),
    report.ok ? "ok" : "NOT OK",
  ];
  return lines.join("\n") + "\n";
}
