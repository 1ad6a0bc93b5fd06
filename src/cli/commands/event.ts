/** `hamlet event` */

import { ControlClient } from "../../control/client.ts";
import type { EventView } from "../../control/village_routes.ts";
import type { CommandContext } from "../commands.ts";
import { readStateDir, systemSurroundings } from "../config.ts";
import { readData, readName } from "../operands.ts";
import { EXIT } from "../usage_error.ts";

export async function run({ flags, write }: CommandContext): Promise<number> {
  const [name = "", given] = flags.positional;
  readName(name);
  const data = await readData(given, Deno.stdin.readable);
  const client = await ControlClient.open(readStateDir(flags, systemSurroundings()));
  const view = await client.event(name, data);
  write(flags.has("json") ? JSON.stringify(view, null, 2) + "\n" : renderTold(view));
  return EXIT.ok;
}

export function renderTold({ name, members }: EventView): string {
  if (members === 0) return `Told nobody else: no other member is known here.\n`;
  return `Told ${members} other member${members === 1 ? "" : "s"}: ${name}\n`;
}
