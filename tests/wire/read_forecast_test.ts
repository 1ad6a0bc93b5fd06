import { assertEquals } from "@std/assert";
import { ReadForecast } from "../../src/wire/read_forecast.ts";

const PURE = { permissions: "none" } as const;

/** What is expected after each of `counts`, every read alone. */
function expectations(counts: readonly number[]): (number | undefined)[] {
  const forecast = new ReadForecast();
  return counts.map((count) => {
    forecast.note(count, true);
    return forecast.expected;
  });
}

Deno.test(
  "ReadForecast.expected is the length of nine equal reads, until another comes",
  PURE,
  () => {
    const nine: number[] = new Array(9).fill(93);
    assertEquals(expectations(nine), [...new Array(8).fill(undefined), 93]);
    assertEquals(expectations([...nine, 93, 94, 94]).slice(-3), [93, undefined, undefined]);
    // Whoever is right fifteen times looks for more once.
    const many = expectations(new Array(60).fill(7)).slice(8);
    assertEquals(many.flatMap((expected, index) => expected === undefined ? [index] : []), [
      8,
      24,
      40,
    ]);
  },
);

Deno.test("ReadForecast.expected is nothing for what is long, or cut", PURE, () => {
  assertEquals(expectations(new Array(12).fill(1_024)).at(-1), 1_024);
  assertEquals(expectations(new Array(12).fill(1_025)).at(-1), undefined);
  const forecast = new ReadForecast();
  for (let i = 0; i < 12; i++) forecast.note(93, true);
  forecast.note(93, false);
  assertEquals(forecast.expected, undefined);
});
