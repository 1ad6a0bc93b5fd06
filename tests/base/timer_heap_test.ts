import { assertEquals } from "@std/assert";
import { seededRandom } from "../../src/base/random.ts";
import { type HeapEntry, TimerHeap } from "../../src/base/timer_heap.ts";

Deno.test("TimerHeap gives entries by due time, then as they were pushed, like a sorted list", {
  permissions: "none",
}, () => {
  for (let seed = 0; seed < 40; seed++) {
    const random = seededRandom(seed);
    const heap = new TimerHeap<number>();
    let expected: { dueMs: number; value: number; entry: HeapEntry<number> }[] = [];
    for (let value = 0; value < 600; value++) {
      const dueMs = Math.floor(random.next() * 30);
      expected.push({ dueMs, value, entry: heap.push(dueMs, value) });
      // Most timers are dropped before they fall due.
      while (random.next() < 0.42 && expected.length > 0) {
        const [dropped] = expected.splice(Math.floor(random.next() * expected.length), 1);
        if (dropped) heap.drop(dropped.entry);
      }
      if (random.next() < 0.1) {
        expected = expected.toSorted((a, b) => a.dueMs - b.dueMs || a.value - b.value);
        assertEquals(heap.nextMs, expected[0]?.dueMs ?? Infinity, `seed ${seed}`);
        assertEquals(heap.pop(), expected.shift()?.value, `seed ${seed}`);
      }
      assertEquals(heap.size, expected.length, `seed ${seed}`);
    }
    const left = expected.toSorted((a, b) => a.dueMs - b.dueMs || a.value - b.value);
    assertEquals(left.map(() => heap.pop()), left.map(({ value }) => value), `seed ${seed}`);
    assertEquals([heap.pop(), heap.size, heap.nextMs], [undefined, 0, Infinity]);
  }
});

Deno.test("TimerHeap.drop() is harmless twice and once the entry was taken", {
  permissions: "none",
}, () => {
  const heap = new TimerHeap<string>();
  const [first, second] = [heap.push(1, "first"), heap.push(2, "second")];
  assertEquals(heap.pop(), "first");
  heap.drop(first);
  assertEquals(heap.size, 1);
  heap.drop(second);
  heap.drop(second);
  assertEquals([heap.size, heap.pop()], [0, undefined]);
});
