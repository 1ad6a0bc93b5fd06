/**
 * CMA-ES as a search that never waits: the distribution moves on as soon as a population of results is in, whichever
 * they are, and runs follow each other by `bipop.ts`. Asked for a population and told of it, again and again, it is the
 * published algorithm. With more under way than a population, results of earlier distributions come in; they are taken
 * as external solutions of the present one (`cma_run.ts`), as migrants are, unless they are too old to tell much. Steps
 * from old means hold the search back, so the population is never smaller than what is under way, as N. Hansen,
 * S. Mueller and P. Koumoutsakos choose it for parallel evaluation (2003).
 * Beyond {@link MAX_FULL_DIMS} dimensions only variances are learned (sep-CMA-ES).
 */

import { FieldError, Fields, type JsonObject } from "../../base/guards.ts";
import {
  type Asked,
  readAsked,
  readWaiting,
  type Waiting,
  writeAsked,
  writeWaiting,
} from "./asked.ts";
import { Bipop, type NextRun, type Regime } from "./bipop.ts";
import { approach, contain, genomeOf, isBeyond, pointOf, twinOf } from "./box.ts";
import { CmaRun, maxLambda, type Member } from "./cma_run.ts";
import { type CovarianceKind, defaultLambda } from "./cma_parameters.ts";
import { Generator } from "./generator.ts";
import type { Candidate, Optimizer, Result, Solution } from "./optimizer.ts";
import { keptUnderWay, toFitness, writeFitness } from "./search_state.ts";
import { type Genome, isGenome, type RealSpace } from "./space.ts";
import type { StopReason } from "./stopping.ts";
import { UnderWay } from "./under_way.ts";
import type { Vector } from "./vectors.ts";

/** Up to it the full covariance matrix is learned. */
export const MAX_FULL_DIMS = 100;
/** The first sigma, as a share of each range: 2 for [-5, 5], as Hansen's on BBOB. */
const DEFAULT_SIGMA = 0.2;
/** First means are uniform in this share of each range: [-4, 4] of [-5, 5], as BBOB's. */
const START_SHARE = 0.8;
/** Results of distributions up to so many generations ago take part. */
const MAX_AGE = 3;
/** After so many a result is no longer counted on; with more, a third of losses would swell the population for ever. */
const LOST_AFTER = 2;
/** At most this share of a generation are migrants. */
const MIGRANT_SHARE = 0.25;

export interface CmaOptions {
  /** The first run's mean; otherwise by chance. */
  readonly start?: Genome;
  /** The first sigma, as a share of each range, 0 to 1. */
  readonly sigma?: number;
  /** The first population size. */
  readonly lambda?: number;
}

export class CmaEs implements Optimizer {
  readonly space: RealSpace;
  readonly #random: Generator;
  readonly #sigma0: number;
  readonly #bipop: Bipop;
  readonly #lambda0: number;
  #underWay: UnderWay<Asked>;
  #run: CmaRun;
  #runNumber = 0;
  #regime: Regime = "large";
  #runEvaluations = 0;
  #maxEvaluations = Infinity;
  #pool: Waiting[] = [];
  #generation = 0;
  #evaluations = 0;
  #best: Solution | undefined;
  #lastStop: StopReason | "budget" | undefined;

  private constructor(parts: Parts) {
    this.space = parts.space;
    this.#random = parts.random;
    this.#sigma0 = parts.sigma0;
    this.#lambda0 = parts.lambda0;
    this.#bipop = parts.bipop;
    this.#run = parts.run;
    this.#underWay = new UnderWay(parts.space.dims, parts.nextId);
  }

  /** A new search. Throws `RangeError` for options out of range. */
  static create(space: RealSpace, random: Generator, options: CmaOptions = {}): CmaEs {
    const { start, sigma = DEFAULT_SIGMA, lambda = defaultLambda(space.dims) } = options;
    if (!(sigma > 0 && sigma <= 1)) {
      throw new RangeError(`Cannot search: sigma ${sigma} outside 0..1`);
    }
    const largest = maxLambda(space.dims);
    if (!Number.isInteger(lambda) || lambda < 4 || lambda > largest) {
      throw new RangeError(`Cannot search: lambda ${lambda} outside 4..${largest}`);
    }
    if (start && !isGenome(start, space)) {
      throw new RangeError("Cannot search: the start is outside the space");
    }
    const mean = start ? pointOf(start, space) : randomMean(space.dims, random);
    const run = new CmaRun({ kind: kindOf(space), lambda, mean, sigma });
    const bipop = new Bipop(lambda, largest);
    return new CmaEs({ space, random, sigma0: sigma, lambda0: lambda, bipop, run });
  }

  get generation(): number {
    return this.#generation;
  }

  get evaluations(): number {
    return this.#evaluations;
  }

  get best(): Solution | undefined {
    return this.#best;
  }

  get population(): number {
    return this.#run.lambda;
  }

  /** Runs that ended so far. */
  get restarts(): number {
    return this.#runNumber;
  }

  /** Why the last run ended. */
  get lastStop(): StopReason | "budget" | undefined {
    return this.#lastStop;
  }

  get run(): CmaRun {
    return this.#run;
  }

  ask(count: number): readonly Candidate[] {
    return Array.from({ length: count }, () => this.#askOne());
  }

  tell(results: readonly Result[]): void {
    for (const { id, fitness: told } of results) {
      const asked = this.#underWay.take(id);
      if (!asked) continue;
      const fitness = toFitness(told);
      this.#evaluations++;
      this.#consider(fitness, () => genomeOf(asked.point, this.space));
      if (asked.run !== this.#runNumber) continue;
      this.#runEvaluations++;
      if (asked.generation + MAX_AGE < this.#run.generation) continue;
      this.#pool.push({ ...asked, fitness, isMigrant: false });
      this.#advance();
    }
  }

  migrate({ genome, fitness }: Solution): void {
    if (!isGenome(genome, this.space)) {
      throw new RangeError("Cannot take in a solution: its genome is outside the space");
    }
    if (!Number.isFinite(fitness)) return;
    this.#consider(fitness, () => genome);
    const migrants = this.#pool.filter(({ isMigrant }) => isMigrant);
    const point = pointOf(genome, this.space);
    const isKnown = migrants.some((other) => other.point.every((u, i) => u === point[i]));
    const limit = Math.max(1, Math.floor(MIGRANT_SHARE * this.#run.parameters.lambda));
    if (isKnown || migrants.length >= limit) return;
    const { generation } = this.#run;
    this.#pool.push({ point, fitness, isMigrant: true, generation, run: this.#runNumber });
    this.#advance();
  }

  snapshot(): JsonObject {
    return {
      random: this.#random.state(),
      sigma0: this.#sigma0,
      lambda0: this.#lambda0,
      bipop: this.#bipop.state(),
      run: this.#run.state(),
      run_number: this.#runNumber,
      regime: this.#regime,
      run_evaluations: this.#runEvaluations,
      max_evaluations: writeFitness(this.#maxEvaluations),
      generation: this.#generation,
      evaluations: this.#evaluations,
      best: this.#best ?? null,
      pool: this.#pool.map(writeWaiting),
      next_id: this.#underWay.nextId,
      under_way: [...this.#underWay.entries()].slice(-keptUnderWay(this.space.dims))
        .map(([id, asked]) => ({ id, ...writeAsked(asked) })),
    };
  }

  /** Goes on from {@link snapshot}. Throws {@link FieldError} where it is not whole. */
  static restore(space: RealSpace, fields: Fields): CmaEs {
    const { dims } = space;
    const lambda0 = fields.integer("lambda0", { min: 4, max: maxLambda(dims) });
    const search = new CmaEs({
      space,
      random: Generator.restore(fields.raw("random"), "random"),
      sigma0: fields.number("sigma0", { min: Number.MIN_VALUE, max: 1 }),
      lambda0,
      bipop: Bipop.restore(new Bipop(lambda0, maxLambda(dims)), fields.object("bipop")),
      run: CmaRun.restore(fields.object("run"), { kind: kindOf(space), n: dims }),
      nextId: fields.integer("next_id", COUNT),
    });
    search.#runNumber = fields.integer("run_number", COUNT);
    search.#regime = fields.oneOf("regime", ["large", "small"]);
    search.#runEvaluations = fields.integer("run_evaluations", COUNT);
    search.#maxEvaluations = fields.numberOrNull("max_evaluations", { min: 1, max: COUNT.max }) ??
      Infinity;
    search.#generation = fields.integer("generation", COUNT);
    search.#evaluations = fields.integer("evaluations", COUNT);
    search.#best = readBest(fields, space);
    const { lambda } = search.#run.parameters;
    search.#pool = fields.list("pool", { maxItems: lambda }).map((item, i) =>
      readWaiting(Fields.of(item, `pool.${i}`), dims)
    );
    for (const item of fields.list("under_way", { maxItems: keptUnderWay(dims) })) {
      const asked = Fields.of(item, "under_way");
      const id = asked.integer("id", { min: 1, max: search.#underWay.nextId - 1 });
      search.#underWay.restore(id, readAsked(asked, dims));
    }
    return search;
  }

  #askOne(): Candidate {
    const again = this.#underWay.takeAgain();
    if (again) return { id: again.id, genome: genomeOf(again.candidate.point, this.space) };
    const point = this.#run.sample(this.#random);
    contain(point);
    const { generation } = this.#run;
    const id = this.#underWay.add({ point, run: this.#runNumber, generation });
    return { id, genome: genomeOf(point, this.space) };
  }

  #consider(fitness: number, genome: () => Genome): void {
    if (fitness < (this.#best?.fitness ?? Infinity)) this.#best = { genome: genome(), fitness };
  }

  /** Moves the distribution on once a population has come together. */
  #advance(): void {
    if (this.#pool.length < this.#run.parameters.lambda) return;
    const { generation } = this.#run;
    const ranked = this.#pool.toSorted((a, b) => compare(a.fitness, b.fitness));
    this.#pool = [];
    this.#generation++;
    const { mean } = this.#run;
    const stop = this.#run.update(ranked.map((waiting): Member => {
      const isNative = !waiting.isMigrant && waiting.generation === generation;
      const point = isNative ? waiting.point : approach(waiting.point, mean);
      return { point, fitness: waiting.fitness, isNative };
    }));
    this.#run.mean.forEach((u, i) => isBeyond(u) && this.#run.flip(i, twinOf(u)));
    this.#run.resize(this.#width());
    if (stop) this.#restart(stop);
    else if (this.#runEvaluations >= this.#maxEvaluations) this.#restart("budget");
  }

  /** How many results of this run are still to come. */
  #width(): number {
    const oldest = this.#run.generation - LOST_AFTER;
    return this.#underWay.count(({ run, generation }) =>
      run === this.#runNumber && generation >= oldest
    );
  }

  #restart(stop: StopReason | "budget"): void {
    const next: NextRun = this.#bipop.next(this.#regime, this.#runEvaluations, this.#random);
    this.#lastStop = stop;
    this.#regime = next.regime;
    this.#maxEvaluations = next.maxEvaluations;
    this.#runEvaluations = 0;
    this.#runNumber++;
    this.#run = new CmaRun({
      kind: this.#run.kind,
      lambda: next.lambda,
      mean: randomMean(this.space.dims, this.#random),
      sigma: this.#sigma0 * next.sigmaFactor,
    });
  }
}

interface Parts {
  readonly space: RealSpace;
  readonly random: Generator;
  readonly sigma0: number;
  readonly lambda0: number;
  readonly bipop: Bipop;
  readonly run: CmaRun;
  readonly nextId?: number;
}

const COUNT = { min: 0, max: Number.MAX_SAFE_INTEGER };

function kindOf({ dims }: RealSpace): CovarianceKind {
  return dims <= MAX_FULL_DIMS ? "full" : "diagonal";
}

/** Infinities are equal, too. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a - b;
}

function randomMean(dims: number, random: Generator): Vector {
  return Float64Array.from({ length: dims }, () => (random.next() - 0.5) * START_SHARE);
}

function readBest(fields: Fields, space: RealSpace): Solution | undefined {
  if (fields.raw("best") === null) return undefined;
  const best = fields.object("best");
  const genome = best.raw("genome");
  if (!isGenome(genome, space)) {
    throw new FieldError("invalid_field", "best.genome", "outside the space");
  }
  return { genome, fitness: best.number("fitness", FITNESS) };
}

const FITNESS = { min: -Number.MAX_VALUE, max: Number.MAX_VALUE };
