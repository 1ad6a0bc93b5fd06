/**
 * Keeps a search within bounds, in coordinates in which every range is 1 and its middle 0. Within margins along a bound
 * the world is bent: a coordinate comes to the bound with the slope of zero and back, as in N. Hansen's
 * `boundary_transformation` of c-cmaes (`BoundTransform` in pycma), so that an optimum on a bound looks to the search as
 * one within. Elsewhere the transformation is the identity. The original repeats its mirror for ever, which makes the
 * world periodic and hides which way a slope leads: BBOB's f15 in 10 dimensions then takes 500,000 evaluations instead
 * of 100,000. So points beyond the bend are reflected, and the search learns from where they came to lie (reflection as
 * Lamarckian repair: R. Biedrzycki, "Handling bound constraints in CMA-ES: an experimental study", 2020). The order of
 * fitness is all that the search sees: there is no penalty to be weighed. The margin is a twentieth of the range, where
 * the original's depends on how far a bound is from zero: a space that is shifted or stretched is searched alike.
 */

import type { Genome, RealSpace } from "./space.ts";
import type { Vector } from "./vectors.ts";

const MARGIN = 0.05;
/** What lies within is the identity. */
const PLAIN = 0.5 - MARGIN;
/** Where the bend touches the bound. */
const EDGE = 0.5 + MARGIN;
/** Where it is over. */
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

/** The genome of a point that {@link contain} has seen. */
export function genomeOf(point: Vector, { lower, upper }: RealSpace): Genome {
  return Array.from(point, (u, i) => {
    const low = lower[i] as number;
    const high = upper[i] as number;
    const x = low / 2 + high / 2 + bend(u) * (high - low);
    return Math.min(high, Math.max(low, x));
  });
}

/** The point, on this side of the bend, that has this genome. */
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
