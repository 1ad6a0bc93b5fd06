import { assertEquals } from "@std/assert";
import { BatchSize } from "../../../src/work/worker/batch_size.ts";

const PURE = { permissions: "none" } as const;

Deno.test("BatchSize.next grows from one to what takes 75 ms", PURE, () => {
  const size = new BatchSize(10);
  const sizes = [];
  for (let i = 0; i < 6; i++) {
    sizes.push(size.next);
    size.learn(size.next, size.next);
  }
  assertEquals(sizes, [1, 4, 16, 64, 75, 75]);
});

Deno.test("BatchSize.next is one for what takes long", PURE, () => {
  const size = new BatchSize(10);
  size.learn(1, 60_000);
  assertEquals(size.next, 1);
});

Deno.test("BatchSize.next stays within a batch and within a line", PURE, () => {
  for (const [dims, most] of [[1, 4_096], [10, 4_096], [100, 838], [4_096, 20]] as const) {
    const size = new BatchSize(dims);
    for (let i = 0; i < 20; i++) size.learn(size.next, 0);
    assertEquals(size.next, most, `${dims} dims`);
  }
});
