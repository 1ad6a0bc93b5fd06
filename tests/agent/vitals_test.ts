import { assertEquals } from "@std/assert";
import { Vitals } from "../../src/agent/vitals.ts";
import { ManualClock } from "../../src/base/clock.ts";
import type { HostReading } from "../../src/host/reading.ts";
import { IDLE } from "../testing/agents.ts";

const PURE = { permissions: "none" } as const;

/** Vitals of a device that uses `cpuPercent` of its processor. */
function start(clock = new ManualClock()) {
  const device = { reading: IDLE };
  const told: (readonly [atMs: number, cpuPercent: number | null])[] = [];
  let measured = 0;
  const vitals = new Vitals({
    clock,
    onMeasured: () => {},
    measure: () => {
      measured++;
      return Promise.resolve(device.reading);
    },
    tell: ({ cpuPercent }) => told.push([clock.now(), cpuPercent]),
  }, IDLE);
  const use = (cpuPercent: number) => device.reading = { ...IDLE, cpuPercent };
  return { clock, vitals, told, use, measured: () => measured };
}

Deno.test("Vitals measures every 10 s and has the first measurement at once", PURE, async () => {
  const { clock, vitals, measured } = start();
  assertEquals([measured(), vitals.capabilities.cpuPercent], [0, 10]);
  await clock.run(9_999, 9_999);
  assertEquals(measured(), 0);
  await clock.run(1);
  assertEquals(measured(), 1);
  await clock.run(60_000, 500);
  assertEquals(measured(), 7);
  vitals.close();
});

Deno.test("Vitals tells an unchanged device every 30 s", PURE, async () => {
  const { clock, vitals, told } = start();
  await clock.run(95_000, 500);
  assertEquals(told, [[30_000, 10], [60_000, 10], [90_000, 10]]);
  vitals.close();
});

Deno.test(
  "Vitals tells a change of 10 points at once, against what it told last",
  PURE,
  async () => {
    const { clock, vitals, told, use } = start();
    use(19.9);
    await clock.run(10_000, 500);
    assertEquals([told, vitals.capabilities.cpuPercent], [[], 19.9], "measured, not told");
    use(20);
    await clock.run(10_000, 500);
    assertEquals(told, [[20_000, 20]], "0.1 more, and 10 since it was told");
    use(11);
    await clock.run(10_000, 500);
    assertEquals(told.length, 1);
    await clock.run(20_000, 500);
    assertEquals(told, [[20_000, 20], [50_000, 11]], "the 30 s begin anew with each report");
    vitals.close();
  },
);

Deno.test("Vitals.close() stops it, in the middle of a measurement too", PURE, async () => {
  const clock = new ManualClock();
  const { promise, resolve } = Promise.withResolvers<HostReading>();
  let told = 0;
  const vitals = new Vitals({
    clock,
    measure: () => promise,
    onMeasured: () => {},
    tell: () => told++,
  }, IDLE);
  await clock.run(10_000, 500);
  vitals.close();
  vitals.close();
  resolve({ ...IDLE, cpuPercent: 100 });
  await clock.run(60_000, 500);
  assertEquals([told, clock.pending], [0, 0]);
});

Deno.test("Vitals never measures twice at a time", PURE, async () => {
  const clock = new ManualClock();
  const { promise, resolve } = Promise.withResolvers<HostReading>();
  let measured = 0;
  const measure = () => {
    measured++;
    return promise;
  };
  const vitals = new Vitals({ clock, measure, onMeasured: () => {}, tell: () => {} }, IDLE);
  await clock.run(60_000, 500);
  assertEquals(measured, 1);
  resolve(IDLE);
  await clock.run(11_000, 500);
  assertEquals(measured, 2, "10 s after the slow one ended");
  vitals.close();
});
