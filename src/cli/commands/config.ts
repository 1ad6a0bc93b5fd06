/**
 * `hamlet config`: which settings hold and where each is from; or whether a file is right, an example of one, the
 * schema of all.
 */

import type { CommandContext } from "../commands.ts";
import { readUpConfig, systemSurroundings } from "../config.ts";
import { configSchema } from "../config/schema.ts";
import { jsonOfText } from "../config/setting.ts";
import { SETTING_NAMES, type SettingName, SETTINGS } from "../config/settings.ts";
import { type Choice, chooseSource, type Origin, type Surroundings } from "../config/sources.ts";
import {
  type ConfigPlaces,
  configPlaces,
  findConfig,
  readConfigFile,
  readSurroundings,
} from "../config/surroundings.ts";
import { configTemplate } from "../config/template.ts";
import type { GivenFlags } from "../flags.ts";
import { EXIT, UsageError } from "../usage_error.ts";
import { fill } from "../wrap.ts";

const WIDTH = 80;

/** What `--json` prints of a setting. */
export interface SettingView {
  readonly name: string;
  /** As it would stand in the file; `null` where `default` tells in words what it is. */
  readonly value: unknown;
  readonly source: Origin["kind"];
  /** The flag, the variable, or `path:line:column`. */
  readonly at: string | null;
  /** What it is unless it is given. */
  readonly default: string;
}

export interface ConfigView {
  /** The file that was read. */
  readonly file: string | null;
  /** Where it was looked for. */
  readonly looked_for: readonly string[];
  readonly warnings: readonly string[];
  readonly settings: readonly SettingView[];
}

export async function run({ flags, write }: CommandContext): Promise<number> {
  const modes = ["check", "template", "schema"].filter((mode) => flags.has(mode));
  if (modes.length > 1) throw new UsageError(`--${modes.join(" and --")} exclude each other`);
  if (flags.has("template")) write(configTemplate());
  else if (flags.has("schema")) write(JSON.stringify(configSchema(), null, 2) + "\n");
  else if (flags.has("check")) return await check(namedFile(flags), write);
  else {
    const view = await viewConfig(namedFile(flags));
    write(flags.has("json") ? JSON.stringify(view, null, 2) + "\n" : renderConfig(view));
  }
  return EXIT.ok;
}

/** What holds. Throws {@link UsageError} naming the source of what is wrong. */
async function viewConfig(flags: GivenFlags): Promise<ConfigView> {
  const surroundings = await readSurroundings(flags);
  readUpConfig(flags, surroundings);
  return {
    file: surroundings.file?.path ?? null,
    looked_for: pathsOf(configPlaces(flags, surroundings)),
    warnings: surroundings.warnings ?? [],
    settings: viewSettings(flags, surroundings),
  };
}

/** Every setting, in the table's order. */
export function viewSettings(
  flags: GivenFlags,
  surroundings: Surroundings,
): readonly SettingView[] {
  return SETTING_NAMES.map((name) => {
    const { fallback, otherwise = "" } = SETTINGS[name];
    const { given, origin } = chooseSource(name, flags, surroundings);
    return {
      name,
      value: valueOf(name, given),
      source: origin.kind,
      at: origin.kind === "default" ? null : origin.at,
      default: fallback ?? otherwise ?? "",
    };
  });
}

function valueOf(name: SettingName, given: Choice["given"]): unknown {
  const { kind, form, fallback } = SETTINGS[name];
  if (kind === "list") return given.map(({ text }) => jsonOfText(form, text));
  const text = given.at(-1)?.text ?? fallback;
  return text === undefined ? null : jsonOfText(form, text);
}

/** For people: what was chosen first, with its source, then what is as it always is. */
export function renderConfig({ file, looked_for, warnings, settings }: ConfigView): string {
  const chosen = settings.filter(({ source }) => source !== "default");
  const others = settings.filter(({ source }) => source === "default");
  return [
    ...(file ? [`Configuration file: ${file}`] : renderPlaces(looked_for)),
    ...warnings.flatMap((warning) => hang("Warning: ", warning)),
    "",
    ...(chosen.length > 0 ? [...renderSettings(chosen), ""] : []),
    "Defaults:",
    ...renderSettings(others),
    "",
  ].join("\n");
}

function renderPlaces(places: readonly string[]): readonly string[] {
  if (places.length === 0) return ["Configuration file: none, as was asked for"];
  return ["Configuration file: none; it is looked for in", ...places.map((path) => `  ${path}`)];
}

function renderSettings(settings: readonly SettingView[]): readonly string[] {
  const nameWidth = Math.max(...settings.map(({ name }) => name.length));
  return settings.flatMap((setting) => {
    const from = setting.at === null ? "" : `  (${setting.at})`;
    const line = `  ${setting.name.padEnd(nameWidth)}  ${textOf(setting)}`;
    // A place may be long, and is not broken: who reads it copies it.
    return `${line}${from}`.length <= WIDTH || !from ? [line + from] : [line, ` ${from}`];
  });
}

function textOf({ value, default: otherwise }: SettingView): string {
  if (Array.isArray(value)) return value.length > 0 ? value.join(", ") : otherwise;
  if (typeof value === "boolean") return value ? "on" : "off";
  return value === null ? otherwise : String(value);
}

function hang(label: string, text: string): readonly string[] {
  return fill(text, WIDTH - label.length)
    .map((line, index) => (index === 0 ? label : " ".repeat(label.length)) + line);
}

/** Says all that is wrong with the file, a line each. */
async function check(flags: GivenFlags, write: (text: string) => void): Promise<number> {
  const system = systemSurroundings();
  const places = configPlaces(flags, system);
  const found = await findConfig(places);
  if (!found) {
    throw new UsageError(`there is no file to check: ${pathsOf(places).join(", ") || "off"}`);
  }
  const { file, problems } = await readConfigFile(found.path, system);
  if (problems.length === 0) {
    const count = file.entries.size;
    write(`${file.path}: right, ${count} setting${count === 1 ? "" : "s"}\n`);
    return EXIT.ok;
  }
  write(problems.map((problem) => problem + "\n").join(""));
  return EXIT.usage;
}

/** `hamlet config FILE` is `hamlet config --config FILE`. */
function namedFile(flags: GivenFlags): GivenFlags {
  const [path] = flags.positional;
  if (path === undefined) return flags;
  if (flags.text("config") !== undefined) {
    throw new UsageError("name the file once, with --config or without");
  }
  return {
    has: (name) => flags.has(name),
    list: (name) => flags.list(name),
    text: (name) => name === "config" ? path : flags.text(name),
    positional: [],
  };
}

function pathsOf(places: ConfigPlaces): readonly string[] {
  switch (places.kind) {
    case "none":
      return [];
    case "named":
      return [places.path];
    case "usual":
      return places.paths;
  }
}
