/**
 * A `hamlet.json` to begin with: every setting with what it does, commented out, so that it changes nothing until
 * somebody takes a line in.
 */

import { jsonOfText, type Setting } from "./setting.ts";
import { SETTING_NAMES, SETTINGS } from "./settings.ts";
import { fill } from "../wrap.ts";

const WIDTH = 80;
const INDENT = "  ";

/** The text of the file, which reads as no settings at all. */
export function configTemplate(): string {
  const blocks = SETTING_NAMES.map((name) => blockOf(name, SETTINGS[name]));
  return [
    "// Settings of this device's agent. Flags and HAMLET_* variables come before it.",
    "// Take the // away before what you want to change; see it with: hamlet config",
    "{",
    blocks.join("\n"),
    "}",
    "",
  ].join("\n");
}

function blockOf(name: string, setting: Setting<unknown>): string {
  const { kind, form, fallback, otherwise, help, example } = setting;
  const text = fallback === undefined ? `${help} (default: ${otherwise})` : help;
  const comment = fill(text, WIDTH - INDENT.length - 3).map((line) => `${INDENT}// ${line}`);
  const value = kind === "list" ? [example] : jsonOfText(form, example);
  return [...comment, `${INDENT}// ${JSON.stringify(name)}: ${JSON.stringify(value)},`, ""]
    .join("\n");
}
