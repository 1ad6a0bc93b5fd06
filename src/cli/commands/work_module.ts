/** `hamlet work-module`, hidden: a job's code in a process without permissions. Its end is the process's. */

import { runModuleProcess } from "../../work/worker/module_process.ts";
import { EXIT } from "../usage_error.ts";

export async function run(): Promise<number> {
  await runModuleProcess();
  return EXIT.ok;
}
