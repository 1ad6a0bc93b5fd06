import { assert, assertEquals } from "@std/assert";
import { RumourQueue, tellingsOf } from "../../src/gossip/rumour_queue.ts";
import { PURE } from "./people.ts";

const CLAIM_BYTES = 69;

/** A rumour that can be told from others. */
function rumour(mark: number, length = CLAIM_BYTES): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  bytes[0] = mark;
  return bytes;
}

function take(queue: RumourQueue, count: number, tellings = 3): number[] {
  return queue.take(count * CLAIM_BYTES, tellings).map((bytes) => bytes[0] ?? 0);
}

Deno.test("tellingsOf() is 4 * log10(N + 1) and two more, rounded up", PURE, () => {
  // Powers of ten less one have whole logarithms; ten and a hundred are a little above.
  for (
    const [members, tellings] of [
      [0, 2],
      [1, 4],
      [9, 6],
      [10, 7],
      [99, 10],
      [100, 11],
      [999, 14],
      [1_000, 15],
      [9_999, 18],
    ] as const
  ) {
    assertEquals(tellingsOf(members), tellings, `${members}`);
  }
});

Deno.test("RumourQueue tells each rumour the bounded number of times", PURE, () => {
  for (const tellings of [1, 3, 9]) {
    const queue = new RumourQueue();
    for (let n = 0; n < 10; n++) queue.add(`${n}`, rumour(n));
    const told = new Map<number, number>();
    for (let turn = 0; turn < 100; turn++) {
      for (const mark of take(queue, 3, tellings)) told.set(mark, (told.get(mark) ?? 0) + 1);
    }
    assertEquals(queue.size, 0);
    assertEquals([...told.values()], new Array(10).fill(tellings));
  }
});

Deno.test("RumourQueue.take() gives what was told least first, the oldest of those", PURE, () => {
  const queue = new RumourQueue();
  for (const n of [1, 2, 3]) queue.add(`${n}`, rumour(n));
  assertEquals(take(queue, 2), [1, 2]);
  assertEquals(take(queue, 2), [3, 1]);
  queue.add("4", rumour(4));
  assertEquals(take(queue, 2), [4, 2]);
  assertEquals(take(queue, 4), [3, 4, 1, 2]);
});

Deno.test("RumourQueue.take() gives no more than fits, and what is smaller instead", PURE, () => {
  const queue = new RumourQueue();
  queue.add("large", rumour(1, 200));
  queue.add("small", rumour(2));
  assertEquals(queue.take(199, 3).map((bytes) => bytes[0]), [2]);
  assertEquals(queue.take(200, 3).map((bytes) => bytes[0]), [1]);
  assertEquals(queue.take(68, 3), []);
  assertEquals(queue.take(0, 3), []);
  assertEquals(queue.size, 2);
});

Deno.test("RumourQueue.take() does not look through thousands that do not fit", PURE, () => {
  const queue = new RumourQueue();
  let looks = 0;
  for (let n = 0; n < 5_000; n++) {
    const bytes = rumour(n & 255, 150);
    Object.defineProperty(bytes, "length", { get: () => (looks++, 150) });
    queue.add(`${n}`, bytes);
  }
  assertEquals(queue.take(512, 3).length, 3);
  assert(looks < 100, `${looks} were looked at`);
});

Deno.test("RumourQueue.add() replaces what was to be told of the same", PURE, () => {
  const queue = new RumourQueue();
  queue.add("a", rumour(1));
  queue.add("b", rumour(2));
  assertEquals(take(queue, 2), [1, 2]);
  queue.add("a", rumour(3));
  assertEquals(queue.size, 2);
  assertEquals(take(queue, 1), [3], "news count as told never");
  for (let n = 0; n < 1_000; n++) queue.add("a", rumour(4));
  assertEquals(queue.size, 2);
});

Deno.test("RumourQueue.drop() stops telling", PURE, () => {
  const queue = new RumourQueue();
  queue.add("a", rumour(1));
  queue.add("b", rumour(2));
  take(queue, 1);
  queue.drop("a");
  queue.drop("nobody");
  assertEquals(queue.size, 1);
  assertEquals(take(queue, 2), [2]);
});

Deno.test(
  "RumourQueue drops what was told often enough for a village that has shrunk",
  PURE,
  () => {
    const queue = new RumourQueue();
    queue.add("a", rumour(1));
    for (let turn = 0; turn < 5; turn++) assertEquals(take(queue, 1, 9), [1]);
    assertEquals(take(queue, 1, 3), [1]);
    assertEquals(queue.size, 0);
  },
);

Deno.test("RumourQueue.add() of what was told before tells it that much less", PURE, () => {
  const queue = new RumourQueue();
  queue.add("old", rumour(1), 2);
  queue.add("new", rumour(2));
  assertEquals(take(queue, 2), [2, 1], "the new one first");
  assertEquals(take(queue, 2), [2]);
  queue.add("old", rumour(1), 2);
  queue.drop("old");
  assertEquals(queue.size, 1);
});
