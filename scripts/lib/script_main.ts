/**
 * How a script reads its flags, and ends: with its help, with what is wrong with the flags (exit code 2), or with
 * what its work comes to. `--json` and `--help` are every script's.
 *
 * By the runtime's own parser, so that `bench/peers/`, a package of its own, can use it too.
 */

import { parseArgs } from "node:util";

/** What a script takes. */
export interface ScriptUsage {
  readonly help: string;
  readonly switches?: readonly string[];
  readonly texts?: readonly string[];
  /** Texts that may be repeated. */
  readonly lists?: readonly string[];
}

/** The flags of one call. */
export interface ScriptFlags {
  has(name: string): boolean;
  text(name: string): string | undefined;
  list(name: string): readonly string[];
  /** A whole number. Throws {@link FlagError} unless it is within its bounds. */
  whole(name: string, bounds: WholeBounds): number;
}

export interface WholeBounds {
  readonly fallback: number;
  readonly min: number;
  readonly max: number;
}

/** The caller's mistake: which flag takes what. */
export class FlagError extends Error {
  override readonly name = "FlagError";
}

/** Reads `args` by `usage`. Throws {@link FlagError}. */
export function readScriptFlags(args: readonly string[], usage: ScriptUsage): ScriptFlags {
  const { switches = [], texts = [], lists = [] } = usage;
  const options = {
    ...Object.fromEntries(
      [...switches, "json"].map((name) => [name, { type: "boolean" } as const]),
    ),
    ...Object.fromEntries(texts.map((name) => [name, { type: "string" } as const])),
    ...Object.fromEntries(lists.map((name) => [name, { type: "string", multiple: true } as const])),
    help: { type: "boolean", short: "h" } as const,
  };
  const values = parse(args, options);
  const text = (name: string) => {
    const value = values[name];
    return typeof value === "string" ? value : undefined;
  };
  return {
    has: (name) => values[name] === true,
    text,
    list: (name) => [values[name] ?? []].flat().map(String),
    whole: (name, { fallback, min, max }) =>
      readWhole(`--${name}`, text(name), { fallback, min, max }),
  };
}

/** A whole number of a flag. Throws {@link FlagError}. */
export function readWhole(
  flag: string,
  text: string | undefined,
  { fallback, min, max }: WholeBounds,
): number {
  if (text === undefined) return fallback;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw new FlagError(`${flag} takes a whole number from ${min} to ${max}, not "${text}"`);
}

/** Runs a script; resolves with its exit code. */
export async function scriptMain<Options>(
  args: readonly string[],
  usage: ScriptUsage,
  script: {
    /** Throws {@link FlagError}. */
    readonly read: (flags: ScriptFlags) => Options;
    readonly run: (options: Options) => Promise<number>;
  },
): Promise<number> {
  let options: Options;
  try {
    const flags = readScriptFlags(args, usage);
    if (flags.has("help")) {
      console.log(usage.help);
      return 0;
    }
    options = script.read(flags);
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    console.error(`${error.message}; see --help`);
    return 2;
  }
  return await script.run(options);
}

function parse(
  args: readonly string[],
  options: NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>["options"]>,
): Readonly<Record<string, unknown>> {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new FlagError(error.message.split("\n")[0] ?? "", { cause: error });
  }
}
