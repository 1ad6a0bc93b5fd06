/**
 * Reads and writes `a.b.c` in plain objects. Names come from the command line, so what an object
 * inherits is never followed and its prototype never replaced.
 *
 * @module
 */

export type Nested = Record<string, unknown>;

/** Whether every part of `path` is an own property. */
export function hasPath(root: Nested, path: string): boolean {
  let level: unknown = root;
  for (const key of path.split(".")) {
    if (!isContainer(level) || !Object.hasOwn(level, key)) return false;
    level = level[key];
  }
  return true;
}

/**
 * Writes `value` at `path`, making the objects in between; with `collect`, appends it to the list
 * there, which starts with what was there before. A path through `__proto__` is dropped.
 *
 * @throws {TypeError} When the path leads through a value that is no object (`--a=1 --a.b=2`).
 */
export function setPath(root: Nested, path: string, value: unknown, collect = false): void {
  const keys = path.split(".");
  if (keys.includes("__proto__")) return;
  const last = keys.pop() ?? "";
  let level = root;
  for (const key of keys) {
    const next = own(level, key) ?? {};
    if (!isContainer(next)) {
      throw new TypeError(`Cannot set flag ${path}: ${key} already holds a ${typeof next}`);
    }
    level[key] = next;
    level = next;
  }
  level[last] = collect ? appended(own(level, last), value) : value;
}

function appended(current: unknown, value: unknown): unknown[] {
  if (!Array.isArray(current)) return current ? [current, value] : [value];
  current.push(value);
  return current;
}

function own(object: Nested, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function isContainer(value: unknown): value is Nested {
  return typeof value === "object" && value !== null;
}
