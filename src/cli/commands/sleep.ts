/** `hamlet sleep` */

import { ControlClient } from "../../control/client.ts";
import type { SleepView } from "../../control/village_routes.ts";
import type { CommandContext } from "../commands.ts";
import { readStateDir, systemSurroundings } from "../config.ts";
import { EXIT } from "../usage_error.ts";

export async function run({ flags, write }: CommandContext): Promise<number> {
  const client = await ControlClient.open(readStateDir(flags, systemSurroundings()));
  const view = await client.sleep();
  write(flags.has("json") ? JSON.stringify(view, null, 2) + "\n" : renderAsleep(view));
  return EXIT.ok;
}

export function renderAsleep({ told }: SleepView): string {
  const whom = told === 0
    ? "Nobody was there to be told"
    : `Told ${told} neighbour${told === 1 ? "" : "s"}`;
  return `This device counts as asleep: nobody waits for it, nobody takes it for dead.\n` +
    `${whom}. When it is back: hamlet wake\n`;
}
