/**
 * Which search looks through which space, and how a search that was kept goes on. A snapshot comes from a file that a
 * crash may have cut or mixed up: it is checked, and refused as a whole by {@link FieldError} where it does not fit.
 */

import { Fields, type JsonObject } from "../../base/guards.ts";
import type { Random } from "../../base/random.ts";
import { CmaEs, type CmaOptions } from "./cma_es.ts";
import { Generator } from "./generator.ts";
import type { Optimizer } from "./optimizer.ts";
import type { Space } from "./space.ts";

const VERSION = 1;

/** A new search of `space`, the same for the same numbers of `random`, of which a few are drawn at once. */
export function newOptimizer(space: Space, random: Random, options: CmaOptions = {}): Optimizer {
  const generator = Generator.from(random);
  switch (space.kind) {
    case "real":
      return CmaEs.create(space, generator, options);
    default:
      throw new RangeError(`Cannot search: no search for ${space.kind}`);
  }
}

/** Everything that {@link restoreOptimizer} needs, as JSON. */
export function snapshotOptimizer(optimizer: Optimizer): JsonObject {
  return { version: VERSION, kind: optimizer.space.kind, ...optimizer.snapshot() };
}

/** The search that {@link snapshotOptimizer} kept, of this space. Throws {@link FieldError} where it is not whole. */
export function restoreOptimizer(space: Space, snapshot: unknown): Optimizer {
  const fields = Fields.of(snapshot, "snapshot");
  fields.integer("version", { min: VERSION, max: VERSION });
  fields.oneOf("kind", [space.kind]);
  switch (space.kind) {
    case "real":
      return CmaEs.restore(space, fields);
    default:
      throw new RangeError(`Cannot search: no search for ${space.kind}`);
  }
}
