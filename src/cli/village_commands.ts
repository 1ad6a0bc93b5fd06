/**
 * The commands by which members tell and ask each other.
 */

import type { Command } from "./commands.ts";
import { JSON_FLAG, STATE } from "./common_flags.ts";

export const VILLAGE_COMMANDS: readonly Command[] = Object.freeze([
  {
    name: "event",
    operands: "NAME [DATA]",
    operandCount: [1, 2],
    summary: "Tell every member something",
    detail:
      "Every member is told once; a command runs there for it, if it waits with: hamlet on NAME. Members\n" +
      "that are away do not hear of it later. NAME is your own, 1 to 64 letters, digits, _, . and -. DATA\n" +
      "is text of at most 4096 bytes; - reads it from standard input, without its last line's end.",
    flags: [JSON_FLAG, STATE],
    examples: [
      "hamlet event lights-out",
      "hamlet event temperature 21.5",
      "sensors -j | hamlet event sensors -",
    ],
    load: () => import("./commands/event.ts"),
  },
  {
    name: "query",
    operands: "NAME [DATA]",
    operandCount: [1, 2],
    summary: "Ask every member something, and print the answers",
    detail:
      "Each member that waits with hamlet on NAME runs its command and answers with what that prints.\n" +
      "Ends when everybody has answered, or after the timeout. DATA as in: hamlet help event\n" +
      "FILTER compares what members say they can do, e.g. cpu_cores>=4 and battery_percent=null;\n" +
      "with and, or, not and parentheses; = != < <= > >=. The keys, with this device's values, are what\n" +
      "hamlet status --json shows as capabilities; null is what a device does not have.",
    flags: [
      { name: "where", kind: "text", value: "FILTER", help: "Ask only members that match" },
      {
        name: "timeout",
        kind: "text",
        value: "TIME",
        help: "How long to wait for answers, 1s to 5m (default: 5s)",
      },
      JSON_FLAG,
      STATE,
    ],
    examples: [
      "hamlet query uptime",
      "hamlet query gpu-free --where 'cpu_cores>=4 and battery_percent=null'",
      "hamlet query find-file holiday.mp4 --timeout 30s --json",
    ],
    load: () => import("./commands/query.ts"),
  },
  {
    name: "on",
    operands: "NAME -- COMMAND [ARGS\u2026]",
    operandCount: [2, 1_024],
    summary: "Run a command for each event or query of that name",
    detail:
      "Runs until Ctrl-C, here, as you, never in the agent, and without a shell. COMMAND reads one line of\n" +
      "JSON: {kind, name, data, origin, origin_name, received_unix_ms}. To a query, what it prints is the\n" +
      "answer, up to 1024 bytes; unless it exits with 0 there is none. At most 4 run at once, 64 wait.\n" +
      "NAME may also be member-joined, -alive, -suspect, -dead, -asleep, -left or -reaped; then origin is\n" +
      "the member. What other members write in data is theirs: do not let a shell interpret it.",
    flags: [
      { name: "once", kind: "switch", help: "End after the first, with 1 if its command failed" },
      {
        name: "timeout",
        kind: "text",
        value: "TIME",
        help: "Kill a command that takes longer (default: 60s)",
      },
      STATE,
    ],
    examples: [
      "hamlet on uptime -- uptime -p",
      "hamlet on lights-out -- ./lights.py --off",
      "hamlet on --once member-joined -- notify-send welcome",
    ],
    load: () => import("./commands/on.ts"),
  },
  {
    name: "sleep",
    summary: "Say that this device will not answer for a while",
    detail:
      "Members then show it as asleep: nobody takes it for dead, nobody waits for its answer. The agent\n" +
      "goes on; only what is said of it changes, until: hamlet wake. After a real sleep the agent wakes by\n" +
      "itself. systemd runs what is in /usr/lib/systemd/system-sleep, here a file called hamlet:\n" +
      "\n" +
      "  #!/bin/sh\n" +
      "  case $1 in\n" +
      "    pre) hamlet sleep --state DIR ;;\n" +
      "    post) hamlet wake --state DIR ;;\n" +
      "  esac\n" +
      "\n" +
      "It runs as root: give DIR, the state directory that hamlet status shows. A lid-switch script calls\n" +
      "hamlet sleep before it suspends.",
    flags: [JSON_FLAG, STATE],
    examples: ["hamlet sleep"],
    load: () => import("./commands/sleep.ts"),
  },
  {
    name: "wake",
    summary: "Say that this device is back from: hamlet sleep",
    detail: "Harmless where it never slept. The agent does it by itself after a real sleep.",
    flags: [JSON_FLAG, STATE],
    examples: ["hamlet wake"],
    load: () => import("./commands/wake.ts"),
  },
]);
