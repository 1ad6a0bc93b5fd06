import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { seededRandom } from "../../../src/base/random.ts";
import {
  approach,
  contain,
  genomeOf,
  isBeyond,
  pointOf,
  twinOf,
} from "../../../src/work/evolve/box.ts";
import { isGenome, type RealSpace } from "../../../src/work/evolve/space.ts";
import { PURE } from "./functions.ts";

const SPACE: RealSpace = {
  kind: "real",
  dims: 4,
  lower: [-5, 0, 1e6, -1e100],
  upper: [5, 1e-9, 1e6 + 1, 1e100],
};

function at(u: number): number {
  return genomeOf(Float64Array.of(u), { kind: "real", dims: 1, lower: [-5], upper: [5] })[0] ?? NaN;
}

Deno.test("genomeOf() is the identity but for the margins, and reaches both bounds", PURE, () => {
  for (const [u, x] of [[0, 0], [0.3, 3], [-0.45, -4.5], [0.55, 5], [-0.55, -5]] as const) {
    assertAlmostEquals(at(u), x, 1e-12);
  }
  // Quadratic in between: 5 - 10 (0.55 - u)^2 / 0.2.
  assertAlmostEquals(at(0.5), 5 - 10 * 0.05 ** 2 / 0.2, 1e-12);
});

Deno.test("twinOf() has the same genome", PURE, () => {
  for (const u of [0.46, 0.5, 0.55, 0.6, 0.65, -0.47, -0.65]) {
    assertAlmostEquals(at(twinOf(u)), at(u), 1e-12);
    assertEquals(isBeyond(u) && isBeyond(twinOf(u)), false);
  }
});

Deno.test("genomeOf() stays within the bounds wherever a point was", PURE, () => {
  const random = seededRandom(5);
  for (let i = 0; i < 5_000; i++) {
    const size = 10 ** (6 * random.next() - 3);
    const point = Float64Array.from({ length: 4 }, () => (random.next() - 0.5) * size);
    const before = point.slice();
    contain(point);
    assert(isGenome(genomeOf(point, SPACE), SPACE), `${before}`);
    point.forEach((u, k) => {
      if (Math.abs(before[k] ?? 0) <= 0.65) assertEquals(u, before[k]);
    });
  }
});

Deno.test("contain() reflects at 0.65", PURE, () => {
  const point = Float64Array.of(0.7, -0.8, 1.9, 0.65);
  contain(point);
  [0.6, -0.5, -0.6, 0.65].forEach((u, i) => assertAlmostEquals(point[i] ?? NaN, u, 1e-12));
});

Deno.test("pointOf() is undone by genomeOf()", PURE, () => {
  const random = seededRandom(6);
  for (let i = 0; i < 2_000; i++) {
    const genome = SPACE.lower.map((low, k) => {
      const share = i % 3 === 0 ? Math.round(random.next()) : random.next();
      return low + share * ((SPACE.upper[k] ?? 0) - low);
    });
    genomeOf(pointOf(genome, SPACE), SPACE).forEach((x, k) => {
      const range = (SPACE.upper[k] ?? 0) - (SPACE.lower[k] ?? 0);
      assertAlmostEquals((x - (genome[k] ?? 0)) / range, 0, 1e-9);
    });
  }
});

Deno.test("approach() takes the twin that is nearer to the mean", PURE, () => {
  const near = approach(Float64Array.of(0.6, 0.6, 0.2), Float64Array.of(0.4, 0.64, 0.6));
  [0.5, 0.6, 0.2].forEach((u, i) => assertAlmostEquals(near[i] ?? NaN, u, 1e-12));
});
