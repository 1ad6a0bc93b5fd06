/**
 * Deep equality as `@std/assert` defines it. Where it differs from `node:util`'s
 * `isDeepStrictEqual`, and so cannot be built on it: `0` equals `-0`, a `null` prototype equals
 * `Object.prototype`, getters of a class count as values, weak references are followed.
 *
 * @module
 */

type Keyed = Map<unknown, unknown> | Set<unknown>;
type Compare = (a: unknown, b: unknown) => boolean;

/** Classes whose text says everything that counts; a pattern's `lastIndex` does not. */
const COMPARED_AS_TEXT: ReadonlySet<unknown> = new Set([
  RegExp.prototype,
  URL.prototype,
  URLSearchParams.prototype,
  Intl.Locale.prototype,
  Temporal.Duration.prototype,
  Temporal.Instant.prototype,
  Temporal.PlainDate.prototype,
  Temporal.PlainDateTime.prototype,
  Temporal.PlainMonthDay.prototype,
  Temporal.PlainTime.prototype,
  Temporal.PlainYearMonth.prototype,
  Temporal.ZonedDateTime.prototype,
]);

/**
 * Whether two values are deeply equal.
 *
 * Numbers compare as `===`, with `NaN` equal to itself. Objects need the same prototype and the
 * same keys: a key holding `undefined` is not an absent key. Own non-enumerable members and
 * inherited getters count for class instances, not for plain objects and arrays. Sets and Maps
 * ignore order; bytes compare one by one; cycles end the walk.
 *
 * @throws {TypeError} For two `WeakMap`s or two `WeakSet`s, which nobody can look into.
 */
export function equal(a: unknown, b: unknown): boolean {
  // Pairs met on the way, taken as equal until shown otherwise: this is what ends a cycle.
  const assumed = new Map<unknown, unknown>();

  const compare: Compare = (a, b) => {
    if (a === b || Object.is(a, b)) return true;
    if (!isObject(a) || !isObject(b)) return false;
    if (a instanceof Date && b instanceof Date) return Object.is(a.getTime(), b.getTime());
    if (!samePrototype(a, b)) return false;
    const leaf = compareOpaque(a, b);
    if (leaf !== undefined) return leaf;
    if (a instanceof WeakRef && b instanceof WeakRef) return compare(a.deref(), b.deref());
    if (assumed.get(a) === b) return true;
    assumed.set(a, b);
    const same = compareMembers(a, b, compare);
    if (!same) assumed.delete(a);
    return same;
  };

  return compare(a, b);
}

/** The answer for values read as a whole, or `undefined` when their members must be compared. */
function compareOpaque(a: object, b: object): boolean | undefined {
  const [bytesA, bytesB] = [elements(a), elements(b)];
  if (bytesA && bytesB) return compareElements(bytesA, bytesB);
  if (a instanceof WeakMap) throw new TypeError("Cannot compare WeakMap instances");
  if (a instanceof WeakSet) throw new TypeError("Cannot compare WeakSet instances");
  return undefined;
}

function elements(value: object): ArrayLike<unknown> | undefined {
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) {
    return new Uint8Array(value);
  }
  if (!ArrayBuffer.isView(value) || value instanceof DataView) return undefined;
  return value as ArrayBufferView & ArrayLike<unknown>;
}

function compareElements(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i] && !Object.is(a[i], b[i])) return false;
  }
  return true;
}

function compareMembers(a: object, b: object, compare: Compare): boolean {
  if (Object.keys(a).length !== Object.keys(b).length) return false;
  if (isKeyed(a) && isKeyed(b)) return compareKeyed(a, b, compare);
  if (COMPARED_AS_TEXT.has(Object.getPrototypeOf(a))) return String(a) === String(b);
  for (const key of memberKeys(a, b)) {
    if ((key in a) !== (key in b)) return false;
    if (!compare(Reflect.get(a, key), Reflect.get(b, key))) return false;
  }
  return true;
}

/** Each entry of `a` needs a partner in `b`; sizes being equal, order says nothing. */
function compareKeyed(a: Keyed, b: Keyed, compare: Compare): boolean {
  if (a.size !== b.size) return false;
  if (![...a.keys()].some(isObjectOrFunction)) {
    for (const key of a.keys()) {
      if (!b.has(key)) return false;
      if (a instanceof Map && b instanceof Map && !compare(a.get(key), b.get(key))) return false;
    }
    return true;
  }
  const others = [...b.entries()];
  return [...a.entries()].every(([key, value]) =>
    others.some(([otherKey, otherValue]) => compare(key, otherKey) && compare(value, otherValue))
  );
}

function memberKeys(a: object, b: object): Set<string | symbol> {
  const keys = isPlain(a) ? enumerableKeys : inheritedKeys;
  return new Set([...keys(a), ...keys(b)]);
}

function enumerableKeys(value: object): (string | symbol)[] {
  return Reflect.ownKeys(value).filter((key) =>
    Object.prototype.propertyIsEnumerable.call(value, key)
  );
}

function inheritedKeys(value: object): (string | symbol)[] {
  const keys: (string | symbol)[] = [];
  let level: object | null = value;
  while (level !== null && level !== Object.prototype && level !== Array.prototype) {
    keys.push(...Reflect.ownKeys(level));
    level = Object.getPrototypeOf(level) as object | null;
  }
  return keys;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || prototype === Array.prototype;
}

function samePrototype(a: object, b: object): boolean {
  return prototypeOrDefault(a) === prototypeOrDefault(b);
}

function prototypeOrDefault(value: object): unknown {
  return Object.getPrototypeOf(value) ?? Object.prototype;
}

function isKeyed(value: object): value is Keyed {
  return value instanceof Map || value instanceof Set;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isObjectOrFunction(value: unknown): boolean {
  return isObject(value) || typeof value === "function";
}
