import { assert, assertEquals, assertThrows } from "@std/assert";
import { FieldError } from "../../../src/base/guards.ts";
import { seededRandom } from "../../../src/base/random.ts";
import type { Candidate, Optimizer } from "../../../src/work/evolve/optimizer.ts";
import { newOptimizer, restoreOptimizer } from "../../../src/work/evolve/optimizers.ts";
import { isGenome, type Space } from "../../../src/work/evolve/space.ts";
import { box, PURE } from "./functions.ts";

const SPACES: readonly (readonly [string, Space])[] = [
  ["reals", box(5)],
  ["one real", box(1, 2, 3)],
  ["150 reals", box(150)],
  ["bits", { kind: "bits", dims: 12 }],
  ["orders", { kind: "permutation", dims: 9 }],
  ["two in order", { kind: "permutation", dims: 2 }],
];

/** Some fitness of any genome, the same for the same. */
function fitnessOf({ genome }: Candidate): number {
  return genome.reduce((sum, value, i) => sum + Math.abs(value - Math.sin(i)), 0);
}

function work(search: Optimizer, rounds: number): string {
  const genomes: unknown[] = [];
  for (let i = 0; i < rounds; i++) {
    const asked = search.ask(1 + i % 7);
    genomes.push(asked);
    search.tell(asked.map((candidate) => ({ id: candidate.id, fitness: fitnessOf(candidate) })));
  }
  return JSON.stringify([genomes, search.best, search.generation, search.evaluations]);
}

for (const [name, space] of SPACES) {
  Deno.test(`newOptimizer() for ${name} asks exactly, within the space, with new ids`, PURE, () => {
    const search = newOptimizer(space, seededRandom(1));
    const ids = new Set<number>();
    let count = 0;
    for (let i = 0; i < 60; i++) {
      const asked = search.ask(i % 9);
      assertEquals(asked.length, i % 9);
      count += asked.length;
      for (const { id, genome } of asked) {
        ids.add(id);
        assert(isGenome(genome, space));
      }
      search.tell(
        asked.map((candidate) => ({ id: candidate.id, fitness: fitnessOf(candidate) })),
      );
    }
    assertEquals(ids.size, count);
    assertEquals(search.evaluations, count);
  });

  Deno.test(`newOptimizer() for ${name} ignores unknown ids and what was told before`, PURE, () => {
    const search = newOptimizer(space, seededRandom(2));
    const [first] = search.ask(1);
    assert(first);
    search.tell([{ id: first.id, fitness: 3 }, { id: first.id, fitness: 1 }]);
    search.tell([{ id: 1e9, fitness: 0 }, { id: -1, fitness: 0 }, { id: NaN, fitness: 0 }]);
    assertEquals(search.evaluations, 1);
    assertEquals(search.best, { genome: first.genome, fitness: 3 });
  });

  Deno.test(`newOptimizer() for ${name} is the same for the same seed`, PURE, () => {
    const [a, b, c] = [7, 7, 8].map((seed) => work(newOptimizer(space, seededRandom(seed)), 80));
    assertEquals(a, b);
    if (space.dims > 2) assert(a !== c);
  });

  Deno.test(`restoreOptimizer() for ${name} goes on as if never away, from anywhere`, PURE, () => {
    const search = newOptimizer(space, seededRandom(3));
    for (let i = 0; i < 12; i++) {
      const text = JSON.stringify(search.snapshot());
      const restored = restoreOptimizer(space, JSON.parse(text));
      assertEquals(JSON.stringify(restored.snapshot()), text);
      assertEquals(work(restored, 40), work(restoreOptimizer(space, JSON.parse(text)), 40));
      const ahead = restoreOptimizer(space, JSON.parse(text));
      assertEquals(work(search, 9), work(ahead, 9));
    }
  });

  Deno.test(`restoreOptimizer() for ${name} asks again what was under way`, PURE, () => {
    const search = newOptimizer(space, seededRandom(4));
    work(search, 20);
    const underWay = search.ask(5);
    search.tell([{ id: underWay[2]?.id ?? 0, fitness: 1 }]);
    const restored = restoreOptimizer(space, JSON.parse(JSON.stringify(search.snapshot())));
    const again = restored.ask(6);
    const expected = underWay.filter((_, i) => i !== 2);
    assertEquals(again.slice(0, 4), expected);
    assertEquals(again.slice(4), search.ask(2));
  });

  Deno.test(
    `restoreOptimizer() for ${name} refuses a snapshot with anything missing or wrong`,
    PURE,
    () => {
      const search = newOptimizer(space, seededRandom(5));
      work(search, 40);
      search.ask(3);
      const whole = JSON.parse(JSON.stringify(search.snapshot()));
      for (const key of Object.keys(whole)) {
        const { [key]: _, ...cut } = whole;
        // Absent as `null`: no limit, no success yet.
        if (key !== "max_evaluations" && key !== "run_best") {
          assertThrows(() => restoreOptimizer(space, cut), FieldError, "Cannot read", key);
        }
        for (const wrong of ["x", [[]], { a: 1 }, ...(key === "run_best" ? [] : [-1.5])]) {
          assertThrows(() => restoreOptimizer(space, { ...whole, [key]: wrong }), FieldError);
        }
      }
      for (const wrong of [null, 3, "cut", [], {}]) {
        assertThrows(() => restoreOptimizer(space, wrong), FieldError);
      }
    },
  );
}

Deno.test("restoreOptimizer() refuses the snapshot of another space", PURE, () => {
  for (const [, space] of SPACES) {
    const search = newOptimizer(space, seededRandom(6));
    work(search, 40);
    const snapshot = JSON.parse(JSON.stringify(search.snapshot()));
    for (const [, other] of SPACES) {
      if (other !== space) assertThrows(() => restoreOptimizer(other, snapshot), FieldError);
    }
  }
});

Deno.test(
  "restoreOptimizer() never breaks on damage: it throws a FieldError, or goes on within the space",
  PURE,
  () => {
    const seed = 0x0dd;
    const random = seededRandom(seed);
    for (const [, space] of SPACES) {
      if (space.dims > 100) continue;
      const search = newOptimizer(space, seededRandom(7));
      work(search, 30);
      search.ask(3);
      const text = JSON.stringify(search.snapshot());
      for (let i = 0; i < 300; i++) {
        const damaged = damage(JSON.parse(text), random);
        try {
          const restored = restoreOptimizer(space, damaged);
          for (let k = 0; k < 5; k++) {
            const asked = restored.ask(8);
            assert(asked.every(({ genome }) => isGenome(genome, space)), `seed ${seed}, ${i}`);
            restored.tell(asked.map((one) => ({ id: one.id, fitness: fitnessOf(one) })));
          }
        } catch (error) {
          if (!(error instanceof FieldError)) {
            throw new Error(`seed ${seed}, ${i}`, { cause: error });
          }
        }
      }
    }
  },
);

Deno.test(
  "Optimizer.snapshot() stays below 3.5 MB, whatever is searched and under way",
  PURE,
  () => {
    const spaces: readonly Space[] = [
      box(1),
      box(100),
      box(4_096),
      { kind: "bits", dims: 4_096 },
      { kind: "permutation", dims: 4_096 },
    ];
    for (const space of spaces) {
      const search = newOptimizer(space, seededRandom(9));
      work(search, 8);
      search.ask(1_000);
      const text = JSON.stringify(search.snapshot());
      assert(text.length < 3.5e6, `${space.kind} ${space.dims}: ${text.length}`);
      restoreOptimizer(space, JSON.parse(text));
    }
  },
);

Deno.test("newOptimizer() forgets the oldest of too many under way", PURE, () => {
  const search = newOptimizer(box(2_000), seededRandom(8));
  const [oldest] = search.ask(1);
  search.ask(1_024);
  search.tell([{ id: oldest?.id ?? 0, fitness: 1 }]);
  assertEquals(search.evaluations, 0);
});

/** Changes one value somewhere in `json`. */
function damage(json: unknown, random: { next(): number }): unknown {
  const wrong = [null, 0, -1, 1, 1e308, -1e140, 0.5, "", "x", [], {}, true, 1e9];
  if (typeof json === "object" && json !== null && random.next() < 0.9) {
    const keys = Object.keys(json);
    const key = keys[Math.floor(random.next() * keys.length)];
    if (key !== undefined) {
      const object = json as Record<string, unknown>;
      object[key] = damage(object[key], random);
      return json;
    }
  }
  return wrong[Math.floor(random.next() * wrong.length)];
}
