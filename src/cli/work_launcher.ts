/**
 * By what workers are started here. A running agent on Linux gives up the right to run programs, so a foreman is prepared
 * while it still has it; elsewhere the right stays, for the device's sensors are programs.
 */

import { systemClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Self } from "../base/self.ts";
import { WorkerError } from "../work/worker/evaluator.ts";
import { ForemanLauncher } from "../work/worker/foreman_launcher.ts";
import { planForeman } from "../work/worker/launch_plan.ts";
import type { Launcher } from "../work/worker/process.ts";
import { SystemLauncher } from "../work/worker/system_launcher.ts";
import { workCodeAddress } from "../work/worker/work_code.ts";
import type { WorkSettings } from "../work/worker/work_settings.ts";
import { variable } from "./environment.ts";

/** The launcher of an agent; whoever opens it closes it. */
export function openLauncher({ mode, commands }: WorkSettings, log: Log): Launcher {
  const surroundings = systemLaunch();
  if (Deno.build.os === "linux" && mode !== "off") {
    try {
      const plan = planForeman(commands, surroundings);
      return new ForemanLauncher({ plan, commands, clock: systemClock });
    } catch (error) {
      if (!(error instanceof WorkerError)) throw error;
      log("warn", "no work here", { reason: error.message });
    }
  }
  return new SystemLauncher(surroundings);
}

/** What starting a process needs to know of this one. */
export function systemLaunch() {
  return {
    clock: systemClock,
    os: Deno.build.os,
    self: thisProgram(),
    env: variable,
  };
}

/** The program that runs, for those who start it again: of it as much as a worker needs, where that can be had apart. */
function thisProgram(): Self {
  return {
    execPath: Deno.execPath(),
    mainModule: workCodeAddress(Deno.build.os) ?? Deno.mainModule,
    isStandalone: Deno.build.standalone,
  };
}
