import { assertEquals } from "@std/assert";
import { seededRandom } from "../../src/base/random.ts";
import { SearchSchedule } from "../../src/discovery/dns_sd_schedule.ts";

const PURE = { permissions: "none" } as const;

/** The instants of the next `count` questions. */
function ask(schedule: SearchSchedule, count: number, isMissing = false): readonly number[] {
  return Array.from({ length: count }, () => {
    const nowMs = schedule.nextMs;
    schedule.noteAsked(nowMs);
    if (isMissing) schedule.hurry();
    return nowMs;
  });
}

Deno.test("SearchSchedule asks after 20 to 120 ms, then 1, 3, 9, 27, 60, 60 s later", PURE, () => {
  const schedule = new SearchSchedule({ next: () => 0 });
  assertEquals(schedule.nextMs, Infinity);
  schedule.restart(5_000);
  assertEquals(ask(schedule, 7), [5_020, 6_020, 9_020, 18_020, 45_020, 105_020, 165_020]);
});

Deno.test("SearchSchedule spreads its first questions over 20 to 120 ms", PURE, () => {
  const random = seededRandom(1);
  const firsts = new Set<number>();
  for (let i = 0; i < 2_000; i++) {
    const schedule = new SearchSchedule(random);
    schedule.restart(0);
    firsts.add(schedule.nextMs);
  }
  assertEquals([firsts.size, Math.min(...firsts), Math.max(...firsts)], [101, 20, 120]);
});

Deno.test("SearchSchedule asks every 8 s at least while somebody is missing", PURE, () => {
  const schedule = new SearchSchedule({ next: () => 0 });
  schedule.restart(0);
  assertEquals(ask(schedule, 6, true), [20, 1_020, 4_020, 12_020, 20_020, 28_020]);
});

Deno.test("SearchSchedule hurries in the middle of a long wait", PURE, () => {
  const schedule = new SearchSchedule({ next: () => 0 });
  schedule.hurry();
  assertEquals(schedule.nextMs, Infinity, "no search has begun");
  schedule.restart(0);
  ask(schedule, 5);
  assertEquals(schedule.nextMs, 100_020);
  schedule.hurry();
  assertEquals(schedule.nextMs, 48_020);
});

Deno.test("SearchSchedule.restart() begins anew, a second after the last question", PURE, () => {
  const schedule = new SearchSchedule({ next: () => 0 });
  schedule.restart(0);
  ask(schedule, 5);
  schedule.restart(40_100);
  assertEquals(schedule.nextMs, 41_020);
  schedule.restart(40_200);
  assertEquals(ask(schedule, 3), [41_020, 42_020, 45_020]);
});

Deno.test("SearchSchedule.rest() waits for a search", PURE, () => {
  const schedule = new SearchSchedule({ next: () => 0 });
  schedule.restart(0);
  ask(schedule, 2);
  schedule.rest();
  schedule.hurry();
  assertEquals(schedule.nextMs, Infinity);
  schedule.restart(50_000);
  assertEquals(ask(schedule, 2), [50_020, 51_020]);
});
