import { assertEquals } from "@std/assert";
import {
  type Decision,
  Governor,
  type GovernorInput,
  type GovernorReading,
  type WorkKind,
} from "../../../src/work/worker/governor.ts";
import { DEFAULT_WORK, type WorkSettings } from "../../../src/work/worker/work_settings.ts";

const PURE = { permissions: "none" } as const;
const NOON = 720;
const NIGHT = 60;

/** A desktop that nobody uses. */
const QUIET: GovernorReading = Object.freeze({
  cpuCores: 4,
  cpuPercent: 2,
  memoryPercent: 40,
  batteryPercent: null,
  onMains: null,
  thermalState: "normal",
  temperatureC: 45,
});
const ON: WorkSettings = { ...DEFAULT_WORK, mode: "on" };

/** A governor and its clock; a step is a reading some seconds later. */
class Device {
  readonly governor: Governor;
  nowMs = 1_000_000;
  minuteOfDay = NOON;

  constructor(settings: WorkSettings) {
    this.governor = new Governor(settings);
  }

  step(seconds: number, reading: Partial<GovernorReading> = {}, ownCpuPercent: number | null = 0) {
    this.nowMs += seconds * 1_000;
    const input: GovernorInput = {
      reading: { ...QUIET, ...reading },
      ownCpuPercent,
      nowMs: this.nowMs,
      minuteOfDay: this.minuteOfDay,
    };
    this.governor.observe(input);
    return this;
  }

  decide(kind: WorkKind = "breakthrough", memoryMb = 256): Decision {
    return this.governor.decide(kind, memoryMb);
  }

  restraint(kind?: WorkKind) {
    return this.decide(kind).restraint;
  }
}

/** What each rule makes of one reading, where the owner has work on. */
const RULES: readonly (readonly [
  name: string,
  settings: Partial<WorkSettings>,
  reading: Partial<GovernorReading>,
  restraint: Decision["restraint"],
])[] = [
  ["off is off", { mode: "off" }, {}, "off"],
  ["on works beside its owner", {}, { cpuPercent: 90 }, null],
  ["nothing known raises no objection", {}, {
    cpuCores: null,
    cpuPercent: null,
    memoryPercent: null,
    thermalState: "unknown",
    temperatureC: null,
  }, null],
  ["on battery", {}, { batteryPercent: 90, onMains: false }, "battery"],
  ["on mains with a battery", {}, { batteryPercent: 5, onMains: true }, null],
  ["a battery whose charger is unknown", {}, { batteryPercent: 90, onMains: null }, "battery"],
  ["on battery, allowed", { onBattery: true }, { batteryPercent: 30, onMains: false }, null],
  [
    "on battery, allowed, too low",
    { onBattery: true },
    { batteryPercent: 29, onMains: false },
    "battery",
  ],
  ["on battery, allowed, charge unknown", { onBattery: true }, { onMains: false }, "battery"],
  ["74.9 C", {}, { temperatureC: 74.9 }, null],
  ["75 C", {}, { temperatureC: 75 }, "hot"],
  ["hot, says the system", {}, { thermalState: "hot" }, null],
  ["throttling", {}, { thermalState: "throttling" }, "hot"],
  ["critical", {}, { thermalState: "critical" }, "hot"],
  ["memory of 90 %", {}, { memoryPercent: 90 }, null],
  ["memory above 90 %", {}, { memoryPercent: 90.1 }, "memory"],
  ["idle, at once", { mode: "idle" }, {}, "in_use"],
];

for (const [name, settings, reading, restraint] of RULES) {
  Deno.test(`Governor.decide() by one reading: ${name}`, PURE, () => {
    const device = new Device({ ...ON, ...settings }).step(0, reading);
    assertEquals(device.restraint(), restraint);
    assertEquals(device.decide().mayWork, restraint === null);
  });
}

Deno.test("Governor.decide() waits for a reading where the owner must be known", PURE, () => {
  assertEquals(new Device(DEFAULT_WORK).restraint(), "in_use");
  assertEquals(new Device(ON).restraint(), null);
  assertEquals(new Device(ON).restraint("nightly"), "in_use");
});

Deno.test("Governor.decide() takes a device for idle after a minute below 20 %", PURE, () => {
  const device = new Device(DEFAULT_WORK).step(0, { cpuPercent: 19.9 });
  assertEquals(device.step(59, { cpuPercent: 19.9 }).restraint(), "in_use");
  assertEquals(device.step(1, { cpuPercent: 19.9 }).restraint(), null);
  // Between the limits nothing changes.
  assertEquals(device.step(100, { cpuPercent: 35 }).restraint(), null);
  assertEquals(device.step(1, { cpuPercent: 35.1 }).restraint(), "in_use");
  assertEquals(
    device.step(1, { cpuPercent: 19 }).step(59, { cpuPercent: 19 }).restraint(),
    "in_use",
  );
  // One busy moment, and the minute begins again.
  device.step(0, { cpuPercent: 20 });
  assertEquals(device.step(1).step(59).restraint(), "in_use");
  assertEquals(device.step(1).restraint(), null);
});

Deno.test("Governor.decide() does not take our own workers for the owner", PURE, () => {
  const device = new Device(DEFAULT_WORK).step(0).step(60);
  assertEquals(device.restraint(), null);
  for (let i = 0; i < 10; i++) device.step(10, { cpuPercent: 55 }, 50);
  assertEquals(device.restraint(), null);
  assertEquals(device.step(10, { cpuPercent: 90 }, 50).restraint(), "in_use");
  // Measured a moment apart, our share may be more than all.
  assertEquals(
    new Device(DEFAULT_WORK).step(0, { cpuPercent: 40 }, 50)
      .step(60, { cpuPercent: 40 }, 50).restraint(),
    null,
  );
});

Deno.test("Governor.decide() lets a hot device cool to 65 C, and for five minutes", PURE, () => {
  const device = new Device(ON).step(0, { temperatureC: 80 });
  assertEquals(device.step(10, { temperatureC: 60 }).restraint(), "hot");
  assertEquals(device.step(289, { temperatureC: 60 }).restraint(), "hot");
  assertEquals(device.step(1, { temperatureC: 65.1 }).restraint(), "hot");
  assertEquals(device.step(1_000, { temperatureC: 70 }).restraint(), "hot");
  assertEquals(device.step(1, { temperatureC: 65 }).restraint(), null);
  assertEquals(device.step(1, { temperatureC: 74 }).restraint(), null);
});

Deno.test("Governor.decide() counts the five minutes from when it was hot last", PURE, () => {
  const device = new Device(ON).step(0, { temperatureC: 80 }).step(200, { temperatureC: 75 });
  assertEquals(device.step(200, { temperatureC: 50 }).restraint(), "hot");
  assertEquals(device.step(100, { temperatureC: 50 }).restraint(), null);
  const unmeasured = new Device(ON).step(0, { thermalState: "critical", temperatureC: null });
  assertEquals(unmeasured.step(299, { temperatureC: null }).restraint(), "hot");
  assertEquals(unmeasured.step(1, { temperatureC: null }).restraint(), null);
});

Deno.test(
  "Governor.decide() keeps nightly jobs to the night, to mains and to devices not in use",
  PURE,
  () => {
    const device = new Device(ON).step(0).step(60);
    assertEquals(device.restraint("nightly"), "hours");
    assertEquals(device.restraint("emergency"), null);
    device.minuteOfDay = NIGHT;
    assertEquals(device.step(1).restraint("nightly"), null);
    assertEquals(device.step(1, { cpuPercent: 50 }).restraint("nightly"), "in_use");
    const laptop = new Device({ ...ON, onBattery: true });
    laptop.minuteOfDay = NIGHT;
    const battery = { batteryPercent: 100, onMains: false };
    laptop.step(0, battery).step(60, battery);
    assertEquals(laptop.restraint("nightly"), "battery");
    assertEquals(laptop.restraint(), null);
  },
);

/** Slots and duty for a share of cores and memory. */
const SHARES: readonly (readonly [
  cores: number | null,
  cpuPercent: number,
  memoryMb: number,
  workerMb: number,
  slots: number,
  duty: number,
])[] = [
  [4, 50, 1_024, 256, 2, 1],
  [4, 100, 1_024, 256, 4, 1],
  [4, 100, 1_023, 256, 3, 1],
  [8, 100, 1_024, 256, 4, 1],
  [2, 50, 1_024, 256, 1, 1],
  [1, 50, 1_024, 256, 1, 0.5],
  [4, 10, 1_024, 256, 1, 0.4],
  [3, 50, 1_024, 256, 2, 0.75],
  [64, 1, 1_024, 256, 1, 0.64],
  [null, 50, 1_024, 256, 1, 0.5],
];

for (const [cpuCores, cpuPercent, memoryMb, workerMb, slots, duty] of SHARES) {
  Deno.test(
    `Governor.decide() gives ${slots} slots at ${duty} for ${cpuPercent} % of ${cpuCores} cores, ${memoryMb} MiB`,
    PURE,
    () => {
      const device = new Device({ ...ON, cpuPercent, memoryMb }).step(0, { cpuCores });
      assertEquals(device.decide("breakthrough", workerMb), {
        mayWork: true,
        slots,
        duty,
        restraint: null,
      });
    },
  );
}

Deno.test("Governor.decide() has no slot for a worker that does not fit", PURE, () => {
  const decision = new Device(ON).step(0).decide("breakthrough", 1_025);
  assertEquals(decision, { mayWork: false, slots: 0, duty: 1, restraint: "memory" });
});
