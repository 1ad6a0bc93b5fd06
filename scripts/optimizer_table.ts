/**
 * The searches beside their published figures, alone: a part of `evolve_trial.ts`.
 */

import { measureOptimizers, type OptimizerFigures, problemsOf } from "./lib/evolve/optimizers.ts";
import { type ScriptFlags, scriptMain } from "./lib/script_main.ts";

const HELP = `Usage: deno run -A scripts/optimizer_table.ts [--json] [--quick] [--seeds N]

Counts the evaluations that CMA-ES takes to 1e-8 on four functions of BBOB-2009 in 10 and 20 dimensions, beside the
published figures and beside pagmo's CMA-ES (compiled on the spot where g++ and libpagmo-dev are there), and how near
the genetic algorithm comes to the optimum of the tour eil51 in 100,000 evaluations. Exits with 1 unless each is within
1.25 of the published figure and the tour within 2 %. All of it takes some ten minutes on one core.

Options:
  --seeds N    Runs of each, 1..101; the median counts (default 15)
  --quick      Leave Rastrigin's function out, which takes most of the time
  --json       Print one JSON object
  -h, --help   Show this text`;

function tableOf({ optimizer, tour_gap_percent, tour_evals }: OptimizerFigures): string {
  const cells = [
    ["function", "dims", "median", "published", "ratio", "pagmo"],
    ...optimizer.map((row) => [
      row.function,
      row.dims,
      row.median_evals ?? "-",
      row.published,
      row.ratio ?? "-",
      row.pagmo_median_evals ?? "-",
    ]),
  ];
  const lines = cells.map(([name, ...numbers]) =>
    String(name).padEnd(15) + numbers.map((cell) => String(cell).padStart(11)).join("")
  );
  const source = optimizer[0] ? [`Published: ${optimizer[0].source}`] : [];
  const tour = `eil51: ${tour_gap_percent} % above 426; within 2 % after ${tour_evals} evaluations`;
  return [...lines, ...source, tour].join("\n");
}

interface Options {
  readonly seeds: number;
  readonly isQuick: boolean;
  readonly isJson: boolean;
}

function readOptions(flags: ScriptFlags): Options {
  return {
    seeds: flags.whole("seeds", { fallback: 15, min: 1, max: 101 }),
    isQuick: flags.has("quick"),
    isJson: flags.has("json"),
  };
}

async function run({ seeds, isQuick, isJson }: Options): Promise<number> {
  const figures = await measureOptimizers({ seeds, isQuick, say: (line) => console.error(line) });
  const problems = problemsOf(figures);
  console.log(
    isJson
      ? JSON.stringify({ ...figures, problems, ok: problems.length === 0 }, null, 2)
      : [tableOf(figures), ...problems].join("\n"),
  );
  return problems.length === 0 ? 0 : 1;
}

if (import.meta.main) {
  const usage = { help: HELP, switches: ["quick"], texts: ["seeds"] };
  Deno.exit(await scriptMain(Deno.args, usage, { read: readOptions, run }));
}
