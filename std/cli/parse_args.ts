/**
 * Reads command line arguments into an object, by the rules of minimist.
 *
 * @module
 */
import { FlagSet } from "./_flag_set.ts";
import { hasPath, type Nested, setPath } from "./_nested.ts";
import { type FlagValue, scan, type Sink } from "./_scanner.ts";
import type {
  Aliases,
  BooleanType,
  Collectable,
  Defaults,
  Flatten,
  Negatable,
  StringType,
  Values,
} from "./_types.ts";

/** What {@linkcode parseArgs} returns: the flags, the positional arguments, the rest after `--`. */
export type Args<
  // deno-lint-ignore no-explicit-any -- the published signature: undeclared flags are `any`
  TArgs extends Record<string, unknown> = Record<string, any>,
  TDoubleDash extends boolean | undefined = undefined,
> = Flatten<
  & TArgs
  & {
    /** Arguments that belong to no flag, in order. */
    _: Array<string | number>;
  }
  & (boolean extends TDoubleDash ? DoubleDash
    : true extends TDoubleDash ? Required<DoubleDash>
    : Record<never, never>)
>;

type DoubleDash = {
  /** Arguments after the first `--`, as typed. */
  "--"?: Array<string>;
};

/** How {@linkcode parseArgs} reads each flag. Names may be dotted: `a.b` is `b` inside `a`. */
export interface ParseOptions<
  TBooleans extends BooleanType = BooleanType,
  TStrings extends StringType = StringType,
  TCollectable extends Collectable = Collectable,
  TNegatable extends Negatable = Negatable,
  TDefault extends Record<string, unknown> | undefined = Record<string, unknown> | undefined,
  TAliases extends Aliases | undefined = Aliases | undefined,
  TDoubleDash extends boolean | undefined = boolean | undefined,
> {
  /** Whether what follows `--` goes to `result["--"]` rather than to the end of `result._`. */
  "--"?: TDoubleDash;

  /** Other names of a flag; each of them is set along with it. */
  alias?: TAliases;

  /**
   * Flags that never take a value except `=...`, `true` or `false`, and are `false` when not given.
   * `true`: all flags of the form `--name` without `=`.
   */
  boolean?: TBooleans | ReadonlyArray<Extract<TBooleans, string>>;

  /** Values for flags that were not given. */
  default?: TDefault & Defaults<TBooleans, TStrings>;

  /** Whether everything after the first positional argument is positional. */
  stopEarly?: boolean;

  /** Flags whose value stays text; `_` names the positional arguments. */
  string?: TStrings | ReadonlyArray<Extract<TStrings, string>>;

  /** Flags that may be repeated, each value added to a list. Others keep the last value. */
  collect?: TCollectable | ReadonlyArray<Extract<TCollectable, string>>;

  /** Flags that `--no-name` sets to `false`. */
  negatable?: TNegatable | ReadonlyArray<Extract<TNegatable, string>>;

  /**
   * Called with each positional argument, and with each flag that none of `boolean`, `string` and
   * `alias` names; returning `false` leaves it out of the result.
   */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/**
 * Reads `args`, usually `Deno.args`, into an object.
 *
 * Undeclared flags take the next argument as their value unless it starts with a hyphen, and are
 * `true` without one. Text that reads as a finite number becomes one, except for `string` flags.
 * The result is typed once `boolean`, `string` or `collect` name a flag; before, flags are `any`.
 *
 * ```ts
 * parseArgs(["-v", "--port=80", "a.txt"], { boolean: ["v"] });
 * // { v: true, port: 80, _: ["a.txt"] }
 * ```
 *
 * @throws {TypeError} When one flag needs another to be both a value and an object.
 */
export function parseArgs<
  TArgs extends Values<TBooleans, TStrings, TCollectable, TNegatable, TDefaults, TAliases>,
  TDoubleDash extends boolean | undefined = undefined,
  TBooleans extends BooleanType = undefined,
  TStrings extends StringType = undefined,
  TCollectable extends Collectable = undefined,
  TNegatable extends Negatable = undefined,
  TDefaults extends Record<string, unknown> | undefined = undefined,
  TAliases extends Aliases<TAliasArgNames, TAliasNames> | undefined = undefined,
  TAliasArgNames extends string = string,
  TAliasNames extends string = string,
>(
  args: string[],
  options?: ParseOptions<
    TBooleans,
    TStrings,
    TCollectable,
    TNegatable,
    TDefaults,
    TAliases,
    TDoubleDash
  >,
): Args<TArgs, TDoubleDash> {
  const flags = new FlagSet(options ?? {});
  const result = new Result(flags, options?.unknown);
  const end = args.indexOf("--");
  const parsed = end === -1 ? args : args.slice(0, end);
  const literal = end === -1 ? [] : args.slice(end + 1);

  result.positionals.push(...scan(parsed, flags, result, options?.stopEarly ?? false));
  result.fill(options?.default ?? {});
  if (options?.["--"]) result.values["--"] = literal;
  else result.positionals.push(...literal);
  return result.values as Args<TArgs, TDoubleDash>;
}

/** The object under construction. */
class Result implements Sink {
  readonly positionals: (string | number)[] = [];
  readonly values: Nested = { _: this.positionals };
  readonly #flags: FlagSet;
  readonly #unknown: ParseOptions["unknown"];

  constructor(flags: FlagSet, unknown: ParseOptions["unknown"]) {
    this.#flags = flags;
    this.#unknown = unknown;
  }

  flag(name: string, value: FlagValue, arg: string): void {
    if (!this.#accepts(name, value, arg)) return;
    this.#set(name, this.#flags.strings.has(name) ? value : coerce(value), true);
  }

  negation(name: string, arg: string): void {
    if (this.#accepts(name, false, arg)) this.#set(name, false, false);
  }

  positional(arg: string): void {
    if (this.#unknown?.(arg) === false) return;
    this.positionals.push(this.#flags.strings.has("_") ? arg : coerce(arg));
  }

  /** What was not given: first the caller's defaults, then `false` and empty lists. */
  fill(defaults: Readonly<Record<string, unknown>>): void {
    for (const [name, value] of Object.entries(defaults)) {
      if (!hasPath(this.values, name)) this.#set(name, value, false);
    }
    for (const name of this.#flags.booleans) {
      const empty = this.#flags.isCollectable(name) ? [] : false;
      if (!hasPath(this.values, name)) setPath(this.values, name, empty);
    }
    for (const name of this.#flags.strings) {
      if (!this.#flags.isCollectable(name) || hasPath(this.values, name)) continue;
      setPath(this.values, name, []);
    }
  }

  #accepts(name: string, value: FlagValue, arg: string): boolean {
    if (this.#flags.isDeclared(name)) return true;
    if (this.#flags.allBooleans && /^--[^=]+$/.test(arg)) return true;
    return this.#unknown?.(arg, name, value) !== false;
  }

  #set(name: string, value: unknown, collect: boolean): void {
    const append = collect && this.#flags.isCollectable(name);
    for (const each of [name, ...this.#flags.aliasesOf(name)]) {
      // `_` is ours: a flag of that name must not replace the list of positional arguments.
      if (each !== "_" && !each.startsWith("_.")) setPath(this.values, each, value, append);
    }
  }
}

function coerce<T extends FlagValue>(value: T): T | number {
  if (typeof value !== "string" || value.trim() === "") return value;
  const number = Number(value);
  return Number.isFinite(number) ? number : value;
}
