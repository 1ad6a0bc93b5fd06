import { assertEquals, assertThrows } from "@std/assert";
import { encodeBase64Url } from "../../../src/base/bytes.ts";
import { FieldError } from "../../../src/base/guards.ts";
import type { Space } from "../../../src/work/evolve/space.ts";
import { decodeGenome, encodeGenome } from "../../../src/work/job/solution_codec.ts";
import { PURE } from "./jobs.ts";

const REAL: Space = { kind: "real", dims: 2, lower: [-5, -5], upper: [5, 5] };
const BITS: Space = { kind: "bits", dims: 3 };
const TOUR: Space = { kind: "permutation", dims: 3 };

/** struct.pack("<dd", ...) of Python, base64url. */
const GOLDEN = "AAAAAAAA8D8AAAAAAAAEwA";

Deno.test("encodeGenome() writes doubles little-endian, bits and orders as they are", PURE, () => {
  assertEquals(encodeGenome([1, -2.5], REAL), GOLDEN);
  assertEquals(encodeGenome([1, 0, 1], BITS), [1, 0, 1]);
  assertEquals(decodeGenome(GOLDEN, REAL), [1, -2.5]);
  assertEquals(decodeGenome([2, 0, 1], TOUR), [2, 0, 1]);
});

Deno.test("decodeGenome() refuses what is cut, too long, not canonical or no genome", PURE, () => {
  const doubles = (...numbers: readonly number[]) =>
    encodeBase64Url(new Uint8Array(new Float64Array(numbers).buffer));
  for (let length = 0; length < GOLDEN.length; length++) {
    assertThrows(() => decodeGenome(GOLDEN.slice(0, length), REAL), FieldError);
  }
  const bad: readonly (readonly [unknown, Space])[] = [
    [`${GOLDEN}A`, REAL],
    [`${GOLDEN}==`, REAL],
    [GOLDEN.replace("A", "*"), REAL],
    [doubles(1), REAL],
    [doubles(1, 2, 3), REAL],
    [doubles(1, NaN), REAL],
    [doubles(1, Infinity), REAL],
    [doubles(1, 5.1), REAL],
    [[1, 2], REAL],
    [[1, 0], BITS],
    [[1, 0, 2], BITS],
    [[1, 0, true], BITS],
    ["101", BITS],
    [[0, 1, 1], TOUR],
    [[0, 1, 3], TOUR],
    [[0, 1, 2, 3], TOUR],
    [[0, 1, 1.5], TOUR],
    [null, TOUR],
    [{ length: 3 }, TOUR],
  ];
  for (const [value, space] of bad) {
    assertThrows(() => decodeGenome(value, space), FieldError, undefined, JSON.stringify(value));
  }
});
