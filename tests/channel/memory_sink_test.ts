import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { MemorySinkError, MemorySinks } from "../../src/channel/memory_sink.ts";

const PURE = { permissions: "none" } as const;
const MIB = 1_048_576;

function codeOf(open: () => unknown): string {
  return assertThrows(open, MemorySinkError).code;
}

Deno.test("MemorySink keeps whole chunks for the next attempt", PURE, async () => {
  const sinks = new MemorySinks(10 * MIB);
  const first = sinks.open("k", 3 * MIB);
  await first.write(new Uint8Array(MIB + 5).fill(1));
  assertEquals(first.length, MIB + 5);
  await first.close();
  const second = sinks.open("k", 3 * MIB);
  assertStrictEquals(second, first);
  assertEquals(second.length, MIB);
  const held = new Uint8Array(10);
  assertEquals([await second.read(MIB - 4, held), held[0]], [4, 1]);
  await second.write(new Uint8Array(2 * MIB).fill(2));
  await second.finish();
  assertEquals([second.bytes[MIB - 1], second.bytes[MIB], sinks.bytes], [1, 2, 0]);
});

Deno.test(
  "MemorySinks.open() refuses a sink in use, and starts anew for another size",
  PURE,
  async () => {
    const sinks = new MemorySinks(10 * MIB);
    const sink = sinks.open("k", 2 * MIB);
    assertEquals(codeOf(() => sinks.open("k", 2 * MIB)), "busy");
    await sink.write(new Uint8Array(MIB));
    await sink.close();
    assertEquals(sinks.open("k", 3 * MIB).length, 0);
    assertEquals(sinks.bytes, 3 * MIB);
  },
);

Deno.test(
  "MemorySinks holds no more than its bytes: the longest untouched half goes first",
  PURE,
  async () => {
    const sinks = new MemorySinks(6 * MIB);
    for (const key of ["a", "b", "c"]) {
      const sink = sinks.open(key, 2 * MIB);
      await sink.write(new Uint8Array(MIB));
      await sink.close();
    }
    await sinks.open("a", 2 * MIB).close();
    const wide = sinks.open("d", 4 * MIB);
    assertEquals(sinks.bytes, 6 * MIB);
    assertEquals(sinks.open("a", 2 * MIB).length, MIB, "a was touched last, b and c are gone");
    assertEquals(codeOf(() => sinks.open("e", 1)), "no_space");
    await wide.discard();
    assertEquals(sinks.open("e", 4 * MIB).length, 0);
    assertEquals(codeOf(() => sinks.open("f", 6 * MIB + 1)), "no_space");
  },
);

Deno.test("MemorySink forgets what is not worth keeping", PURE, async () => {
  const sinks = new MemorySinks(MIB * 4);
  const sink = sinks.open("k", 2 * MIB);
  await sink.write(new Uint8Array(MIB - 1));
  await sink.close();
  assertEquals([sink.length, sinks.bytes], [0, 0]);
  const cut = sinks.open("k", 2 * MIB);
  await cut.write(new Uint8Array(100));
  await cut.truncate(0);
  assertEquals(cut.length, 0);
});
