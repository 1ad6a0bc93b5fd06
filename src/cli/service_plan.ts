/**
 * What `hamlet service` sets up, from what was typed and who typed it. Pure, but for what it is told of accounts.
 *
 * A system service that is set up with sudo runs as whoever called sudo, on their state directory: so all their
 * commands find the agent, and an administrator's rights are given to nobody.
 */

import { launchSelf, type Self } from "../base/self.ts";
import type { Scope, ServicePlan } from "../service/service_plan.ts";
import { COMMANDS } from "./commands.ts";
import { readStateDir, readUpConfig } from "./config.ts";
import type { Surroundings } from "./config/sources.ts";
import { type GivenFlags, parseFlags } from "./flags.ts";
import { UsageError } from "./usage_error.ts";

/** Somebody on this machine. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

export interface ServiceSetup {
  readonly scope: Scope;
  readonly self: Self;
  /** The portable file that this program came from; see `scripts/compile.ts`. */
  readonly executable: string | undefined;
  /** As whom the agent runs. */
  readonly account: Account;
  /** Whether that is who has called us, so that the variables of this shell are theirs. */
  readonly isCaller: boolean;
  readonly surroundings: Surroundings;
  /** Where relative paths begin. */
  readonly directory: string;
}

/** Flags of `hamlet up` whose value is a place. */
const PATH_FLAGS: readonly string[] = Object.freeze(["state", "inbox", "config"]);
/** What they take that is no place. */
const NO_PATHS: readonly string[] = Object.freeze(["off"]);

/** Which of the two was asked for; without either, root's services are the system's. Throws {@link UsageError}. */
export function readScope(flags: Pick<GivenFlags, "has">, uid: number): Scope {
  if (flags.has("user") && flags.has("system")) {
    throw new UsageError(
      "--user and --system exclude each other: a service belongs to one of them",
    );
  }
  if (flags.has("user")) return "user";
  return flags.has("system") || uid === 0 ? "system" : "user";
}

/** What a service is made of. */
export interface ServiceWish {
  /** Arguments of `hamlet up`, places in full. */
  readonly args: readonly string[];
  readonly flags: GivenFlags;
  /** As the agent will find them: not those of this shell. */
  readonly surroundings: Surroundings;
}

/** Reads `given`, flags of `hamlet up`. Throws {@link UsageError} naming what is wrong. */
export function readWish(setup: ServiceSetup, given: readonly string[]): ServiceWish {
  const { directory, surroundings } = setup;
  const args = given.map((arg, index) => absolutePath(arg, given[index - 1], directory));
  const flags = readUpFlags(args);
  const env = environmentOf(setup);
  const stateDir = readStateDir(flags, { ...surroundings, env });
  const full = absolute(stateDir, directory);
  return {
    args: flags.text("state") === undefined ? [...args, "--state", full] : args,
    flags,
    surroundings: {
      ...surroundings,
      env: (name) => name === "HAMLET_STATE" ? full : name === "HOME" ? env(name) : undefined,
    },
  };
}

/**
 * What the service runs; `surroundings` are those of the wish, with the configuration file if there is one. Throws
 * {@link UsageError} naming what is wrong.
 */
export function planService(
  setup: ServiceSetup,
  { args, flags, surroundings }: ServiceWish,
): ServicePlan {
  const { scope, account } = setup;
  const { stateDir, limits: { inboxDir }, ports } = readUpConfig(flags, surroundings);
  const isInside = inboxDir === undefined || inboxDir.startsWith(`${stateDir}/`);
  return {
    scope,
    launch: launchOf(setup, ["up", ...args]),
    user: scope === "system" ? account.name : undefined,
    environment: [],
    needsCache: setup.executable !== undefined,
    writable: isInside ? [stateDir] : [stateDir, inboxDir],
    port: ports.length === 1 ? ports[0] : undefined,
  };
}

/** Variables that `hamlet up` would obey in this shell, and the service will not. */
export function ignoredVariables(surroundings: Surroundings): readonly string[] {
  const up = COMMANDS.find(({ name }) => name === "up");
  return (up?.flags ?? []).map(({ name }) => `HAMLET_${name.toUpperCase().replaceAll("-", "_")}`)
    .filter((name) => name !== "HAMLET_STATE" && surroundings.env(name));
}

function readUpFlags(args: readonly string[]): GivenFlags {
  const up = COMMANDS.find(({ name }) => name === "up");
  const flags = parseFlags(args, up?.flags ?? [], "up");
  const [stray] = flags.positional;
  if (stray !== undefined) {
    throw new UsageError(
      `"${stray}" is no flag of hamlet up; see: hamlet help up`,
    );
  }
  if (flags.has("leash") || flags.has("help")) {
    throw new UsageError("a service takes neither --leash nor --help: nobody is at its input");
  }
  return flags;
}

function launchOf({ self, executable, directory }: ServiceSetup, args: readonly string[]) {
  return executable === undefined
    ? launchSelf(self, args)
    : { program: absolute(executable, directory), args };
}

/** What tells where all the account's commands look for the state. */
function environmentOf({ account, isCaller, surroundings }: ServiceSetup): Surroundings["env"] {
  return (name) => {
    if (name === "HOME") return account.home;
    const isPlace = name === "HAMLET_STATE" || isCaller && name === "XDG_STATE_HOME";
    return isPlace ? surroundings.env(name) : undefined;
  };
}

/** `arg` with the place that it names from the root on. */
function absolutePath(arg: string, before: string | undefined, directory: string): string {
  const joined = /^--([a-z-]+)=(.*)$/s.exec(arg);
  if (joined) {
    const [, name = "", value = ""] = joined;
    return PATH_FLAGS.includes(name) ? `--${name}=${absolute(value, directory)}` : arg;
  }
  const isValue = PATH_FLAGS.some((name) => before === `--${name}`) && !arg.startsWith("-");
  return isValue ? absolute(arg, directory) : arg;
}

function absolute(path: string, directory: string): string {
  if (path === "" || path.startsWith("/") || NO_PATHS.includes(path)) return path;
  return `${directory}/${path.replace(/^(\.\/)+/, "")}`;
}
