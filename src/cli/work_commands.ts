/**
 * The commands by which machines share work.
 */

import type { Command } from "./commands.ts";
import { JSON_FLAG, STATE, WATCH } from "./common_flags.ts";
import type { Flag } from "./flags.ts";

const EVOLVE_FLAGS: readonly Flag[] = Object.freeze([
  {
    name: "dims",
    kind: "text",
    value: "N",
    help: "Numbers in a genome, 1 to 4096",
  },
  {
    name: "bounds",
    kind: "list",
    value: "LOW,HIGH",
    takesNegative: true,
    help: "What each lies between; or once for each dimension",
  },
  {
    name: "space",
    kind: "text",
    value: "KIND",
    words: ["real", "bits", "permutation"],
    help: "real, bits or permutation (default: real)",
  },
  { name: "maximize", kind: "switch", help: "Look for the highest, not the lowest" },
  {
    name: "target",
    kind: "text",
    value: "FITNESS",
    takesNegative: true,
    help: "Good enough: the job ends when it is reached",
  },
  { name: "time", kind: "text", value: "TIME", help: "At most so long, up to 7d (default: 10m)" },
  { name: "evaluations", kind: "text", value: "N", help: "At most so many, all together" },
  {
    name: "worker",
    kind: "text",
    value: "NAME",
    help: "Evaluate by a program, not by FILE",
  },
  {
    name: "type",
    kind: "text",
    value: "TYPE",
    words: ["nightly", "breakthrough", "emergency"],
    help: "nightly, breakthrough or emergency",
  },
  { name: "name", kind: "text", value: "NAME", help: "What it is called (default: FILE)" },
  { name: "options", kind: "text", value: "JSON", help: "An object handed to the code, 4 KiB" },
  {
    name: "max-participants",
    kind: "text",
    value: "N",
    help: "Devices that take part (default: all)",
  },
  {
    name: "evaluation-time",
    kind: "text",
    value: "TIME",
    help: "Limit of one evaluation (default: 60s)",
  },
  { name: "memory", kind: "text", value: "SIZE", help: "Limit of a worker (default: 256MiB)" },
  {
    name: "tolerance",
    kind: "text",
    value: "REL,ABS",
    help: "How far two devices may differ (1e-6,1e-9)",
  },
  { name: "seed", kind: "text", value: "N", help: "Of chance (default: another each time)" },
  { name: "detach", kind: "switch", help: "Start it and return at once" },
  JSON_FLAG,
  STATE,
]);

export const WORK_COMMANDS: readonly Command[] = Object.freeze([
  {
    name: "evolve",
    operands: "FILE.ts",
    operandCount: [0, 1],
    summary: "Search for the best, on every machine that is fit for it",
    detail: "FILE exports evaluate(genome, context), which returns a number, or a promise of\n" +
      "one; init(context) if it has something to prepare; and describe(), whose\n" +
      "{name, space, dims, bounds, direction, target} stand in for flags. It imports\n" +
      "nothing, and runs without any permission, in a process of its own, on this device\n" +
      "and on every member that is fit (hamlet candidates) and allows it (--work).\n" +
      "With --worker NAME, a program that owners have configured evaluates instead:\n" +
      "hamlet up --worker NAME='python3 fitness.py'.\n" +
      "\n" +
      "The job lives in the village: Ctrl-C ends only the watching, and the loss of any\n" +
      "device, this one included, ends nothing. It ends when a result is accepted: a jury\n" +
      "of those that take part has evaluated it again and agrees. Exits with 0 then, with\n" +
      "1 otherwise. nightly: only idle devices on mains, at night. emergency: now, before\n" +
      "other jobs.",
    flags: EVOLVE_FLAGS,
    examples: [
      "hamlet evolve sphere.ts --dims 20 --bounds -5,5 --target 1e-8 --time 10m",
      "hamlet evolve tour.js --detach --json",
      "hamlet evolve --worker robot --dims 8 --bounds 0,1 --maximize --time 8h",
    ],
    load: () => import("./commands/evolve.ts"),
  },
  {
    name: "jobs",
    summary: "List the jobs that this device knows of",
    detail:
      "BEST is the best fitness so far, /S evaluations a second, WITH how many devices take\n" +
      "part, LEFT the time until its limit. Jobs that have ended are kept for a while.",
    flags: [JSON_FLAG, WATCH, STATE],
    examples: ["hamlet jobs", "hamlet jobs --watch"],
    load: () => import("./commands/jobs.ts"),
  },
  {
    name: "job",
    operands: "[stop|resume] ID",
    operandCount: [1, 2],
    summary: "Show a job, check its result, stop it or go on with it",
    detail: "ID is what hamlet jobs shows, or the beginning of it. Any member may look and take\n" +
      "the result; the job's owner and the network's admins may stop it, and resume it while\n" +
      "its time is not over.",
    flags: [
      WATCH,
      {
        name: "verify",
        kind: "switch",
        help: "Check the signed votes; exits with 1 unless they hold",
      },
      {
        name: "result",
        kind: "text",
        value: "FILE",
        help: "Write the result to FILE, as JSON",
      },
      JSON_FLAG,
      STATE,
    ],
    examples: [
      "hamlet job 7m3qx2ab --watch",
      "hamlet job 7m3qx2ab --verify",
      "hamlet job 7m3qx2ab --result best.json",
      "hamlet job stop 7m3qx2ab",
    ],
    load: () => import("./commands/job.ts"),
  },
]);
