/**
 * Keeps an unbounded search within bounds: coordinates in which every range is 1 and its middle 0, and a transformation
 * that is the identity but for margins along the bounds, quadratic there, and mirrored beyond (N. Hansen's
 * `boundary_transformation` of c-cmaes, `BoundTransform` in pycma). The order of fitness is all that a search sees, so
 * no penalty has to be weighed against it. The margins are a twentieth of the range, where the original's depend on how
 * far a bound is from zero: so a space that is shifted or stretched is searched alike.
 */

import type { Genome, RealSpace } from "./space.ts";
import type { Vector } from "./vectors.ts";

/** The margin, inside and outside. */
const MARGIN = 0.05;
/** Where the mirror stands. */
const EDGE = 0.5 + MARGIN;
/** What lies within is the identity. */
const PLAIN = 0.5 - MARGIN;

/** The genome of a point of the unbounded search. */
export function genomeOf(point: Vector, { lower, upper }: RealSpace): Genome {
  return Array.from(point, (u, i) => {
    const low = lower[i] as number;
    const high = upper[i] as number;
    const x = low / 2 + high / 2 + fold(u) * (high - low);
    return Math.min(high, Math.max(low, x));
  });
}

/** The point within the mirrors that has this genome. */
export function pointOf(genome: Genome, { lower, upper }: RealSpace): Vector {
  return Float64Array.from(genome, (x, i) => {
    const low = lower[i] as number;
    const high = upper[i] as number;
    return unfold((x - (low / 2 + high / 2)) / (high - low));
  });
}

/** From any coordinate into [-0.5, 0.5]. */
function fold(u: number): number {
  const mirrored = Math.abs(u) <= EDGE ? u : mirror(u);
  if (Math.abs(mirrored) <= PLAIN) return mirrored;
  const inside = 0.5 - (EDGE - Math.abs(mirrored)) ** 2 / (4 * MARGIN);
  return Math.sign(mirrored) * inside;
}

function mirror(u: number): number {
  const period = 4 * EDGE;
  const turned = (((u + EDGE) % period) + period) % period;
  return (turned <= 2 * EDGE ? turned : period - turned) - EDGE;
}

/** The inverse of {@link fold} within the mirrors. */
function unfold(v: number): number {
  const size = Math.min(0.5, Math.abs(v));
  return size <= PLAIN ? v : Math.sign(v) * (EDGE - Math.sqrt(4 * MARGIN * (0.5 - size)));
}
