/**
 * How many evaluations our searches take: CMA-ES on four functions of BBOB-2009 beside Hansen's published figures and
 * pagmo, and the genetic algorithm on the tour eil51 beside its optimum.
 *
 * As Hansen's: starts uniform in [-4, 4], a first sigma of 2, no bounds that matter (the functions are defined everywhere;
 * ours has to have some, at 20), evaluations until the optimum is met within 1e-8, whatever generation they belong to.
 */

import { seededRandom } from "../../../src/base/random.ts";
import { newOptimizer } from "../../../src/work/evolve/optimizers.ts";
import type { Optimizer } from "../../../src/work/evolve/optimizer.ts";
import type { Genome } from "../../../src/work/evolve/space.ts";
import { evaluate as tourLength } from "../../examples/eil51.ts";
import { median, rounded } from "../statistics.ts";
import { type BbobInstance, evaluatorOf, newInstance } from "./bbob_functions.ts";
import { Pagmo } from "./pagmo.ts";
import { PUBLISHED, type Published, SOURCE } from "./published.ts";

/** One function beside the figures of others. */
export interface OptimizerRow {
  readonly function: string;
  readonly dims: number;
  /** `null` where half of the runs did not reach the target. */
  readonly median_evals: number | null;
  readonly published: number;
  readonly source: string;
  readonly pagmo_median_evals: number | null;
  /** Ours by the published figure. */
  readonly ratio: number | null;
}

export interface OptimizerFigures {
  readonly optimizer: readonly OptimizerRow[];
  /** The median tour above the optimum. */
  readonly tour_gap_percent: number;
  /** Evaluations until a tour was within 2 % of the optimum, the median; `null` where half were never. */
  readonly tour_evals: number | null;
}

export interface MeasureOptions {
  readonly seeds?: number;
  /** Leaves out Rastrigin's function, which takes nine tenths of the time. */
  readonly isQuick?: boolean;
  readonly say?: (line: string) => void;
}

export const MAX_RATIO = 1.25;
export const MAX_TOUR_GAP_PERCENT = 2;
const SEEDS = 15;
const TARGET = 1e-8;
const BOUND = 20;
const SIGMA = 2;
/** Evaluations after which a run counts as failed, as a multiple of the published figure. */
const PATIENCE = 20;
const TOUR_OPTIMUM = 426;
const TOUR_CITIES = 51;
const TOUR_EVALUATIONS = 100_000;

/** Measures all of it, one function after the other. */
export async function measureOptimizers(options: MeasureOptions = {}): Promise<OptimizerFigures> {
  const { isQuick = false, say = () => {} } = options;
  await using pagmo = await Pagmo.build();
  if (!pagmo) say("pagmo cannot be compiled here: its column stays empty");
  const rows: OptimizerRow[] = [];
  for (const published of PUBLISHED) {
    if (isQuick && published.name === "f15 rastrigin") continue;
    const row = await measureRow(published, pagmo, options);
    rows.push(row);
    say(
      `${row.function}, ${row.dims} dimensions: ${row.median_evals}, published ${row.published}, pagmo ${row.pagmo_median_evals}`,
    );
  }
  const tour = measureTour(options);
  say(`eil51: ${tour.tour_gap_percent} % above the optimum, within 2 % after ${tour.tour_evals}`);
  return { optimizer: rows, ...tour };
}

/** What does not hold of `figures`. */
export function problemsOf({ optimizer, tour_gap_percent }: OptimizerFigures): readonly string[] {
  const slow = optimizer.filter(({ ratio }) => ratio === null || ratio > MAX_RATIO);
  return [
    ...slow.map((row) =>
      `${row.function} in ${row.dims} dimensions takes ${row.ratio} of the published evaluations`
    ),
    ...(tour_gap_percent > MAX_TOUR_GAP_PERCENT
      ? [`the tour is ${tour_gap_percent} % above the optimum`]
      : []),
  ];
}

async function measureRow(
  published: Published,
  pagmo: Pagmo | undefined,
  { seeds = SEEDS }: MeasureOptions,
): Promise<OptimizerRow> {
  const { name, dims } = published;
  const evaluations = Math.round(published.best * published.ratio);
  const limit = PATIENCE * evaluations;
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const instance = newInstance(name, dims, seededRandom(seed));
    ours.push(runOurs(instance, seed, limit));
    const run = { instance, seed, sigma: SIGMA, limit, target: TARGET, bound: BOUND };
    if (pagmo) theirs.push(await pagmo.run(run));
  }
  const middle = finite(median(ours));
  return {
    function: name,
    dims,
    median_evals: middle,
    published: evaluations,
    source: SOURCE,
    pagmo_median_evals: finite(median(theirs)),
    ratio: middle === null ? null : rounded(middle / evaluations, 3),
  };
}

function runOurs(instance: BbobInstance, seed: number, limit: number): number {
  const { dims, start } = instance;
  const bounds = (bound: number) => new Array<number>(dims).fill(bound);
  const search = newOptimizer(
    { kind: "real", dims, lower: bounds(-BOUND), upper: bounds(BOUND) },
    seededRandom(1_000 + seed),
    { start, sigma: SIGMA / (2 * BOUND) },
  );
  return evaluationsOf(search, evaluatorOf(instance), { target: TARGET, limit });
}

/** Asks for one and tells of it, which is the published algorithm; `Infinity` where the target stays out of reach. */
function evaluationsOf(
  search: Optimizer,
  fitness: (genome: Genome) => number,
  { target, limit }: { readonly target: number; readonly limit: number },
): number {
  while (search.evaluations < limit) {
    for (const { id, genome } of search.ask(1)) search.tell([{ id, fitness: fitness(genome) }]);
    if ((search.best?.fitness ?? Infinity) <= target) return search.evaluations;
  }
  return Infinity;
}

function measureTour({ seeds = SEEDS }: MeasureOptions) {
  const near = TOUR_OPTIMUM * (1 + MAX_TOUR_GAP_PERCENT / 100);
  const lengths: number[] = [];
  const evaluations: number[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const search = newOptimizer({ kind: "permutation", dims: TOUR_CITIES }, seededRandom(seed));
    evaluations.push(evaluationsOf(search, tourLength, { target: near, limit: TOUR_EVALUATIONS }));
    evaluationsOf(search, tourLength, { target: TOUR_OPTIMUM, limit: TOUR_EVALUATIONS });
    lengths.push(search.best?.fitness ?? Infinity);
  }
  return {
    tour_gap_percent: rounded(100 * (median(lengths) / TOUR_OPTIMUM - 1), 2),
    tour_evals: finite(median(evaluations)),
  };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
