/**
 * The commands about this machine: the agent as a service of it, and what is wrong with it.
 */

import type { Command } from "./commands.ts";
import { CONFIG, JSON_FLAG, STATE } from "./common_flags.ts";

export const SYSTEM_COMMANDS: readonly Command[] = Object.freeze([
  {
    name: "service",
    operands: "ACTION [-- FLAGS\u2026]",
    words: ["install", "uninstall", "status"],
    operandCount: [1, 64],
    summary: "Have this machine start the agent by itself",
    detail:
      "ACTION is install, uninstall or status. A service of systemd, or of launchd on macOS: of this\n" +
      "user, or, with sudo, of the machine. With sudo it runs as the user who called it, on their\n" +
      "state directory. What follows -- are flags of hamlet up. Installing it again changes what has\n" +
      "changed; uninstalling it keeps the state.",
    flags: [
      { name: "user", kind: "switch", help: "A service of this user (the default, but for root)" },
      { name: "system", kind: "switch", help: "A service of the machine; takes sudo" },
      { name: "print", kind: "switch", help: "Show what install would write, and write nothing" },
      JSON_FLAG,
    ],
    examples: [
      "sudo hamlet service install",
      "hamlet service install --user -- --port 9100 --max-up 10M",
      "hamlet service status",
    ],
    load: () => import("./commands/service.ts"),
  },
  {
    name: "doctor",
    operands: "[PEER]",
    operandCount: [0, 1],
    summary: "Find out what is wrong here, or with a peer",
    detail:
      "Looks at the agent, its service, settings, files, network, clock and device, and says what to do\n" +
      "about each thing that is not as it should be. For a PEER (a name, a node id or the beginning of\n" +
      "one, or HOST:PORT) it gives one reason, after dialling it. Exits 1 if something is broken. Works\n" +
      "without a running agent, as far as that goes.",
    flags: [JSON_FLAG, CONFIG, STATE],
    examples: [
      "hamlet doctor",
      "hamlet doctor kitchen-pi",
      "hamlet doctor 192.168.1.20:9000 --json",
    ],
    load: () => import("./commands/doctor.ts"),
  },
  {
    name: "work-module",
    isHidden: true,
    summary: "Evaluate a job's code, for the agent",
    detail: "Gives up every permission, then reads its requests from standard input.",
    flags: [],
    examples: [],
    load: () => import("./commands/work_module.ts"),
  },
  {
    name: "work-foreman",
    isHidden: true,
    operands: "[COMMANDS]",
    operandCount: [0, 1],
    summary: "Start workers, for the agent",
    detail: "Takes the owner's commands as JSON, then reads its orders from standard input.",
    flags: [],
    examples: [],
    load: () => import("./commands/work_foreman.ts"),
  },
]);
