import { assert, assertEquals } from "@std/assert";
import { randomBelow, seededRandom, shuffled } from "../../../src/base/random.ts";
import {
  flipBits,
  twoPointCrossover,
  uniformCrossover,
} from "../../../src/work/evolve/genetic_bits.ts";
import {
  inverOver,
  moveItem,
  orderCrossover,
  swapItems,
} from "../../../src/work/evolve/genetic_permutation.ts";
import { Generator } from "../../../src/work/evolve/generator.ts";
import { OperatorChoice } from "../../../src/work/evolve/operator_choice.ts";
import { type Genome, isGenome } from "../../../src/work/evolve/space.ts";
import { PURE } from "./functions.ts";

const OPERATORS = { inverOver, orderCrossover, moveItem, swapItems };

/** Pairs of neighbours in a tour, as text. */
function edgesOf(tour: Genome): Set<string> {
  return new Set(tour.map((from, i) => {
    const to = tour[(i + 1) % tour.length] ?? 0;
    return `${Math.min(from, to)}-${Math.max(from, to)}`;
  }));
}

for (const [name, operator] of Object.entries(OPERATORS)) {
  Deno.test(`${name}() makes orders of orders and leaves its parents as they are`, PURE, () => {
    const seed = 0x5eed;
    const random = seededRandom(seed);
    const generator = Generator.from(random);
    for (let i = 0; i < 2_000; i++) {
      const dims = 2 + randomBelow(random, 30);
      const items = Array.from({ length: dims }, (_, k) => k);
      const parent = shuffled(random, items);
      const others = [shuffled(random, items), shuffled(random, items)];
      const before = JSON.stringify([parent, others]);
      const child = operator(parent, others, generator);
      assert(isGenome(child, { kind: "permutation", dims }), `seed ${seed}, ${before}: ${child}`);
      assertEquals(JSON.stringify([parent, others]), before);
    }
  });
}

Deno.test("inverOver() brings edges of others into a tour", PURE, () => {
  const generator = Generator.from(seededRandom(1));
  const items = Array.from({ length: 20 }, (_, k) => k);
  const other = shuffled(generator, items);
  let own = 0;
  let foreign = 0;
  for (let i = 0; i < 500; i++) {
    const parent = shuffled(generator, items);
    const child = edgesOf(inverOver(parent, [other], generator));
    own += [...edgesOf(parent)].filter((edge) => child.has(edge)).length;
    foreign += [...edgesOf(other)].filter((edge) => child.has(edge)).length;
  }
  // Of 20 edges; two orders by chance share 2 on average.
  assert(own / 500 + foreign / 500 > 16, `${own / 500} and ${foreign / 500}`);
  assert(foreign / 500 > 4);
});

Deno.test(
  "orderCrossover() keeps what both agree on, and each place or order of either",
  PURE,
  () => {
    const generator = Generator.from(seededRandom(2));
    const parent = [0, 1, 2, 3, 4, 5, 6, 7];
    const other = [0, 7, 2, 1, 6, 5, 3, 4];
    for (let i = 0; i < 500; i++) {
      const child = orderCrossover(parent, [other], generator);
      for (const at of [0, 2, 5]) assertEquals(child[at], at);
      const moved = child.filter((item, at) => parent[at] !== item);
      assertEquals(moved, other.filter((item) => moved.includes(item)));
    }
  },
);

Deno.test("moveItem() moves one item, swapItems() two", PURE, () => {
  const generator = Generator.from(seededRandom(3));
  const parent = [0, 1, 2, 3, 4, 5, 6];
  for (let i = 0; i < 500; i++) {
    const moved = moveItem(parent, [], generator);
    assert(parent.some((item) => {
      const rest = moved.filter((other) => other !== item);
      return String(rest) === String(parent.filter((other) => other !== item));
    }));
    const swapped = swapItems(parent, [], generator);
    assertEquals(swapped.filter((item, at) => item !== parent[at]).length, 2);
  }
});

Deno.test("flipBits() flips one bit of as many as there are, on average", PURE, () => {
  const generator = Generator.from(seededRandom(4));
  const zeros = new Array<number>(50).fill(0);
  let flipped = 0;
  for (let i = 0; i < 5_000; i++) {
    flipped += flipBits(zeros, generator).reduce((sum, bit) => sum + bit, 0);
  }
  assert(Math.abs(flipped / 5_000 - 1) < 0.06, `${flipped / 5_000}`);
});

Deno.test(
  "uniformCrossover() takes half from each, twoPointCrossover() one stretch from the other",
  PURE,
  () => {
    const generator = Generator.from(seededRandom(5));
    const zeros = new Array<number>(40).fill(0);
    const ones = new Array<number>(40).fill(1);
    let fromOther = 0;
    for (let i = 0; i < 1_000; i++) {
      fromOther += uniformCrossover(zeros, ones, generator).reduce((sum, bit) => sum + bit, 0);
      const stretched = twoPointCrossover(zeros, ones, generator);
      const changes = stretched.filter((bit, at) => bit !== stretched[(at + 1) % 40]).length;
      assert(changes === 0 || changes === 2);
    }
    assert(Math.abs(fromOther / 40_000 - 0.5) < 0.01);
  },
);

Deno.test("OperatorChoice prefers what works and forgets nothing entirely", PURE, () => {
  const random = seededRandom(6);
  const choice = new OperatorChoice(4);
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 20_000; i++) {
    const operator = choice.pick(random);
    if (i >= 5_000) counts[operator] = (counts[operator] ?? 0) + 1;
    choice.credit(operator, operator === 2 && random.next() < 0.5);
  }
  // 0.05 for each, and the other 0.8 for the one that works.
  assert((counts[2] ?? 0) / 15_000 > 0.83);
  for (const operator of [0, 1, 3]) {
    assert(Math.abs((counts[operator] ?? 0) / 15_000 - 0.05) < 0.01);
  }
});
