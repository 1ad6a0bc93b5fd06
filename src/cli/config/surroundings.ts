/**
 * Finds and reads the configuration file, and looks for what the owner should know: variables that mean nothing,
 * a file that is not read, a file that anybody may change.
 *
 * The file is the one that `--config` or `HAMLET_CONFIG` names (`off` is none); else `hamlet.json` in the state
 * directory; else in the place that each system has for configurations: `$XDG_CONFIG_HOME/hamlet` or
 * `~/.config/hamlet`, `~/Library/Application Support/hamlet` on macOS, `%APPDATA%\hamlet` on Windows. One file is
 * read, never two together. The parser is loaded only when there is a file.
 */

import { decodeUtf8 } from "../../base/bytes.ts";
import { readFile, StoreError } from "../../store/files.ts";
import { readStateDir, systemSurroundings } from "../config.ts";
import type { GivenFlags } from "../flags.ts";
import { nearest } from "../nearest.ts";
import { UsageError } from "../usage_error.ts";
import { variableOf } from "./setting.ts";
import { SETTING_NAMES } from "./settings.ts";
import type { ConfigFile, Surroundings } from "./sources.ts";

export const CONFIG_FILE = "hamlet.json";
/** Many times what all settings together need. */
export const MAX_CONFIG_BYTES = 256 * 1_024;
const CONFIG_VARIABLE = "HAMLET_CONFIG";
/** Variables that are no settings: the state, the file, what the portable file and the tests use. */
const OTHER_VARIABLES: readonly string[] = Object.freeze([
  "HAMLET_STATE",
  CONFIG_VARIABLE,
  "HAMLET_EXECUTABLE",
  "HAMLET_CACHE",
  "HAMLET_FUZZ_SEED",
  "HAMLET_SLOW_TESTS",
]);
const PREFIX = "HAMLET_";
const MAX_WARNINGS = 8;

/** Where the file may be. */
export type ConfigPlaces =
  | { readonly kind: "none" }
  /** Named by the owner, who expects it to be there. */
  | { readonly kind: "named"; readonly path: string; readonly by: string }
  /** The first of them that is there. */
  | { readonly kind: "usual"; readonly paths: readonly string[] };

/**
 * The surroundings of a command that runs by the configuration. Throws {@link UsageError} with the first thing
 * that is wrong in the file.
 */
export async function readSurroundings(
  flags: GivenFlags,
  system: Surroundings = systemSurroundings(),
): Promise<Surroundings> {
  const found = await findConfig(configPlaces(flags, system));
  const warnings = unknownVariables(variableNames());
  if (!found) return { ...system, warnings };
  const { path, others } = found;
  const unread = others.map((other) => `${other} is not read, since ${path} is`);
  const { file, problems } = await readConfigFile(path, system);
  const [first] = problems;
  if (first !== undefined) {
    const more = problems.length - 1;
    const hint = more > 0 ? ` (and ${more} more: hamlet config --check)` : "";
    throw new UsageError(first + hint);
  }
  return { ...system, file, warnings: [...warnings, ...unread, ...await exposures(path)] };
}

/** Where the configuration file is looked for. */
export function configPlaces(flags: GivenFlags, surroundings: Surroundings): ConfigPlaces {
  const flag = flags.text("config");
  const named = flag ?? surroundings.env(CONFIG_VARIABLE);
  if (named === "off") return { kind: "none" };
  if (named) return { kind: "named", path: named, by: flag ? "--config" : CONFIG_VARIABLE };
  const { os, env } = surroundings;
  const stateDir = readStateDir(flags, surroundings);
  const directory = configDirectory({ os, env });
  const separator = os === "windows" ? "\\" : "/";
  const places = [stateDir, ...directory === undefined ? [] : [directory]];
  const paths = places.map((place) => `${place.replace(/[\\/]$/, "")}${separator}${CONFIG_FILE}`);
  return { kind: "usual", paths: [...new Set(paths)] };
}

/** The file that is read, and those that would be but for it. Throws {@link UsageError} if a named one is missing. */
export async function findConfig(
  places: ConfigPlaces,
): Promise<{ readonly path: string; readonly others: readonly string[] } | undefined> {
  switch (places.kind) {
    case "none":
      return undefined;
    case "named": {
      if (await isThere(places.path)) return { path: places.path, others: [] };
      throw new UsageError(`${places.by} names ${places.path}, which is not there`);
    }
    case "usual": {
      const present: string[] = [];
      for (const path of places.paths) if (await isThere(path)) present.push(path);
      const [path, ...others] = present;
      return path === undefined ? undefined : { path, others };
    }
  }
}

/** Reads a file that is there; `problems` are all things wrong with it, and what is right is in `file`. */
export async function readConfigFile(
  path: string,
  { env, os }: Surroundings,
): Promise<{ readonly file: ConfigFile; readonly problems: readonly string[] }> {
  let bytes: Uint8Array;
  try {
    const { isFile } = await Deno.stat(path);
    if (!isFile) throw new UsageError(`${path}: not a file`);
    bytes = await readFile(path, MAX_CONFIG_BYTES) ?? new Uint8Array();
  } catch (error) {
    if (error instanceof StoreError) throw new UsageError(error.message, { cause: error });
    if (!(error instanceof Error) || error instanceof UsageError) throw error;
    throw new UsageError(`Cannot read ${path}: ${error.message}`, { cause: error });
  }
  const text = textOf(bytes);
  if (text === undefined) {
    const problem = `${path}:1:1: not UTF-8 text; save it with that encoding`;
    return { file: { path, entries: new Map() }, problems: [problem] };
  }
  const { parseConfig } = await import("./file.ts");
  const home = env(os === "windows" ? "USERPROFILE" : "HOME");
  const { entries, problems } = parseConfig({
    text,
    path,
    resolvePath: (inner) => resolvePath(inner, { file: path, home }),
  });
  return { file: { path, entries }, problems };
}

/** A path that stands in `file`: as it is if absolute, else from that file's directory, `~/` from home. */
export function resolvePath(
  path: string,
  { file, home }: { readonly file: string; readonly home: string | undefined },
): string {
  if (/^~[\\/]/.test(path) && home) return `${home}${path.slice(1)}`;
  if (/^([a-z]:)?[\\/]/i.test(path)) return path;
  const directory = /^(.*[\\/])[^\\/]*$/s.exec(file)?.[1] ?? "";
  return `${directory}${path}`;
}

/** One line for each variable that begins with `HAMLET_` and is none of ours. */
export function unknownVariables(names: readonly string[]): readonly string[] {
  const known = [...SETTING_NAMES.map(variableOf), ...OTHER_VARIABLES];
  // What all have in common would make any two of them look alike.
  const ends = known.map((name) => name.slice(PREFIX.length));
  return names.filter((name) => name.startsWith(PREFIX) && !known.includes(name)).toSorted()
    .slice(0, MAX_WARNINGS).map((name) => {
      const guess = nearest(name.slice(PREFIX.length, 64), ends);
      const hint = guess ? `; did you mean ${PREFIX}${guess}?` : "";
      return `the variable ${name.slice(0, 64)} means nothing${hint}`;
    });
}

function configDirectory({ os, env }: Pick<Surroundings, "os" | "env">): string | undefined {
  if (os === "windows") {
    const roaming = env("APPDATA");
    return roaming ? `${roaming}\\hamlet` : undefined;
  }
  const home = env("HOME");
  if (os === "darwin") return home ? `${home}/Library/Application Support/hamlet` : undefined;
  const xdg = env("XDG_CONFIG_HOME");
  // The XDG specification calls relative paths invalid.
  if (xdg?.startsWith("/")) return `${xdg}/hamlet`;
  return home ? `${home}/.config/hamlet` : undefined;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    // It is there, and cannot be read: reading it says why.
    return true;
  }
}

/** Whoever may change the file decides what this agent does. */
async function exposures(path: string): Promise<readonly string[]> {
  const { mode } = await Deno.stat(path);
  const isExposed = Deno.build.os !== "windows" && mode !== null && (mode & 0o002) !== 0;
  return isExposed ? [`${path} can be changed by every user; see: chmod o-w`] : [];
}

function variableNames(): readonly string[] {
  try {
    return Object.keys(Deno.env.toObject());
  } catch {
    // Without the permission to list them, none can be warned of.
    return [];
  }
}

/** UTF-8 text without its byte order mark. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return decodeUtf8(bytes).replace(/^\ufeff/, "");
  } catch {
    return undefined;
  }
}
