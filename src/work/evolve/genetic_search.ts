/**
 * A genetic algorithm as a search that never waits: steady state, so that each result at once meets the member of the
 * population whose place it may take, and keeps the place if it is no worse (deterministic crowding: S. W. Mahfoud,
 * "Niching Methods for Genetic Algorithms", 1995; nothing but its nearest relative is ever replaced, so the best is
 * never lost and the population stays diverse). A population that no longer improves begins anew with twice the members
 * (G. Harik, F. Lobo, "A Parameter-less Genetic Algorithm", GECCO 1999). What genomes are, and how they breed, is the
 * {@link Breed}'s affair.
 */

import { FieldError, Fields, type JsonObject } from "../../base/guards.ts";
import { Generator } from "./generator.ts";
import type { OperatorChoice } from "./operator_choice.ts";
import type { Candidate, Optimizer, Result, Solution } from "./optimizer.ts";
import { keptUnderWay, readFitness, toFitness, writeFitness } from "./search_state.ts";
import { type Genome, isGenome, type Space } from "./space.ts";
import { UnderWay } from "./under_way.ts";

/** A genome to be tried for a place in the population, and what made it, by number. */
export interface Child {
  readonly genome: Genome;
  readonly place: number;
  readonly operator: number;
}

/** How genomes of one kind of space come into being. */
export interface Breed {
  readonly space: Space;
  /** Members of the first population. */
  readonly firstSize: number;
  random(random: Generator): Genome;
  /** A child of the population, which is never empty, to be tried for a place near `place`. */
  breed(members: readonly Solution[], place: number, random: Generator): Child;
  /** By what it breeds; it learns whether an operator's child was better than whose place it took. */
  readonly choice: OperatorChoice;
}

/** Generations without a better best after which a population begins anew; on tours, good ones came as late as that. */
const STAGNANT_GENERATIONS = 1500;
/** Numbers in all genomes of a population, so that a checkpoint stays below a megabyte. */
const MAX_NUMBERS = 200_000;
const MIN_SIZE = 16;
/** Populations do not grow beyond so many doublings; then sizes begin anew. */
const MAX_DOUBLINGS = 6;
const COUNT = { min: 0, max: Number.MAX_SAFE_INTEGER };
const FITNESS = { min: -Number.MAX_VALUE, max: Number.MAX_VALUE };

interface Asked extends Child {
  readonly run: number;
}

export class GeneticSearch implements Optimizer {
  readonly #breed: Breed;
  readonly #random: Generator;
  #underWay: UnderWay<Asked>;
  #members: Solution[] = [];
  #run = 0;
  #nextPlace = 0;
  #generation = 0;
  #evaluations = 0;
  /** Results of this generation. */
  #told = 0;
  /** The best of this population, and the results since it came. */
  #runBest = Infinity;
  #stagnant = 0;
  #best: Solution | undefined;

  constructor(breed: Breed, random: Generator, nextId?: number) {
    this.#breed = breed;
    this.#random = random;
    this.#underWay = new UnderWay(breed.space.dims, nextId);
  }

  get space(): Space {
    return this.#breed.space;
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

  /** Populations that were given up so far. */
  get restarts(): number {
    return this.#run;
  }

  /** Members of the present population, once it is full. */
  get population(): number {
    const { firstSize, space } = this.#breed;
    const limit = Math.max(MIN_SIZE, Math.floor(MAX_NUMBERS / space.dims));
    return Math.min(limit, firstSize * 2 ** (this.#run % (MAX_DOUBLINGS + 1)));
  }

  ask(count: number): readonly Candidate[] {
    return Array.from({ length: count }, () => this.#askOne());
  }

  tell(results: readonly Result[]): void {
    for (const { id, fitness: told } of results) {
      const asked = this.#underWay.take(id);
      if (!asked) continue;
      this.#evaluations++;
      const solution = { genome: asked.genome, fitness: toFitness(told) };
      this.#consider(solution);
      if (asked.run !== this.#run) continue;
      this.#place(solution, asked);
      this.#count();
    }
  }

  /** A migrant takes the worst member's place, if it is better and not there yet. */
  migrate(solution: Solution): void {
    if (!isGenome(solution.genome, this.space)) {
      throw new RangeError("Cannot take in a solution: its genome is outside the space");
    }
    if (!Number.isFinite(solution.fitness)) return;
    this.#consider(solution);
    if (this.#members.some(({ genome }) => areEqual(genome, solution.genome))) return;
    if (this.#members.length < this.population) {
      this.#members.push(solution);
      return;
    }
    const worst = this.#members.reduce(
      (at, { fitness }, i) => fitness > (this.#members[at] as Solution).fitness ? i : at,
      0,
    );
    if (solution.fitness < (this.#members[worst] as Solution).fitness) {
      this.#members[worst] = solution;
    }
  }

  snapshot(): JsonObject {
    const asked = [...this.#underWay.entries()].slice(-keptUnderWay(this.space.dims));
    return {
      random: this.#random.state(),
      learned: this.#breed.choice.state(),
      run: this.#run,
      next_place: this.#nextPlace,
      generation: this.#generation,
      evaluations: this.#evaluations,
      told: this.#told,
      run_best: writeFitness(this.#runBest),
      stagnant: this.#stagnant,
      best: this.#best ?? null,
      members: this.#members.map(writeSolution),
      next_id: this.#underWay.nextId,
      under_way: asked.map(([id, child]) => ({ id, ...child })),
    };
  }

  /** Goes on from {@link snapshot}. Throws {@link FieldError} where it is not whole. */
  static restore(breed: Breed, fields: Fields): GeneticSearch {
    const random = Generator.restore(fields.raw("random"), "random");
    const search = new GeneticSearch(breed, random, fields.integer("next_id", COUNT));
    breed.choice.restore(readLearned(fields));
    search.#run = fields.integer("run", COUNT);
    search.#nextPlace = fields.integer("next_place", COUNT);
    search.#generation = fields.integer("generation", COUNT);
    search.#evaluations = fields.integer("evaluations", COUNT);
    search.#told = fields.integer("told", COUNT);
    search.#stagnant = fields.integer("stagnant", COUNT);
    search.#runBest = readFitness(fields, "run_best");
    search.#best = fields.raw("best") === null
      ? undefined
      : readSolution(fields.object("best"), breed.space, "best");
    search.#members = fields.list("members", { maxItems: search.population }).map((item, i) =>
      readSolution(Fields.of(item, `members.${i}`), breed.space, `members.${i}`)
    );
    for (const item of fields.list("under_way", { maxItems: keptUnderWay(breed.space.dims) })) {
      const child = Fields.of(item, "under_way");
      const id = child.integer("id", { min: 1, max: search.#underWay.nextId - 1 });
      search.#underWay.restore(id, readAsked(child, breed.space));
    }
    return search;
  }

  #askOne(): Candidate {
    const again = this.#underWay.takeAgain();
    if (again) return { id: again.id, genome: again.candidate.genome };
    const child = this.#child();
    return { id: this.#underWay.add({ ...child, run: this.#run }), genome: child.genome };
  }

  #child(): Child {
    const members = this.#members;
    if (members.length < this.population) {
      return { genome: this.#breed.random(this.#random), place: 0, operator: 0 };
    }
    const place = this.#nextPlace++ % members.length;
    return this.#breed.breed(members, place, this.#random);
  }

  /** The population fills first; then each child competes for its place. */
  #place(solution: Solution, { place, operator }: Asked): void {
    this.#stagnant = solution.fitness < this.#runBest ? 0 : this.#stagnant + 1;
    this.#runBest = Math.min(this.#runBest, solution.fitness);
    if (this.#members.length < this.population) {
      this.#members.push(solution);
      return;
    }
    const at = place % this.#members.length;
    const { fitness } = this.#members[at] as Solution;
    this.#breed.choice.credit(operator, solution.fitness < fitness);
    if (solution.fitness <= fitness) this.#members[at] = solution;
  }

  #count(): void {
    const size = this.population;
    if (++this.#told < size) return;
    this.#told = 0;
    this.#generation++;
    if (this.#stagnant < STAGNANT_GENERATIONS * size) return;
    this.#run++;
    this.#members = [];
    this.#nextPlace = 0;
    this.#stagnant = 0;
    this.#runBest = Infinity;
    this.#breed.choice.forget();
  }

  #consider(solution: Solution): void {
    if (solution.fitness < (this.#best?.fitness ?? Infinity)) this.#best = solution;
  }
}

/** Whether two genomes of one space are the same. */
export function areEqual(a: Genome, b: Genome): boolean {
  return a.every((item, i) => item === b[i]);
}

function writeSolution({ genome, fitness }: Solution) {
  return { genome, fitness: writeFitness(fitness) };
}

function readSolution(fields: Fields, space: Space, path: string): Solution {
  return { genome: readGenome(fields, space, path), fitness: readFitness(fields, "fitness") };
}

function readAsked(fields: Fields, space: Space): Asked {
  return {
    genome: readGenome(fields, space, "under_way"),
    place: fields.integer("place", COUNT),
    operator: fields.integer("operator", { min: 0, max: 64 }),
    run: fields.integer("run", COUNT),
  };
}

function readGenome(fields: Fields, space: Space, path: string): Genome {
  const genome = fields.raw("genome");
  if (isGenome(genome, space)) return genome;
  throw new FieldError("invalid_field", `${path}.genome`, "outside the space");
}

function readLearned(fields: Fields): number[] {
  const list = fields.list("learned", { maxItems: 64 });
  const items = Fields.of({ ...list }, "learned");
  return list.map((_, i) => items.number(String(i), FITNESS));
}
