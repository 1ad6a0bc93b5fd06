/**
 * Forms of one setting's value: how it is read from text, which JSON values it takes in the configuration file,
 * and what stands for it in help, from which shells complete it.
 *
 * A JSON value of the file becomes the text that a flag would have, and is read by the same function, so that a
 * value is never right in one place and wrong in another. The schema says as much of that as JSON Schema can.
 */

import { isPrintable } from "../../base/guards.ts";
import { type Address, parseAddress } from "../../net/address.ts";
import {
  type NamedCommand,
  parseHours,
  parseNamedCommand,
  type WorkHours,
} from "../../work/worker/work_settings.ts";
import { oneOf, wholeNumber } from "../flags.ts";
import { DURATION, parseBitRate, parseByteSize, parseDuration, RATE, SIZE } from "../quantities.ts";
import { UsageError } from "../usage_error.ts";

/** A piece of JSON Schema, draft 7. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

export interface Form<T> {
  /** What stands for the value in help: `PORT`, `DIR|off`. Lower-case parts are words that shells complete. */
  readonly value: string;
  /** Reads text. Throws {@link UsageError} that begins with `source`. */
  readonly parse: (text: string, source: string) => T;
  /** JSON types that the file may have for it; `true` and `false` stand for `on` and `off`. */
  readonly types: readonly JsonType[];
  readonly schema: JsonSchema;
  /** Whether it is a path, which in a file is relative to that file's directory. */
  readonly isPath?: boolean;
}

export type JsonType = "string" | "number" | "boolean";

interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** Two words, as JSON `true` and `false` too. */
export const ON_OFF: Form<boolean> = Object.freeze({
  value: "on|off",
  parse: (text: string, source: string) => oneOf(source, text, ["on", "off"]) === "on",
  types: ["boolean", "string"] as const,
  schema: { enum: [true, false, "on", "off"] },
});

/** One of a closed set of words. */
export function wordOf<const T extends string>(words: readonly T[]): Form<T> {
  return {
    value: words.join("|"),
    parse: (text, source) => oneOf(source, text, words),
    types: ["string"],
    schema: { enum: words },
  };
}

/** A whole number. */
export function whole(value: string, bounds: Bounds): Form<number> {
  return {
    value,
    parse: (text, source) => wholeNumber(source, text, bounds),
    types: ["number"],
    schema: { type: "integer", minimum: bounds.min, maximum: bounds.max },
  };
}

/** `N` or `N:M`: one whole number or two. */
export function wholePair(
  value: string,
  bounds: Bounds,
): Form<readonly [number, number | undefined]> {
  return {
    value,
    parse: (text, source) => {
      const [first = "", second, ...rest] = text.split(":");
      if (rest.length > 0) throw new UsageError(`${source} takes one number or two, e.g. 20:100`);
      return [
        wholeNumber(source, first, bounds),
        second === undefined ? undefined : wholeNumber(source, second, bounds),
      ];
    },
    types: ["number", "string"],
    schema: {
      anyOf: [
        { type: "integer", minimum: bounds.min, maximum: bounds.max },
        { type: "string", pattern: "^\\d{1,15}(:\\d{1,15})?$" },
      ],
    },
  };
}

/** Bits a second; `undefined` is no limit. */
export const BIT_RATE: Form<number | undefined> = Object.freeze({
  value: "RATE|off",
  parse: (text: string, source: string) => parseBitRate(source, text),
  types: ["number", "string"] as const,
  schema: {
    anyOf: [
      { enum: [0, "off", "none"] },
      { type: "number", minimum: 8_000, maximum: 1e12 },
      { type: "string", pattern: RATE.source },
    ],
  },
});

/** Bytes. */
export const BYTE_SIZE: Form<number> = Object.freeze({
  value: "SIZE",
  parse: (text: string, source: string) => parseByteSize(source, text),
  types: ["number", "string"] as const,
  schema: {
    anyOf: [
      { type: "number", minimum: 1, maximum: 2 ** 50 },
      { type: "string", pattern: SIZE.source },
    ],
  },
});

/** Seconds. */
export function duration(bounds: Bounds): Form<number> {
  return {
    value: "TIME",
    parse: (text, source) => parseDuration(source, text, bounds),
    types: ["number", "string"],
    schema: {
      anyOf: [
        { type: "integer", minimum: bounds.min, maximum: bounds.max },
        { type: "string", pattern: DURATION.source },
      ],
    },
  };
}

/** A share in percent, e.g. `50%`. */
export function percent(bounds: Bounds): Form<number> {
  return {
    value: "PERCENT",
    parse: (text, source) => {
      const number = /^\d{1,3}%?$/.test(text) ? parseInt(text, 10) : NaN;
      if (number >= bounds.min && number <= bounds.max) return number;
      throw new UsageError(
        `${source} takes a share from ${bounds.min}% to ${bounds.max}%, not "${text}"`,
      );
    },
    types: ["number", "string"],
    schema: {
      anyOf: [
        { type: "integer", minimum: bounds.min, maximum: bounds.max },
        { type: "string", pattern: "^\\d{1,3}%?$" },
      ],
    },
  };
}

/** `HOST:PORT`; just `HOST` where there is a default port. */
export function address(defaultPort?: number): Form<Address> {
  return {
    value: "HOST:PORT",
    parse: (text, source) => {
      const read = parseAddress(text.trim(), defaultPort);
      if (read) return read;
      throw new UsageError(`${source} takes HOST:PORT, e.g. 192.168.1.20:9000, not "${text}"`);
    },
    types: ["string"],
    schema: { type: "string", pattern: defaultPort ? "\\S" : ":\\d{1,5}\\s*$" },
  };
}

/** A name that people gave, without the space around it. */
export function name(maxLength: number): Form<string> {
  return {
    value: "NAME",
    parse: (text, source) => {
      const trimmed = text.trim();
      if (trimmed && trimmed.length <= maxLength && isPrintable(trimmed)) return trimmed;
      throw new UsageError(`${source} takes a name of 1 to ${maxLength} printable characters`);
    },
    types: ["string"],
    schema: { type: "string", pattern: `^\\s*\\S(?:.{0,${maxLength - 2}}\\S)?\\s*$` },
  };
}

/** Any text but none. */
export function text(value: string): Form<string> {
  return {
    value,
    parse: (given, source) => {
      if (given) return given;
      throw new UsageError(`${source} is empty`);
    },
    types: ["string"],
    schema: { type: "string", minLength: 1 },
  };
}

/** A path, or a word in its place. */
export function path(value: string): Form<string> {
  return { ...text(value), isPath: true };
}

/** A span of the day, e.g. `22:00-06:00`. */
export const WORK_HOURS: Form<WorkHours> = Object.freeze({
  value: "FROM-TO",
  parse: (text: string, source: string) => {
    const hours = parseHours(text);
    if (hours) return hours;
    throw new UsageError(`${source} takes two times of the day, e.g. 22:00-06:00, not "${text}"`);
  },
  types: ["string"] as const,
  schema: { type: "string", pattern: "^\\d{1,2}:\\d{2}-\\d{1,2}:\\d{2}$" },
});

/** A program under a name, e.g. `fitness=python3 fitness.py`, or with a JSON array of words behind the `=`. */
export const NAMED_COMMAND: Form<NamedCommand> = Object.freeze({
  value: "NAME=COMMAND",
  parse: (text: string, source: string) => {
    try {
      return parseNamedCommand(text);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new UsageError(
        `${source} takes a name and a command, e.g. fitness='python3 fitness.py': ${error.message}`,
      );
    }
  },
  types: ["string"] as const,
  schema: { type: "string", pattern: "^[a-z0-9][a-z0-9_.-]{0,63}=." },
});
