/**
 * The protocol overhead: one port for every protocol, against a decoder that knows what is coming.
 * `scripts/overhead.ts` gives the same comparison as one percentage a path.
 */

import { checkComparison, compareJson, compareSealed } from "./lib/detection.ts";
import { SIZES } from "./lib/samples.ts";

const comparisons = [...SIZES.map(compareSealed), ...SIZES.map(compareJson)];

for (const comparison of comparisons) {
  checkComparison(comparison);
  const { path, size } = comparison;
  const group = `protocol overhead, ${path}, ${size.frames} x ${size.label}`;
  Deno.bench({
    name: `${path} ${size.label}, no detection`,
    group,
    baseline: true,
    fn: () => void comparison.plain(),
  });
  Deno.bench({
    name: `${path} ${size.label}, detection`,
    group,
    fn: () => void comparison.detecting(),
  });
}
