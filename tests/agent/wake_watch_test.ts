import { assertEquals } from "@std/assert";
import { watchForWake } from "../../src/agent/wake_watch.ts";
import { ManualClock } from "../../src/base/clock.ts";

const PURE = { permissions: "none" } as const;
const HOUR_MS = 3_600_000;

/** A clock that is watched, and the sleeps that were noticed. */
function watched() {
  const clock = new ManualClock();
  const sleptMs: number[] = [];
  const watch = watchForWake(clock, (ms) => sleptMs.push(ms));
  return { clock, sleptMs, watch };
}

Deno.test("watchForWake() stays silent while time goes by as it should", PURE, () => {
  const { clock, sleptMs } = watched();
  clock.advance(10 * HOUR_MS);
  for (const ms of [1, 999, 1_000, 5_001]) clock.advance(ms);
  assertEquals(sleptMs, []);
});

Deno.test("watchForWake() notices a sleep within a second of waking, and its length", PURE, () => {
  for (const beforeMs of [0, 1, 500, 999, 1_000, 12_345]) {
    const { clock, sleptMs } = watched();
    clock.advance(beforeMs);
    clock.jumpWall(HOUR_MS);
    clock.advance(999);
    if (beforeMs % 1_000 === 0) assertEquals(sleptMs, [], "no tick yet");
    clock.advance(1);
    assertEquals(sleptMs, [HOUR_MS], `${beforeMs}`);
    clock.advance(HOUR_MS);
    assertEquals(sleptMs, [HOUR_MS], "once");
  }
});

Deno.test("watchForWake() takes 5 s for a sleep and less for a busy machine", PURE, () => {
  for (const [jumpMs, expected] of [[4_999, []], [5_000, [5_000]], [5_001, [5_001]]] as const) {
    const { clock, sleptMs } = watched();
    clock.jumpWall(jumpMs);
    clock.advance(1_000);
    assertEquals(sleptMs, [...expected]);
  }
});

Deno.test("watchForWake() does not add up many small delays", PURE, () => {
  const { clock, sleptMs } = watched();
  for (let n = 0; n < 100; n++) {
    clock.jumpWall(4_000);
    clock.advance(1_000);
  }
  assertEquals(sleptMs, []);
});

Deno.test("watchForWake() notices each of several sleeps", PURE, () => {
  const { clock, sleptMs } = watched();
  for (let n = 1; n <= 3; n++) {
    clock.jumpWall(n * HOUR_MS);
    clock.advance(1_000);
  }
  assertEquals(sleptMs, [HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS]);
});

Deno.test("watchForWake() takes a clock that was set back for no sleep", PURE, () => {
  const { clock, sleptMs } = watched();
  clock.jumpWall(-24 * HOUR_MS);
  clock.advance(HOUR_MS);
  assertEquals(sleptMs, []);
  clock.jumpWall(HOUR_MS);
  clock.advance(1_000);
  assertEquals(sleptMs, [HOUR_MS], "and still watches");
});

Deno.test("watchForWake() notices a tick that came late where the wall clock ran on", PURE, () => {
  // As on a machine whose monotonic clock counts sleep: both have gone on, the timer has not fired.
  const clock = new ManualClock();
  const sleptMs: number[] = [];
  let tick = () => {};
  const late = {
    now: () => clock.now(),
    wallMs: () => clock.wallMs(),
    schedule(_: number, action: () => void) {
      tick = action;
      return { cancel() {} };
    },
  };
  watchForWake(late, (ms) => sleptMs.push(ms));
  clock.advance(1_000);
  tick();
  clock.advance(1_000 + HOUR_MS);
  tick();
  clock.advance(1_000);
  tick();
  assertEquals(sleptMs, [HOUR_MS]);
});

Deno.test("watchForWake() watches no more once cancelled, and leaves no timer", PURE, () => {
  const { clock, sleptMs, watch } = watched();
  watch.cancel();
  clock.jumpWall(HOUR_MS);
  clock.advance(10_000);
  assertEquals([sleptMs, clock.pending], [[], 0]);
});

Deno.test("watchForWake() goes on after a watcher that failed", PURE, () => {
  const clock = new ManualClock();
  let calls = 0;
  watchForWake(clock, () => {
    calls++;
    throw new Error("a defect of whoever is told");
  });
  for (let n = 0; n < 2; n++) {
    clock.jumpWall(HOUR_MS);
    try {
      clock.advance(1_000);
    } catch {
      // The defect is its owner's to handle.
    }
  }
  assertEquals(calls, 2);
});
