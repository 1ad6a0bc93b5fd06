/**
 * The shortest tour through 51 cities: eil51 of TSPLIB (G. Reinelt, 1991; the cities are from N. Christofides, S. Eilon,
 * 1969), with EUC_2D distances, rounded to whole numbers. The optimum is 426. The search is told nothing but lengths.
 *
 *     hamlet evolve scripts/examples/eil51.ts --time 5m
 */

const CITIES = [
  [37, 52],
  [49, 49],
  [52, 64],
  [20, 26],
  [40, 30],
  [21, 47],
  [17, 63],
  [31, 62],
  [52, 33],
  [51, 21],
  [42, 41],
  [31, 32],
  [5, 25],
  [12, 42],
  [36, 16],
  [52, 41],
  [27, 23],
  [17, 33],
  [13, 13],
  [57, 58],
  [62, 42],
  [42, 57],
  [16, 57],
  [8, 52],
  [7, 38],
  [27, 68],
  [30, 48],
  [43, 67],
  [58, 48],
  [58, 27],
  [37, 69],
  [38, 46],
  [46, 10],
  [61, 33],
  [62, 63],
  [63, 69],
  [32, 22],
  [45, 35],
  [59, 15],
  [5, 6],
  [10, 17],
  [21, 10],
  [5, 64],
  [30, 15],
  [39, 10],
  [32, 39],
  [25, 32],
  [25, 55],
  [48, 28],
  [56, 37],
  [30, 40],
] as const;

export function describe() {
  return { name: "eil51", space: { kind: "permutation", dims: CITIES.length }, target: 426 };
}

/** The length of the tour that visits the cities in this order and returns. */
export function evaluate(order: readonly number[]): number {
  return order.reduce((length, city, i) => {
    const [x, y] = CITIES[city] ?? [NaN, NaN];
    const [nextX, nextY] = CITIES[order[(i + 1) % order.length] ?? -1] ?? [NaN, NaN];
    return length + Math.round(Math.hypot(x - nextX, y - nextY));
  }, 0);
}
