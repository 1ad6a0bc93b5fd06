import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { FieldError } from "../../../src/base/guards.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { Generator } from "../../../src/work/evolve/generator.ts";
import { PURE } from "./functions.ts";

// The first outputs of Blackman and Vigna's xoshiro128starstar.c 1.1 with the state {1, 2, 3, 4}.
const REFERENCE = [11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849];

Deno.test("Generator.next() takes its bits from xoshiro128**, two outputs a number", PURE, () => {
  const generator = Generator.restore({ words: [1, 2, 3, 4], spare: null }, "state");
  for (let i = 0; i < REFERENCE.length; i += 2) {
    const [high = 0, low = 0] = REFERENCE.slice(i, i + 2);
    assertEquals(generator.next(), ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53);
  }
});

Deno.test(
  "Generator.normal() has mean 0, variance 1 and the tails of a normal number",
  PURE,
  () => {
    const generator = Generator.from(seededRandom(1));
    const values = Array.from({ length: 100_000 }, () => generator.normal());
    const moment = (power: number) =>
      values.reduce((sum, value) => sum + value ** power, 0) / values.length;
    assertAlmostEquals(moment(1), 0, 0.015);
    assertAlmostEquals(moment(2), 1, 0.02);
    assertAlmostEquals(moment(4), 3, 0.15);
    // 4.55 % of all lie beyond two deviations.
    assertAlmostEquals(values.filter((value) => Math.abs(value) > 2).length / 1e5, 0.0455, 0.003);
  },
);

Deno.test(
  "Generator.restore() goes on where state() was taken, between the halves of a pair too",
  PURE,
  () => {
    const generator = Generator.from(seededRandom(2));
    for (let i = 0; i < 7; i++) {
      const copy = Generator.restore(JSON.parse(JSON.stringify(generator.state())), "state");
      const expected = Array.from({ length: 5 }, () => copy.normal());
      const again = Generator.restore(JSON.parse(JSON.stringify(generator.state())), "state");
      assertEquals(Array.from({ length: 5 }, () => again.normal()), expected);
      generator.normal();
    }
  },
);

Deno.test("Generator.restore() refuses what is no state", PURE, () => {
  for (
    const state of [
      null,
      {},
      { words: [1, 2, 3] },
      { words: [1, 2, 3, 4, 5] },
      { words: [1, 2, 3, -1] },
      { words: [1, 2, 3, 2 ** 32] },
      { words: [1, 2, 3, 4], spare: "0" },
    ]
  ) assertThrows(() => Generator.restore(state, "state"), FieldError);
});

Deno.test("Generator never stands still, not even from a state of zeros", PURE, () => {
  const generator = Generator.restore({ words: [0, 0, 0, 0], spare: null }, "state");
  const values = Array.from({ length: 20 }, () => generator.next());
  assert(new Set(values).size > 10);
});
