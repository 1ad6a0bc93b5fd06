import { assertEquals } from "@std/assert";
import type { Candidate } from "../../../src/work/evolve/optimizer.ts";
import type { Batch } from "../../../src/work/job/job_outlet.ts";
import { MAX_MEASURED, MAX_WAITING, Workbench } from "../../../src/work/job/workbench.ts";
import type { Evaluation } from "../../../src/work/worker/evaluator.ts";
import { PURE } from "./jobs.ts";

function bench(slots: number, options: { readonly toCost?: (fitness: number) => number } = {}) {
  const batches: Batch[] = [];
  let nextId = 1;
  const nextBatch = (): readonly Candidate[] => [{ id: nextId++, genome: [nextId, 0] }];
  const workbench = new Workbench({
    toCost: (fitness) => fitness,
    evaluate: (batch) => batches.push(batch),
    nextBatch,
    ...options,
  }, slots);
  return { workbench, batches };
}

const ok = (fitness: number): Evaluation => ({ isOk: true, fitness });
const failed = (code: "threw" | "stopped"): Evaluation => ({ isOk: false, code, message: "" });
const claim = (genomeHash: string, urgency: "vote" | "claim" = "claim") =>
  ({ genomeHash, genome: [0, 0], urgency }) as const;

Deno.test("Workbench.fill() gives every free slot a batch, and no more", PURE, () => {
  const { workbench, batches } = bench(3);
  workbench.fill(0);
  workbench.fill(0);
  assertEquals(batches.length, 3);
  workbench.returned(batches[1]?.id ?? 0, [ok(1)], 10);
  workbench.fill(10);
  assertEquals(batches.length, 4);
  workbench.slots = 1;
  workbench.returned(batches[0]?.id ?? 0, [ok(1)], 20);
  workbench.fill(20);
  assertEquals(batches.length, 4);
});

Deno.test("Workbench.fill() begins nothing while it is paused, checks included", PURE, () => {
  const { workbench, batches } = bench(2);
  workbench.isPaused = true;
  workbench.check(claim("a", "vote"), () => {}, 0);
  workbench.fill(0);
  assertEquals(batches, []);
  workbench.isPaused = false;
  workbench.fill(0);
  assertEquals(batches.map(({ purpose }) => purpose), ["check", "search"]);
});

Deno.test(
  "Workbench.check() measures votes first, and each genome once for all who ask",
  PURE,
  () => {
    const { workbench, batches } = bench(1);
    workbench.fill(0);
    const told: string[] = [];
    const tell = (name: string) => (cost: number | null) => void told.push(`${name} ${cost}`);
    workbench.check(claim("a"), tell("a"), 0);
    workbench.check(claim("b"), tell("b"), 0);
    workbench.check(claim("a"), tell("a again"), 0);
    workbench.check(claim("b", "vote"), tell("b voted"), 0);
    workbench.returned(batches[0]?.id ?? 0, [ok(1)], 1);
    for (let i = 1; i <= 2; i++) {
      workbench.fill(i);
      workbench.returned(batches[i]?.id ?? 0, [ok(i)], i);
    }
    workbench.check(claim("a"), tell("a later"), 3);
    assertEquals(told, ["b 1", "b voted 1", "a 2", "a again 2", "a later 2"]);
  },
);

Deno.test(
  "Workbench.returned() turns failures into the worst, and leaves out what was stopped",
  PURE,
  () => {
    const { workbench, batches } = bench(1, { toCost: (fitness) => -fitness });
    workbench.fill(0);
    const { id = 0 } = batches[0] ?? {};
    assertEquals(workbench.returned(id, [ok(5)], 7)?.costs, [-5]);
    for (
      const [evaluation, cost] of [[failed("threw"), Infinity], [failed("stopped"), undefined], [
        ok(NaN),
        Infinity,
      ]] as const
    ) {
      workbench.fill(0);
      assertEquals(workbench.returned(batches.at(-1)?.id ?? 0, [evaluation], 7)?.costs, [cost]);
    }
    workbench.fill(0);
    // Fewer outcomes than genomes.
    assertEquals(workbench.returned(batches.at(-1)?.id ?? 0, [], 7)?.costs, [undefined]);
    assertEquals(workbench.returned(999, [ok(1)], 7), undefined);
    assertEquals(workbench.returned(id, [ok(1)], 7), undefined, "twice");
  },
);

Deno.test("Workbench measures again what was stopped, and not what failed", PURE, () => {
  const { workbench, batches } = bench(1);
  const told: (number | null)[] = [];
  for (
    const [evaluation, knows] of [[failed("stopped"), false], [failed("threw"), true]] as const
  ) {
    workbench.check(claim("a"), (cost) => void told.push(cost), 0);
    workbench.fill(0);
    workbench.returned(batches.at(-1)?.id ?? 0, [evaluation], 1);
    assertEquals(workbench.knows("a"), knows);
  }
  assertEquals(told, [null, null]);
});

Deno.test(
  "Workbench holds 64 claims, and drops one for a vote; it remembers 256 measurements",
  PURE,
  () => {
    const { workbench } = bench(0);
    for (let i = 0; i < MAX_WAITING + 5; i++) workbench.check(claim(`c${i}`), () => {}, 0);
    assertEquals([workbench.waiting, workbench.knows("c63"), workbench.knows("c64")], [
      64,
      true,
      false,
    ]);
    workbench.check(claim("v", "vote"), () => {}, 0);
    assertEquals([workbench.waiting, workbench.knows("v"), workbench.knows("c63")], [
      64,
      true,
      false,
    ]);
    for (let i = 0; i <= MAX_MEASURED; i++) workbench.remember(`m${i}`, i);
    assertEquals([workbench.knows("m0"), workbench.knows("m1")], [false, true]);
  },
);
