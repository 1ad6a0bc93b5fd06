import { assertAlmostEquals, assertEquals } from "@std/assert";
import {
  type AvailabilityInput,
  evolutionCapacity,
  isAvailable,
  performanceTier,
} from "../../src/host/assess.ts";

Deno.test("performanceTier() needs both minimums of a tier", { permissions: "none" }, () => {
  const cases: [number | null, number | null, string][] = [
    [16 * 1024, 8, "premium"],
    [16 * 1024 - 1, 8, "high"],
    [16 * 1024, 7, "high"],
    [8 * 1024, 4, "high"],
    [8 * 1024 - 1, 4, "medium"],
    [8 * 1024, 3, "medium"],
    [4 * 1024, 2, "medium"],
    [4 * 1024 - 1, 2, "low"],
    [4 * 1024, 1, "low"],
    [1_000_000, 1, "low"],
    [512, 64, "low"],
    [null, 64, "low"],
    [1_000_000, null, "low"],
    [null, null, "low"],
  ];
  for (const [ramMb, cpuCores, tier] of cases) {
    assertEquals(performanceTier(ramMb, cpuCores), tier, `${ramMb} MiB, ${cpuCores} cores`);
  }
});

Deno.test("evolutionCapacity() follows the contract's formula", { permissions: "none" }, () => {
  const cases: [number | null, number | null, number | null, number][] = [
    [0, 0, null, 1],
    [100, 100, null, 0.5],
    [100, 100, 29.9, 0.2],
    [50, 30, null, 0.8],
    [50, 30, 30, 0.8],
    [50, 30, 29, 0.5],
    [0, 0, 0, 0.7],
    [null, null, null, 0.75], // 1 - 0.5 x (50 + 50) / 200
    [null, 30, null, 0.8],
    [90, null, null, 0.65],
  ];
  for (const [memoryPercent, cpuPercent, batteryPercent, expected] of cases) {
    assertAlmostEquals(
      evolutionCapacity({ memoryPercent, cpuPercent, batteryPercent }),
      expected,
      1e-12,
    );
  }
});

Deno.test("evolutionCapacity() stays within [0.1, 1]", { permissions: "none" }, () => {
  const full = { memoryPercent: 1000, cpuPercent: 1000, batteryPercent: 1 };
  assertEquals(evolutionCapacity(full), 0.1);
  const impossible = { memoryPercent: -50, cpuPercent: -50, batteryPercent: null };
  assertEquals(evolutionCapacity(impossible), 1);
});

Deno.test("isAvailable() excludes only beyond its limits", { permissions: "none" }, () => {
  const idle: AvailabilityInput = {
    memoryPercent: 10,
    cpuPercent: 10,
    batteryPercent: 80,
    thermalState: "normal",
    isEvolving: false,
  };
  const cases: [Partial<AvailabilityInput>, boolean][] = [
    [{}, true],
    [{ memoryPercent: 90 }, true],
    [{ memoryPercent: 90.1 }, false],
    [{ cpuPercent: 95 }, true],
    [{ cpuPercent: 95.1 }, false],
    [{ batteryPercent: 10 }, true],
    [{ batteryPercent: 9.9 }, false],
    [{ batteryPercent: 0 }, false],
    [{ isEvolving: true }, false],
    [{ thermalState: "warm" }, true],
    [{ thermalState: "hot" }, true],
    [{ thermalState: "unknown" }, true],
    [{ thermalState: "throttling" }, false],
    [{ thermalState: "critical" }, false],
    [{ memoryPercent: null, cpuPercent: null, batteryPercent: null }, true],
  ];
  for (const [change, expected] of cases) {
    assertEquals(isAvailable({ ...idle, ...change }), expected, JSON.stringify(change));
  }
});
