/**
 * How a worker's process is started: program, arguments, environment and the limits that the kernel holds it to.
 * Pure.
 *
 * A module's process is this program again, in one of three shapes: from source it is a small main module of its
 * own, from a portable file that file with a hidden command or a part of it (`work_code.ts`), both started without any permission; a compiled
 * program has its permissions built in and gives them up first thing. In none of them do a configuration, a
 * lock file, packages or variables of the surroundings matter.
 *
 * The runtime has stores that need no permission (`caches`, `localStorage`): they would be in `DENO_DIR`, which is
 * therefore a place that cannot exist. From source that costs each start some 150 ms, in which the runtime tries to
 * keep what it has compiled.
 *
 * On Unix a shell sets the limits and is then replaced by the program. A module's files cannot grow at all
 * (`ulimit -f 0`). What V8 only reserves counts as data too, so that the limit on data is a bound on what a bomb
 * reaches before its memory is measured (`process_watch.ts`), and no more; threads soon exceed it.
 */

import type { WorkerProgram } from "./process.ts";
import type { NamedCommand } from "./work_settings.ts";

/** This program, and how it was started. */
export interface WorkerSelf {
  readonly execPath: string;
  /** URL of the main module, or of the worker's own (`work_code.ts`); unused where {@link isStandalone}. */
  readonly mainModule: string;
  readonly isStandalone: boolean;
}

export interface LaunchSurroundings {
  readonly os: string;
  readonly self: WorkerSelf;
  /** Of the variables that are passed on. */
  readonly env: (name: string) => string | undefined;
}

export interface LaunchPlan {
  readonly program: string;
  readonly args: readonly string[];
  /** All of it. */
  readonly env: Readonly<Record<string, string>>;
  /** Where it runs; absent where this program runs. */
  readonly directory?: string;
}

/** The hidden command that becomes a module's process. */
export const MODULE_COMMAND = "work-module";
/** The hidden command that becomes a foreman. */
export const FOREMAN_COMMAND = "work-foreman";
/** Of Unix: everything else comes first. */
export const NICENESS = 10;

/** No configuration, lock file, package, remote module or question; and no `--allow-...` at all. */
const SANDBOX_FLAGS: readonly string[] = Object.freeze([
  "--no-config",
  "--no-lock",
  "--no-npm",
  "--no-remote",
  "--no-prompt",
]);
/** V8 reserves half a GiB for code and some for itself. */
const RESERVED_MB = 640;
/** Owners' commands see these and nothing else; Windows' programs do not start without its own. */
export const COMMAND_VARIABLES: readonly string[] = ["PATH", "HOME", "LANG", "SystemRoot"];

const PRELUDE = 'trap "" XFSZ; ulimit -c 0; ';
const EXEC = `command -v nice >/dev/null && exec nice -n ${NICENESS} "$@"; exec "$@"`;

/** What starts `program` with `memoryMb` at most. */
export function planLaunch(
  program: WorkerProgram,
  memoryMb: number,
  surroundings: LaunchSurroundings,
): LaunchPlan {
  const plan = program.kind === "module"
    ? planModule(memoryMb, surroundings)
    : planCommand(program.command, surroundings);
  if (surroundings.os === "windows") return plan;
  const dataKb = (RESERVED_MB + memoryMb) * 1024;
  // A limit that this system does not know is no reason not to work.
  const limits = [
    ...(program.kind === "module" ? ["ulimit -f 0"] : []),
    ...(surroundings.os === "linux" ? [`ulimit -d ${dataKb}`] : []),
  ].map((limit) => `${limit} 2>/dev/null; `).join("");
  return {
    ...plan,
    program: "/bin/sh",
    args: ["-c", PRELUDE + limits + EXEC, "hamlet-worker", plan.program, ...plan.args],
  };
}

/** What starts a foreman that knows `commands`. */
export function planForeman(
  commands: readonly NamedCommand[],
  { self, env }: LaunchSurroundings,
): LaunchPlan {
  const words = [FOREMAN_COMMAND, JSON.stringify(commands)];
  const plan = { program: self.execPath, env: pick(COMMAND_VARIABLES, env) };
  if (self.isStandalone) return { ...plan, args: words };
  const entry = [entryOf(self), ...words];
  const allowed = ["--allow-run", `--allow-env=${COMMAND_VARIABLES.join(",")}`];
  return { ...plan, args: ["run", ...SANDBOX_FLAGS, ...allowed, ...entry] };
}

function planModule(memoryMb: number, { self, env, os }: LaunchSurroundings): LaunchPlan {
  // What is measured from outside is more than the heap, and is found too large first.
  const heapFlag = `--max-old-space-size=${memoryMb}`;
  const isWindows = os === "windows";
  const settings = {
    ...pick(isWindows ? ["SystemRoot"] : [], env),
    DENO_DIR: isWindows ? "NUL\\none" : "/dev/null/none",
    NO_COLOR: "1",
  };
  const directory = isWindows ? {} : { directory: "/" };
  if (self.isStandalone) {
    const args = [MODULE_COMMAND];
    return {
      program: self.execPath,
      args,
      env: { ...settings, DENO_V8_FLAGS: heapFlag },
      ...directory,
    };
  }
  return {
    program: self.execPath,
    args: ["run", ...SANDBOX_FLAGS, `--v8-flags=${heapFlag}`, entryOf(self), MODULE_COMMAND],
    env: settings,
    ...directory,
  };
}

/** The main module that becomes a worker's process: a bundle (of all, or of the worker alone) or a file of ours. */
function entryOf({ mainModule }: WorkerSelf): string {
  const isBundle = mainModule.endsWith(".js") || mainModule.startsWith("data:");
  return isBundle ? mainModule : new URL("./work_main.ts", import.meta.url).href;
}

function planCommand(
  [program, ...args]: readonly [string, ...string[]],
  { env }: LaunchSurroundings,
): LaunchPlan {
  return { program, args, env: pick(COMMAND_VARIABLES, env) };
}

function pick(names: readonly string[], env: LaunchSurroundings["env"]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => {
    const value = env(name);
    return value === undefined ? [] : [[name, value]];
  }));
}
