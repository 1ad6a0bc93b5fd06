import { assert, assertEquals } from "@std/assert";
import {
  ManualClock,
  pause,
  scheduleEvery,
  settle,
  systemClock,
  type Timer,
} from "../../src/base/clock.ts";
import { seededRandom } from "../../src/base/random.ts";

Deno.test("ManualClock.advance() fires in order of due time, then of setting", {
  permissions: "none",
}, () => {
  const clock = new ManualClock();
  const fired: string[] = [];
  for (
    const [delayMs, name] of [[30, "c"], [10, "a1"], [20, "b"], [10, "a2"], [0, "now"]] as const
  ) {
    clock.schedule(delayMs, () => fired.push(`${name}@${clock.now()}`));
  }
  clock.advance(9);
  assertEquals(fired, ["now@0"]);
  clock.advance(1);
  assertEquals(fired, ["now@0", "a1@10", "a2@10"]);
  clock.advance(100);
  assertEquals(fired, ["now@0", "a1@10", "a2@10", "b@20", "c@30"]);
  assertEquals(clock.now(), 110);
  assertEquals(clock.pending, 0);
});

Deno.test("ManualClock.advance() agrees with a sorted list", { permissions: "none" }, () => {
  for (let seed = 0; seed < 50; seed++) {
    const random = seededRandom(seed);
    const clock = new ManualClock();
    const delays = Array.from({ length: 40 }, () => Math.floor(random.next() * 12));
    const fired: number[] = [];
    delays.forEach((delayMs, i) => clock.schedule(delayMs, () => fired.push(i)));
    for (let passed = 0; passed < 12; passed += 3) clock.advance(3);
    const indexes = delays.map((_, i) => i);
    const expected = indexes.sort((a, b) => (delays[a] ?? 0) - (delays[b] ?? 0) || a - b);
    assertEquals(fired, expected, `seed ${seed}`);
  }
});

Deno.test("ManualClock.advance() fires timers set by timers", { permissions: "none" }, () => {
  const clock = new ManualClock();
  const fired: string[] = [];
  clock.schedule(10, () => {
    fired.push(`outer@${clock.now()}`);
    clock.schedule(5, () => fired.push(`inner@${clock.now()}`));
    clock.schedule(0, () => fired.push(`same@${clock.now()}`));
    clock.schedule(50, () => fired.push(`late@${clock.now()}`));
  });
  clock.schedule(12, () => fired.push(`between@${clock.now()}`));
  clock.advance(20);
  assertEquals(fired, ["outer@10", "same@10", "between@12", "inner@15"]);
  assertEquals(clock.pending, 1);
});

Deno.test("ManualClock.schedule() counts a negative delay as none", { permissions: "none" }, () => {
  const clock = new ManualClock();
  clock.advance(100);
  let firedAt = -1;
  clock.schedule(-50, () => firedAt = clock.now());
  clock.advance(0);
  assertEquals(firedAt, 100);
});

Deno.test("Timer.cancel() stops a timer and is harmless twice", { permissions: "none" }, () => {
  const clock = new ManualClock();
  const fired: string[] = [];
  const first = clock.schedule(10, () => {
    fired.push("first");
    second.cancel();
    first.cancel();
  });
  const second: Timer = clock.schedule(10, () => fired.push("second"));
  const third = clock.schedule(5, () => fired.push("third"));
  assertEquals(clock.pending, 3);
  third.cancel();
  third.cancel();
  assertEquals(clock.pending, 2);
  clock.advance(20);
  assertEquals(fired, ["first"]);
  first.cancel();
  assertEquals(clock.pending, 0);
});

Deno.test("ManualClock.wallMs() runs from its start", { permissions: "none" }, () => {
  const clock = new ManualClock(1_000_000);
  assertEquals(clock.wallMs(), 1_000_000);
  clock.advance(250);
  assertEquals(clock.wallMs(), 1_000_250);
  assertEquals(clock.now(), 250);
});

Deno.test(
  "ManualClock.now() never goes back when a timer advances",
  { permissions: "none" },
  () => {
    const clock = new ManualClock();
    clock.schedule(5, () => clock.advance(100));
    clock.advance(10);
    assertEquals(clock.now(), 105);
  },
);

Deno.test("ManualClock.run() lets promises settle between steps", {
  permissions: "none",
}, async () => {
  const clock = new ManualClock();
  const seen: number[] = [];
  const loop = (async () => {
    for (let i = 0; i < 3; i++) {
      await pause(clock, 2);
      seen.push(clock.now());
    }
  })();
  await clock.run(7, 2);
  assertEquals(seen, [2, 4, 6]);
  assertEquals(clock.now(), 7);
  await loop;
});

Deno.test("ManualClock.runUntil() jumps from timer to timer and lets promises settle at each", {
  permissions: "none",
}, async () => {
  const clock = new ManualClock();
  const seen: number[] = [];
  const loop = (async () => {
    for (const delayMs of [0.25, 1_000, 0, 3_600_000]) {
      await pause(clock, delayMs);
      seen.push(clock.now());
    }
  })();
  assertEquals(await clock.runUntil(10_000), false);
  assertEquals([seen, clock.now()], [[0.25, 1_000.25, 1_000.25], 10_000]);
  assertEquals(await clock.runUntil(1e9, () => seen.length === 4), true);
  assertEquals([seen[3], clock.now()], [3_601_000.25, 3_601_000.25]);
  assertEquals(await clock.runUntil(0), false);
  assertEquals(clock.now(), 3_601_000.25);
  await loop;
});

Deno.test("scheduleEvery() fires each period until cancelled", { permissions: "none" }, () => {
  const clock = new ManualClock();
  const fired: number[] = [];
  const timer = scheduleEvery(clock, 10, () => fired.push(clock.now()));
  clock.advance(35);
  assertEquals(fired, [10, 20, 30]);
  timer.cancel();
  timer.cancel();
  clock.advance(100);
  assertEquals(fired, [10, 20, 30]);
  assertEquals(clock.pending, 0);
});

Deno.test("scheduleEvery() can be cancelled by its own action", { permissions: "none" }, () => {
  const clock = new ManualClock();
  let count = 0;
  const timer = scheduleEvery(clock, 10, () => {
    if (++count === 2) timer.cancel();
  });
  clock.advance(100);
  assertEquals(count, 2);
  assertEquals(clock.pending, 0);
});

Deno.test("pause() resolves when its time has come", { permissions: "none" }, async () => {
  const clock = new ManualClock();
  let done = false;
  const paused = pause(clock, 10).then(() => done = true);
  clock.advance(9);
  await settle();
  assert(!done);
  clock.advance(1);
  await paused;
  assert(done);
});

Deno.test("pause() ends at once on abort and leaves no timer", {
  permissions: "none",
}, async () => {
  const clock = new ManualClock();
  const controller = new AbortController();
  const paused = pause(clock, 1_000, controller.signal);
  assertEquals(clock.pending, 1);
  controller.abort(new Error("enough"));
  await paused;
  assertEquals(clock.pending, 0);
  assertEquals(clock.now(), 0);
});

Deno.test("pause() sets no timer on an aborted signal", { permissions: "none" }, async () => {
  const clock = new ManualClock();
  await pause(clock, 1_000, AbortSignal.abort());
  assertEquals(clock.pending, 0);
});

Deno.test("pause() leaves no listener on the signal it outlived", {
  permissions: "none",
}, async () => {
  const clock = new ManualClock();
  const { signal } = new AbortController();
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args));
  signal.removeEventListener = (...args: Parameters<typeof remove>) => (
    listeners--, remove(...args)
  );
  const paused = pause(clock, 10, signal);
  assertEquals(listeners, 1);
  clock.advance(10);
  await paused;
  assertEquals(listeners, 0);
});

Deno.test("systemClock.now() never goes back", { permissions: "none" }, () => {
  let last = systemClock.now();
  for (let i = 0; i < 1_000; i++) {
    const now = systemClock.now();
    assert(now >= last);
    last = now;
  }
});

Deno.test("systemClock.schedule() fires once and can be cancelled", {
  permissions: "none",
}, async () => {
  const fired: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  systemClock.schedule(0, () => fired.push("cancelled")).cancel();
  systemClock.schedule(0, () => {
    fired.push("kept");
    resolve();
  });
  await promise;
  assertEquals(fired, ["kept"]);
});

Deno.test("systemClock.schedule() does not fire at once past 2^31 ms", {
  permissions: "none",
}, async () => {
  // A runtime timer holds 31 bits: an unbounded delay would be cut to 1 ms.
  for (const delayMs of [2 ** 31, Infinity]) {
    let fired = false;
    const far = systemClock.schedule(delayMs, () => fired = true);
    await new Promise<void>((resolve) => systemClock.schedule(2, resolve));
    far.cancel();
    assert(!fired, `a timer of ${delayMs} ms fired before one of 2 ms`);
  }
});
