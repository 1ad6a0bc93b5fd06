import { assertEquals } from "@std/assert";
import { AddressMemory } from "../../src/discovery/address_memory.ts";

const PURE = { permissions: "none" } as const;
const TEN_MINUTES_MS = 600_000;

/** The `n`th of many addresses. */
const nth = (n: number) => ({ host: `10.0.${n >> 8}.${n & 0xff}`, port: 9000 });

Deno.test("AddressMemory.tell() tells an address once in 10 minutes", PURE, () => {
  const memory = new AddressMemory();
  assertEquals(memory.tell(nth(1), 0), true);
  assertEquals(memory.tell(nth(1), TEN_MINUTES_MS - 1), false);
  assertEquals(memory.tell(nth(1), TEN_MINUTES_MS), true);
  assertEquals(memory.tell(nth(1), TEN_MINUTES_MS + 1), false);
});

Deno.test("AddressMemory.tell() takes another port for another address", PURE, () => {
  const memory = new AddressMemory();
  assertEquals(memory.tell({ host: "::1", port: 1 }, 0), true);
  assertEquals(memory.tell({ host: "::1", port: 2 }, 0), true);
});

Deno.test("AddressMemory.tell() remembers 256 addresses and forgets the oldest first", PURE, () => {
  const memory = new AddressMemory();
  for (let n = 0; n < 256; n++) memory.tell(nth(n), n);
  assertEquals(memory.size, 256);
  assertEquals(memory.tell(nth(0), 256), false, "all 256 are remembered");
  assertEquals(memory.tell(nth(256), 257), true);
  assertEquals(memory.size, 256);
  assertEquals(memory.tell(nth(1), 258), false, "the second oldest is still there");
  assertEquals(memory.tell(nth(0), 259), true, "the oldest is not");
});

Deno.test("AddressMemory.tell() counts an address told again as new", PURE, () => {
  const memory = new AddressMemory();
  memory.tell(nth(0), 0);
  for (let n = 1; n < 256; n++) memory.tell(nth(n), TEN_MINUTES_MS - 1);
  memory.tell(nth(0), TEN_MINUTES_MS);
  memory.tell(nth(256), TEN_MINUTES_MS);
  assertEquals(memory.tell(nth(0), TEN_MINUTES_MS), false);
  assertEquals(memory.tell(nth(1), TEN_MINUTES_MS), true);
});
