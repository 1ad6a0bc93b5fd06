import { assertEquals } from "@std/assert";
import { Awareness } from "../../src/gossip/awareness.ts";
import { PURE } from "./people.ts";

Deno.test("Awareness starts in good health", PURE, () => {
  const awareness = new Awareness();
  assertEquals([awareness.multiplier, awareness.factor], [0, 1]);
});

Deno.test("Awareness.adjust() saturates between 0 and Lifeguard's S = 8", PURE, () => {
  const awareness = new Awareness();
  for (
    const [events, multiplier] of [
      [-1, 0],
      [1, 1],
      [3, 4],
      [-2, 2],
      [0, 2],
      [5, 7],
      [1, 8],
      [1, 8],
      [100, 8],
      [-1, 7],
      [-100, 0],
    ] as const
  ) {
    awareness.adjust(events);
    assertEquals([awareness.multiplier, awareness.factor], [multiplier, multiplier + 1]);
  }
});
