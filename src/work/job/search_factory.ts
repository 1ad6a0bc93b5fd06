/** The searches of `work/evolve`, as an island is given them. */

import { seededRandom } from "../../base/random.ts";
import { newOptimizer, restoreOptimizer } from "../evolve/optimizers.ts";
import type { SearchFactory } from "./job_outlet.ts";

export function newSearchFactory(): SearchFactory {
  return {
    create: (space, seed) => newOptimizer(space, seededRandom(seed)),
    restore: restoreOptimizer,
  };
}
