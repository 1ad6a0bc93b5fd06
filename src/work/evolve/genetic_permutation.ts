/**
 * How orders breed, knowing nothing but how good they are. Inver-over (G. Tao, Z. Michalewicz, "Inver-over Operator for
 * the TSP", PPSN V, 1998) inverts stretches until an edge agrees with another member's, which suits tours; uniform
 * order-based crossover (L. Davis, "Handbook of Genetic Algorithms", 1991) keeps places and relative order, and moving
 * or swapping items makes small steps, which suits schedules and assignments. Which of them a problem rewards is learned
 * (`operator_choice.ts`).
 */

import { randomBelow } from "../../base/random.ts";
import type { Generator } from "./generator.ts";
import { areEqual, type Breed, type Child } from "./genetic_search.ts";
import { OperatorChoice } from "./operator_choice.ts";
import type { Solution } from "./optimizer.ts";
import type { Genome, PermutationSpace } from "./space.ts";

const FIRST_SIZE = 30;
/** How often inver-over takes its edge by chance and not from another member. */
const RANDOM_INVERSION = 0.02;
const OPERATORS = [inverOver, orderCrossover, moveItem, swapItems] as const;
/** A child that is its parent again would waste an evaluation. */
const MAX_TRIES = 20;

export class PermutationBreed implements Breed {
  readonly firstSize = FIRST_SIZE;
  readonly space: PermutationSpace;
  readonly choice = new OperatorChoice(OPERATORS.length);

  constructor(space: PermutationSpace) {
    this.space = space;
  }

  random(random: Generator): Genome {
    const order = Array.from({ length: this.space.dims }, (_, i) => i);
    for (let i = order.length - 1; i > 0; i--) swap(order, i, randomBelow(random, i + 1));
    return order;
  }

  breed(members: readonly Solution[], place: number, random: Generator): Child {
    const parent = (members[place] as Solution).genome;
    const others = members.map(({ genome }) => genome);
    for (let tries = 1;; tries++) {
      const operator = this.choice.pick(random);
      const genome = (OPERATORS[operator] ?? swapItems)(parent, others, random);
      if (tries === MAX_TRIES || !areEqual(genome, parent)) return { genome, place, operator };
    }
  }
}

/** Inverts from an item on until the item beside it is the one that another member has there. */
export function inverOver(
  parent: Genome,
  others: readonly Genome[],
  random: Generator,
): Genome {
  const { length } = parent;
  const tour = [...parent];
  let from = randomBelow(random, length);
  for (let turns = 0; turns < length; turns++) {
    const item = tour[from] as number;
    const wanted = random.next() < RANDOM_INVERSION
      ? tour[(from + 1 + randomBelow(random, length - 1)) % length] as number
      : successorOf(item, others[randomBelow(random, others.length)] ?? parent);
    const at = tour.indexOf(wanted);
    const distance = (at - from + length) % length;
    if (distance <= 1 || distance === length - 1) break;
    invert(tour, from + 1, distance);
    // The wanted item now stands beside it, and goes on.
    from = (from + 1) % length;
  }
  return tour;
}

/** Keeps where both agree, and half of the other places; the rest comes in the other's order. */
export function orderCrossover(
  parent: Genome,
  others: readonly Genome[],
  random: Generator,
): Genome {
  const other = others[randomBelow(random, others.length)] ?? parent;
  const isKept = parent.map((item, i) => item === other[i] || random.next() < 0.5);
  const kept = new Set(parent.filter((_, i) => isKept[i]));
  const rest = other.filter((item) => !kept.has(item)).values();
  return parent.map((item, i) => isKept[i] ? item : rest.next().value as number);
}

/** Takes one item out and puts it in elsewhere. */
export function moveItem(parent: Genome, _others: readonly Genome[], random: Generator): Genome {
  const order = [...parent];
  const [item] = order.splice(randomBelow(random, order.length), 1);
  order.splice(randomBelow(random, parent.length), 0, item as number);
  return order;
}

/** Swaps two items. */
export function swapItems(parent: Genome, _others: readonly Genome[], random: Generator): Genome {
  const order = [...parent];
  const first = randomBelow(random, order.length);
  swap(order, first, (first + 1 + randomBelow(random, order.length - 1)) % order.length);
  return order;
}

function successorOf(item: number, tour: Genome): number {
  return tour[(tour.indexOf(item) + 1) % tour.length] as number;
}

/** Inverts `count` items from `start` on, over the end where it comes to that. */
function invert(tour: number[], start: number, count: number): void {
  for (let i = 0, j = count - 1; i < j; i++, j--) {
    swap(tour, (start + i) % tour.length, (start + j) % tour.length);
  }
}

function swap(order: number[], i: number, j: number): void {
  const item = order[i] as number;
  order[i] = order[j] as number;
  order[j] = item;
}
