/**
 * Reads the parts of a search's snapshot, which comes from a file that a crash may have damaged: vectors, matrices,
 * fitness. Everything is of the size that is asked for, and finite, or refused by {@link FieldError}.
 */

import { FieldError, Fields } from "../../base/guards.ts";
import type { Vector } from "./vectors.ts";

/** So large that no sum of squares of them overflows. */
const MAX_VALUE = 1e150;

export function readVector(fields: Fields, key: string, length: number): Vector {
  return toVector(fields.raw(key), key, length);
}

export function readRows(
  fields: Fields,
  key: string,
  { rows, columns }: { readonly rows: number; readonly columns: number },
): Vector[] {
  const list = fields.list(key, { maxItems: rows });
  if (list.length !== rows) throw wrongLength(key, list.length, rows);
  return list.map((row, i) => toVector(row, `${key}.${i}`, columns));
}

/** A fitness as JSON: `Infinity` is `null`. */
export function writeFitness(fitness: number): number | null {
  return Number.isFinite(fitness) ? fitness : null;
}

/** What {@link writeFitness} wrote. */
export function readFitness(fields: Fields, key: string): number {
  return fields.numberOrNull(key, { min: -Number.MAX_VALUE, max: Number.MAX_VALUE }) ?? Infinity;
}

/** A list of what {@link writeFitness} wrote, with at most `maxItems`. */
export function readFitnesses(fields: Fields, key: string, maxItems: number): number[] {
  const list = fields.list(key, { maxItems });
  const items = Fields.of({ ...list }, key);
  return list.map((_, i) => readFitness(items, String(i)));
}

/** What was told, as something that can be ranked: NaN is as bad as it gets. */
export function toFitness(told: number): number {
  return Number.isNaN(told) ? Infinity : Math.max(told, -Number.MAX_VALUE);
}

function toVector(value: unknown, path: string, length: number): Vector {
  if (!Array.isArray(value)) throw new FieldError("invalid_field", path, "expected a list");
  if (value.length !== length) throw wrongLength(path, value.length, length);
  const isSound = value.every((x) => typeof x === "number" && Math.abs(x) <= MAX_VALUE);
  if (!isSound) throw new FieldError("invalid_field", path, "expected finite numbers");
  return Float64Array.from(value);
}

function wrongLength(path: string, seen: number, wanted: number): FieldError {
  return new FieldError("invalid_field", path, `${seen} items instead of ${wanted}`);
}
