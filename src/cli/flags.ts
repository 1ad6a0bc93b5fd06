/**
 * Flags: what a command takes, said once, from which parsing, checking and help all follow.
 */

import { parseArgs } from "@std/cli/parse-args";
import { nearest } from "./nearest.ts";
import { UsageError } from "./usage_error.ts";

/** One flag of a command. */
export interface Flag {
  readonly name: string;
  readonly kind: "switch" | "text" | "list";
  /** What stands for the value in help, e.g. `PORT`. */
  readonly value?: string;
  /** What it may be, for shells that complete, where `value` does not say it. */
  readonly words?: readonly string[];
  readonly help: string;
  /** Whether a following `-5` is its value and not another flag. */
  readonly takesNegative?: boolean;
  /** One letter, without the dash. */
  readonly short?: string;
  /** Of a switch: whether `--no-NAME` is a switch too, which says the opposite of what stands elsewhere. */
  readonly canBeDenied?: boolean;
  /** Taken, but not shown in help. */
  readonly isUnlisted?: boolean;
}

/** The flags given, by name. */
export interface GivenFlags {
  /** Whether a switch was given. */
  has(name: string): boolean;
  /** A text flag's value, if given. */
  text(name: string): string | undefined;
  /** A list flag's values, in order. */
  list(name: string): readonly string[];
  /** Arguments that are no flags. */
  readonly positional: readonly string[];
}

export const HELP_FLAG: Flag = Object.freeze({
  name: "help",
  short: "h",
  kind: "switch",
  help: "Show this help",
});

/** Parses `args` by `flags`. Throws {@link UsageError} on unknown flags and missing values. */
export function parseFlags(
  args: readonly string[],
  listed: readonly Flag[],
  command: string,
): GivenFlags {
  const flags = withDenials(listed);
  const names = (kind: Flag["kind"]) => listed.filter((f) => f.kind === kind).map((f) => f.name);
  const alias: Record<string, string> = {};
  for (const { name, short } of flags) if (short) alias[name] = short;
  const spelled = spellOut(args, flags, command);
  const denied = new Set(denialsIn(spelled, listed));
  const parsed: Record<string, unknown> & { _: (string | number)[] } = parseArgs([
    ...spelled.filter((argument, index) => index >= endOf(spelled) || !denied.has(argument)),
  ], {
    boolean: names("switch"),
    string: ["_", ...names("text"), ...names("list")],
    collect: names("list"),
    alias,
    unknown: (argument: string, key?: string) => {
      if (key !== undefined) throw unknownFlag(argument, flags, command);
    },
  });
  const valueOf = (name: string) => Object.hasOwn(parsed, name) ? parsed[name] : undefined;
  for (const { name } of listed) {
    if (valueOf(name) === true && denied.has(denialOf(name))) {
      throw new UsageError(`--${name} and --no-${name} contradict each other`);
    }
  }
  return {
    positional: parsed._.map(String),
    has: (name) => valueOf(name) === true || denied.has(`--${name}=true`),
    text(name) {
      const value = valueOf(name);
      const last = Array.isArray(value) ? value.at(-1) : value;
      return typeof last === "string" ? last : undefined;
    },
    list(name) {
      const value = valueOf(name);
      return Array.isArray(value) ? value.map(String) : [];
    },
  };
}

/** A whole number of a flag within bounds. Throws {@link UsageError}. */
export function wholeNumber(
  flag: string,
  text: string,
  { min, max }: { readonly min: number; readonly max: number },
): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`${flag} takes a whole number from ${min} to ${max}, not "${text}"`);
}

/** One of the words a flag takes. Throws {@link UsageError}. */
export function oneOf<T extends string>(flag: string, text: string, words: readonly T[]): T {
  const word = words.find((candidate) => candidate === text);
  if (word !== undefined) return word;
  const guess = nearest(text, words);
  const hint = guess ? `; did you mean ${guess}?` : "";
  throw new UsageError(`${flag} takes ${words.join(", ")}, not "${text}"${hint}`);
}

/** What may begin with a dash and is no flag: `-5`, `-.5`, `-5,5`. */
const NEGATIVE = /^-\.?\d/;

/** `flags`, with `--no-NAME` beside each that can be denied. */
export function withDenials(flags: readonly Flag[]): readonly Flag[] {
  return flags.flatMap((flag): readonly Flag[] => {
    if (!flag.canBeDenied) return [flag];
    const help = `Not --${flag.name}, whatever a variable or the configuration file says`;
    return [flag, { name: `no-${flag.name}`, kind: "switch", help, isUnlisted: true }];
  });
}

/** The denials among `spelled`: the parser would take each for a word on the flag that it denies. */
function denialsIn(spelled: readonly string[], flags: readonly Flag[]): readonly string[] {
  const denials = flags.filter((flag) => flag.canBeDenied).map(({ name }) => denialOf(name));
  return spelled.slice(0, endOf(spelled)).filter((argument) => denials.includes(argument));
}

/** `--no-NAME` as {@link spellOut} has it. */
function denialOf(name: string): string {
  return `--no-${name}=true`;
}

/** Where flags end. */
function endOf(args: readonly string[]): number {
  return args.includes("--") ? args.indexOf("--") : args.length;
}

/**
 * Checks that a flag that takes a value has one and a switch has none, and says of each switch that it is on:
 * the parser would otherwise take a following `true` or `false` for its value. A value that is a negative number is
 * joined to its flag, for the same reason.
 */
function spellOut(
  args: readonly string[],
  flags: readonly Flag[],
  command: string,
): readonly string[] {
  const end = endOf(args);
  let isValue = false;
  return args.flatMap((argument, index) => {
    if (isValue) {
      isValue = false;
      return [];
    }
    const match = /^--?([a-z][a-z-]*)(=.*)?$/s.exec(argument);
    const flag = flags.find(({ name, short }) => name === match?.[1] || short === match?.[1]);
    if (!match || !flag || index >= end) return [argument];
    if (flag.kind === "switch") {
      if (match[2] !== undefined) throw new UsageError(`--${flag.name} takes no value`);
      return [`--${flag.name}=true`];
    }
    const value = match[2] === undefined ? args[index + 1] : match[2].slice(1);
    if (value && (match[2] !== undefined || !value.startsWith("-"))) return [argument];
    if (value && flag.takesNegative && index + 1 < end && NEGATIVE.test(value)) {
      isValue = true;
      return [`--${flag.name}=${value}`];
    }
    const example = `--${flag.name} ${flag.value ?? "VALUE"}`;
    throw new UsageError(
      `--${flag.name} needs a value: ${example} (see: hamlet help ${command})`,
    );
  });
}

function unknownFlag(argument: string, flags: readonly Flag[], command: string): UsageError {
  const typed = argument.replace(/=.*$/s, "");
  const guess = nearest(typed, flags.map(({ name }) => `--${name}`));
  const hint = guess ? `did you mean ${guess}?` : `see: hamlet help ${command}`;
  return new UsageError(`unknown flag ${typed} for "hamlet ${command}"; ${hint}`);
}
