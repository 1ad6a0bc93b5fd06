import { assert, assertEquals } from "@std/assert";
import { ManualClock, type Timer } from "../../src/base/clock.ts";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { type Appointment, Timetable } from "../../src/base/timetable.ts";

const PURE = { permissions: "none" } as const;

function setUp(clock = new ManualClock()) {
  const timetable = new Timetable(clock);
  const kept: string[] = [];
  const add = (name: string, delayMs: number) =>
    timetable.add(delayMs, () => kept.push(`${name} at ${clock.now()}`));
  return { clock, timetable, kept, add };
}

Deno.test("Timetable.add() calls at the due time, once, and not before", PURE, () => {
  const { clock, kept, add } = setUp();
  clock.advance(1_000);
  assertEquals(add("a", 250).dueMs, 1_250);
  clock.advance(249);
  assertEquals(kept, []);
  clock.advance(1);
  assertEquals(kept, ["a at 1250"]);
  clock.advance(10_000);
  assertEquals([kept.length, clock.pending], [1, 0]);
});

Deno.test(
  "Timetable.add() keeps each its own time, in whatever order they were added",
  PURE,
  () => {
    const { clock, kept, add } = setUp();
    for (const delayMs of [30, 10, 40, 20, 10, 0]) add(`${delayMs}`, delayMs);
    assertEquals(clock.pending, 1);
    clock.advance(100);
    assertEquals(kept, ["0 at 0", "10 at 10", "10 at 10", "20 at 20", "30 at 30", "40 at 40"]);
  },
);

Deno.test("Timetable.add() of Infinity is never and costs no timer", PURE, () => {
  const { clock, timetable, kept, add } = setUp();
  const never = add("never", Infinity);
  assertEquals([never.dueMs, clock.pending], [Infinity, 0]);
  add("a", 5);
  clock.advance(Number.MAX_SAFE_INTEGER);
  assertEquals([kept, clock.pending], [["a at 5"], 0]);
  timetable.remove(never);
});

Deno.test("Timetable.remove() drops one; twice or afterwards is harmless", PURE, () => {
  const { clock, timetable, kept, add } = setUp();
  const [a, b] = [add("a", 10), add("b", 10)];
  timetable.remove(a);
  timetable.remove(a);
  clock.advance(10);
  assertEquals(kept, ["b at 10"]);
  timetable.remove(b);
  add("c", 10);
  timetable.remove(b);
  clock.advance(10);
  assertEquals(kept, ["b at 10", "c at 20"]);
});

Deno.test("Timetable has one timer, however many are added and dropped", PURE, () => {
  const { clock, timetable, kept, add } = setUp();
  const all = Array.from({ length: 1_000 }, (_, i) => add(`${i}`, 1_000 - i));
  assertEquals(clock.pending, 1);
  for (const appointment of all) timetable.remove(appointment);
  assert(clock.pending <= 1, `${clock.pending} timers`);
  // It may fire once more for those that were dropped, and then it is gone.
  clock.advance(1);
  assertEquals([kept, clock.pending], [[], 0]);
});

Deno.test("Timetable.add() brings the timer forward for what is due sooner", PURE, () => {
  const { clock, kept, add } = setUp();
  add("late", 1_000);
  clock.advance(100);
  add("soon", 50);
  assertEquals(clock.pending, 1);
  clock.advance(50);
  assertEquals([kept, clock.pending], [["soon at 150"], 1]);
  clock.advance(850);
  assertEquals([kept, clock.pending], [["soon at 150", "late at 1000"], 0]);
});

Deno.test("Timetable keeps what is added while it is keeping others", PURE, () => {
  const { clock, timetable, kept, add } = setUp();
  timetable.add(10, () => {
    add("at once", 0);
    add("soon", 5);
    timetable.remove(add("dropped", 1));
  });
  add("same time", 10);
  add("late", 20);
  clock.advance(30);
  assertEquals(kept, ["same time at 10", "at once at 10", "soon at 15", "late at 20"]);
  assertEquals(clock.pending, 0);
});

Deno.test("Timetable does not keep what another has dropped at the same time", PURE, () => {
  const { clock, timetable, kept, add } = setUp();
  const later: Appointment[] = [];
  timetable.add(10, () => later.forEach((appointment) => timetable.remove(appointment)));
  later.push(add("a", 10), add("b", 10));
  clock.advance(10);
  assertEquals([kept, clock.pending], [[], 0]);
});

Deno.test("Timetable.clear() drops all and frees the timer; it can be used again", PURE, () => {
  const { clock, timetable, kept, add } = setUp();
  const old = add("a", 10);
  add("b", 20);
  timetable.clear();
  timetable.clear();
  assertEquals(clock.pending, 0);
  clock.advance(100);
  assertEquals(kept, []);
  add("c", 1_000);
  timetable.remove(old);
  assertEquals(clock.pending, 1);
  clock.advance(1_000);
  assertEquals([kept, clock.pending], [["c at 1100"], 0]);
});

Deno.test("Timetable.clear() from within an appointment ends the others", PURE, () => {
  const { clock, timetable, kept, add } = setUp();
  timetable.add(10, () => timetable.clear());
  add("same time", 10);
  add("later", 20);
  clock.advance(100);
  assertEquals([kept, clock.pending], [[], 0]);
});

Deno.test("Timetable is not fooled by a timer that fires early", PURE, () => {
  class HastyClock extends ManualClock {
    earlyMs = 3;
    override schedule(delayMs: number, action: () => void): Timer {
      const timer = super.schedule(delayMs - this.earlyMs, action);
      this.earlyMs = 0;
      return timer;
    }
  }
  const { clock, kept, add } = setUp(new HastyClock());
  add("a", 100);
  clock.advance(99);
  assertEquals([kept, clock.pending], [[], 1]);
  clock.advance(1);
  assertEquals(kept, ["a at 100"]);
});

Deno.test("Timetable agrees with one timer for each", PURE, () => {
  const random = seededRandom(20_261_122);
  for (let round = 0; round < 100; round++) {
    const clocks = [new ManualClock(), new ManualClock()] as const;
    const timetable = new Timetable(clocks[0]);
    const logs: [string[], string[]] = [[], []];
    const open: [Appointment, Timer][] = [];
    for (let step = 0; step < 60; step++) {
      const choice = randomBelow(random, 4);
      if (choice < 2) {
        const delayMs = randomBelow(random, 50);
        open.push([
          timetable.add(delayMs, () => logs[0].push(`${step}@${clocks[0].now()}`)),
          clocks[1].schedule(delayMs, () => logs[1].push(`${step}@${clocks[1].now()}`)),
        ]);
      } else if (choice === 2) {
        const [pair] = open.splice(randomBelow(random, open.length + 1), 1);
        if (pair) timetable.remove(pair[0]);
        pair?.[1].cancel();
      } else {
        const ms = randomBelow(random, 20);
        clocks.forEach((clock) => clock.advance(ms));
      }
      assert(clocks[0].pending <= 1, `round ${round}, step ${step}`);
    }
    clocks.forEach((clock) => clock.advance(100));
    assertEquals(logs[0], logs[1], `round ${round}`);
  }
});
