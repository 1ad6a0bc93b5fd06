/**
 * What a search looks through: the space of its genomes, and how a genome looks as JSON. Everything here is
 * checked when a job is read, so that an optimiser and a worker may rely on it.
 */

import { FieldError, Fields } from "../../base/guards.ts";

/** Vectors of `dims` real numbers within bounds, one pair for each dimension. */
export interface RealSpace {
  readonly kind: "real";
  readonly dims: number;
  readonly lower: readonly number[];
  readonly upper: readonly number[];
}

/** Strings of `dims` bits. */
export interface BitSpace {
  readonly kind: "bits";
  readonly dims: number;
}

/** Orders of the numbers 0 to `dims - 1`. */
export interface PermutationSpace {
  readonly kind: "permutation";
  readonly dims: number;
}

export type Space = RealSpace | BitSpace | PermutationSpace;

/** Real: finite numbers. Bits: 0 and 1. Permutation: each of 0 to `dims - 1` once. Never changed once made. */
export type Genome = readonly number[];

/** So many that a genome still fits into one envelope. */
export const MAX_DIMS = 4_096;
/** Beyond it, sums of squares of numbers within bounds overflow. */
const MAX_BOUND = 1e100;

/** Reads a space from what a person or a peer gave. Throws {@link FieldError}. */
export function readSpace(json: unknown): Space {
  const fields = Fields.of(json, "space");
  const kind = fields.oneOf("kind", ["real", "bits", "permutation"]);
  const min = kind === "permutation" ? 2 : 1;
  const dims = fields.integer("dims", { min, max: MAX_DIMS });
  return kind === "real" ? { kind, dims, ...readBounds(fields, dims) } : { kind, dims };
}

/** Whether `value` is a genome of `space`. */
export function isGenome(value: unknown, space: Space): value is Genome {
  if (!Array.isArray(value) || value.length !== space.dims) return false;
  switch (space.kind) {
    case "real":
      return value.every((x, i) =>
        typeof x === "number" && x >= (space.lower[i] ?? NaN) && x <= (space.upper[i] ?? NaN)
      );
    case "bits":
      return value.every((bit) => bit === 0 || bit === 1);
    case "permutation":
      return new Set(value).size === value.length &&
        value.every((item) => Number.isInteger(item) && item >= 0 && item < space.dims);
  }
}

function readBounds(fields: Fields, dims: number): Pick<RealSpace, "lower" | "upper"> {
  const read = (key: string) => {
    const list = fields.list(key, { maxItems: MAX_DIMS });
    if (list.length !== dims) {
      throw new FieldError("invalid_field", `space.${key}`, `${list.length} numbers for ${dims}`);
    }
    const numbers = Fields.of({ ...list }, `space.${key}`);
    return list.map((_, i) => numbers.number(String(i), { min: -MAX_BOUND, max: MAX_BOUND }));
  };
  const lower = read("lower");
  const upper = read("upper");
  const wrong = lower.findIndex((low, i) => !(low < (upper[i] ?? NaN)));
  if (wrong >= 0) {
    throw new FieldError("invalid_field", `space.lower.${wrong}`, "not below its upper bound");
  }
  return { lower, upper };
}
