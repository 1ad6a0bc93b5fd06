import { assertEquals } from "@std/assert";
import { EVENT_KINDS } from "../../src/gossip/event_message.ts";
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

Deno.test("Riders.takeDue() gives those alone that have waited long enough", PURE, () => {
  const riders = new Riders();
  assertEquals(riders.dueMs, Infinity);
  riders.add(A, message(1), 100);
  riders.add(B, message(2), 5_000);
  riders.add(A, message(3), 6_000);
  assertEquals(riders.dueMs, 100 + RIDE_MS);
  assertEquals(riders.takeDue(99 + RIDE_MS), []);
  assertEquals(riders.takeDue(100 + RIDE_MS), [[A, message(1)], [A, message(3)]]);
  assertEquals(riders.dueMs, 5_000 + RIDE_MS);
  assertEquals(riders.takeDue(5_000 + RIDE_MS), [[B, message(2)]]);
  assertEquals([riders.dueMs, riders.takeDue(1e9)], [Infinity, []]);
});

Deno.test("Riders.add() has a newer record take the place of the one that waits", PURE, () => {
  const riders = new Riders();
  const record = (n: number) => Uint8Array.of(EVENT_KINDS.event, n);
  riders.add(A, record(1), 0);
  riders.add(A, message(7), 1);
  riders.add(A, record(2), 2);
  riders.add(B, record(3), 2);
  assertEquals(riders.take(A), [record(2), message(7)]);
  assertEquals(riders.take(B), [record(3)]);
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
