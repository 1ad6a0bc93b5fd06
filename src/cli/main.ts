/**
 * The command line: finds the command, reads its flags, runs it, and turns every failure into one line and
 * an exit code.
 */

import { CodedError, describeError } from "../base/errors.ts";
import { type Command, COMMANDS } from "./commands.ts";
import { parseFlags } from "./flags.ts";
import { commandHelp, overview, usageOf } from "./help.ts";
import { nearest } from "./nearest.ts";
import { EXIT, UsageError } from "./usage_error.ts";

const encoder = new TextEncoder();

/** Runs one command; resolves with the exit code: 0 ok, 1 failed, 2 usage. Never rejects. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    return await dispatch(args);
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) return EXIT.ok;
    const isUsage = error instanceof UsageError;
    complain(isUsage || error instanceof CodedError ? describeError(error) : defect(error));
    return isUsage ? EXIT.usage : EXIT.failed;
  }
}

async function dispatch(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "-h") return show(overview());
  if (name === "help") {
    const [about] = rest;
    return show(about === undefined || about === "help" ? overview() : commandHelp(find(about)));
  }
  if (name === "--version" || name === "-V") return await dispatch(["version"]);
  const command = find(name);
  const flags = parseFlags(rest, command.flags, command.name);
  if (flags.has("help")) return show(commandHelp(command));
  const [min, max] = command.operandCount ?? [0, 0];
  if (flags.positional.length < min || flags.positional.length > max) {
    throw new UsageError(`usage: ${usageOf(command)}; see: hamlet help ${command.name}`);
  }
  const { run } = await command.load();
  return await run({ flags, write });
}

function find(name: string): Command {
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command) return command;
  const listed = COMMANDS.filter(({ isHidden }) => !isHidden);
  const guess = nearest(name, [...listed.map((each) => each.name), "help"]);
  const hint = guess ? `did you mean "hamlet ${guess}"?` : "see: hamlet help";
  throw new UsageError(`unknown command "${name}"; ${hint}`);
}

function show(text: string): number {
  write(text);
  return EXIT.ok;
}

function write(text: string): void {
  writeAll(Deno.stdout, text);
}

function complain(text: string): void {
  writeAll(Deno.stderr, `hamlet: ${text}\n`);
}

function writeAll(out: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = encoder.encode(text);
  for (let written = 0; written < bytes.length;) written += out.writeSync(bytes.subarray(written));
}

/** An error that no layer expected is a defect: its stack is what a report needs. */
function defect(error: unknown): string {
  const stack = error instanceof Error && error.stack ? `\n${error.stack}` : "";
  return `internal error: ${describeError(error)}${stack}`;
}
