/**
 * The parts of a search's snapshot: vectors and matrices as base64url of little-endian doubles, exact and half as long as
 * in digits, and fitness. A snapshot comes from a file that a crash may have damaged: everything is of the size that is
 * asked for, and finite, or refused by {@link FieldError}.
 */

import { decodeBase64Url, encodeBase64Url } from "../../base/bytes.ts";
import { FieldError, Fields } from "../../base/guards.ts";
import type { Vector } from "./vectors.ts";

/** So large that no sum of squares of them overflows. */
const MAX_VALUE = 1e150;
const NUMBER_BYTES = 8;
/** Numbers of what is under way in a snapshot; with a population and a matrix it stays below 3 MB. */
const MAX_KEPT_NUMBERS = 50_000;

/** A vector as JSON. */
export function writeVector(vector: Vector): string {
  const bytes = new Uint8Array(vector.length * NUMBER_BYTES);
  const view = new DataView(bytes.buffer);
  vector.forEach((value, i) => view.setFloat64(i * NUMBER_BYTES, value, true));
  return encodeBase64Url(bytes);
}

/** What {@link writeVector} wrote of so many numbers. */
export function readVector(fields: Fields, key: string, length: number): Vector {
  return toVector(fields.raw(key), key, length);
}

/** What {@link writeVector} wrote of each row. */
export function readRows(
  fields: Fields,
  key: string,
  { rows, columns }: { readonly rows: number; readonly columns: number },
): Vector[] {
  const list = fields.list(key, { maxItems: rows });
  if (list.length !== rows) {
    throw new FieldError("invalid_field", key, `${list.length} rows instead of ${rows}`);
  }
  return list.map((row, i) => toVector(row, `${key}.${i}`, columns));
}

/** How much of what is under way a snapshot keeps; what is left out is not asked again, and costs its evaluations. */
export function keptUnderWay(dims: number): number {
  return Math.max(1, Math.floor(MAX_KEPT_NUMBERS / dims));
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
  const bytes = typeof value === "string"
    ? decodeBase64Url(value, length * NUMBER_BYTES)
    : undefined;
  if (!bytes) throw new FieldError("invalid_field", path, `expected ${length} numbers`);
  const view = new DataView(bytes.buffer);
  const vector = Float64Array.from(
    { length },
    (_, i) => view.getFloat64(i * NUMBER_BYTES, true),
  );
  if (vector.every((x) => Math.abs(x) <= MAX_VALUE)) return vector;
  throw new FieldError("invalid_field", path, "expected finite numbers");
}
