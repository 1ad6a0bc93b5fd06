/** The main module of a module's process where the program runs from source; otherwise it is a hidden command. */

import { runModuleProcess } from "./module_process.ts";

if (import.meta.main) await runModuleProcess();
