/**
 * Guards: from `unknown` to typed values, with bounds.
 *
 * Everything that came from outside passes through here once. {@link Fields} reads the members of a
 * JSON object; each reader names the field it refused, never the value a stranger sent. Only own
 * properties count, so `__proto__` and friends are ordinary unknown keys.
 */

import { CodedError } from "./errors.ts";

/** A JSON object whose members are not yet trusted. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A field of untrusted input that is missing, of the wrong type or out of its range. */
export class FieldError extends CodedError<"invalid_field" | "missing_field"> {
  override readonly name = "FieldError";
  /** Dotted path of the field, e.g. `capabilities.cpu_cores`. */
  readonly field: string;

  constructor(code: "invalid_field" | "missing_field", field: string, reason: string) {
    super(code, `Cannot read ${field}: ${reason}`);
    this.field = field;
  }
}

interface Absent<T> {
  /** What an absent field means; without it, absence is an error. */
  readonly absent?: T;
}

interface TextBounds {
  readonly minLength?: number;
  /** In UTF-16 code units. */
  readonly maxLength: number;
}

interface NumberBounds {
  readonly min: number;
  readonly max: number;
}

// Controls, format characters (bidirectional overrides among them) and line separators: they forge log
// lines and terminal output.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const EVERY_UNPRINTABLE = new RegExp(UNPRINTABLE, "gu");

/** Whether `value` is a plain JSON object: not null, not an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether the JSON `value` nests at most `limit` objects and arrays deep; never recurses deeper. */
export function isShallow(value: unknown, limit: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (limit <= 0) return false;
  // Not `for in`, which takes the slow way over arrays.
  for (const member of Array.isArray(value) ? value : Object.values(value)) {
    if (!isShallow(member, limit - 1)) return false;
  }
  return true;
}

/** Whether `text` is well-formed Unicode without control characters. */
export function isPrintable(text: string): boolean {
  return !UNPRINTABLE.test(text) && text.isWellFormed();
}

/** `text`, made well-formed, with `replacement` for each character that is not printable. */
export function replaceUnprintable(text: string, replacement: string): string {
  return text.toWellFormed().replace(EVERY_UNPRINTABLE, replacement);
}

/** What of `text` is printable and fits into `maxLength` UTF-16 code units. */
export function toPrintable(text: string, maxLength = Infinity): string {
  const printable = replaceUnprintable(text, "");
  if (printable.length <= maxLength) return printable;
  // A pair of surrogates that was cut in two goes whole.
  return printable.slice(0, maxLength).replace(/[\ud800-\udbff]$/, "");
}

/** A reader of one JSON object's members. */
export class Fields {
  readonly #object: JsonObject;
  readonly #path: string;

  private constructor(object: JsonObject, path: string) {
    this.#object = object;
    this.#path = path;
  }

  /** Wraps `value`. Throws {@link FieldError} `invalid_field` when it is not a JSON object. */
  static of(value: unknown, path = ""): Fields {
    if (!isObject(value)) {
      throw new FieldError("invalid_field", path || "message", "expected an object");
    }
    return new Fields(value, path);
  }

  /** The object itself, its members still untrusted. */
  get value(): JsonObject {
    return this.#object;
  }

  /** Whether the object has `key` of its own. */
  has(key: string): boolean {
    return Object.hasOwn(this.#object, key);
  }

  /** The untrusted member itself, `undefined` where absent. */
  raw(key: string): unknown {
    return this.has(key) ? this.#object[key] : undefined;
  }

  /** Printable text within its bounds. */
  text(key: string, options: TextBounds & Absent<string>): string {
    if (!this.has(key)) return this.#absent(key, options);
    const value = this.#object[key];
    if (typeof value !== "string") throw this.#invalid(key, "expected a string");
    const minLength = options.minLength ?? 1;
    if (value.length < minLength || value.length > options.maxLength) {
      throw this.#invalid(
        key,
        `length ${value.length} is outside ${minLength}..${options.maxLength}`,
      );
    }
    if (!isPrintable(value)) throw this.#invalid(key, "control characters are not allowed");
    return value;
  }

  /** A finite number within its bounds. */
  number(key: string, options: NumberBounds & Absent<number>): number {
    if (!this.has(key)) return this.#absent(key, options);
    const value = this.#object[key];
    if (typeof value !== "number" || !Number.isFinite(value)) {
      throw this.#invalid(key, "expected a finite number");
    }
    if (value < options.min || value > options.max) {
      throw this.#invalid(key, `the number is outside ${options.min}..${options.max}`);
    }
    return value;
  }

  /** A whole number within its bounds. */
  integer(key: string, options: NumberBounds & Absent<number>): number {
    const value = this.number(key, options);
    if (!Number.isInteger(value)) throw this.#invalid(key, "expected a whole number");
    return value;
  }

  /** A number within its bounds, or `null`, which also stands for absence. */
  numberOrNull(key: string, options: NumberBounds): number | null {
    return this.raw(key) === undefined || this.raw(key) === null ? null : this.number(key, options);
  }

  /** Printable text within its bounds, or `null`, which also stands for absence. */
  textOrNull(key: string, options: TextBounds): string | null {
    return this.raw(key) === undefined || this.raw(key) === null ? null : this.text(key, options);
  }

  boolean(key: string, options: Absent<boolean> = {}): boolean {
    if (!this.has(key)) return this.#absent(key, options);
    const value = this.#object[key];
    if (typeof value !== "boolean") throw this.#invalid(key, "expected true or false");
    return value;
  }

  /** One of a closed set of words. */
  oneOf<T extends string>(key: string, words: readonly T[], options: Absent<T> = {}): T {
    if (!this.has(key)) return this.#absent(key, options);
    const value = this.#object[key];
    const word = words.find((candidate) => candidate === value);
    if (word === undefined) throw this.#invalid(key, `expected one of ${words.join(", ")}`);
    return word;
  }

  /** The members of an object field. */
  object(key: string, options: Absent<JsonObject> = {}): Fields {
    const value = this.has(key) ? this.#object[key] : this.#absent(key, options);
    return Fields.of(value, this.#join(key));
  }

  /** The untrusted members of an array field with at most `maxItems` of them. */
  list(
    key: string,
    options: { readonly maxItems: number } & Absent<readonly unknown[]>,
  ): readonly unknown[] {
    if (!this.has(key)) return this.#absent(key, options);
    const value = this.#object[key];
    if (!Array.isArray(value)) throw this.#invalid(key, "expected a list");
    if (value.length > options.maxItems) {
      throw this.#invalid(key, `${value.length} items exceed ${options.maxItems}`);
    }
    return value;
  }

  /** A list of printable texts. */
  texts(
    key: string,
    options: { readonly maxItems: number; readonly maxLength: number } & Absent<readonly string[]>,
  ): readonly string[] {
    const items = this.list(key, options);
    const list = Fields.of({ ...items }, this.#join(key));
    return items.map((_, index) => list.text(String(index), { maxLength: options.maxLength }));
  }

  #absent<T>(key: string, options: Absent<T>): T {
    if (options.absent !== undefined) return options.absent;
    throw new FieldError("missing_field", this.#join(key), "the field is missing");
  }

  #invalid(key: string, reason: string): FieldError {
    return new FieldError("invalid_field", this.#join(key), reason);
  }

  #join(key: string): string {
    return this.#path ? `${this.#path}.${key}` : key;
  }
}
