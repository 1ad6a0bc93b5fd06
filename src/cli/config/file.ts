/**
 * The text of `hamlet.json`: JSON with comments and trailing commas, read into what each setting was given, with
 * the line and column of everything, so that whatever is wrong can be pointed at. All that is wrong is found, not
 * the first of it only.
 *
 * Keys are compared, never used as properties: `__proto__` is one more that nobody knows. What is read is bounded
 * in bytes before it is parsed, and in depth before the parser, which recurses, sees it.
 */

import {
  createScanner,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import { replaceUnprintable } from "../../base/guards.ts";
import { nearest } from "../nearest.ts";
import { UsageError } from "../usage_error.ts";
import type { JsonType } from "./form.ts";
import { type Given, textOfJson } from "./setting.ts";
import { isSettingName, SETTING_NAMES, type SettingName, SETTINGS } from "./settings.ts";
import type { FileEntry } from "./sources.ts";

/** Lists in an object; a little more, so that what is nested wrongly is called by its name. */
const MAX_DEPTH = 16;
const MAX_TEXT_LENGTH = 4_096;
const MAX_MESSAGE_LENGTH = 400;
/** For editors: where the schema is. */
const SCHEMA_KEY = "$schema";
/** Flags of which a file can say nothing: it is found by them, or they are of one call. */
const FLAGS_ONLY: readonly string[] = Object.freeze(["state", "config", "leash", "json", "help"]);

export interface ParsedConfig {
  readonly entries: ReadonlyMap<SettingName, FileEntry>;
  /** One line each, by place: `path:line:column: what is wrong`. */
  readonly problems: readonly string[];
}

export interface ConfigText {
  readonly text: string;
  /** As messages name it. */
  readonly path: string;
  /** Makes a path of the file one of this process, e.g. relative to the file's directory. */
  readonly resolvePath: (path: string) => string;
}

/** Reads the text of a configuration file. Never throws because of what it says. */
export function parseConfig(config: ConfigText): ParsedConfig {
  return new ConfigReader(config).read();
}

class ConfigReader {
  readonly #config: ConfigText;
  readonly #lineStarts: readonly number[];
  readonly #entries = new Map<SettingName, FileEntry>();
  readonly #problems: { readonly offset: number; readonly text: string }[] = [];

  constructor(config: ConfigText) {
    this.#config = config;
    this.#lineStarts = startsOfLines(config.text);
  }

  read(): ParsedConfig {
    const tree = this.#parse();
    if (tree?.type === "object") this.#readMembers(tree.children ?? []);
    else if (tree) this.#complain(tree.offset, "a configuration is an object: { \u2026 }");
    const problems = this.#problems.toSorted((a, b) => a.offset - b.offset)
      .map(({ text }) => text);
    return { entries: this.#entries, problems };
  }

  /** The tree, also of text that is wrong in places; `undefined` where there is nothing, or too much. */
  #parse(): Node | undefined {
    const { text } = this.#config;
    const tooDeep = offsetBeyondDepth(text);
    if (tooDeep !== undefined) {
      this.#complain(tooDeep, `nested deeper than ${MAX_DEPTH}`);
      return undefined;
    }
    const errors: ParseError[] = [];
    const tree = parseTree(text, errors, { allowTrailingComma: true, allowEmptyContent: true });
    // What follows the first of them on its line is mostly its consequence.
    const lines = new Set<number>();
    for (const { offset, error } of errors) {
      const { line } = this.#positionOf(offset);
      if (!lines.has(line)) this.#complain(offset, SYNTAX_WORDS[printParseErrorCode(error)]);
      lines.add(line);
    }
    return tree;
  }

  #readMembers(members: readonly Node[]): void {
    const offsets = new Map<string, number>();
    for (const { children: [key, value] = [] } of members) {
      const name: unknown = key?.value;
      if (!key || typeof name !== "string") continue;
      const earlier = offsets.get(name);
      if (earlier !== undefined) {
        const { line } = this.#positionOf(earlier);
        this.#complain(key.offset, `${quote(name)} is set twice, first at line ${line}`);
        continue;
      }
      offsets.set(name, key.offset);
      // Without a value, the parser has complained already.
      if (value) this.#readMember(name, key, value);
    }
  }

  #readMember(name: string, key: Node, value: Node): void {
    if (isSettingName(name)) this.#readSetting(name, value);
    else if (name !== SCHEMA_KEY) this.#complain(key.offset, unknownKey(name));
    else if (value.type !== "string") {
      this.#complain(value.offset, `${quote(name)} takes the place of a schema, as text`);
    }
  }

  #readSetting(name: SettingName, value: Node): void {
    const setting = SETTINGS[name];
    const isList = setting.kind === "list" && value.type === "array";
    const items = isList ? value.children ?? [] : [value];
    const given: Given[] = [];
    for (const item of items) {
      const one = this.#readItem(name, item);
      if (one) given.push(one);
    }
    if (given.length < items.length) return;
    try {
      setting.read(given);
      this.#entries.set(name, { given, place: this.#placeOf(value.offset) });
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      const culprit = given.findIndex(({ source }) => error.message.startsWith(`${source} `));
      const { offset } = items[culprit] ?? value;
      this.#problems.push({ offset, text: oneLine(error.message) });
    }
  }

  #readItem(name: SettingName, { type, value, offset }: Node): Given | undefined {
    const { form, kind } = SETTINGS[name];
    const text = textOfJson(form, type === "null" ? null : value);
    if (text !== undefined && text.length <= MAX_TEXT_LENGTH) {
      const source = `${this.#placeOf(offset)}: ${quote(name)}`;
      const isPath = form.isPath && !form.value.split("|").includes(text);
      return { text: isPath && text ? this.#config.resolvePath(text) : text, source };
    }
    if (text === undefined) {
      const types = form.types.includes("boolean") ? ["boolean" as const] : form.types;
      const takes = types.map((each) => TYPE_WORDS[each]).join(" or ");
      const list = kind === "list" ? ", or a list of such" : "";
      const unquoted = type === "string" ? "; leave out the quotes" : "";
      const found = FOUND_WORDS[type];
      this.#complain(offset, `${quote(name)} takes ${takes}${list}, not ${found}${unquoted}`);
    } else this.#complain(offset, `${quote(name)} is longer than ${MAX_TEXT_LENGTH}`);
    return undefined;
  }

  #complain(offset: number, text: string): void {
    this.#problems.push({ offset, text: oneLine(`${this.#placeOf(offset)}: ${text}`) });
  }

  #placeOf(offset: number): string {
    const { line, column } = this.#positionOf(offset);
    return `${this.#config.path}:${line}:${column}`;
  }

  /** Both from 1; columns in UTF-16 code units, as editors count. */
  #positionOf(offset: number): { readonly line: number; readonly column: number } {
    const next = this.#lineStarts.findIndex((start) => start > offset);
    const line = next < 0 ? this.#lineStarts.length : next;
    return { line, column: offset - (this.#lineStarts[line - 1] ?? 0) + 1 };
  }
}

/** What the parser's complaints mean to somebody who writes a file by hand. */
const SYNTAX_WORDS: Readonly<Record<ReturnType<typeof printParseErrorCode>, string>> = Object
  .freeze({
    "InvalidSymbol": "not JSON: a word is true, false, null, or stands in double quotes",
    "InvalidNumberFormat": "not JSON: this number is not written as numbers are",
    "PropertyNameExpected": "not JSON: a name in double quotes belongs here",
    "ValueExpected": "not JSON: a value belongs here",
    "ColonExpected": "not JSON: a colon belongs here",
    "CommaExpected": "not JSON: a comma belongs before this",
    "CloseBraceExpected": "not JSON: a closing brace } belongs here",
    "CloseBracketExpected": "not JSON: a closing bracket ] belongs here",
    "EndOfFileExpected": "not JSON: nothing belongs after the closing brace }",
    "InvalidCommentToken": "not JSON: this comment has no place here",
    "UnexpectedEndOfComment": "not JSON: this comment does not end",
    "UnexpectedEndOfString": "not JSON: this text has no closing quote on its line",
    "UnexpectedEndOfNumber": "not JSON: this number is cut off",
    "InvalidUnicode": "not JSON: \\u takes four hexadecimal digits",
    "InvalidEscapeCharacter": "not JSON: a backslash is written \\\\",
    "InvalidCharacter": "not JSON: a control character in a text",
    "<unknown ParseErrorCode>": "not JSON",
  });

const TYPE_WORDS: Readonly<Record<JsonType, string>> = Object.freeze({
  boolean: "true or false",
  number: "a number",
  string: "text",
});

const FOUND_WORDS: Readonly<Record<Node["type"], string>> = Object.freeze({
  ...TYPE_WORDS,
  null: "null",
  array: "a list",
  object: "an object",
  property: "a property",
});

function unknownKey(name: string): string {
  if (FLAGS_ONLY.includes(name)) return `${quote(name)} is a flag, and cannot be set in a file`;
  const guess = nearest(name.slice(0, 64), SETTING_NAMES);
  return `unknown setting ${quote(name)}` + (guess ? `; did you mean ${quote(guess)}?` : "");
}

function quote(name: string): string {
  return `"${name.length > 64 ? `${name.slice(0, 64)}\u2026` : name}"`;
}

function oneLine(message: string): string {
  const line = replaceUnprintable(message, "?");
  return line.length > MAX_MESSAGE_LENGTH ? `${line.slice(0, MAX_MESSAGE_LENGTH)}\u2026` : line;
}

/** Where brackets nest too deep for the parser. */
function offsetBeyondDepth(text: string): number | undefined {
  const scanner = createScanner(text, true);
  let depth = 0;
  // By position: at the end of a comment that does not end, the scanner gives the same token for ever.
  for (let end = -1; scanner.getPosition() > end;) {
    end = scanner.getPosition();
    scanner.scan();
    // Longer, it is a text or a comment that says the same.
    const bracket = scanner.getTokenLength() === 1 ? text[scanner.getTokenOffset()] : "";
    if (bracket === "{" || bracket === "[") depth++;
    if (bracket === "}" || bracket === "]") depth--;
    if (depth > MAX_DEPTH) return scanner.getTokenOffset();
  }
  return undefined;
}

function startsOfLines(text: string): readonly number[] {
  const breaks = text.matchAll(/\r\n|\n|\r/g);
  return [0, ...[...breaks].map((each) => each.index + each[0].length)];
}
