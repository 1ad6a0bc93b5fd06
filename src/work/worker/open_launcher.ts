/**
 * Chooses who starts an agent's workers. On Linux the agent gives up the right to run programs once it is up, so it has
 * a foreman; elsewhere it keeps that right for its sensors, and starts them itself.
 */

import type { Clock } from "../../base/clock.ts";
import { ForemanLauncher } from "./foreman_launcher.ts";
import { type LaunchSurroundings, planForeman } from "./launch_plan.ts";
import type { Launcher } from "./process.ts";
import { SystemLauncher } from "./system_launcher.ts";
import type { NamedCommand } from "./work_settings.ts";

export interface OpenLauncherOptions extends LaunchSurroundings {
  /** What jobs may name. */
  readonly commands: readonly NamedCommand[];
  readonly clock: Clock;
}

/** Needs the permission to run programs; on Linux only now. Whoever opens it closes it. Throws `WorkerError`. */
export function openLauncher(options: OpenLauncherOptions): Launcher {
  if (options.os !== "linux") return new SystemLauncher(options);
  const { commands, clock } = options;
  return new ForemanLauncher({ plan: planForeman(commands, options), commands, clock });
}
