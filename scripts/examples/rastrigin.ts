/**
 * Rastrigin's function (L. A. Rastrigin, "Systems of Extremal Control", 1974): a bowl with ten valleys along each axis, 0
 * where every number is 0 and some 10^20 other minima. Restarts with growing populations find it.
 *
 *     hamlet evolve scripts/examples/rastrigin.ts --time 10m
 */

export function describe() {
  return { name: "rastrigin", dims: 20, bounds: [-5.12, 5.12], target: 1e-8 };
}

export function evaluate(genome: readonly number[]): number {
  return genome.reduce((sum, x) => sum + 10 + x * x - 10 * Math.cos(2 * Math.PI * x), 0);
}
