import { assert, assertEquals, assertThrows } from "@std/assert";
import type { JsonObject } from "../../../src/base/guards.ts";
import {
  agree,
  JobError,
  parseJobId,
  reachesTarget,
  readJob,
  signJob,
  toCost,
  toFitness,
} from "../../../src/work/job/spec.ts";
import { signed } from "../../../src/discovery/signature.ts";
import { PRIMITIVES } from "../../testing/identities.ts";
import { CRYPTO, idOf, jobOf, overWire, PURE, RFC_SPEAKER, speakerOf, specOf } from "./jobs.ts";

/** By Python's json, hashlib and cryptography. */
const GOLDEN = {
  id: "y4udt6nr6frpuumuf4lc2bkilq",
  signature:
    "wOUpudbOQ06ZqhTGU_ljeVbWOLbgF1XgLwQWj78BakY2UqmGh-gOAbA-CfrZN3IBnisXaEwZdICOmIntMY3pCQ",
};

Deno.test("signJob() signs and names a job as Python does", () => {
  const job = signJob(specOf(RFC_SPEAKER.id), RFC_SPEAKER.signer, PRIMITIVES);
  assertEquals(job.id, GOLDEN.id);
  assertEquals(job.signed["signature"], GOLDEN.signature);
  assertEquals(job.signed["space"], { kind: "real", dims: 2, lower: -5, upper: 5 });
});

Deno.test("readJob() gives back what was signed, every field of it", PURE, () => {
  for (
    const spec of [
      {},
      { space: { kind: "real", dims: 2, lower: [-1, 0], upper: [1, 2e10] } },
      { space: { kind: "permutation", dims: 51 }, direction: "maximize", target: -426 },
      { worker: { kind: "module", sha256: "ab".repeat(32), bytes: 2 ** 20, language: "ts" } },
      { limits: { timeS: 604_800, evaluations: 1e15, evaluationMs: 1, memoryMb: 16 } },
      { maxParticipants: 1_024, options: { a: [1, { b: null }] }, seed: 0xffff_ffff },
      { space: { kind: "bits", dims: 4_096 }, type: "emergency", name: "ü".repeat(64) },
    ] as const
  ) {
    const job = jobOf(spec);
    const read = readJob(overWire(job.signed), CRYPTO);
    assertEquals(read.spec, specOf(idOf(0), spec));
    assertEquals(read.id, job.id);
    assert(parseJobId(job.id));
  }
});

/** A job with some member of it replaced, and signed again by its owner. */
function changed(path: readonly string[], value: unknown): JsonObject {
  const copy = structuredClone(jobOf().signed) as Record<string, unknown>;
  let place = copy;
  for (const key of path.slice(0, -1)) place = place[key] as Record<string, unknown>;
  place[path.at(-1) ?? ""] = value;
  return signed(copy, speakerOf(0).signer);
}

Deno.test("readJob() refuses what is out of its limits, field by field", PURE, () => {
  const module = { kind: "module", sha256: "ab".repeat(32), bytes: 1, language: "js" };
  let deep: JsonObject = {};
  for (let i = 0; i < 9; i++) deep = { deep };
  for (
    const [path, ...values] of [
      ["type", "EVOLUTION_ORDER", null],
      ["version", 2, "1"],
      ["name", "", "x".repeat(65), "a\nb", 7],
      ["owner", "somebody", idOf(0).toUpperCase()],
      ["created_unix_ms", -1, 1.5, 1e15],
      ["evolution_type", "daily"],
      ["space", null, [], { kind: "real", dims: 1 }],
      ["space.kind", "complex"],
      ["space.dims", 0, 1e9, 4_097, 1.5, -1, "2"],
      ["space.lower", 5, 6, [5, 5], [-5], 1e101, "x", null],
      ["space.more", 1],
      ["direction", "up"],
      ["target", 1e301, "0"],
      ["limits.time_s", 0, 604_801, null],
      ["limits.evaluations", 0, 1.5, 1e16],
      ["limits.evaluation_ms", 0, 86_400_001],
      ["limits.memory_mb", 15, 1e9],
      ["limits.more", 1],
      ["worker", { kind: "shell" }, { ...module, bytes: 2 ** 20 + 1 }, { ...module, sha256: "x" }],
      ["worker.name", "", "x".repeat(65)],
      ["tolerance.relative", -1, 1.1],
      ["tolerance.absolute", -1, null],
      ["seed", -1, 2 ** 32, 0.5],
      ["max_participants", 0, 1_025],
      ["options", [], null, deep, { a: "x".repeat(4_096) }],
      ["more", 1],
    ] as const
  ) {
    for (const value of values) {
      const error = assertThrows(() => readJob(changed(path.split("."), value), CRYPTO), JobError);
      assertEquals(error.code, "malformed", `${path} ${JSON.stringify(value)}: ${error.message}`);
    }
  }
});

Deno.test("readJob() refuses a job of which one byte was altered", PURE, () => {
  const job = jobOf();
  for (const [key, value] of [["seed", 8], ["name", "goldem"], ["target", 0]] as const) {
    const error = assertThrows(() => readJob({ ...job.signed, [key]: value }, CRYPTO), JobError);
    assertEquals(error.code, "forged", key);
  }
  const { signature: _, ...bare } = job.signed;
  assertEquals(assertThrows(() => readJob(bare, CRYPTO), JobError).code, "forged");
});

Deno.test("readJob() refuses a stranger's job, and one that no message could carry", PURE, () => {
  const stranger = assertThrows(() => readJob(jobOf().signed, CRYPTO, () => false), JobError);
  assertEquals(stranger.code, "stranger");
  const wide = (dims: number) => ({
    space: {
      kind: "real" as const,
      dims,
      lower: Array.from({ length: dims }, (_, i) => -1 - i / 7),
      upper: Array.from({ length: dims }, (_, i) => 1 + i / 7),
    },
  });
  assertEquals(jobOf(wide(700)).spec.space.dims, 700);
  assertEquals(assertThrows(() => jobOf(wide(1_200)), JobError).code, "too_large");
});

Deno.test("toCost() turns a fitness that is to be high round, and toFitness() back", PURE, () => {
  assertEquals(toCost({ direction: "maximize" }, 3), -3);
  assertEquals(toCost({ direction: "minimize" }, 3), 3);
  assertEquals(toFitness({ direction: "maximize" }, -3), 3);
  const { spec } = jobOf({ direction: "maximize", target: 500 });
  assert(reachesTarget(spec, -500) && reachesTarget(spec, -501) && !reachesTarget(spec, -499));
  assert(!reachesTarget(jobOf().spec, -1e300));
});

Deno.test("agree() takes the larger of both tolerances", PURE, () => {
  const tolerance = { relative: 0.01, absolute: 0.5 };
  assert(agree(tolerance, 1, 1.5) && !agree(tolerance, 1, 1.51));
  assert(agree(tolerance, 100, 101) && agree(tolerance, -1_000, -1_010));
  assert(!agree(tolerance, -1_000, -1_011) && !agree(tolerance, NaN, 1));
});
