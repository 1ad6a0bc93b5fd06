/**
 * What the options of `parseArgs` say about each flag name, aliases spread in.
 *
 * @module
 */

type Names = string | readonly string[] | boolean | undefined;

export interface FlagSetOptions {
  readonly alias?: Readonly<Record<string, unknown>> | undefined;
  readonly boolean?: Names;
  readonly string?: Names;
  readonly collect?: Names;
  readonly negatable?: Names;
}

/** Looks up one flag name; a property given to a name holds for its aliases too. */
export class FlagSet {
  /** `boolean: true`: every `--name` without `=` is a boolean. */
  readonly allBooleans: boolean;
  readonly booleans: ReadonlySet<string>;
  readonly strings: ReadonlySet<string>;
  readonly #collectable: ReadonlySet<string>;
  readonly #negatable: ReadonlySet<string>;
  readonly #aliases: ReadonlyMap<string, ReadonlySet<string>>;

  constructor(options: FlagSetOptions) {
    this.#aliases = groupAliases(options.alias);
    this.allBooleans = options.boolean === true;
    this.booleans = this.#withAliases(options.boolean);
    this.strings = this.#withAliases(options.string);
    this.#collectable = this.#withAliases(options.collect);
    this.#negatable = this.#withAliases(options.negatable);
  }

  aliasesOf(name: string): Iterable<string> {
    return this.#aliases.get(name) ?? [];
  }

  /** Named in `boolean`, `string` or `alias`; being collectable or negatable is not enough. */
  isDeclared(name: string): boolean {
    return this.booleans.has(name) || this.strings.has(name) || this.#aliases.has(name);
  }

  isCollectable(name: string): boolean {
    return this.#collectable.has(name);
  }

  isNegatable(name: string): boolean {
    return this.#negatable.has(name);
  }

  /** A flag that leaves the next argument alone unless that is `true` or `false`. */
  takesNoValue(name: string): boolean {
    if (this.booleans.has(name)) return true;
    return [...this.aliasesOf(name)].some((alias) => this.booleans.has(alias));
  }

  /** What a flag without a value holds. */
  bareValue(name: string): "" | true {
    return this.strings.has(name) ? "" : true;
  }

  #withAliases(names: Names): Set<string> {
    const listed = (Array.isArray(names) ? names : [names])
      .filter((name): name is string => typeof name === "string" && name !== "");
    return new Set(listed.flatMap((name) => [name, ...this.aliasesOf(name)]));
  }
}

/** Each name of a group `{ a: ["b", "c"] }` leads to the others. */
function groupAliases(alias: FlagSetOptions["alias"]): Map<string, Set<string>> {
  const groups = new Map<string, Set<string>>();
  for (const [name, value] of Object.entries(alias ?? {})) {
    if (value === undefined) throw new TypeError("Alias value must be defined");
    const aliases = (Array.isArray(value) ? value : [value]) as string[];
    groups.set(name, new Set(aliases));
    for (const it of aliases) {
      groups.set(it, new Set([name, ...aliases.filter((other) => other !== it)]));
    }
  }
  return groups;
}
