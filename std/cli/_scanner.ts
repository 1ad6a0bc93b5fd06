/**
 * Walks the arguments once and reports each flag with its value, and each positional argument.
 *
 * The rules are minimist's, which `@std/cli` keeps, down to the odd ones: an empty `--a=` is a flag
 * named `a=`; in a group of short flags the first letter with a `=` or a number anywhere behind it
 * takes all the rest.
 *
 * @module
 */
import type { FlagSet } from "./_flag_set.ts";

export type FlagValue = string | boolean;

/** Where the scanner reports to. `arg` is the argument as typed. */
export interface Sink {
  flag(name: string, value: FlagValue, arg: string): void;
  /** `--no-name` of a negatable flag: sets `false` even where values are collected. */
  negation(name: string, arg: string): void;
  positional(arg: string): void;
}

interface LongFlag {
  readonly name: string;
  readonly value: string | undefined;
  readonly negated: boolean;
}

/** Reports all of `args`, none of which is `--`; returns what `stopEarly` left unread. */
export function scan(args: readonly string[], flags: FlagSet, sink: Sink, stopEarly: boolean) {
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? "";
    if (arg.startsWith("--")) {
      i += scanLong(arg, args[i + 1], flags, sink);
    } else if (arg.startsWith("-") && arg.length > 1) {
      i += scanShort(arg, args[i + 1], flags, sink);
    } else {
      sink.positional(arg);
      if (stopEarly) return args.slice(i + 1);
    }
  }
  return [];
}

/** Returns how many arguments after `arg` were used: 0 or 1. */
function scanLong(arg: string, next: string | undefined, flags: FlagSet, sink: Sink): number {
  const { name: bare, value, negated } = splitLong(arg);
  if (value !== undefined) {
    sink.flag(bare, flags.booleans.has(bare) ? value !== "false" : value, arg);
    return 0;
  }
  if (negated && flags.isNegatable(bare)) {
    sink.negation(bare, arg);
    return 0;
  }
  const name = negated ? `no-${bare}` : bare;
  if (next && !next.startsWith("-") && !flags.allBooleans && !flags.takesNoValue(name)) {
    sink.flag(name, next, arg);
    return 1;
  }
  return scanBare(name, arg, next, flags, sink);
}

/** `--name`, `--name=value`, `--no-name`: neither a name nor a value is ever empty. */
function splitLong(arg: string): LongFlag {
  const negated = arg.startsWith("--no-") && arg.length > "--no-".length;
  const text = arg.slice(negated ? "--no-".length : "--".length);
  const sign = text.indexOf("=", 1);
  if (sign === -1 || sign === text.length - 1) return { name: text, value: undefined, negated };
  return { name: text.slice(0, sign), value: text.slice(sign + 1), negated };
}

/** Returns how many arguments after `arg` were used: 0 or 1. */
function scanShort(arg: string, next: string | undefined, flags: FlagSet, sink: Sink): number {
  for (let i = 1; i < arg.length - 1; i++) {
    const letter = arg.charAt(i);
    const rest = arg.slice(i + 1);
    const value = attachedValue(letter, rest);
    sink.flag(letter, value ?? flags.bareValue(letter), arg);
    // A lone "-" is a value and the end of the argument at once.
    if (value !== undefined) return 0;
  }
  const name = arg.slice(-1);
  if (next && !looksLikeFlag(next) && !flags.takesNoValue(name)) {
    sink.flag(name, next, arg);
    return 1;
  }
  return scanBare(name, arg, next, flags, sink);
}

/** The value inside a group of short flags: `-` alone, `=value`, a number, or from a sign on. */
function attachedValue(letter: string, rest: string): string | undefined {
  if (rest === "-") return rest;
  if (/[A-Za-z]/.test(letter)) {
    const assigned = /=(.+)/.exec(rest)?.[1];
    if (assigned !== undefined) return assigned;
    if (/\d(\.\d*)?(e-?\d+)?$/.test(rest)) return rest;
  }
  return rest.length > 1 && /^\W/.test(rest) ? rest : undefined;
}

function scanBare(
  name: string,
  arg: string,
  next: string | undefined,
  flags: FlagSet,
  sink: Sink,
): number {
  const spelled = next === "true" || next === "false";
  sink.flag(name, spelled ? next === "true" : flags.bareValue(name), arg);
  return spelled ? 1 : 0;
}

/** One or two hyphens and then something else: `-` and `---` are values. */
function looksLikeFlag(arg: string): boolean {
  return /^--?[^-]/.test(arg);
}
