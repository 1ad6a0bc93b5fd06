import { assertAlmostEquals, assertEquals } from "@std/assert";
import { UNKNOWN_READING } from "../../src/host/reading.ts";
import { parseWindowsAnswer, readWindows } from "../../src/host/windows.ts";
import { FakeSource, HOSTILE_TEXTS, violations } from "./fake_source.ts";
import { WINDOWS_LAPTOP, WINDOWS_LAPTOP_ANSWER, WINDOWS_VM_ANSWER } from "./windows_samples.ts";

function withAnswer(change: Record<string, unknown>): string {
  return JSON.stringify({ ...WINDOWS_LAPTOP_ANSWER, ...change });
}

Deno.test("parseWindowsAnswer() reads a laptop", { permissions: "none" }, () => {
  const reading = parseWindowsAnswer(WINDOWS_LAPTOP);
  assertAlmostEquals(reading.temperatureC ?? 0, 54.05, 1e-9);
  assertEquals({ ...reading, temperatureC: null }, {
    cpuCores: 8,
    ramMb: 16_000,
    cpuPercent: null,
    memoryPercent: 75,
    batteryPercent: 64,
    onMains: false,
    thermalState: "normal",
    temperatureC: null,
    networkType: "wifi",
    deviceType: "laptop",
  });
});

Deno.test(
  "parseWindowsAnswer() takes a virtual machine for a server",
  { permissions: "none" },
  () => {
    const reading = parseWindowsAnswer(JSON.stringify(WINDOWS_VM_ANSWER));
    assertEquals(reading.deviceType, "server");
    assertEquals(reading.batteryPercent, null);
    assertEquals(reading.onMains, null);
    assertEquals(reading.thermalState, "unknown");
    assertEquals(reading.networkType, "unknown"); // a virtual adapter
  },
);

Deno.test("parseWindowsAnswer() adds up sockets", { permissions: "none" }, () => {
  const socket = { NumberOfLogicalProcessors: 32 };
  assertEquals(parseWindowsAnswer(withAnswer({ processors: [socket, socket] })).cpuCores, 64);
  assertEquals(parseWindowsAnswer(withAnswer({ processors: socket })).cpuCores, 32);
  assertEquals(parseWindowsAnswer(withAnswer({ processors: [] })).cpuCores, null);
});

Deno.test("parseWindowsAnswer() judges heat by limits, then by temperature", {
  permissions: "none",
}, () => {
  const zone = (celsius: number, limit: number) => ({
    HighPrecisionTemperature: Math.round((celsius + 273.15) * 10),
    PercentPassiveLimit: limit,
  });
  const cases: [unknown, string][] = [
    [[zone(40, 100)], "normal"],
    [[zone(40, 100), zone(85, 100)], "hot"],
    [[zone(40, 70)], "throttling"],
    [[zone(101, 70)], "critical"],
    [[zone(40, 0)], "normal"], // a driver that does not report limits
    [[{ HighPrecisionTemperature: 0, PercentPassiveLimit: 100 }], "unknown"],
    [[], "unknown"],
    [null, "unknown"],
  ];
  for (const [zones, state] of cases) {
    assertEquals(parseWindowsAnswer(withAnswer({ zones })).thermalState, state);
  }
});

Deno.test(
  "parseWindowsAnswer() tells power from the battery status",
  { permissions: "none" },
  () => {
    const cases: [number, boolean | null][] = [
      [1, false],
      [2, true],
      [3, true],
      [4, false],
      [5, false],
      [6, true],
      [10, null],
      [99, null],
    ];
    for (const [status, onMains] of cases) {
      const batteries = [{ BatteryStatus: status, EstimatedChargeRemaining: 50 }];
      assertEquals(parseWindowsAnswer(withAnswer({ batteries })).onMains, onMains, `${status}`);
    }
  },
);

Deno.test(
  "parseWindowsAnswer() follows the cheapest default route",
  { permissions: "none" },
  () => {
    const adapters = [
      { InterfaceIndex: 5, NdisPhysicalMedium: 14, InterfaceType: 6, HardwareInterface: true },
      { InterfaceIndex: 9, NdisPhysicalMedium: 8, InterfaceType: 243, HardwareInterface: true },
      { InterfaceIndex: 11, NdisPhysicalMedium: 0, InterfaceType: 6, HardwareInterface: false },
      { InterfaceIndex: 12, NdisPhysicalMedium: 0, InterfaceType: 71, HardwareInterface: true },
    ];
    const route = (index: number, metric: number) => ({
      InterfaceIndex: index,
      InterfaceMetric: metric,
      RouteMetric: 0,
    });
    const cases: [unknown, string][] = [
      [[route(5, 25), route(9, 50)], "ethernet"],
      [[route(5, 75), route(9, 50)], "cellular"],
      [[route(11, 1)], "unknown"],
      [[route(12, 1)], "wifi"],
      [[route(77, 1)], "unknown"],
      [[], "unknown"],
    ];
    for (const [routes, medium] of cases) {
      const answer = withAnswer({ routes, adapters });
      assertEquals(parseWindowsAnswer(answer).networkType, medium, JSON.stringify(routes));
    }
  },
);

Deno.test("parseWindowsAnswer() names the device by chassis, then by class", {
  permissions: "none",
}, () => {
  const system = WINDOWS_LAPTOP_ANSWER.system;
  const cases: [Record<string, unknown>, string][] = [
    [{ chassis: [30] }, "tablet"],
    [{ chassis: 3 }, "desktop"],
    [{ chassis: [1], system: { ...system, PCSystemType: 3 } }, "desktop"],
    [{ chassis: [], system: { ...system, PCSystemType: 0 }, os: { ProductType: 3 } }, "server"],
    [{ chassis: [], system: { ...system, PCSystemType: 0 } }, "unknown"],
  ];
  for (const [change, expected] of cases) {
    assertEquals(parseWindowsAnswer(withAnswer(change)).deviceType, expected);
  }
});

Deno.test("parseWindowsAnswer() refuses values of the wrong type or size", {
  permissions: "none",
}, () => {
  for (const value of [null, "8", -1, 1e308, true, [], {}, [[]]]) {
    const answer = withAnswer({
      processors: [{ NumberOfLogicalProcessors: value }],
      system: { TotalPhysicalMemory: value, Manufacturer: value, Model: value },
      os: { TotalVisibleMemorySize: value, FreePhysicalMemory: value, ProductType: value },
      chassis: value,
      batteries: [{ BatteryStatus: value, EstimatedChargeRemaining: value }],
      zones: [{ HighPrecisionTemperature: value, PercentPassiveLimit: value }],
      routes: [{ InterfaceIndex: value, InterfaceMetric: value }],
      adapters: [{ InterfaceIndex: value, NdisPhysicalMedium: value }],
    });
    assertEquals(parseWindowsAnswer(answer), UNKNOWN_READING, String(value));
  }
});

Deno.test("parseWindowsAnswer() makes nothing of text that is no object", {
  permissions: "none",
}, () => {
  for (const text of [...HOSTILE_TEXTS, "null", "[]", "42", WINDOWS_LAPTOP.slice(0, -1)]) {
    assertEquals(parseWindowsAnswer(text), UNKNOWN_READING);
  }
  assertEquals(parseWindowsAnswer(undefined), UNKNOWN_READING);
});

Deno.test("readWindows() queries at every sixth reading and samples at each", {
  permissions: "none",
}, async () => {
  const source = new FakeSource({ parallelism: 8 });
  let state: Awaited<ReturnType<typeof readWindows>>["state"] | undefined;
  const uses: (number | null)[] = [];
  for (let i = 0; i < 12; i++) {
    source.recording = {
      commands: { powershell: WINDOWS_LAPTOP },
      times: { busyMs: 10 * i, totalMs: 100 * i + 1, cores: 8 },
      memory: { totalBytes: 1000, availableBytes: 400 },
      parallelism: 4,
    };
    const measured = await readWindows(source, state);
    state = measured.state;
    uses.push(measured.reading.cpuPercent);
    assertEquals(measured.reading.memoryPercent, 60);
    assertEquals(measured.reading.cpuCores, 4);
    assertEquals(measured.reading.batteryPercent, 64);
    assertEquals(violations(measured.reading), []);
  }
  assertEquals(uses, [null, ...Array(11).fill(10)]);
  assertEquals(source.effects.filter((each) => each.startsWith("run")).length, 2);
});
