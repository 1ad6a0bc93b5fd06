import { assertEquals } from "@std/assert";
import { Alarm } from "../../src/base/alarm.ts";
import { ManualClock } from "../../src/base/clock.ts";

const PURE = { permissions: "none" } as const;

function newAlarm(minWaitMs?: number) {
  const clock = new ManualClock();
  const atMs: number[] = [];
  const alarm = new Alarm(clock, () => void atMs.push(clock.now()), minWaitMs);
  return { clock, alarm, atMs };
}

Deno.test("Alarm goes off once, at the earliest deadline that it was told", PURE, () => {
  const { clock, alarm, atMs } = newAlarm();
  alarm.set(100);
  alarm.set(300);
  alarm.set(50);
  assertEquals(clock.pending, 1, "one timer, whatever it is told");
  clock.advance(1_000);
  assertEquals(atMs, [50]);
  alarm.set(1_200);
  clock.advance(1_000);
  assertEquals(atMs, [50, 1_200]);
});

Deno.test(
  "Alarm goes off at once for what is overdue, and never for what is never due",
  PURE,
  () => {
    const { clock, alarm, atMs } = newAlarm();
    clock.advance(500);
    alarm.set(Infinity);
    assertEquals(clock.pending, 0);
    alarm.set(100);
    clock.advance(0);
    assertEquals(atMs, [500]);
  },
);

Deno.test("Alarm waits for its least time", PURE, () => {
  const { clock, alarm, atMs } = newAlarm(20);
  alarm.set(5);
  clock.advance(100);
  assertEquals(atMs, [20]);
});

Deno.test("Alarm.cancel() leaves no timer, and it can be set again", PURE, () => {
  const { clock, alarm, atMs } = newAlarm();
  alarm.set(10);
  alarm.cancel();
  clock.advance(100);
  assertEquals([atMs, clock.pending], [[], 0]);
  alarm.set(150);
  clock.advance(100);
  assertEquals(atMs, [150]);
});
