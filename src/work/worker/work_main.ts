/**
 * The main module of a module's process and of a foreman, where the program runs from source; otherwise they are hidden
 * commands. It is also what `work_code.ts` is made of.
 */

import { FOREMAN_COMMAND } from "./launch_plan.ts";

if (import.meta.main) {
  const [command, commands = "[]"] = Deno.args;
  // Most processes are a module's, and need nothing of a foreman.
  if (command === FOREMAN_COMMAND) {
    const { runForemanProcess } = await import("./foreman_process.ts");
    await runForemanProcess(commands);
  } else {
    const { runModuleProcess } = await import("./module_process.ts");
    await runModuleProcess();
  }
}
