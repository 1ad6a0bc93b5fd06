/**
 * What shared work reaches: the searches beside their published figures, what a village makes of unequal devices, what it
 * survives, what liars achieve, and what all of it costs.
 */

import { describeError } from "../src/base/errors.ts";
import { liarsTrueOf } from "../tests/sim/work/liars.ts";
import { measureOptimizers, type OptimizerFigures, problemsOf } from "./lib/evolve/optimizers.ts";
import { measureOverhead } from "./lib/evolve/overhead.ts";
import {
  type Efficiency,
  type Killing,
  killThree,
  measureEfficiency,
  MIN_EFFICIENCY,
} from "./lib/evolve/village_parts.ts";
import { FlagError, type ScriptFlags, scriptMain } from "./lib/script_main.ts";
import { rounded } from "./lib/statistics.ts";

const MAX_OVERHEAD_PERCENT = 5;
const LIAR_RUNS = 100;
const QUICK_LIAR_RUNS = 10;

const HELP = `Usage: deno run -A scripts/evolve_trial.ts [--json] [--quick] [--only PART]

Exits with 1 unless everything holds. All of it takes about half an hour on two cores.

Options:
  --only PART  Play this part alone; may be repeated: optimizer, overhead, efficiency,
               kill, liars
  --quick      Fewer seeds and shorter windows
  --json       Print one JSON object
  -h, --help   Show this text`;

/** What was not played is missing. */
interface Report {
  optimizer?: OptimizerFigures["optimizer"];
  tour_gap_percent?: number;
  efficiency?: number;
  efficiency_detail?: Efficiency;
  kill_three_ok?: boolean;
  kill_three?: Killing;
  /** Of a hundred seeded runs with three liars of ten, those whose accepted result is true. */
  liars_true_of_100?: number;
  overhead_percent?: number;
  readonly problems: string[];
  ok: boolean;
}

interface Part {
  readonly name: string;
  /** Adds to the report; returns what does not hold. */
  readonly play: (report: Report, isQuick: boolean) => Promise<readonly string[]>;
}

const PARTS: readonly Part[] = [
  {
    name: "optimizer",
    async play(report, isQuick) {
      const figures = await measureOptimizers({ ...(isQuick && { seeds: 5 }), isQuick, say });
      report.optimizer = figures.optimizer;
      report.tour_gap_percent = figures.tour_gap_percent;
      return problemsOf(figures);
    },
  },
  {
    name: "overhead",
    async play(report, isQuick) {
      const { percent } = await measureOverhead(isQuick ? 10 : undefined);
      report.overhead_percent = rounded(percent, 2);
      return percent <= MAX_OVERHEAD_PERCENT ? [] : [`a worker costs ${rounded(percent, 2)} %`];
    },
  },
  {
    name: "efficiency",
    async play(report, isQuick) {
      const detail = await measureEfficiency({ isQuick, say });
      report.efficiency = detail.efficiency;
      report.efficiency_detail = detail;
      return [
        ...(detail.efficiency >= MIN_EFFICIENCY
          ? []
          : [`ten together reach ${detail.efficiency} of what each does alone`]),
        ...(detail.slowest_helps ? [] : ["the slowest lowered the total"]),
      ];
    },
  },
  {
    name: "kill",
    async play(report) {
      report.kill_three = await killThree(say);
      report.kill_three_ok = report.kill_three.ok;
      return report.kill_three.ok ? [] : ["the job did not survive the loss of three"];
    },
  },
  {
    name: "liars",
    play(report, isQuick) {
      const seeds = isQuick ? QUICK_LIAR_RUNS : LIAR_RUNS;
      const { trueOf, failed } = liarsTrueOf(seeds);
      report.liars_true_of_100 = rounded(100 * trueOf / seeds, 1);
      return Promise.resolve(failed.map(({ seed, reason }) => `liars, seed ${seed}: ${reason}`));
    },
  },
];

interface Options {
  readonly only: readonly string[];
  readonly isQuick: boolean;
  readonly json: boolean;
}

function readOptions(flags: ScriptFlags): Options {
  const only = flags.list("only");
  const strange = only.find((name) => !PARTS.some((part) => part.name === name));
  if (strange === undefined) return { only, isQuick: flags.has("quick"), json: flags.has("json") };
  throw new FlagError(`--only takes ${PARTS.map(({ name }) => name).join(", ")}, not "${strange}"`);
}

async function run({ only, isQuick, json }: Options): Promise<number> {
  const report = await playAll(only, isQuick);
  console.log(json ? JSON.stringify(report, null, 2) : tableOf(report));
  return report.ok ? 0 : 1;
}

async function playAll(only: readonly string[], isQuick: boolean): Promise<Report> {
  const report: Report = { problems: [], ok: false };
  for (const { name, play } of PARTS) {
    if (only.length > 0 && !only.includes(name)) continue;
    say(`${name} …`);
    try {
      report.problems.push(...await play(report, isQuick));
    } catch (error) {
      report.problems.push(`${name}: ${describeError(error)}`);
    }
  }
  report.ok = report.problems.length === 0;
  return report;
}

function tableOf(report: Report): string {
  const { problems, ok, ...figures } = report;
  const rows = Object.entries(figures).filter(([, value]) => typeof value !== "object")
    .map(([name, value]) => `${name.padEnd(20)} ${value}`);
  return [...rows, ...problems.map((problem) => `! ${problem}`), ok ? "all holds" : "NOT all holds"]
    .join("\n");
}

/** Progress goes to standard error, beside the report. */
function say(line: string): void {
  console.error(line);
}

if (import.meta.main) {
  const usage = { help: HELP, switches: ["quick"], lists: ["only"] };
  Deno.exit(await scriptMain(Deno.args, usage, { read: readOptions, run }));
}
