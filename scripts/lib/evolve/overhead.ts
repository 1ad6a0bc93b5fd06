/**
 * What it costs to have a module's evaluations done in a process without permissions: evaluations a second through one
 * worker, beside the same function called in a loop in this process, at one millisecond each.
 *
 * Passes alternate and the fastest tenth of each side is compared, so that other programs on the machine slow what is
 * thrown away.
 */

import { systemClock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import type { Evaluator } from "../../../src/work/worker/evaluator.ts";
import { openEvaluator } from "../../../src/work/worker/open_evaluator.ts";
import { SystemLauncher } from "../../../src/work/worker/system_launcher.ts";
import { quantile } from "../statistics.ts";

export interface Overhead {
  /** Of the evaluations a second, what the worker loses; below zero where it was the faster one. */
  readonly percent: number;
  readonly inProcessPerSecond: number;
  readonly workerPerSecond: number;
  /** From the start of a worker until it is ready. */
  readonly startMs: number;
}

const DIMS = 20;
/** What a pass evaluates: two batches. */
const PASS = 150;
const FASTEST = 0.9;
const MAIN = new URL("../../../main.ts", import.meta.url).href;

/** The sum of squares, and then nothing until a millisecond is over. */
const MODULE = `export function evaluate(genome) {
  const end = performance.now() + 1;
  const fitness = genome.reduce((sum, x) => sum + x * x, 0);
  while (performance.now() < end);
  return fitness;
}`;

/** Measures in `passes` passes of a sixth of a second on each side. */
export async function measureOverhead(passes = 40): Promise<Overhead> {
  const launcher = new SystemLauncher({
    clock: systemClock,
    os: Deno.build.os,
    self: { execPath: Deno.execPath(), mainModule: MAIN, isStandalone: false },
    env: (name) => Deno.env.get(name),
  });
  const startedMs = systemClock.now();
  try {
    const evaluator = await openWorker(launcher);
    const startMs = systemClock.now() - startedMs;
    const { evaluate } = await import(`data:text/javascript,${encodeURIComponent(MODULE)}`);
    try {
      return { ...await compare(evaluate, evaluator, passes), startMs };
    } finally {
      await evaluator.close();
    }
  } finally {
    await launcher.close();
  }
}

async function compare(
  evaluate: (genome: readonly number[]) => number,
  evaluator: Evaluator,
  passes: number,
): Promise<Omit<Overhead, "startMs">> {
  const genomes = Array.from(
    { length: PASS },
    (_, i) => Array.from({ length: DIMS }, (_, k) => Math.sin(i * DIMS + k) * 5),
  );
  const expected = genomes.map((genome) => evaluate(genome));
  const inProcess: number[] = [];
  const inWorker: number[] = [];
  for (let pass = -1; pass < passes; pass++) {
    const fromMs = systemClock.now();
    genomes.forEach((genome) => evaluate(genome));
    const betweenMs = systemClock.now();
    const evaluations = await evaluator.evaluate(genomes);
    const toMs = systemClock.now();
    const isRight = evaluations.every((each, i) => each.isOk && each.fitness === expected[i]);
    if (!isRight) throw new Error("Cannot compare: the worker's fitness is not this process's");
    // In the first pass, batches have yet to grow.
    if (pass < 0) continue;
    inProcess.push(1_000 * PASS / (betweenMs - fromMs));
    inWorker.push(1_000 * PASS / (toMs - betweenMs));
  }
  const [inProcessPerSecond, workerPerSecond] = [
    quantile(inProcess, FASTEST),
    quantile(inWorker, FASTEST),
  ];
  const percent = 100 * (1 - workerPerSecond / inProcessPerSecond);
  return { percent, inProcessPerSecond, workerPerSecond };
}

function openWorker(launcher: SystemLauncher): Promise<Evaluator> {
  const all = (bound: number) => new Array<number>(DIMS).fill(bound);
  return openEvaluator({
    worker: { kind: "module", language: "js", source: new TextEncoder().encode(MODULE) },
    job: "overhead",
    space: { kind: "real", dims: DIMS, lower: all(-5), upper: all(5) },
    seed: 1,
    options: {},
    limits: { evaluationMs: 1_000, memoryMb: 256 },
    slots: 1,
    launcher,
    clock: systemClock,
    log: silentLog,
  });
}

if (import.meta.main) console.log(JSON.stringify(await measureOverhead(), null, 2));
