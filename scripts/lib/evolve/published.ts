/**
 * What CMA-ES takes by others' measurements: N. Hansen, "Benchmarking a BI-Population CMA-ES on the BBOB-2009 Function
 * Testbed" (GECCO 2009), from the tables that COCO makes of its data ("aRT in number of function evaluations divided by
 * the best aRT measured during BBOB-2009", ppdata-archive, bbob/2009, row BIPOP-CMA-ES, last column). That column's
 * precision is 1e-7; ours is counted to 1e-8, which takes a tenth more at most. The aRT is the mean over 15 runs.
 */

import type { BbobName } from "./bbob_functions.ts";

export interface Published {
  readonly name: BbobName;
  readonly dims: number;
  /** The best of all algorithms of 2009, and Hansen's by it. */
  readonly best: number;
  readonly ratio: number;
}

export const PUBLISHED: readonly Published[] = [
  { name: "f1 sphere", dims: 10, best: 23, ratio: 57.753623 },
  { name: "f1 sphere", dims: 20, best: 43, ratio: 57.368992 },
  { name: "f10 ellipsoid", dims: 10, best: 4_739, ratio: 1.227052 },
  { name: "f10 ellipsoid", dims: 20, best: 17_476, ratio: 1.107584 },
  { name: "f8 rosenbrock", dims: 10, best: 1_343, ratio: 4.609531 },
  { name: "f8 rosenbrock", dims: 20, best: 4_484, ratio: 4.613381 },
  { name: "f15 rastrigin", dims: 10, best: 79_834, ratio: 1.319209 },
  // The table gives this one with two digits.
  { name: "f15 rastrigin", dims: 20, best: 460_000, ratio: 0.999999 },
];

export const SOURCE =
  "Hansen, BIPOP-CMA-ES on BBOB-2009 (GECCO 2009), COCO's aRT table, precision 1e-7";
