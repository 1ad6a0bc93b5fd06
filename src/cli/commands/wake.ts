/** `hamlet wake` */

import { ControlClient } from "../../control/client.ts";
import type { SleepView } from "../../control/village_routes.ts";
import type { CommandContext } from "../commands.ts";
import { readStateDir, systemSurroundings } from "../config.ts";
import { EXIT } from "../usage_error.ts";

export async function run({ flags, write }: CommandContext): Promise<number> {
  const client = await ControlClient.open(readStateDir(flags, systemSurroundings()));
  const view = await client.wake();
  write(flags.has("json") ? JSON.stringify(view, null, 2) + "\n" : renderAwake(view));
  return EXIT.ok;
}

export function renderAwake({ told }: SleepView): string {
  const whom = told === 0 ? "" : `; told ${told} neighbour${told === 1 ? "" : "s"}`;
  return `This device is back${whom}.\n`;
}
