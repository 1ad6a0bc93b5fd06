import { assertEquals } from "@std/assert";
import { ShunList } from "../../src/mesh/shun_list.ts";

const PURE = { permissions: "none" } as const;

Deno.test("ShunList holds a key until its time is over", PURE, () => {
  const list = new ShunList();
  list.add("a", 100);
  assertEquals([list.has("a", 0), list.has("a", 99), list.has("b", 0)], [true, true, false]);
  assertEquals([list.has("a", 100), list.size], [false, 0]);
  list.add("a", 200);
  list.clear();
  assertEquals(list.has("a", 0), false);
});

Deno.test("ShunList holds 1,024 keys; past it the one added first goes", PURE, () => {
  const list = new ShunList();
  for (let n = 0; n < 1_024; n++) list.add(`${n}`, 100);
  assertEquals([list.size, list.has("0", 0)], [1_024, true]);
  list.add("0", 200);
  list.add("new", 100);
  assertEquals([list.size, list.has("0", 0), list.has("1", 0)], [1_024, true, false]);
  for (let n = 0; n < 10_000; n++) list.add(`x${n}`, 100);
  assertEquals(list.size, 1_024);
});
