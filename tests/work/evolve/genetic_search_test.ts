import { assert, assertEquals } from "@std/assert";
import { seededRandom } from "../../../src/base/random.ts";
import { BitBreed } from "../../../src/work/evolve/genetic_bits.ts";
import { PermutationBreed } from "../../../src/work/evolve/genetic_permutation.ts";
import { GeneticSearch } from "../../../src/work/evolve/genetic_search.ts";
import { Generator } from "../../../src/work/evolve/generator.ts";
import { type Fitness, minimize, minimizeAsynchronously, PURE } from "./functions.ts";

function bits(dims: number, seed: number): GeneticSearch {
  return new GeneticSearch(
    new BitBreed({ kind: "bits", dims }),
    Generator.from(seededRandom(seed)),
  );
}

function orders(dims: number, seed: number): GeneticSearch {
  return new GeneticSearch(
    new PermutationBreed({ kind: "permutation", dims }),
    Generator.from(seededRandom(seed)),
  );
}

const zeros: Fitness = (genome) => genome.reduce((sum, bit) => sum + 1 - bit, 0);

const afterLeadingOnes: Fitness = (genome) => {
  const first = genome.indexOf(0);
  return first < 0 ? 0 : genome.length - first;
};

/** Blocks of four in which all zeros beat all but all ones (K. Deb, D. E. Goldberg, 1993). */
const traps: Fitness = (genome) => {
  let missing = 0;
  for (let i = 0; i < genome.length; i += 4) {
    const ones = genome.slice(i, i + 4).reduce((sum, bit) => sum + bit, 0);
    missing += ones === 4 ? 0 : 1 + ones;
  }
  return missing;
};

/** Steps of a tour around a circle that skip somebody: 0 for the way around. */
const detours: Fitness = (order) =>
  order.reduce((sum, at, i) => {
    const next = order[(i + 1) % order.length] ?? 0;
    const apart = Math.abs(at - next);
    return sum + Math.min(apart, order.length - apart) - 1;
  }, 0);

const misplaced: Fitness = (order) => order.reduce((sum, at, i) => sum + Math.abs(at - i), 0);

// Twice what the slowest of 15 seeds took.
const REACHED = [
  ["bits: all ones of 100", () => bits(100, 1), zeros, 6_600],
  ["bits: leading ones of 50", () => bits(50, 2), afterLeadingOnes, 17_000],
  ["bits: ten traps of four", () => bits(40, 3), traps, 115_000],
  ["orders: a tour of 30 on a circle", () => orders(30, 4), detours, 40_000],
  ["orders: 30 at their places", () => orders(30, 5), misplaced, 40_000],
] as const;

for (const [name, make, fitness, limit] of REACHED) {
  Deno.test(`GeneticSearch finds the optimum of ${name}`, PURE, () => {
    const took = minimize(make(), fitness, { target: 0, limit });
    assert(took < limit, `${took}`);
  });

  Deno.test(`GeneticSearch finds it with 50 under way: ${name}`, PURE, () => {
    const options = { width: 50, seed: 6, target: 0, limit };
    assert(minimizeAsynchronously(make(), fitness, options) < limit);
  });
}

Deno.test(
  "GeneticSearch begins anew with twice the population where nothing improves",
  PURE,
  () => {
    const search = bits(8, 7);
    assertEquals(search.population, 50);
    minimize(search, zeros, { target: -1, limit: 75_000 });
    assertEquals(search.restarts, 0, "1,500 generations without an improvement have to pass");
    minimize(search, zeros, { target: -1, limit: 80_000 });
    assertEquals([search.restarts, search.population], [1, 100]);
    assertEquals(search.best?.fitness, 0);
  },
);

Deno.test("GeneticSearch survives failures and plateaus", PURE, () => {
  for (const fitness of [() => Infinity, () => NaN, () => 0, () => -Infinity]) {
    for (const search of [bits(10, 8), orders(10, 8), bits(1, 8), orders(2, 8)]) {
      minimize(search, fitness, { target: -Infinity, limit: 500 });
      JSON.stringify(search.snapshot());
    }
  }
});

Deno.test("GeneticSearch.migrate() takes the place of the worst, once", PURE, () => {
  const search = bits(20, 9);
  minimize(search, zeros, { target: -1, limit: 100 });
  const ones = new Array<number>(20).fill(1);
  const membersOf = () => search.snapshot().members as { genome: number[]; fitness: number }[];
  const worst = Math.max(...membersOf().map(({ fitness }) => fitness));
  const count = membersOf().filter(({ fitness }) => fitness === worst).length;
  for (let i = 0; i < 3; i++) search.migrate({ genome: ones, fitness: 0 });
  const after = membersOf();
  assertEquals(after.length, 50);
  assertEquals(after.filter(({ fitness }) => fitness === worst).length, count - 1);
  assertEquals(search.best, { genome: ones, fitness: 0 });
  search.migrate({ genome: new Array<number>(20).fill(0), fitness: 1e9 });
  assertEquals(membersOf(), after, "what is worse than all stays out");
});
