/** Workers for tests: the real processes, started from this checkout. */

import { systemClock } from "../../../src/base/clock.ts";
import type { Log } from "../../../src/base/log.ts";
import { silentLog } from "../../../src/base/log.ts";
import type { Space } from "../../../src/work/evolve/space.ts";
import type { Evaluator } from "../../../src/work/worker/evaluator.ts";
import {
  type EvaluatorOptions,
  openEvaluator,
  type WorkerSource,
} from "../../../src/work/worker/open_evaluator.ts";
import type { Launcher } from "../../../src/work/worker/process.ts";
import { SystemLauncher } from "../../../src/work/worker/system_launcher.ts";

const MAIN = new URL("../../../main.ts", import.meta.url).href;

export const FACTS = Object.freeze({
  job: "abcdefgh",
  space: { kind: "real", dims: 1, lower: [-1e6], upper: [1e6] } as Space,
  seed: 7,
  options: {},
});

/** Starts workers as a program that runs from source does; `execPath` stands for a compiled program instead. */
export function testLauncher(execPath?: string): SystemLauncher {
  return new SystemLauncher({
    os: Deno.build.os,
    self: {
      execPath: execPath ?? Deno.execPath(),
      mainModule: MAIN,
      isStandalone: execPath !== undefined,
    },
    env: (name) => Deno.env.get(name),
    clock: systemClock,
  });
}

export function moduleOf(source: string, language: "js" | "ts" = "js"): WorkerSource & {
  readonly kind: "module";
} {
  return { kind: "module", language, source: new TextEncoder().encode(source) };
}

/** Opens an evaluator, hands it over and closes everything. */
export async function withEvaluator(
  worker: WorkerSource | string,
  options: Partial<EvaluatorOptions> & { readonly launcher?: Launcher; readonly log?: Log },
  use: (evaluator: Evaluator) => Promise<void>,
): Promise<void> {
  const launcher = options.launcher ?? testLauncher();
  try {
    const evaluator = await openEvaluator({
      ...FACTS,
      worker: typeof worker === "string" ? moduleOf(worker) : worker,
      limits: { evaluationMs: 5_000, memoryMb: 256 },
      slots: 1,
      clock: systemClock,
      log: silentLog,
      ...options,
      launcher,
    });
    try {
      await use(evaluator);
    } finally {
      await evaluator.close();
    }
  } finally {
    await launcher.close();
  }
}
