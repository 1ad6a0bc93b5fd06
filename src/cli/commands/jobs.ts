/** `hamlet jobs` */

import { ControlClient } from "../../control/client.ts";
import type { CommandContext } from "../commands.ts";
import { readStateDir, systemSurroundings } from "../config.ts";
import { renderJobs } from "../job_display.ts";
import { EXIT } from "../usage_error.ts";
import { showText } from "../watch.ts";

export async function run({ flags, write }: CommandContext): Promise<number> {
  const client = await ControlClient.open(readStateDir(flags, systemSurroundings()));
  await showText(flags.has("watch"), async () => {
    const jobs = await client.jobs();
    return flags.has("json") ? JSON.stringify({ jobs }, null, 2) + "\n" : renderJobs(jobs);
  }, write);
  return EXIT.ok;
}
