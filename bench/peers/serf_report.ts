/**
 * What the villages of both did, side by side: medians over the runs, and each run.
 */

import { median } from "../../scripts/lib/statistics.ts";
import type { ContenderName } from "./serf_contender.ts";
import type { VillageFigures } from "./serf_measure.ts";

/** One village that was measured. */
export interface Run {
  readonly contender: ContenderName;
  readonly agents: number;
  readonly figures: VillageFigures;
}

/** Medians as `serf_10_view_ms`, and the runs behind them. */
export type Report = Readonly<Record<string, number | readonly Run[]>>;

const ROWS: readonly (readonly [figure: keyof VillageFigures, what: string])[] = [
  ["view_ms", "all see all, from the first spawn, ms"],
  ["view_after_ready_ms", "  from the last process's being ready, ms"],
  ["view_messages_per_agent", "  until then, sent per agent: messages"],
  ["kill_ms", "a kill -9 noticed by every survivor, ms"],
  ["kill_first_ms", "  by the first, ms"],
  ["messages_per_agent_s", "at rest, sent per agent: messages /s"],
  ["packets_per_agent_s", "  packets /s"],
  ["payload_bytes_per_agent_s", "  payload, bytes /s"],
  ["bytes_per_agent_s", "  with headers, bytes /s"],
  ["join_messages_per_agent", "for the join, sent per agent: messages"],
  ["join_packets_per_agent", "  packets"],
  ["join_bytes_per_agent", "  with headers, bytes"],
  ["join_messages_per_agent_s", "  messages /s"],
  ["join_bytes_per_agent_s", "  with headers, bytes /s"],
  ["kill_messages_per_agent", "until a kill is noticed: messages"],
];

/** Compares what `runs` found. */
export function reportOf(runs: readonly Run[]): Report {
  const report: Record<string, number | readonly Run[]> = {};
  for (const { contender, agents } of runs) {
    for (const [figure] of ROWS) {
      report[keyOf(contender, agents, figure)] = medianOf(runs, { contender, agents, figure });
    }
  }
  return { ...report, runs };
}

/** The report for people. */
export function tableOf(report: Report): string {
  // Written by reportOf().
  const runs = report["runs"] as readonly Run[];
  const counts = [...new Set(runs.map(({ agents }) => agents))];
  return counts.map((agents) => {
    const rows = ROWS.map(([figure, what]) => {
      const [serf, hamlet] = [keyOf("serf", agents, figure), keyOf("hamlet", agents, figure)]
        .map((key) => report[key]);
      return [what, shown(serf), shown(hamlet), ratioOf(serf, hamlet)];
    });
    const each = runs.filter((run) => run.agents === agents).map(({ contender, figures }) =>
      `  ${contender}: all see all ${figures.view_ms} ms, ${figures.view_after_ready_ms} ms after ` +
      `the last was ready; kill ${figures.kill_ms} ms; ${figures.messages_per_agent_s} messages /s`
    );
    const head = [`${agents} agents`, "serf", "hamlet", "hamlet/serf"];
    return [columns([head, ...rows]), "each run:", ...each].join("\n");
  }).join("\n\n");
}

function medianOf(
  runs: readonly Run[],
  { contender, agents, figure }: Omit<Run, "figures"> & { readonly figure: keyof VillageFigures },
): number {
  return median(
    runs.filter((run) => run.contender === contender && run.agents === agents)
      .map(({ figures }) => figures[figure]),
  );
}

function keyOf(contender: ContenderName, agents: number, figure: string): string {
  return `${contender}_${agents}_${figure}`;
}

function shown(value: unknown): string {
  return value === undefined ? "" : String(value);
}

function ratioOf(serf: unknown, hamlet: unknown): string {
  if (typeof serf !== "number" || typeof hamlet !== "number" || serf === 0) return "";
  return (hamlet / serf).toFixed(2);
}

function columns(rows: readonly (readonly string[])[]): string {
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0))
  );
  return rows.map((row) =>
    row.map((text, column) => {
      const width = widths[column] ?? 0;
      return column === 0 ? text.padEnd(width) : text.padStart(width);
    }).join("  ")
  ).join("\n");
}
