/**
 * Keeps a search within bounds, in coordinates in which every range is 1 and its middle 0. The order of fitness is all
 * that the search sees: there is no penalty to be weighed. Two published ways are joined, since each alone was measured
 * to fail somewhere:
 *
 * ```text
 * genome   lower |   . . . . . the same . . . . .   | upper
 * point    -0.6  -0.55  -0.45                0.45  0.55  0.6
 *          reflected | bound | bent | identity | bent | bound | reflected
 * ```
 *
 * Near a bound the world is bent, quadratic with the slope of zero on it, as in N. Hansen's `boundary_transformation` of
 * c-cmaes (`BoundTransform` in pycma), so that an optimum there looks like one within. The original then goes back and
 * repeats for ever, which makes the world periodic and hides which way is down: BBOB's f15 in 10 dimensions took 500,000
 * evaluations instead of 150,000. So beyond it lies the bound itself for a while (projection), and what would lie
 * further is reflected, and the search learns from where it came to lie (R. Biedrzycki, "Handling bound constraints in
 * CMA-ES: An experimental study", 2020, compares these). With reflection alone, an optimum on a bound is never reached.
 * The margin is a twentieth of the range, where the original's depends on how far a bound is from zero: a space that is
 * shifted or stretched is searched alike.
 */

import type { Genome, RealSpace } from "./space.ts";
import type { Vector } from "./vectors.ts";

const MARGIN = 0.05;
/** What lies within is the identity. */
const PLAIN = 0.5 - MARGIN;
/** Where the bend comes to the bound. */
const EDGE = 0.5 + MARGIN;
/** Where the mirror stands. */
const END = 0.5 + 3 * MARGIN;

/** Reflects the point, in place, into where genomes are made from. */
export function contain(point: Vector): void {
  point.forEach((u, i) => {
    if (Math.abs(u) <= END) return;
    const period = 4 * END;
    const turned = (((u + END) % period) + period) % period;
    point[i] = (turned <= 2 * END ? turned : period - turned) - END;
  });
}

/** The other coordinate that has the same genome; only beyond {@link PLAIN} there is one. */
export function twinOf(u: number): number {
  return Math.sign(u) * 2 * EDGE - u;
}

/** Whether a mean's coordinate is beyond the bound, where its twin is the same and has more room. */
export function isBeyond(u: number): boolean {
  return Math.abs(u) > EDGE;
}

/** Makes `point`, which stays the same genome, as near to `mean` as it can be. */
export function approach(point: Vector, mean: Vector): Vector {
  return point.map((u, i) => {
    if (Math.abs(u) <= PLAIN) return u;
    const twin = twinOf(u);
    const to = mean[i] as number;
    return Math.abs(twin - to) < Math.abs(u - to) ? twin : u;
  });
}

/** The genome of a point that {@link contain} has seen. */
export function genomeOf(point: Vector, { lower, upper }: RealSpace): Genome {
  return Array.from(point, (u, i) => {
    const low = lower[i] as number;
    const high = upper[i] as number;
    const x = low / 2 + high / 2 + bend(u) * (high - low);
    return Math.min(high, Math.max(low, x));
  });
}

/** A point that has this genome. */
export function pointOf(genome: Genome, { lower, upper }: RealSpace): Vector {
  return Float64Array.from(genome, (x, i) => {
    const low = lower[i] as number;
    const high = upper[i] as number;
    return unbend((x - (low / 2 + high / 2)) / (high - low));
  });
}

function bend(u: number): number {
  const size = Math.abs(u);
  if (size <= PLAIN) return u;
  return Math.sign(u) * (0.5 - (EDGE - size) ** 2 / (4 * MARGIN));
}

function unbend(v: number): number {
  const size = Math.min(0.5, Math.abs(v));
  return size <= PLAIN ? v : Math.sign(v) * (EDGE - Math.sqrt(4 * MARGIN * (0.5 - size)));
}
