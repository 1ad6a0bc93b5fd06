import { assert, assertEquals } from "@std/assert";
import { BATCH_MS, Island, MAX_BATCH, MIGRATION_MS } from "../../../src/work/job/island.ts";
import { RandomSearch } from "../../sim/work/random_search.ts";
import { jobOf, PURE } from "./jobs.ts";

function newIsland(): Island {
  return new Island(new RandomSearch(jobOf().spec.space, 1), 0);
}

/** Has a batch evaluated at `eachMs`, from `nowMs` on; when it was done. */
function work(island: Island, eachMs: number, nowMs: number): number {
  const batch = island.nextBatch();
  const doneMs = nowMs + batch.length * eachMs;
  island.tell(batch.map(({ id }) => ({ id, fitness: 1 })), doneMs - nowMs, doneMs);
  return doneMs;
}

Deno.test("Island.nextBatch() asks for as many as take fifty milliseconds, one to 64", PURE, () => {
  for (
    const [eachMs, expected] of [[1, 50], [0.1, MAX_BATCH], [10, 5], [200, 1], [60_000, 1]] as const
  ) {
    const island = newIsland();
    assertEquals(island.nextBatch().length, 1, "before anything is known");
    let nowMs = 0;
    for (let i = 0; i < 50; i++) nowMs = work(island, eachMs, nowMs);
    assertEquals(island.nextBatch().length, expected, `${eachMs} ms each`);
    assert(expected * eachMs <= BATCH_MS || expected === 1);
  }
});

Deno.test("Island.nextBatch() follows when evaluations become slower", PURE, () => {
  const island = newIsland();
  let nowMs = 0;
  for (let i = 0; i < 50; i++) nowMs = work(island, 1, nowMs);
  for (let i = 0; i < 50; i++) nowMs = work(island, 25, nowMs);
  assertEquals(island.nextBatch().length, 2);
});

Deno.test(
  "Island.perSecond is what was evaluated, and falls to nothing when nothing is",
  PURE,
  () => {
    const island = newIsland();
    let nowMs = 0;
    while (nowMs < 60_000) nowMs = work(island, 100, nowMs);
    assert(Math.abs(island.perSecond - 10) < 0.5, String(island.perSecond));
    for (; nowMs < 200_000; nowMs += 5_000) island.review(nowMs);
    assertEquals(island.perSecond, 0);
  },
);

Deno.test("Island.found() keeps the best, each genome once", PURE, () => {
  const island = newIsland();
  const found = (fitness: number, genomeHash = String(fitness)) =>
    island.found({ genome: [fitness, 0], fitness, genomeHash });
  assertEquals([found(5), found(7), found(5), found(3), found(3, "other")], [
    true,
    false,
    false,
    true,
    false,
  ]);
  for (let fitness = 20; fitness > 10; fitness--) found(fitness);
  assertEquals(island.best.map(({ fitness }) => fitness), [3, 3, 5, 7, 11, 12, 13, 14]);
  assertEquals(island.admission, 14);
  assertEquals(found(Infinity), false);
});

Deno.test(
  "Island.migrants() gives the best two every ten generations or thirty seconds",
  PURE,
  () => {
    const island = newIsland();
    assertEquals(island.migrants(MIGRATION_MS), []);
    for (const fitness of [3, 2, 1]) {
      island.found({ genome: [0, 0], fitness, genomeHash: String(fitness) });
    }
    assertEquals(island.migrants(MIGRATION_MS - 1), []);
    assertEquals(island.migrants(MIGRATION_MS).map(({ fitness }) => fitness), [1, 2]);
    assertEquals(island.migrants(MIGRATION_MS + 1), []);
    // A generation of this search is ten evaluations.
    let nowMs = MIGRATION_MS;
    while (island.search.generation < 10) {
      assertEquals(island.migrants(nowMs), []);
      nowMs = work(island, 60, nowMs);
    }
    assertEquals(island.migrants(nowMs).length, 2);
  },
);
