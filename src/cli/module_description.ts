/**
 * What a module says of itself by `describe()`: asked on this device, in a process that may do nothing, before anybody else
 * hears of it. So a file that is no module is told to who wrote it.
 */

import type { Bytes } from "../base/bytes.ts";
import { systemClock } from "../base/clock.ts";
import { WorkerError } from "../work/worker/evaluator.ts";
import { describeModule } from "../work/worker/open_evaluator.ts";
import type { ModuleDescription } from "../work/worker/protocol.ts";
import { SystemLauncher } from "../work/worker/system_launcher.ts";
import { UsageError } from "./usage_error.ts";
import { systemLaunch } from "./work_launcher.ts";

const LIMITS = Object.freeze({ evaluationMs: 10_000, memoryMb: 256 });

/** Rejects with {@link UsageError} for a file that cannot be a job's module. */
export async function readDescription(
  file: string,
  language: "js" | "ts",
  source: Bytes,
): Promise<ModuleDescription> {
  const launcher = new SystemLauncher(systemLaunch());
  try {
    return await describeModule({
      worker: { kind: "module", language, source },
      limits: LIMITS,
      launcher,
      clock: systemClock,
      log: () => {},
    });
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error;
    throw new UsageError(`${file} cannot be used: ${error.message}`, { cause: error });
  } finally {
    await launcher.close();
  }
}
