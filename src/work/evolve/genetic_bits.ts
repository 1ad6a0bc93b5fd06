/**
 * How bit strings breed: uniform crossover (G. Syswerda, ICGA 1989) where neighbouring bits have nothing to do with each
 * other, two-point crossover (K. A. De Jong, 1975) where they have, and mutation alone; then each bit flips with a chance
 * of 1/n (H. Muehlenbein, PPSN II, 1992). Mates are chosen by tournaments of two (A. E. Eiben, J. E. Smith, "Introduction
 * to Evolutionary Computing", section 5.2), and the child competes with whichever parent it is nearer to. Which crossover
 * a problem rewards is learned (`operator_choice.ts`).
 */

import { randomBelow } from "../../base/random.ts";
import type { Generator } from "./generator.ts";
import { areEqual, type Breed, type Child } from "./genetic_search.ts";
import { OperatorChoice } from "./operator_choice.ts";
import type { Solution } from "./optimizer.ts";
import type { BitSpace, Genome } from "./space.ts";

const FIRST_SIZE = 50;
const OPERATORS = [uniformCrossover, twoPointCrossover, (parent: Genome) => parent] as const;

export class BitBreed implements Breed {
  readonly firstSize = FIRST_SIZE;
  readonly space: BitSpace;
  readonly choice = new OperatorChoice(OPERATORS.length);

  constructor(space: BitSpace) {
    this.space = space;
  }

  random(random: Generator): Genome {
    return Array.from({ length: this.space.dims }, () => randomBelow(random, 2));
  }

  breed(members: readonly Solution[], place: number, random: Generator): Child {
    const parent = (members[place] as Solution).genome;
    const mate = tournament(members, random);
    const other = (members[mate] as Solution).genome;
    const operator = this.choice.pick(random);
    const crossed = (OPERATORS[operator] ?? uniformCrossover)(parent, other, random);
    const mutated = flipBits(crossed, random);
    // What is one of its parents again would waste an evaluation.
    const isNew = !areEqual(mutated, parent) && !areEqual(mutated, other);
    const genome = isNew ? mutated : flipOne(mutated, random);
    const isNearer = distance(genome, other) < distance(genome, parent);
    return { genome, place: isNearer ? mate : place, operator };
  }
}

/** Each bit from either parent. */
export function uniformCrossover(parent: Genome, other: Genome, random: Generator): Genome {
  return parent.map((bit, i) => random.next() < 0.5 ? bit : other[i] as number);
}

/** One stretch, over the end where it comes to that, from the other parent. */
export function twoPointCrossover(parent: Genome, other: Genome, random: Generator): Genome {
  const { length } = parent;
  const start = randomBelow(random, length);
  const count = randomBelow(random, length);
  return parent.map((bit, i) => (i - start + length) % length < count ? other[i] as number : bit);
}

/** Each bit flips with a chance of one in as many as there are. */
export function flipBits(genome: Genome, random: Generator): Genome {
  const chance = 1 / genome.length;
  return genome.map((bit) => random.next() < chance ? 1 - bit : bit);
}

function flipOne(genome: Genome, random: Generator): Genome {
  const at = randomBelow(random, genome.length);
  return genome.map((bit, i) => i === at ? 1 - bit : bit);
}

/** The better of two. */
function tournament(members: readonly Solution[], random: Generator): number {
  const a = randomBelow(random, members.length);
  const b = randomBelow(random, members.length);
  return (members[b] as Solution).fitness < (members[a] as Solution).fitness ? b : a;
}

function distance(a: Genome, b: Genome): number {
  return a.reduce((sum, bit, i) => sum + (bit === b[i] ? 0 : 1), 0);
}
