/**
 * A `hamlet.json` to begin with: every setting with what it does, commented out, so that it changes nothing until
 * somebody takes a line in.
 */

import { jsonOfText, type Setting } from "./setting.ts";
import { SETTING_NAMES, SETTINGS } from "./settings.ts";
import { fill } from "../wrap.ts";

/** Of settings that have no fallback, something to change. */
const EXAMPLES: Readonly<Record<string, unknown>> = Object.freeze({
  "peer": ["192.168.1.20:9000"],
  "port": 9000,
  "name": "kitchen-pi",
  "network": "home",
  "dht-bootstrap": ["router.example:6881"],
  "inbox": "~/Downloads",
});
const WIDTH = 80;
const INDENT = "  ";

/** The text of the file, which reads as no settings at all. */
export function configTemplate(): string {
  const blocks = SETTING_NAMES.map((name) => blockOf(name, SETTINGS[name]));
  return [
    "// Settings of this device's agent. Flags and HAMLET_* variables come before it.",
    "// Take the // away before what you want to change; hamlet config says what holds.",
    "{",
    blocks.join("\n"),
    "}",
    "",
  ].join("\n");
}

function blockOf(name: string, { form, fallback, otherwise, help }: Setting<unknown>): string {
  const text = fallback === undefined ? `${help} (default: ${otherwise})` : help;
  const comment = fill(text, WIDTH - INDENT.length - 3).map((line) => `${INDENT}// ${line}`);
  const value = fallback === undefined ? EXAMPLES[name] : jsonOfText(form, fallback);
  return [...comment, `${INDENT}// ${JSON.stringify(name)}: ${JSON.stringify(value)},`, ""]
    .join("\n");
}
