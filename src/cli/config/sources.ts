/**
 * Which source decides a setting: its flag, else its variable, else the file, else its fallback. An empty
 * variable is unset.
 */

import type { Surroundings as StateSurroundings } from "../../store/state_directory.ts";
import type { GivenFlags } from "../flags.ts";
import { type Given, variableOf } from "./setting.ts";
import { type SettingName, SETTINGS, type ValueOf } from "./settings.ts";

/** What decides besides the flags. */
export interface Surroundings extends StateSurroundings {
  /** The configuration file, if one was read. */
  readonly file?: ConfigFile | undefined;
  /** What the owner should know of their configuration, though it can be used. */
  readonly warnings?: readonly string[];
}

/** A configuration file that was read and found right. */
export interface ConfigFile {
  /** As messages name it. */
  readonly path: string;
  readonly entries: ReadonlyMap<SettingName, FileEntry>;
}

export interface FileEntry {
  readonly given: readonly Given[];
  /** `path:line:column` of the value. */
  readonly place: string;
}

/** Where a value is from, and its flag, its variable or its place in the file. */
export type Origin =
  | { readonly kind: "flag" | "env" | "file"; readonly at: string }
  | { readonly kind: "default" };

/** What was given for a setting, by the first source that has it. */
export interface Choice {
  readonly given: readonly Given[];
  readonly origin: Origin;
}

export function chooseSource(
  name: SettingName,
  flags: GivenFlags,
  { env, file }: Surroundings,
): Choice {
  const byFlag = textsOfFlag(name, flags);
  if (byFlag.length > 0) {
    const source = byFlag[0]?.source ?? `--${name}`;
    return { given: byFlag, origin: { kind: "flag", at: source } };
  }
  const variable = variableOf(name);
  const byEnv = textsOfVariable(name, env(variable) ?? "").map((text) => ({
    text,
    source: variable,
  }));
  if (byEnv.length > 0) return { given: byEnv, origin: { kind: "env", at: variable } };
  const entry = file?.entries.get(name);
  if (entry) return { given: entry.given, origin: { kind: "file", at: entry.place } };
  return { given: [], origin: { kind: "default" } };
}

/** The value of a setting. Throws {@link UsageError} that names the source of what is wrong. */
export function readSetting<N extends SettingName>(
  name: N,
  flags: GivenFlags,
  surroundings: Surroundings,
): ValueOf<N> {
  const { given } = chooseSource(name, flags, surroundings);
  // The table is typed entry by entry; the compiler cannot follow a name through it.
  return SETTINGS[name].read(given) as ValueOf<N>;
}

function textsOfFlag(name: SettingName, flags: GivenFlags): readonly Given[] {
  const source = `--${name}`;
  switch (SETTINGS[name].kind) {
    case "list":
      return flags.list(name).map((text) => ({ text, source }));
    case "text": {
      const text = flags.text(name);
      return text === undefined ? [] : [{ text, source }];
    }
    case "switch":
      if (flags.has(name)) return [{ text: "on", source }];
      return flags.has(`no-${name}`) ? [{ text: "off", source: `--no-${name}` }] : [];
  }
}

function textsOfVariable(name: SettingName, text: string): readonly string[] {
  const { kind, separator } = SETTINGS[name];
  if (kind !== "list") return text ? [text] : [];
  return text.split(separator).map((item) => item.trim()).filter(Boolean);
}
