import { assertEquals } from "@std/assert";
import {
  cpuPercentBetween,
  integerIn,
  largerOf,
  percentOf,
  smallerOf,
  wholeMb,
} from "../../src/host/bounded.ts";
import { HOSTILE_TEXTS } from "./fake_source.ts";

Deno.test("integerIn() accepts a padded integer up to its limits", { permissions: "none" }, () => {
  const cases: [string | undefined, number | null][] = [
    ["0", 0],
    ["100\n", 100],
    [" 42 \0", 42],
    ["101", null],
    ["-1", null],
    ["4.5", null],
    ["0x10", null],
    [undefined, null],
  ];
  for (const [text, expected] of cases) assertEquals(integerIn(text, 0, 100), expected, text);
});

Deno.test("integerIn() finds no charge in hostile text", { permissions: "none" }, () => {
  for (const text of HOSTILE_TEXTS) {
    assertEquals(integerIn(text, 0, 100), null, text.slice(0, 20));
  }
});

Deno.test("percentOf() needs a positive whole", { permissions: "none" }, () => {
  assertEquals(percentOf(1, 4), 25);
  assertEquals(percentOf(5, 4), 100);
  assertEquals(percentOf(-1, 4), 0);
  assertEquals(percentOf(0, 0), null);
  assertEquals(percentOf(1, NaN), null);
  assertEquals(percentOf(NaN, 4), null);
});

Deno.test("cpuPercentBetween() needs time that passed forwards", { permissions: "none" }, () => {
  const at = (busyMs: number, totalMs: number) => ({ busyMs, totalMs, cores: 2 });
  assertEquals(cpuPercentBetween(at(10, 100), at(40, 200)), 30);
  assertEquals(cpuPercentBetween(undefined, at(40, 200)), null);
  assertEquals(cpuPercentBetween(at(40, 200), undefined), null);
  assertEquals(cpuPercentBetween(at(40, 200), at(40, 200)), null);
  assertEquals(cpuPercentBetween(at(40, 200), at(10, 300)), null);
  assertEquals(cpuPercentBetween(at(40, 200), at(50, 100)), null);
});

Deno.test("smallerOf() and largerOf() ignore what is absent", { permissions: "none" }, () => {
  assertEquals([smallerOf(1, 2), smallerOf(null, 2), smallerOf(1, null)], [1, 2, 1]);
  assertEquals([largerOf(1, 2), largerOf(null, 2), largerOf(1, null)], [2, 2, 1]);
  assertEquals([smallerOf(null, null), largerOf(null, null)], [null, null]);
});

Deno.test("wholeMb() rounds down and hides less than one", { permissions: "none" }, () => {
  assertEquals([wholeMb(2 ** 21 - 1), wholeMb(2 ** 20 - 1), wholeMb(null)], [1, null, null]);
});
