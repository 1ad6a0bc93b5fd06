/**
 * The sum of squares, 0 where every number is 0: the easiest there is, to see a search converge.
 *
 *     hamlet evolve scripts/examples/sphere.ts --time 1m
 */

export function describe() {
  return { name: "sphere", dims: 20, bounds: [-5, 5], target: 1e-8 };
}

export function evaluate(genome: readonly number[]): number {
  return genome.reduce((sum, x) => sum + x * x, 0);
}
