/**
 * How a genome looks on the wire: real vectors as base64url of little-endian IEEE 754 doubles, exact and a third of
 * their decimal text; bit strings and permutations as JSON arrays (PROTOCOL.md section 13).
 */

import { decodeBase64Url, encodeBase64Url } from "../../base/bytes.ts";
import { FieldError } from "../../base/guards.ts";
import { type Genome, isGenome, type Space } from "../evolve/space.ts";

/** A genome as JSON. */
export type WireGenome = string | readonly number[];

const NUMBER_BYTES = 8;

export function encodeGenome(genome: Genome, space: Space): WireGenome {
  if (space.kind !== "real") return genome;
  const bytes = new Uint8Array(genome.length * NUMBER_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [i, x] of genome.entries()) view.setFloat64(i * NUMBER_BYTES, x, true);
  return encodeBase64Url(bytes);
}

/** Reads a genome of `space`. Throws {@link FieldError}; `path` names the field in it. */
export function decodeGenome(value: unknown, space: Space, path = "genome"): Genome {
  const genome = space.kind === "real" ? numbersOf(value, space.dims) : value;
  if (!isGenome(genome, space)) throw new FieldError("invalid_field", path, "it is no genome");
  return Object.freeze(genome.slice());
}

function numbersOf(value: unknown, count: number): readonly number[] | undefined {
  if (typeof value !== "string") return undefined;
  const bytes = decodeBase64Url(value, count * NUMBER_BYTES);
  if (!bytes) return undefined;
  const view = new DataView(bytes.buffer);
  return Array.from({ length: count }, (_, i) => view.getFloat64(i * NUMBER_BYTES, true));
}
