/**
 * What the trial found, under the names in which it is published, and what it had to find.
 */

import { quantile, rounded } from "../statistics.ts";
import type { SiegeReport } from "./siege.ts";
import type { PairTimes } from "./village.ts";

/** What was measured; `null` where it did not come to that, and `problems` says why. */
export interface Figures {
  /** From both ready until one lists the other, over all pairs of members, 95th percentile. */
  readonly discovered_p95_s: number | null;
  /** From both ready until they have a session. */
  readonly sealed_p95_s: number | null;
  /** Sessions between members of different networks. */
  readonly foreign_joined: number | null;
  /** From a cable put back until all sessions over it are. */
  readonly heal_s: number | null;
  /** From a changed address until everybody has a session with it. */
  readonly readdress_s: number | null;
  /** From both ready until two members that only a DHT connects have a session. */
  readonly dht_s: number | null;
  /** Whether avahi-browse lists every member with its key. */
  readonly avahi_lists_us: boolean | null;
  /** Whether a service that avahi-publish announces is dialled and asked. */
  readonly avahi_dialled: boolean | null;
  /** Whether a member under attack keeps what it knows, its limits and its manners. */
  readonly hostile_kept: boolean | null;
  /** How long an agent takes to say that multicast is blocked. */
  readonly blocked_said_s: number | null;
}

export interface TrialReport extends Figures {
  readonly ok: boolean;
  readonly problems: readonly string[];
  readonly hosts: number;
  readonly seconds: number;
  readonly hostile: SiegeReport | null;
  readonly samples: readonly PairTimes[];
}

/** A trial that cannot be held here. */
export interface Skipped {
  readonly skipped: string;
  readonly ok: null;
}

interface Target {
  readonly name: keyof Figures;
  readonly what: string;
  /** The most it may be, or what it must be. */
  readonly limit: number | true;
}

const TARGETS: readonly Target[] = Object.freeze([
  { name: "discovered_p95_s", what: "every member discovered, p95, s", limit: 5 },
  { name: "sealed_p95_s", what: "every member sealed, p95, s", limit: 10 },
  { name: "foreign_joined", what: "sessions with foreign networks", limit: 0 },
  { name: "heal_s", what: "a cable pulled and put back, s", limit: 15 },
  { name: "readdress_s", what: "a changed address found again, s", limit: 30 },
  { name: "dht_s", what: "found over a private DHT, s", limit: 10 },
  { name: "avahi_lists_us", what: "avahi-browse lists every member", limit: true },
  { name: "avahi_dialled", what: "avahi-publish's service is dialled", limit: true },
  { name: "hostile_kept", what: "10,000 hostile discoveries withstood", limit: true },
  { name: "blocked_said_s", what: "blocked multicast is said, s", limit: 10 },
]);

/** Whether everything that had to hold was measured and holds. */
export function isOk(figures: Figures): boolean {
  return TARGETS.every((target) => holds(target, figures));
}

/** The 95th percentile of `times`; `null` where even one is missing among the worst that count. */
export function p95(times: readonly (number | null)[]): number | null {
  const value = quantile(times.map((time) => time ?? Infinity), 0.95);
  return Number.isFinite(value) ? rounded(value, 3) : null;
}

/** The report for people. */
export function tableOf(report: TrialReport): string {
  const rows = TARGETS.map((target) => {
    const value = report[target.name];
    const limit = target.limit === true ? "" : `<= ${target.limit}`;
    return [
      holds(target, report) ? "ok" : "FAILED",
      target.what,
      value === null ? "not measured" : String(value).replace("true", "yes").replace("false", "no"),
      limit,
    ];
  });
  const widths = [0, 1, 2].map((column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0))
  );
  const lines = rows.map((row) =>
    row.map((text, column) => text.padEnd(widths[column] ?? 0)).join("  ").trimEnd()
  );
  return [
    ...lines,
    ...report.problems.map((problem) => `! ${problem}`),
    `${report.hosts} hosts, ${report.seconds} s, ${report.ok ? "all holds" : "NOT all holds"}`,
  ].join("\n");
}

function holds({ name, limit }: Target, figures: Figures): boolean {
  const value = figures[name];
  if (value === null) return false;
  return limit === true ? value === true : typeof value === "number" && value <= limit;
}
