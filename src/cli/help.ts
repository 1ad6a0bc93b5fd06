/**
 * Help texts, made from the command table.
 */

import { type Command, COMMANDS } from "./commands.ts";
import type { Flag } from "./flags.ts";
import { fillColumns, fillParagraphs } from "./wrap.ts";

/** What terminals have at least. */
const WIDTH = 80;
/** Wider, a flag or a command has its explanation on the next line. */
const MAX_LEFT = 26;

/** What `hamlet help` prints. */
export function overview(): string {
  const listed = COMMANDS.filter(({ isHidden }) => !isHidden);
  const rows = [
    ...listed.map(({ name, operands, summary }): [string, string] => [
      operands ? `${name} ${operands}` : name,
      summary,
    ]),
    ["help [COMMAND]", "Explain a command"] as [string, string],
  ];
  return [
    "hamlet: your machines as one private, encrypted village that shares work.",
    "",
    "Usage: hamlet COMMAND [FLAGS]",
    "",
    "Commands:",
    ...columns(rows),
    "",
    "Start here:  hamlet demo    watch a village form on this machine",
    "             hamlet up      start this machine's agent",
    "             hamlet invite  let another device in, which then runs: hamlet join",
    "",
  ].join("\n");
}

/** How a command is called. What follows `--` is the operands' own: there, flags come before. */
export function usageOf({ name, operands = "" }: Command): string {
  const parts = operands.includes("--") ? ["[FLAGS]", operands] : [operands, "[FLAGS]"];
  return ["hamlet", name, ...parts].filter(Boolean).join(" ");
}

/** What `hamlet help COMMAND` prints. */
export function commandHelp(command: Command): string {
  const lines = [
    `hamlet ${command.name}: ${command.summary}`,
    "",
    `Usage: ${usageOf(command)}`,
    "",
    fillParagraphs(command.detail, WIDTH),
    "",
    "Flags:",
    ...columns(
      command.flags.filter(({ isUnlisted }) => !isUnlisted)
        .map((flag) => [flagText(flag), flag.help]),
    ),
  ];
  if (command.examples.length > 0) {
    lines.push("", "Examples:", ...command.examples.map((example) => `  ${example}`));
  }
  return [...lines, ""].join("\n");
}

function flagText({ name, short, value, canBeDenied }: Flag): string {
  const long = canBeDenied ? `--[no-]${name}` : `--${name}`;
  return `${short ? `-${short}, ` : ""}${long}${value ? ` ${value}` : ""}`;
}

function columns(rows: readonly (readonly [string, string])[]): readonly string[] {
  return fillColumns(rows, { width: WIDTH, maxLeft: MAX_LEFT });
}
