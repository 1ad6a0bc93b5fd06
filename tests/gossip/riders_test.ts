import { assertEquals } from "@std/assert";
import { MAX_RIDERS, RIDE_MS, Riders } from "../../src/gossip/riders.ts";
import { idOf, PURE } from "./people.ts";

const [A, B] = [idOf(1), idOf(2)];
const message = (n: number) => Uint8Array.of(n);

Deno.test("Riders.take() gives what waits for one, in order and once", PURE, () => {
  const riders = new Riders();
  riders.add(A, message(1), 0);
  riders.add(B, message(2), 0);
  riders.add(A, message(3), 0);
  assertEquals(riders.take(A), [message(1), message(3)]);
  assertEquals([riders.take(A), riders.take(B)], [[], [message(2)]]);
  assertEquals(riders.dueMs, Infinity, "nobody waits");
});

Deno.test("Riders.dueMs is when the one that waited longest must go", PURE, () => {
  const riders = new Riders();
  assertEquals(riders.dueMs, Infinity);
  riders.add(A, message(1), 100);
  riders.add(B, message(2), 5_000);
  assertEquals(riders.dueMs, 100 + RIDE_MS);
  assertEquals(riders.takeAll(), [[A, message(1)], [B, message(2)]]);
  assertEquals([riders.dueMs, riders.takeAll()], [Infinity, []]);
});

Deno.test("Riders.drop() forgets what waits for one that is gone", PURE, () => {
  const riders = new Riders();
  riders.add(A, message(1), 0);
  riders.drop(A);
  assertEquals([riders.take(A), riders.dueMs], [[], Infinity]);
});

Deno.test("Riders keeps 64 messages for one, the newest", PURE, () => {
  const riders = new Riders();
  for (let n = 0; n <= MAX_RIDERS; n++) riders.add(A, message(n), n);
  const taken = riders.take(A);
  assertEquals([taken.length, taken[0], taken.at(-1)], [64, message(1), message(64)]);
});
