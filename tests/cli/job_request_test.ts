import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parseFlags } from "../../src/cli/flags.ts";
import { readJobRequest } from "../../src/cli/job_request.ts";
import { UsageError } from "../../src/cli/usage_error.ts";
import { WORK_COMMANDS } from "../../src/cli/work_commands.ts";
import type { ModuleDescription } from "../../src/work/worker/protocol.ts";

const PURE = { permissions: "none" } as const;
const WORKER = { kind: "command", name: "fitness" } as const;
const FLAGS = WORK_COMMANDS.find(({ name }) => name === "evolve")?.flags ?? [];

function request(args: string, description: Partial<ModuleDescription> = {}) {
  const flags = parseFlags(args.split(" ").filter(Boolean), FLAGS, "evolve");
  return readJobRequest(flags, { worker: WORKER, name: "sphere.ts", description, seed: 7 });
}

function refusal(args: string, description: Partial<ModuleDescription> = {}): string {
  return assertThrows(() => request(args, description), UsageError).message;
}

Deno.test("readJobRequest() takes the issue's own command", PURE, () => {
  assertEquals(request("--dims 3 --bounds -5,5 --target 1e-8 --time 10m"), {
    name: "sphere.ts",
    type: "breakthrough",
    space: { kind: "real", dims: 3, lower: [-5, -5, -5], upper: [5, 5, 5] },
    direction: "minimize",
    target: 1e-8,
    limits: { time_s: 600, evaluations: null, evaluation_ms: 60_000, memory_mb: 256 },
    worker: WORKER,
    tolerance: { relative: 1e-6, absolute: 1e-9 },
    seed: 7,
    max_participants: null,
    options: {},
  });
});

Deno.test("readJobRequest() takes every flag", PURE, () => {
  const job = request(
    "--space bits --dims 40 --maximize --target -.5 --time 2h --evaluations 1000 --seed 4294967295 " +
      "--type emergency --name knapsack --max-participants 3 --evaluation-time 5s --memory 64MiB " +
      '--tolerance 0.01,2 --options {"items":3}',
  );
  assertEquals([job.space, job.direction, job.target], [
    { kind: "bits", dims: 40 },
    "maximize",
    -0.5,
  ]);
  assertEquals(job.limits, {
    time_s: 7_200,
    evaluations: 1_000,
    evaluation_ms: 5_000,
    memory_mb: 64,
  });
  assertEquals([job.type, job.name, job.max_participants, job.seed, job.options], [
    "emergency",
    "knapsack",
    3,
    4_294_967_295,
    { items: 3 },
  ]);
  assertEquals(job.tolerance, { relative: 0.01, absolute: 2 });
});

Deno.test(
  "readJobRequest() fills in what the module says of itself; flags come first",
  PURE,
  () => {
    const description = {
      name: "tour",
      dims: 2,
      bounds: [-1, 1],
      direction: "maximize",
      target: 3,
    } as const;
    const job = request("", description);
    assertEquals([job.name, job.direction, job.target], ["tour", "maximize", 3]);
    assertEquals(job.space, { kind: "real", dims: 2, lower: [-1, -1], upper: [1, 1] });
    const other = request("--name x --dims 1 --bounds 2,3 --target 4", description);
    assertEquals([other.name, other.target], ["x", 4]);
    assertEquals(other.space, { kind: "real", dims: 1, lower: [2], upper: [3] });
    const space = { kind: "permutation", dims: 5 } as const;
    assertEquals(request("", { space }).space, space);
    const uneven = { kind: "real", dims: 2, lower: [0, 2], upper: [1, 3] } as const;
    assertEquals(request("", { space: uneven }).space, uneven);
    assertEquals(request("--bounds 0,1 --bounds 2,3", { dims: 2 }).space, uneven);
    assertEquals(request("--dims 2 --bounds 0,9", { space: uneven }).space, {
      kind: "real",
      dims: 2,
      lower: [0, 0],
      upper: [9, 9],
    });
    assertStringIncludes(refusal("--dims 3", { space: uneven }), "--bounds is missing");
  },
);

Deno.test("readJobRequest() says what is wrong, and what to type instead", PURE, () => {
  const cases: readonly (readonly [string, string])[] = [
    ["", "--dims is missing"],
    ["--dims 2", "--bounds is missing"],
    ["--dims 0 --bounds 0,1", '--dims takes a whole number from 1 to 4096, not "0"'],
    ["--dims 1e9 --bounds 0,1", 'not "1e9"'],
    ["--dims 1000000000 --bounds 0,1", "from 1 to 4096"],
    ["--space permutation --dims 1", "from 2 to 4096"],
    ["--dims 2 --bounds 5,-5", "did you mean --bounds -5,5?"],
    ["--dims 2 --bounds 5,5", "LOW below HIGH"],
    ["--dims 2 --bounds 5", "--bounds takes LOW,HIGH"],
    ["--dims 2 --bounds 1,2,3", "--bounds takes LOW,HIGH"],
    ["--dims 2 --bounds NaN,1", "--bounds takes LOW,HIGH"],
    ["--dims 2 --bounds 0,Infinity", "--bounds takes LOW,HIGH"],
    ["--dims 2 --bounds 0x1,0x2", "--bounds takes LOW,HIGH"],
    ["--dims 2 --bounds -1e200,1e200", "cannot be searched"],
    ["--dims 3 --bounds 0,1 --bounds 0,1", "one for each of the 3 dimensions, not 2"],
    ["--space bits --dims 3 --bounds 0,1", "--bounds is for --space real"],
    ["--space reel --dims 3", "did you mean real?"],
    ["--dims 2 --bounds 0,1 --target low", "--target takes a number"],
    ["--dims 2 --bounds 0,1 --target 1e999", "--target takes a number"],
    ["--dims 2 --bounds 0,1 --time 8d", "1 s to 7 d"],
    ["--dims 2 --bounds 0,1 --type urgent", "emergency"],
    ["--dims 2 --bounds 0,1 --evaluations 0", "--evaluations"],
    ["--dims 2 --bounds 0,1 --memory 1k", "--memory takes 32MiB to 64GiB"],
    ["--dims 2 --bounds 0,1 --tolerance=-1", "--tolerance takes"],
    ["--dims 2 --bounds 0,1 --options [1]", "--options takes a JSON object"],
    ["--dims 2 --bounds 0,1 --options {", "--options takes a JSON object"],
    ["--dims 2 --bounds 0,1 --seed 4294967296", "--seed"],
    ["--dims 2 --bounds 0,1 --max-participants 0", "--max-participants"],
  ];
  for (const [args, part] of cases) assertStringIncludes(refusal(args), part, args);
});
