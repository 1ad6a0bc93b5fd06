/**
 * A setting: one thing that the owner may choose, by a flag, a variable of the environment or a line in
 * `hamlet.json`, in this order. What they all share follows from its one declaration in `settings.ts`.
 */

import type { Flag } from "../flags.ts";
import { UsageError } from "../usage_error.ts";
import { type Form, type JsonType, ON_OFF } from "./form.ts";

/** A value as it was given, and what to call the place in a message: `--port`, `HAMLET_PORT`, `file:3:11: "port"`. */
export interface Given {
  readonly text: string;
  readonly source: string;
}

/** A setting whose value is a `T`. */
export interface Setting<T> {
  readonly kind: Flag["kind"];
  /** Of one value, or of one item of a list. */
  readonly form: Form<unknown>;
  readonly help: string;
  /** What it is unless it is given, as text. */
  readonly fallback: string | undefined;
  /** In words what it is unless it is given, where no text can say so. */
  readonly otherwise: string | undefined;
  /** A value, or an item, to show somebody who sets it for the first time. */
  readonly example: string;
  /** How many items a list takes. */
  readonly maxItems: number;
  /** What stands between the items of a list in its variable. */
  readonly separator: string;
  /** Reads what was given, in order; nothing is the fallback. Throws {@link UsageError}. */
  readonly read: (given: readonly Given[]) => T;
}

interface Described {
  readonly help: string;
}

/** A setting of one value. */
export function one<T>(form: Form<T>, about: Described & { readonly fallback: string }): Setting<T>;
export function one<T>(
  form: Form<T>,
  about: Described & { readonly otherwise: string; readonly example: string },
): Setting<T | undefined>;
export function one<T>(
  form: Form<T>,
  about: Described & {
    readonly fallback?: string;
    readonly otherwise?: string;
    readonly example?: string;
  },
): Setting<T | undefined> {
  const { help, fallback, otherwise, example = fallback ?? "" } = about;
  return {
    kind: "text",
    form,
    help,
    fallback,
    otherwise,
    example,
    maxItems: 1,
    separator: "",
    read: (given) => {
      const last = given.at(-1);
      if (last) return form.parse(last.text, last.source);
      return fallback === undefined ? undefined : form.parse(fallback, "the default");
    },
  };
}

/** A setting of many values: a repeatable flag, a list with commas in the environment, an array in the file. */
export function many<T>(
  form: Form<T>,
  about: Described & {
    readonly maxItems: number;
    /** Their name in the plural. */
    readonly items: string;
    readonly otherwise?: string;
    readonly example: string;
    /** Other than a comma, where items have commas themselves. */
    readonly separator?: string;
  },
): Setting<readonly T[]> {
  const { help, maxItems, items, otherwise, example, separator = "," } = about;
  return {
    kind: "list",
    form,
    help,
    fallback: undefined,
    otherwise: otherwise ?? "none",
    example,
    maxItems,
    separator,
    read: (given) => {
      const beyond = given[maxItems];
      if (beyond) throw new UsageError(`${beyond.source} takes at most ${maxItems} ${items}`);
      return given.map(({ text, source }) => form.parse(text, source));
    },
  };
}

/** A setting that is off unless its flag is there: `--open`; `--no-open` where a variable or the file has it on. */
export function toggle(about: Described): Setting<boolean> {
  return { ...one(ON_OFF, { ...about, fallback: "off" }), kind: "switch" };
}

/** The variable of a setting: `HAMLET_MAX_UP` of `max-up`. */
export function variableOf(name: string): string {
  return `HAMLET_${name.toUpperCase().replaceAll("-", "_")}`;
}

/** The flag of a setting. */
export function flagOf(name: string, setting: Setting<unknown>): Flag {
  const { kind, form, help, fallback, otherwise } = setting;
  if (kind === "switch") return { name, kind, help, canBeDenied: true };
  const unless = fallback ?? otherwise;
  const note = kind === "list" ? "repeatable" : `default: ${unless}`;
  return { name, kind, value: form.value, help: `${help} (${note})` };
}

/** The text of a JSON value of `form`; `undefined` where it takes no such type. */
export function textOfJson(form: Form<unknown>, json: unknown): string | undefined {
  const type = typeof json;
  if (!form.types.some((each: JsonType) => each === type)) return undefined;
  if (type === "boolean") return json ? "on" : "off";
  return String(json);
}

/** The JSON value that stands for `text` in the file. */
export function jsonOfText({ types }: Form<unknown>, text: string): string | number | boolean {
  if (types.includes("boolean") && (text === "on" || text === "off")) return text === "on";
  return types.includes("number") && /^\d{1,15}$/.test(text) ? Number(text) : text;
}
