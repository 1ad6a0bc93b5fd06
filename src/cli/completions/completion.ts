/**
 * What shells may complete where, read from what help shows: `off|lan|any` are words, `FILE` is a file, `DIR` a
 * directory, `PEER` and `NODE` are peers of the running agent. So a new flag or command is completed without a
 * line of its own.
 */

import { type Command, COMMANDS } from "../commands.ts";
import { type Flag, withDenials } from "../flags.ts";

/** What may stand in one place. */
export interface Completion {
  readonly words: readonly string[];
  readonly hasFiles: boolean;
  readonly hasDirectories: boolean;
  readonly hasPeers: boolean;
}

/** A command as shells know it. */
export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly Flag[];
  /** What its operands are, in order. */
  readonly operands: readonly Completion[];
  /** Whether the last of them may be there many times. */
  readonly isLastRepeated: boolean;
}

const FILES: readonly string[] = ["FILE"];
const DIRECTORIES: readonly string[] = ["DIR"];
const PEERS: readonly string[] = ["PEER", "NODE"];

/** Every command that people call, `help` among them. */
export function completedCommands(): readonly CompletedCommand[] {
  const listed = COMMANDS.filter(({ isHidden }) => !isHidden).map(completed);
  const names = listed.map(({ name }) => name);
  const help: CompletedCommand = {
    name: "help",
    summary: "Explain a command",
    flags: [],
    operands: [{ ...completionOf(""), words: names }],
    isLastRepeated: false,
  };
  return [...listed, help];
}

/** What completes a flag's value. */
export function completionOfFlag({ value = "", words }: Flag): Completion {
  return completionOf(value, words);
}

/** What completes a value that help shows as `value`, e.g. `DIR|off`; `words` besides. */
export function completionOf(value: string, words: readonly string[] = []): Completion {
  const parts = value.replace(/^\[(.*)\]$/, "$1").replace(/\u2026$/, "").split("|");
  const has = (names: readonly string[]) => parts.some((part) => names.includes(part));
  return {
    words: [...words, ...parts.filter((part) => /^[a-z][a-z0-9-]*$/.test(part))],
    hasFiles: has(FILES),
    hasDirectories: has(DIRECTORIES),
    hasPeers: has(PEERS),
  };
}

/** Whether a shell has anything to offer there. */
export function isEmpty(completion: Completion): boolean {
  const { words, hasFiles, hasDirectories, hasPeers } = completion;
  return words.length === 0 && !hasFiles && !hasDirectories && !hasPeers;
}

function completed({ name, summary, flags, operands = "", words = [] }: Command): CompletedCommand {
  // What follows -- is a command of its own, or flags of another.
  const [before = ""] = operands.split(/\[?-- ?/);
  const places = before.split(" ").filter((place) => place && place !== "[");
  return {
    name,
    summary,
    flags: withDenials(flags),
    operands: places.map((place, index) => completionOf(place, index === 0 ? words : [])),
    isLastRepeated: /\u2026\]?$/.test(places.at(-1) ?? ""),
  };
}
