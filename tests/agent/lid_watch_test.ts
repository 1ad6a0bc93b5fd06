import { assertEquals } from "@std/assert";
import { AWAKE_MS, LidWatch } from "../../src/agent/lid_watch.ts";
import { ManualClock } from "../../src/base/clock.ts";
import type { LidState } from "../../src/host/lid.ts";

const PURE = { permissions: "none" } as const;

/** A lid that is moved by hand, and what was announced. */
function watched(first: LidState | undefined) {
  const clock = new ManualClock();
  const announced: string[] = [];
  const lid = { state: first, reads: 0 };
  const watch = new LidWatch({
    clock,
    read: () => {
      lid.reads++;
      return Promise.resolve(lid.state);
    },
    onSleep: () => announced.push("asleep"),
    onWake: () => announced.push("awake"),
  });
  return { clock, announced, lid, watch, pass: (ms: number) => clock.run(ms, 250) };
}

Deno.test("LidWatch announces a closed lid within a second, and an open one", PURE, async () => {
  const { announced, lid, pass, watch } = watched("open");
  await pass(5_000);
  assertEquals(announced, []);
  lid.state = "closed";
  await pass(1_000);
  assertEquals(announced, ["asleep"]);
  await pass(10_000);
  lid.state = "open";
  await pass(1_000);
  assertEquals(announced, ["asleep", "awake"]);
  watch.close();
});

Deno.test(
  "LidWatch says that a device is awake which its lid did not put to sleep",
  PURE,
  async () => {
    const { announced, lid, pass, watch } = watched("open");
    await pass(1_000);
    lid.state = "closed";
    await pass(AWAKE_MS - 1_000);
    assertEquals(announced, ["asleep"]);
    await pass(3_000);
    assertEquals(announced, ["asleep", "awake"]);
    await pass(AWAKE_MS);
    lid.state = "open";
    await pass(1_000);
    assertEquals(announced, ["asleep", "awake"], "it has said so");
    watch.close();
  },
);

Deno.test("LidWatch takes an agent that starts under a closed lid for awake", PURE, async () => {
  const { announced, pass, watch } = watched("closed");
  await pass(2 * AWAKE_MS);
  assertEquals(announced, []);
  watch.close();
});

Deno.test("LidWatch looks once where there is no lid, and leaves no timer", PURE, async () => {
  const { clock, lid, pass } = watched(undefined);
  await pass(10_000);
  assertEquals([lid.reads, clock.pending], [1, 0]);
});

Deno.test("LidWatch.close() leaves no timer", PURE, async () => {
  const { clock, pass, watch } = watched("open");
  await pass(1_000);
  watch.close();
  await pass(1_000);
  assertEquals(clock.pending, 0);
});
