import { assert, assertEquals } from "@std/assert";
import { Prefixes } from "../../src/base/prefixes.ts";

const PURE = { permissions: "none" } as const;

Deno.test("Prefixes.of() shows the first bytes as they are now, short or long", PURE, () => {
  const bytes = Uint8Array.from({ length: 5_000 }, (_, i) => i);
  const prefixes = new Prefixes(bytes.subarray(10));
  for (const length of [0, 1, 64, 1_024, 1_025, 4_990]) {
    const prefix = prefixes.of(length);
    assertEquals(prefix, bytes.slice(10, 10 + length));
    bytes[10] = 77;
    assertEquals(prefixes.of(length), bytes.slice(10, 10 + length));
    bytes[10] = 10;
  }
});

Deno.test("Prefixes.of() makes a short view once, and keeps no long one", PURE, () => {
  const prefixes = new Prefixes(new Uint8Array(2_000));
  for (const length of [0, 1, 1_024]) assert(prefixes.of(length) === prefixes.of(length));
  assert(prefixes.of(1_025) !== prefixes.of(1_025));
});
