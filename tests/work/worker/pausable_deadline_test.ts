import { assertEquals } from "@std/assert";
import { ManualClock } from "../../../src/base/clock.ts";
import { PausableDeadline } from "../../../src/work/worker/pausable_deadline.ts";

const PURE = { permissions: "none" } as const;

function start(limitMs: number) {
  const clock = new ManualClock();
  const due: number[] = [];
  return {
    clock,
    due,
    deadline: new PausableDeadline(clock, limitMs, () => due.push(clock.now())),
  };
}

Deno.test("PausableDeadline stands still while it is paused", PURE, () => {
  const { clock, due, deadline } = start(100);
  clock.advance(60);
  deadline.pause();
  deadline.pause();
  clock.advance(1_000);
  deadline.resume();
  deadline.resume();
  clock.advance(39);
  assertEquals(due, []);
  clock.advance(1);
  assertEquals(due, [1_100]);
  assertEquals(clock.pending, 0);
});

Deno.test("PausableDeadline.reset() begins again, paused if it was", PURE, () => {
  const { clock, due, deadline } = start(100);
  clock.advance(90);
  deadline.reset(50);
  clock.advance(49);
  deadline.pause();
  deadline.reset(20);
  clock.advance(1_000);
  assertEquals(due, []);
  deadline.resume();
  clock.advance(20);
  assertEquals(due, [1_159]);
});

Deno.test("PausableDeadline.cancel() ends it", PURE, () => {
  const { clock, due, deadline } = start(100);
  deadline.cancel();
  clock.advance(1_000);
  assertEquals([due, clock.pending], [[], 0]);
});
