/**
 * Which search looks through which space, and how a search that was kept goes on. A snapshot comes from a file that a
 * crash may have cut or mixed up: it is checked, and refused as a whole where it does not fit.
 */

import { unreachable } from "../../base/errors.ts";
import { Fields } from "../../base/guards.ts";
import type { Random } from "../../base/random.ts";
import { CmaEs, type CmaOptions } from "./cma_es.ts";
import { Generator } from "./generator.ts";
import { BitBreed } from "./genetic_bits.ts";
import { PermutationBreed } from "./genetic_permutation.ts";
import { GeneticSearch } from "./genetic_search.ts";
import type { Optimizer } from "./optimizer.ts";
import type { Space } from "./space.ts";

/**
 * A new search of `space`, the same for the same numbers of `random`, of which four are drawn at once. `options` are for
 * real spaces. Throws `RangeError` for options out of range.
 */
export function newOptimizer(space: Space, random: Random, options: CmaOptions = {}): Optimizer {
  const generator = Generator.from(random);
  switch (space.kind) {
    case "real":
      return CmaEs.create(space, generator, options);
    case "bits":
      return new GeneticSearch(new BitBreed(space), generator);
    case "permutation":
      return new GeneticSearch(new PermutationBreed(space), generator);
    default:
      return unreachable(space);
  }
}

/** The search that {@link Optimizer.snapshot} kept, of this space. Throws {@link FieldError} where it is not whole. */
export function restoreOptimizer(space: Space, snapshot: unknown): Optimizer {
  const fields = Fields.of(snapshot, "snapshot");
  switch (space.kind) {
    case "real":
      return CmaEs.restore(space, fields);
    case "bits":
      return GeneticSearch.restore(new BitBreed(space), fields);
    case "permutation":
      return GeneticSearch.restore(new PermutationBreed(space), fields);
    default:
      return unreachable(space);
  }
}
