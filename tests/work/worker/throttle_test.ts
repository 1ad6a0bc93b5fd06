import { assertEquals } from "@std/assert";
import { ManualClock } from "../../../src/base/clock.ts";
import { Throttle } from "../../../src/work/worker/throttle.ts";

const PURE = { permissions: "none" } as const;

/** What a throttle does, with times. */
function record() {
  const clock = new ManualClock();
  const log: string[] = [];
  const evaluator = {
    pause: () => void log.push(`${clock.now()} pause`),
    resume: () => void log.push(`${clock.now()} resume`),
  };
  return { clock, log, throttle: new Throttle(evaluator, clock) };
}

Deno.test("Throttle.follow() pauses and resumes at once", PURE, () => {
  const { clock, log, throttle } = record();
  throttle.follow({ mayWork: true, duty: 1 });
  throttle.follow({ mayWork: false, duty: 1 });
  throttle.follow({ mayWork: false, duty: 0.5 });
  clock.advance(10_000);
  throttle.follow({ mayWork: true, duty: 1 });
  assertEquals(log, ["0 pause", "10000 resume"]);
  assertEquals(clock.pending, 0);
});

Deno.test("Throttle.follow() runs for its share of each half second", PURE, () => {
  const { clock, log, throttle } = record();
  throttle.follow({ mayWork: true, duty: 0.4 });
  clock.advance(1_200);
  assertEquals(log, [
    "0 resume",
    "200 pause",
    "500 resume",
    "700 pause",
    "1000 resume",
    "1200 pause",
  ]);
  throttle.follow({ mayWork: false, duty: 1 });
  clock.advance(5_000);
  assertEquals(log.slice(6), ["1200 pause"]);
  throttle.close();
  throttle.follow({ mayWork: true, duty: 1 });
  assertEquals(clock.pending, 0);
});
