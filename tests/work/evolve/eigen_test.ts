import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { seededRandom } from "../../../src/base/random.ts";
import { eigenOfSymmetric } from "../../../src/work/evolve/eigen.ts";
import { dot, type Vector } from "../../../src/work/evolve/vectors.ts";
import { PURE } from "./functions.ts";

function rowsOf(matrix: readonly (readonly number[])[]): Vector[] {
  return matrix.map((row) => Float64Array.from(row));
}

function decompose(matrix: readonly (readonly number[])[]) {
  const rows = rowsOf(matrix);
  const eigen = eigenOfSymmetric(rows);
  assert(eigen);
  assertEquals(rows, rowsOf(matrix), "the matrix stays as it is");
  return { rows, ...eigen };
}

// Eigenvalues that are known in closed form.
const KNOWN: readonly (readonly [string, number[][], number[]])[] = [
  ["1 x 1", [[7]], [7]],
  ["2 x 2", [[2, 1], [1, 2]], [1, 3]],
  ["diagonal", [[3, 0, 0], [0, -1, 0], [0, 0, 2]], [-1, 2, 3]],
  ["of rank one", [[1, 2, 3], [2, 4, 6], [3, 6, 9]], [0, 0, 14]],
  [
    "second differences, 2 - 2 cos(k pi / 5)",
    [[2, -1, 0, 0], [-1, 2, -1, 0], [0, -1, 2, -1], [0, 0, -1, 2]],
    [1, 2, 3, 4].map((k) => 2 - 2 * Math.cos(k * Math.PI / 5)),
  ],
  ["zeros", [[0, 0], [0, 0]], [0, 0]],
];

for (const [name, matrix, expected] of KNOWN) {
  Deno.test(`eigenOfSymmetric() finds the eigenvalues of a matrix that is ${name}`, PURE, () => {
    const values = [...decompose(matrix).values].sort((a, b) => a - b);
    expected.forEach((value, i) => assertAlmostEquals(values[i] ?? NaN, value, 1e-14));
  });
}

Deno.test(
  "eigenOfSymmetric() gives orthonormal vectors that the matrix stretches, up to 100 dimensions",
  PURE,
  () => {
    const random = seededRandom(3);
    for (const size of [2, 3, 10, 37, 100]) {
      const factor = Array.from(
        { length: size },
        () => Array.from({ length: size }, () => random.next() - 0.5),
      );
      const matrix = factor.map((row) =>
        factor.map((other) => row.reduce((sum, value, k) => sum + value * (other[k] as number), 0))
      );
      const { rows, values, vectors } = decompose(matrix);
      vectors.forEach((vector, k) => {
        vectors.forEach((other, l) =>
          assertAlmostEquals(dot(vector, other), k === l ? 1 : 0, 1e-12)
        );
        rows.forEach((row, i) =>
          assertAlmostEquals(dot(row, vector), (values[k] as number) * (vector[i] as number), 1e-11)
        );
      });
    }
  },
);

Deno.test("eigenOfSymmetric() gives up on what is not finite", PURE, () => {
  for (const wrong of [NaN, Infinity]) {
    assertEquals(eigenOfSymmetric(rowsOf([[1, wrong], [wrong, 1]])), undefined);
    assertEquals(eigenOfSymmetric(rowsOf([[1, 0, 0], [0, wrong, 0], [0, 0, 1]])), undefined);
  }
});
