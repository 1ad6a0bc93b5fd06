/** The main module of a foreman where the program runs from source; otherwise it is a hidden command. */

import { runForemanProcess } from "./foreman_process.ts";

if (import.meta.main) await runForemanProcess(Deno.args[0] ?? "[]");
