/**
 * The language of `--where`: which members a query is for, by their capability records.
 *
 * ```
 * filter     = all { "or" all }
 * all        = one { "and" one }
 * one        = "not" one | "(" filter ")" | key operator value
 * operator   = "=" | "!=" | "<" | "<=" | ">" | ">="
 * value      = number | "true" | "false" | "null" | word | 'text' | "text"
 * ```
 *
 * `cpu_cores>=4 and battery_percent=null`: keys are those of the record; an absent one is `null`. Numbers
 * are ordered among themselves and so is text; anything else is neither before nor behind anything.
 *
 * Bounded: 512 characters, 64 comparisons, 16 levels of parentheses and `not`.
 */

import { CodedError } from "../base/errors.ts";
import type { JsonObject } from "../base/guards.ts";

export const MAX_FILTER_LENGTH = 512;
export const MAX_FILTER_TERMS = 64;
export const MAX_FILTER_DEPTH = 16;

export type Operator = "=" | "!=" | "<" | "<=" | ">" | ">=";
export type FilterValue = number | string | boolean | null;

export type Filter =
  | { readonly type: "any" | "all"; readonly of: readonly Filter[] }
  | { readonly type: "not"; readonly of: Filter }
  | {
    readonly type: "compare";
    readonly key: string;
    readonly operator: Operator;
    readonly value: FilterValue;
  };

/** A filter that cannot be read, with the place where it goes wrong. */
export class FilterError extends CodedError<"malformed" | "unknown_key" | "too_large"> {
  override readonly name = "FilterError";
  /** Characters before it. */
  readonly position: number;

  constructor(code: FilterError["code"], position: number, reason: string) {
    super(code, `Cannot read filter: ${reason} at character ${position + 1}`);
    this.position = position;
  }
}

export interface FilterOptions {
  /** The keys that make sense; any without it. */
  readonly keys?: readonly string[];
  /** Finds the key that was meant, for the message about an unknown one. */
  readonly nearest?: (typed: string, keys: readonly string[]) => string | undefined;
}

/** Reads a filter. Throws {@link FilterError}. */
export function parseFilter(text: string, options: FilterOptions = {}): Filter {
  if (text.length > MAX_FILTER_LENGTH) {
    const reason = `${text.length} characters exceed ${MAX_FILTER_LENGTH}`;
    throw new FilterError("too_large", MAX_FILTER_LENGTH, reason);
  }
  return new Parser(text, options).parse();
}

/** Whether `record` is one that `filter` is for. */
export function matchesFilter(filter: Filter, record: JsonObject): boolean {
  switch (filter.type) {
    case "any":
      return filter.of.some((one) => matchesFilter(one, record));
    case "all":
      return filter.of.every((one) => matchesFilter(one, record));
    case "not":
      return !matchesFilter(filter.of, record);
    case "compare": {
      const { key, operator, value } = filter;
      return compares(Object.hasOwn(record, key) ? record[key] : null, operator, value);
    }
  }
}

function compares(found: unknown, operator: Operator, value: FilterValue): boolean {
  switch (operator) {
    case "=":
      return found === value;
    case "!=":
      return found !== value;
    case "<":
      return order(found, value) < 0;
    case "<=":
      return order(found, value) <= 0;
    case ">":
      return order(found, value) > 0;
    case ">=":
      return order(found, value) >= 0;
  }
}

/** Below, at or above 0; `NaN`, which is none of these, for what has no order. */
function order(found: unknown, value: FilterValue): number {
  if (typeof found === "number" && typeof value === "number") return found - value;
  if (typeof found !== "string" || typeof value !== "string") return NaN;
  return found < value ? -1 : Number(found > value);
}

interface Token {
  readonly type: "sign" | "word" | "text" | "end";
  readonly text: string;
  readonly position: number;
}

const TOKEN =
  /\s*(?:(?<sign>[()]|!=|<=|>=|[<>=])|(?<word>[\w.+-]+)|'(?<one>[^']*)'|"(?<two>[^"]*)")/y;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const KEY = /^[a-z_][\w.-]*$/i;
const OPERATORS: readonly Operator[] = ["=", "!=", "<", "<=", ">", ">="];
const CONSTANTS: ReadonlyMap<string, boolean | null> = new Map([
  ["true", true],
  ["false", false],
  ["null", null],
]);

class Parser {
  readonly #options: FilterOptions;
  readonly #tokens: readonly Token[];
  #at = 0;
  #terms = 0;

  constructor(text: string, options: FilterOptions) {
    this.#options = options;
    this.#tokens = tokenize(text);
  }

  parse(): Filter {
    const filter = this.#any(0);
    if (this.#token.type !== "end") throw this.#expected("`and`, `or` or the end");
    return filter;
  }

  #any(depth: number): Filter {
    const of = [this.#all(depth)];
    while (this.#accept("or")) of.push(this.#all(depth));
    return group("any", of);
  }

  #all(depth: number): Filter {
    const of = [this.#one(depth)];
    while (this.#accept("and")) of.push(this.#one(depth));
    return group("all", of);
  }

  #one(depth: number): Filter {
    const { position } = this.#token;
    if (depth > MAX_FILTER_DEPTH) {
      throw new FilterError("too_large", position, `more than ${MAX_FILTER_DEPTH} levels`);
    }
    if (this.#accept("not")) return { type: "not", of: this.#one(depth + 1) };
    if (!this.#accept("(")) return this.#compare();
    const filter = this.#any(depth + 1);
    if (!this.#accept(")")) throw this.#expected("`and`, `or` or `)`");
    return filter;
  }

  #compare(): Filter {
    const { position } = this.#token;
    if (++this.#terms > MAX_FILTER_TERMS) {
      throw new FilterError("too_large", position, `more than ${MAX_FILTER_TERMS} comparisons`);
    }
    const key = this.#key();
    const operator = OPERATORS.find((sign) => this.#accept(sign));
    if (operator === undefined) throw this.#expected(`one of ${OPERATORS.join(" ")}`);
    return { type: "compare", key, operator, value: this.#value() };
  }

  #key(): string {
    const { type, text, position } = this.#token;
    if (type !== "word" || !KEY.test(text) || isKeyword(text)) {
      throw this.#expected("a key, `not` or `(`");
    }
    const { keys, nearest } = this.#options;
    if (keys && !keys.includes(text)) {
      const meant = nearest?.(text, keys);
      const hint = meant === undefined ? "" : ` (did you mean \`${meant}\`?)`;
      throw new FilterError("unknown_key", position, `no such key${hint}`);
    }
    this.#at++;
    return text;
  }

  #value(): FilterValue {
    const { type, text } = this.#token;
    if (type === "sign" || type === "end" || (type === "word" && isKeyword(text))) {
      throw this.#expected("a number, a word, text in quotes, true, false or null");
    }
    this.#at++;
    if (type === "text") return text;
    const constant = CONSTANTS.get(text);
    if (constant !== undefined) return constant;
    return NUMBER.test(text) ? Number(text) : text;
  }

  get #token(): Token {
    return this.#tokens[this.#at] as Token;
  }

  /** Goes past a sign or a keyword, if it is the next. */
  #accept(text: string): boolean {
    const token = this.#token;
    const isIt = token.type === "sign"
      ? token.text === text
      : token.type === "word" && token.text.toLowerCase() === text;
    if (isIt) this.#at++;
    return isIt;
  }

  #expected(what: string): FilterError {
    return new FilterError("malformed", this.#token.position, `expected ${what}`);
  }
}

function group(type: "any" | "all", of: readonly Filter[]): Filter {
  const [first] = of;
  return first && of.length === 1 ? first : { type, of };
}

function isKeyword(word: string): boolean {
  return ["and", "or", "not"].includes(word.toLowerCase());
}

function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  let at = 0;
  while (at < end) {
    TOKEN.lastIndex = at;
    const groups = TOKEN.exec(text)?.groups;
    const position = at + (/^\s*/.exec(text.slice(at))?.[0].length ?? 0);
    if (!groups) throw new FilterError("malformed", position, "unexpected character");
    const { sign, word, one, two } = groups;
    if (sign !== undefined) tokens.push({ type: "sign", text: sign, position });
    else if (word !== undefined) tokens.push({ type: "word", text: word, position });
    else tokens.push({ type: "text", text: one ?? two ?? "", position });
    at = TOKEN.lastIndex;
  }
  return [...tokens, { type: "end", text: "", position: end }];
}
