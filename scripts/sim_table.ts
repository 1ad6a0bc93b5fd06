/**
 * The table of what a village reaches in the simulator: every figure over at least ten seeds, the worst of them.
 *
 * The runs are those of `deno task sim`, so that any of them can be had again by its seed. The whole table takes
 * the better part of an hour on two cores; `--only` plays a part of it.
 */

import { parseArgs } from "@std/cli/parse-args";
import { describeError } from "../src/base/errors.ts";
import { playTasks, type Task, type Word } from "../tests/sim/pool.ts";
import type { Outcome } from "../tests/sim/scenario.ts";
import { drawGrowth, type GrowthRow } from "./lib/growth_chart.ts";

const HELP = `Usage: deno run -A --v8-flags=--max-old-space-size=8192 scripts/sim_table.ts [options]

Options:
  --only NAME   Play this scenario alone; may be repeated: join, crash, quiet, heal, broadcast, growth
  --seeds K     So many seeds (default 10)
  --seed N      The first of them (default 1)
  --jobs J      Runs at a time (default 2)
  --svg FILE    Draw the growth table
  --json        Print one JSON object
  -h, --help    Show this text`;

/** The scenarios, the long ones first. */
const SCENARIOS = ["growth", "quiet", "join", "crash", "heal", "broadcast"] as const;
type ScenarioName = typeof SCENARIOS[number];

/** What must hold; Infinity where the table itself is the answer. */
const LIMITS = Object.freeze({
  join_1000_s: 15,
  crash_50_p99_s: 10,
  false_deaths_24h: 0,
  heal_s: 20,
  broadcast_copies: 1.5,
  broadcast_hops_max: 8,
});

interface Table {
  join_1000_s?: number;
  crash_50_p99_s?: number;
  false_deaths_24h?: number;
  heal_s?: number;
  /** Percent of the members, in the worst broadcast. */
  broadcast_reach?: number;
  broadcast_copies?: number;
  broadcast_hops_max?: number;
  growth?: readonly GrowthRow[];
  seeds: number;
  failed: string[];
  ok: boolean;
}

const flags = parseArgs(Deno.args, {
  boolean: ["json", "help"],
  string: ["only", "seeds", "seed", "jobs", "svg"],
  collect: ["only"],
  alias: { h: "help" },
});
if (flags.help) {
  console.log(HELP);
  Deno.exit(0);
}
const only = flags.only.length > 0 ? flags.only.map(String) : [...SCENARIOS];
const unknown = only.find((name) => !SCENARIOS.includes(name as ScenarioName));
const [seeds, first, jobs] = [flags.seeds ?? 10, flags.seed ?? 1, flags.jobs ?? 2].map(Number);
if (unknown !== undefined || !seeds || !first || !jobs) {
  console.error(unknown ? `There is no scenario ${unknown}; see --help` : "Numbers are from 1 on");
  Deno.exit(2);
}
const table = await play(only as ScenarioName[], { seeds, first, jobs });
if (flags.svg && table.growth) await Deno.writeTextFile(flags.svg, drawGrowth(table.growth));
if (flags.json) console.log(JSON.stringify(table));
else print(table);
if (!table.ok) Deno.exit(1);

async function play(
  names: readonly ScenarioName[],
  { seeds, first, jobs }: { seeds: number; first: number; jobs: number },
): Promise<Table> {
  const tasks: Task[] = SCENARIOS.filter((name) => names.includes(name)).flatMap((scenario) =>
    Array.from({ length: seeds }, (_, at) => ({
      scenario,
      seed: first + at,
      nodes: undefined,
      hasDigest: false,
    }))
  );
  const outcomes: Outcome[] = [];
  const failed: string[] = [];
  await playTasks(tasks, jobs, ({ scenario, seed }, word: Word) => {
    if (word.type === "outcome") {
      outcomes.push(word.outcome);
      failed.push(...word.outcome.broken);
      console.error(`${outcomes.length} of ${tasks.length}: ${scenario}, seed ${seed}`);
    } else if (word.type === "failed") {
      failed.push(`${scenario}, seed ${seed}: ${word.reason}`);
      console.error(`failed: ${failed.at(-1)}`);
    }
  });
  try {
    return summarize(outcomes, seeds, failed);
  } catch (error) {
    failed.push(describeError(error));
    return { seeds, failed, ok: false };
  }
}

function summarize(outcomes: readonly Outcome[], seeds: number, failed: string[]): Table {
  const of = (name: ScenarioName) => outcomes.filter(({ scenario }) => scenario === name);
  const worst = (name: ScenarioName, metric: string): number | undefined => {
    const values = of(name).map(({ metrics }) => metrics[metric] ?? NaN);
    return values.length > 0 ? Math.max(...values) : undefined;
  };
  const unreached = worst("broadcast", "unreached");
  const [broadcast] = of("broadcast");
  const figures = {
    join_1000_s: worst("join", "join_s"),
    crash_50_p99_s: worst("crash", "crash_p99_s"),
    false_deaths_24h: worst("quiet", "false_deaths"),
    heal_s: worst("heal", "heal_s"),
    broadcast_reach: unreached === undefined || !broadcast
      ? undefined
      : 100 * (1 - unreached / broadcast.nodes),
    broadcast_copies: worst("broadcast", "copies"),
    broadcast_hops_max: worst("broadcast", "hops_max"),
    growth: growthRows(of("growth")),
  };
  const held = Object.entries(LIMITS).every(([name, limit]) => {
    const value = figures[name as keyof typeof LIMITS];
    return value === undefined || value <= limit;
  });
  const present = Object.fromEntries(
    Object.entries(figures).filter(([, value]) => value !== undefined),
  );
  const reaches = figures.broadcast_reach === undefined || figures.broadcast_reach === 100;
  return { ...present, seeds, failed, ok: held && reaches && failed.length === 0 };
}

/** The worst of each size. */
function growthRows(outcomes: readonly Outcome[]): readonly GrowthRow[] | undefined {
  const [any] = outcomes;
  if (!any) return undefined;
  const sizes = Object.keys(any.metrics).flatMap((name) => name.match(/^rounds_(\d+)$/)?.[1] ?? []);
  const worst = (metric: string) =>
    Math.max(...outcomes.map(({ metrics }) => metrics[metric] ?? NaN));
  return sizes.map((size) => ({
    nodes: Number(size),
    rounds: worst(`rounds_${size}`),
    bytes_per_node_s: worst(`bytes_per_node_s_${size}`),
  }));
}

function print({ growth, failed, ok, ...figures }: Table): void {
  for (const [name, value] of Object.entries(figures)) console.log(`${name.padEnd(20)} ${value}`);
  for (const { nodes, rounds, bytes_per_node_s } of growth ?? []) {
    console.log(
      `${nodes} members: ${rounds} rounds, ${bytes_per_node_s} bytes a member and second`,
    );
  }
  for (const reason of failed) console.log(`failed: ${reason}`);
  console.log(ok ? "everything holds" : "not everything holds");
}
