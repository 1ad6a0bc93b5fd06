/** `hamlet work-foreman`, hidden: starts workers for an agent that may start nothing itself. */

import { runForemanProcess } from "../../work/worker/foreman_process.ts";
import type { CommandContext } from "../commands.ts";
import { EXIT } from "../usage_error.ts";

export async function run({ flags }: CommandContext): Promise<number> {
  await runForemanProcess(flags.positional[0] ?? "[]");
  return EXIT.ok;
}
