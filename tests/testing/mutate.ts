/** Damage for fuzz tests, and the seed it grows from. */

import { type Bytes, concatBytes } from "../../src/base/bytes.ts";
import { type Random, randomBelow } from "../../src/base/random.ts";

const DEFAULT_SEED = 20_260_917;

/** `HAMLET_FUZZ_SEED` where it is set and may be read, else a fixed number. */
export function fuzzSeed(): number {
  try {
    const text = Deno.env.get("HAMLET_FUZZ_SEED");
    if (text && /^\d+$/.test(text)) return Number(text) >>> 0;
  } catch {
    // Not permitted to read the environment: the fixed seed it is.
  }
  return DEFAULT_SEED;
}

/** A copy of `bytes` with one to three random injuries. */
export function mutateBytes(random: Random, bytes: Uint8Array): Bytes {
  let result: Bytes = new Uint8Array(bytes);
  const injuries = 1 + randomBelow(random, 3);
  for (let i = 0; i < injuries; i++) {
    const at = randomBelow(random, result.length + 1);
    const until = Math.min(result.length, at + 1 + randomBelow(random, 16));
    const noise = Uint8Array.from({ length: 1 + randomBelow(random, 8) }, () => byte(random));
    const head = result.slice(0, at);
    const tail = result.slice(until);
    switch (randomBelow(random, 5)) {
      case 0:
        result = head;
        break;
      case 1:
        result = concatBytes(head, tail);
        break;
      case 2:
        result = concatBytes(head, noise, result.slice(at));
        break;
      case 3:
        result = concatBytes(head, result.slice(at, until), result.slice(at));
        break;
      default:
        if (at < result.length) result[at] = (result[at] ?? 0) ^ (1 << randomBelow(random, 8));
    }
  }
  return result;
}

/** Values that decoders have stumbled over. */
export const HOSTILE_VALUES: readonly unknown[] = [
  null,
  true,
  "",
  "x",
  "\u0000",
  "a".repeat(129),
  "\ud800",
  -1,
  0.5,
  1e308,
  Infinity,
  NaN,
  [],
  [[[]]],
  {},
  { toJSON: 1 },
  JSON.parse('{"__proto__":{"polluted":true}}'),
  JSON.parse('{"constructor":{"prototype":{"polluted":true}}}'),
];

/** A copy of a JSON object with some member, at any depth, replaced, removed or added. */
export function mutateObject(random: Random, object: Readonly<Record<string, unknown>>) {
  const copy: Record<string, unknown> = structuredClone(object);
  let place = copy;
  for (;;) {
    const inner = Object.values(place).filter((value): value is Record<string, unknown> =>
      typeof value === "object" && value !== null
    );
    const next = inner[randomBelow(random, inner.length * 2 + 1)];
    if (!next) break;
    place = next;
  }
  const keys = Object.keys(place);
  const key = keys[randomBelow(random, keys.length + 1)] ?? "extra";
  if (randomBelow(random, 5) === 0) delete place[key];
  else place[key] = HOSTILE_VALUES[randomBelow(random, HOSTILE_VALUES.length)];
  return copy;
}

/** `JSON.stringify`, with numbers that JSON cannot spell written as ones that parse to infinity. */
export function hostileJson(value: unknown): string {
  return JSON.stringify(
    value,
    (_, item) => typeof item === "number" && !Number.isFinite(item) ? "#huge#" : item,
  ).replaceAll('"#huge#"', "1e999");
}

/** Fails when a prototype was changed by what was read. */
export function pollution(): readonly string[] {
  const probe: Record<string, unknown> = {};
  const found: string[] = [];
  for (const key in probe) found.push(key);
  if (probe["polluted"] !== undefined) found.push("polluted");
  if (([] as unknown as Record<string, unknown>)["polluted"] !== undefined) found.push("array");
  return found;
}

export function byte(random: Random): number {
  return randomBelow(random, 256);
}
