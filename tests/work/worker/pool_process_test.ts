/** The pool with real processes: modules, the Python example, and what becomes of them. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import { type Evaluation, WorkerError } from "../../../src/work/worker/evaluator.ts";
import {
  describeModule,
  MAX_MODULE_BYTES,
  openEvaluator,
} from "../../../src/work/worker/open_evaluator.ts";
import { FACTS, moduleOf, testLauncher, withEvaluator } from "./workers.ts";

const isUnix = Deno.build.os !== "windows";
const isLinux = Deno.build.os === "linux";
const hasPython = isUnix &&
  runs("python3", "-c", "import sys; sys.exit(sys.version_info < (3, 8))");
const FITNESS = new URL("../../../scripts/examples/fitness.py", import.meta.url).pathname;

function runs(program: string, ...args: readonly string[]): boolean {
  try {
    return new Deno.Command(program, { args: [...args] }).outputSync().success;
  } catch {
    return false;
  }
}

const brief = (evaluations: readonly Evaluation[]) =>
  evaluations.map((each) => each.isOk ? each.fitness : each.code);

/** A module that tells its process id, for the test to look at that process. */
const TELLS_PID = `export function evaluate([x]) {
  const end = performance.now() + x;
  while (performance.now() < end);
  return Deno.pid;
}`;

/** Fields of `/proc/PID/stat` behind the program's name: the state first. */
function statOf(pid: number): readonly string[] {
  return Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /s, "").split(" ");
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !isTrue(); i++) await new Promise((next) => setTimeout(next, 10));
  assert(isTrue());
}

Deno.test("openEvaluator() evaluates a module in TypeScript, with what its job says", {
  ignore: !isUnix,
}, async () => {
  const source = `
    interface Options { readonly offset: number }
    let offset = 0, seed = 0;
    export function init(context: { options: Options, seed: number }): void {
      ({ offset } = context.options);
      seed = context.seed;
    }
    export const evaluate = async ([x]: number[], context: { dims: number, index: number }) =>
      x! ** 2 + offset + 10 * seed + 100 * context.dims + (context.index as number) * 1000;`;
  const worker = moduleOf(source, "ts");
  await withEvaluator(worker, { options: { offset: 1 } }, async (evaluator) => {
    assertEquals(brief(await evaluator.evaluate([[3], [4]])), [180, 1_187]);
  });
});

Deno.test("openEvaluator() refuses a module that is too long, or no text, or not only types", {
  ignore: !isUnix,
}, async () => {
  const long = { ...moduleOf(""), source: new Uint8Array(MAX_MODULE_BYTES + 1) };
  const binary = { ...moduleOf(""), source: new Uint8Array([0xff]) };
  for (const worker of [long, binary, moduleOf("enum A { B }", "ts")]) {
    const error = await assertRejects(
      () => withEvaluator(worker, {}, () => Promise.resolve()),
      WorkerError,
    );
    assertEquals(error.code, "invalid_module");
  }
});

Deno.test("openEvaluator() takes a module of the longest", { ignore: !isUnix }, async () => {
  const code = "export const evaluate = ([x]) => -x; //";
  const source = code + "\u0001".repeat(MAX_MODULE_BYTES - code.length);
  await withEvaluator(source, {}, async (evaluator) => {
    assertEquals(brief(await evaluator.evaluate([[2]])), [-2]);
  });
});

Deno.test("describeModule() asks a module what it is about", { ignore: !isUnix }, async () => {
  const launcher = testLauncher();
  const limits = { evaluationMs: 1_000, memoryMb: 256 };
  const ask = (source: string) =>
    describeModule({
      worker: moduleOf(source),
      limits,
      launcher,
      clock: systemClock,
      log: silentLog,
    });
  try {
    const { name, space, target } = await ask(`export const evaluate = () => 0;
      export const describe = () => ({ name: "sphere", dims: 2, bounds: [-5, 5], target: 1e-8 });`);
    assertEquals([name, space?.kind, space?.dims, target], ["sphere", "real", 2, 1e-8]);
    assertEquals((await ask("export const evaluate = () => 0")).name, null);
    for (
      const [source, code] of [
        [
          "export const evaluate = () => 0; export function describe() { throw new Error(); }",
          "init_failed",
        ],
        [
          "export const evaluate = () => 0; export const describe = () => ({ dims: -1 })",
          "protocol",
        ],
        [
          "export const evaluate = () => 0; export function describe() { Deno.exit(); }",
          "init_failed",
        ],
        ["(", "invalid_module"],
      ] as const
    ) {
      const error = await assertRejects(() => ask(source), WorkerError);
      assertEquals(error.code, code);
    }
  } finally {
    await launcher.close();
  }
});

Deno.test(
  "WorkerPool has its processes come last, stop and go on",
  { ignore: !isLinux },
  async () => {
    await withEvaluator(TELLS_PID, {}, async (evaluator) => {
      const [first] = await evaluator.evaluate([[0]]);
      assert(first?.isOk);
      // proc(5): the seventeenth field behind the name is the nice value.
      assertEquals(statOf(first.fitness)[16], "10");
      const evaluating = evaluator.evaluate([[300]]);
      evaluator.pause();
      await until(() => statOf(first.fitness)[0] === "T");
      const [used, again] = [statOf(first.fitness)[11], () => statOf(first.fitness)[11]];
      await new Promise((next) => setTimeout(next, 50));
      assertEquals(again(), used);
      evaluator.resume();
      assertEquals(brief(await evaluating), [first.fitness]);
    });
  },
);

Deno.test("WorkerPool does again what a process had under way that somebody killed", {
  ignore: !isUnix,
}, async () => {
  await withEvaluator(TELLS_PID, { slots: 2 }, async (evaluator) => {
    const [first] = await evaluator.evaluate([[0]]);
    assert(first?.isOk);
    const evaluating = evaluator.evaluate(new Array(100).fill([10]));
    await until(() => true);
    Deno.kill(first.fitness, "SIGKILL");
    const evaluations = await evaluating;
    assertEquals(evaluations.filter(({ isOk }) => isOk).length, 100);
    assert(evaluations.some((each) => each.isOk && each.fitness !== first.fitness));
  });
});

Deno.test("SystemLauncher.close() leaves no process, nor what they have started", {
  ignore: !isUnix,
}, async () => {
  const launcher = testLauncher();
  const lines: string[] = [];
  const process = launcher.launch({
    program: { kind: "command", command: ["sh", "-c", "sleep 60 & echo $! ; wait"] },
    memoryMb: 64,
    onOutput: (bytes) => void lines.push(new TextDecoder().decode(bytes)),
    onComplaint: () => {},
  });
  await until(() => lines.length > 0);
  await launcher.close();
  assertEquals(await process.ended, { reason: "exited", code: 137 });
  const grandchild = Number(lines[0]);
  await until(() => {
    try {
      Deno.kill(grandchild, "SIGCONT");
      return isLinux && statOf(grandchild)[0] === "Z";
    } catch {
      return true;
    }
  });
});

Deno.test("scripts/examples/fitness.py is a command that takes batches and remembers", {
  ignore: !hasPython,
}, async () => {
  const worker = { kind: "command", command: ["python3", FITNESS] } as const;
  const space = { kind: "real", dims: 3, lower: [-9, -9, -9], upper: [9, 9, 9] } as const;
  await withEvaluator(worker, { space, options: { steepness: 10 } }, async (evaluator) => {
    // 10 (y - x^2)^2 + (1 - x)^2, twice.
    const genomes = [[1, 1, 1], [0, 0, 0], [2, 1, 3]];
    assertEquals(brief(await evaluator.evaluate(genomes)), [0, 2, 10 * 9 + 1 + 10 * 4]);
    assertEquals(await evaluator.checkpoint(), { done: 3 });
  });
  await withEvaluator(worker, { space, state: { done: 40 } }, async (evaluator) => {
    await evaluator.evaluate([[1, 1, 1]]);
    assertEquals(await evaluator.checkpoint(), { done: 41 });
  });
});

const COMMAND_FAULTS: readonly (readonly [
  name: string,
  command: readonly [string, ...string[]],
  code: string,
])[] = [
  ["is not there", ["/nonexistent/program"], "init_failed"],
  ["ends at once", ["true"], "init_failed"],
  ["echoes", ["cat"], "protocol"],
  ["writes garbage", ["sh", "-c", "head -c 100000 /dev/urandom"], "protocol"],
  ["never ends a line", ["sh", "-c", "cat /dev/zero"], "protocol"],
];

for (const [name, command, code] of COMMAND_FAULTS) {
  Deno.test(`openEvaluator() rejects a command that ${name}`, { ignore: !isUnix }, async () => {
    const launcher = testLauncher();
    try {
      const error = await assertRejects(
        () =>
          openEvaluator({
            ...FACTS,
            worker: { kind: "command", command },
            limits: { evaluationMs: 1_000, memoryMb: 256 },
            slots: 1,
            launcher,
            clock: systemClock,
            log: silentLog,
          }),
        WorkerError,
      );
      assertEquals(error.code, code);
    } finally {
      await launcher.close();
    }
  });
}
