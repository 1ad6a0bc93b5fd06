/**
 * What runs in a foreman's process: keeps the right to run programs and gives up the rest. `foreman.ts` is what it
 * does then.
 *
 * No package may be imported: run from source, the process has no configuration.
 */

import { systemClock } from "../../base/clock.ts";
import { Foreman } from "./foreman.ts";
import { COMMAND_VARIABLES } from "./launch_plan.ts";
import { SystemLauncher } from "./system_launcher.ts";
import type { NamedCommand } from "./work_settings.ts";

const GIVEN_UP = ["ffi", "write", "read", "net", "env", "sys", "import"] as const;

/** Serves the agent at the other end of standard input; `commands` is what the agent was started with, as JSON. */
export async function runForemanProcess(commands: string): Promise<void> {
  const known: readonly NamedCommand[] = JSON.parse(commands);
  const variables = new Map(COMMAND_VARIABLES.map((name) => [name, Deno.env.get(name)]));
  const self = {
    execPath: Deno.execPath(),
    mainModule: Deno.mainModule,
    isStandalone: Deno.build.standalone,
  };
  for (const name of GIVEN_UP) await Deno.permissions.revoke({ name });
  const launcher = new SystemLauncher({
    os: Deno.build.os,
    self,
    env: (name) => variables.get(name),
    clock: systemClock,
  });
  const foreman = new Foreman({ launcher, commands: known, write });
  await foreman.serve(Deno.stdin.readable);
  Deno.exit(0);
}

/** A frame fits into what a pipe takes at once. An agent that is gone is told by the end of standard input. */
function write(frame: Uint8Array): void {
  try {
    for (let at = 0; at < frame.length;) at += Deno.stdout.writeSync(frame.subarray(at));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
