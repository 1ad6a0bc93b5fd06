/**
 * The commands that set the command line itself up: configuration and completions.
 */

import type { Command } from "./commands.ts";
import { CONFIG, JSON_FLAG, STATE } from "./common_flags.ts";
import { SETTING_FLAGS } from "./config/settings.ts";

export const SETUP_COMMANDS: readonly Command[] = Object.freeze([
  {
    name: "config",
    operands: "[FILE]",
    operandCount: [0, 1],
    summary: "Show which settings hold, and where each is from",
    detail:
      "Flags come before HAMLET_* variables, those before hamlet.json, that before defaults. Every\n" +
      "flag of hamlet up without its dashes is a key of hamlet.json, which is JSON with comments; in\n" +
      "capitals after HAMLET_ it is a variable. Flags of hamlet up are taken here too, to see what\n" +
      "they would change.\n" +
      "\n" +
      "FILE, --config or HAMLET_CONFIG names the file; otherwise it is the first of these:\n" +
      "\n" +
      "  hamlet.json in the state directory\n" +
      "  ~/.config/hamlet/hamlet.json, or where XDG_CONFIG_HOME says\n" +
      "  ~/Library/Application Support/hamlet/hamlet.json on macOS\n" +
      "  %APPDATA%\\hamlet\\hamlet.json on Windows",
    flags: [
      { name: "check", kind: "switch", help: "Say all that is wrong with the file, by line" },
      { name: "template", kind: "switch", help: "Print a file to begin with" },
      { name: "schema", kind: "switch", help: "Print the JSON Schema of the file, for editors" },
      JSON_FLAG,
      CONFIG,
      STATE,
      ...SETTING_FLAGS.map((flag) => ({ ...flag, isUnlisted: true })),
    ],
    examples: [
      "hamlet config",
      "hamlet config --template > hamlet.json",
      "hamlet config --check hamlet.json",
    ],
    load: () => import("./commands/config.ts"),
  },
  {
    name: "completions",
    operands: "bash|zsh|fish",
    operandCount: [1, 1],
    summary: "Print the completion script of a shell",
    detail:
      "Its first lines say where it belongs. Commands, flags and their words are completed, and\n" +
      "for PEER and NODE the peers of the agent that runs here.",
    flags: [],
    examples: [
      "hamlet completions bash > ~/.local/share/bash-completion/completions/hamlet",
      "hamlet completions zsh > ~/.zfunc/_hamlet",
      "hamlet completions fish > ~/.config/fish/completions/hamlet.fish",
    ],
    load: () => import("./commands/completions.ts"),
  },
  {
    name: "complete-peers",
    summary: "List the peers for a shell that completes",
    detail: "Not for people: see hamlet peers",
    isHidden: true,
    flags: [STATE],
    examples: [],
    load: () => import("./commands/complete_peers.ts"),
  },
]);
