import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Bytes } from "../../src/base/bytes.ts";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { Slab } from "../../src/base/slab.ts";

const PURE = { permissions: "none" } as const;

function buffersOf(pieces: readonly Bytes[]): number {
  return new Set(pieces.map(({ buffer }) => buffer)).size;
}

Deno.test(
  "Slab.cut() gives pieces of the length asked for, none and the most included",
  PURE,
  () => {
    const slab = new Slab();
    for (const length of [0, 1, 16_384, 0, 16_383, 1, 1, 16_384, 7]) {
      assertEquals(slab.cut(length).length, length);
    }
  },
);

Deno.test("Slab.cut() hands no byte out twice", PURE, () => {
  const random = seededRandom(5);
  const slabs = [new Slab(), new Slab()] as const;
  const pieces: Bytes[] = [];
  for (let i = 0; i < 2_000; i++) {
    const slab = slabs[randomBelow(random, 2)] ?? slabs[0];
    const length = randomBelow(random, i % 10 ? 200 : 16_385);
    pieces.push(slab.cut(length).fill(i % 251));
  }
  pieces.forEach((piece, i) => {
    assert(piece.every((byte) => byte === i % 251), `piece ${i} was written by another`);
  });
});

Deno.test("Slab.cut() shares a buffer until it is used up, and not beyond", PURE, () => {
  const slab = new Slab();
  // 16 pieces of 1,024 bytes are 16,384.
  const first = Array.from({ length: 16 }, () => slab.cut(1_024));
  assertEquals(buffersOf(first), 1);
  assertEquals(buffersOf([...first, slab.cut(1)]), 2);
  const rest = [slab.cut(16_383), slab.cut(1)];
  assertEquals(buffersOf(rest), 2);
});

Deno.test("Slab.cut() refuses more than a slab, and goes on", PURE, () => {
  const slab = new Slab();
  const before = slab.cut(10).fill(1);
  assertThrows(() => slab.cut(16_385), RangeError);
  assertThrows(() => slab.cut(2 ** 40), RangeError);
  slab.cut(16_384).fill(2);
  assert(before.every((byte) => byte === 1));
});
