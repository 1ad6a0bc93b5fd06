import { assert, assertEquals } from "@std/assert";
import type { Capabilities } from "../../src/discovery/capabilities.ts";
import { capabilitiesOf, isWorthTelling, NO_WORK } from "../../src/host/capabilities.ts";
import { type HostReading, UNKNOWN_READING } from "../../src/host/reading.ts";
import { LAPTOP } from "../testing/identities.ts";

const PURE = { permissions: "none" } as const;

const READING: HostReading = Object.freeze({
  cpuCores: 8,
  ramMb: 16_384,
  cpuPercent: 20,
  memoryPercent: 40,
  batteryPercent: 77,
  onMains: true,
  thermalState: "warm",
  temperatureC: 71,
  networkType: "wifi",
  deviceType: "laptop",
});

function of(changes: Partial<HostReading>): Capabilities {
  return capabilitiesOf({ ...READING, ...changes });
}

Deno.test("capabilitiesOf() maps a full reading", PURE, () => {
  assertEquals(capabilitiesOf(READING), {
    cpuCores: 8,
    ramMb: 16_384,
    cpuPercent: 20,
    memoryPercent: 40,
    batteryPercent: 77,
    networkType: "wifi",
    deviceType: "laptop",
    performanceTier: "premium",
    thermalState: "warm",
    canEvolve: true,
    evolutionCapacity: 1 - 0.5 * (20 + 40) / 200,
    availableForEvolution: true,
    evolutionLoad: 0,
  });
  assert(Object.isFrozen(capabilitiesOf(READING)));
});

Deno.test("capabilitiesOf() tells the least of an unknown device and guesses nothing", PURE, () => {
  assertEquals(capabilitiesOf(UNKNOWN_READING), {
    cpuCores: 1,
    ramMb: 1_024,
    cpuPercent: null,
    memoryPercent: null,
    batteryPercent: null,
    networkType: "unknown",
    deviceType: "unknown",
    performanceTier: "low",
    thermalState: "unknown",
    canEvolve: true,
    evolutionCapacity: 1 - 0.5 * (50 + 50) / 200,
    availableForEvolution: true,
    evolutionLoad: 0,
  });
});

Deno.test(
  "capabilitiesOf() rounds percentages to a tenth and the capacity to a thousandth",
  PURE,
  () => {
    const cases = [[12.34, 12.3], [12.35, 12.4], [0.04, 0], [99.96, 100], [0, 0]] as const;
    for (const [measured, told] of cases) {
      const { cpuPercent, memoryPercent, batteryPercent } = of({
        cpuPercent: measured,
        memoryPercent: measured,
        batteryPercent: measured,
      });
      assertEquals([cpuPercent, memoryPercent, batteryPercent], [told, told, told]);
    }
    // 1 - 0.5 x (33.33 + 33.33) / 200 = 0.83335
    assertEquals(of({ cpuPercent: 33.33, memoryPercent: 33.33 }).evolutionCapacity, 0.833);
  },
);

Deno.test(
  "capabilitiesOf() refuses work on a device that is full, hot, empty or busy",
  PURE,
  () => {
    const cases: readonly (readonly [Partial<HostReading>, boolean])[] = [
      [{ memoryPercent: 90 }, true],
      [{ memoryPercent: 90.1 }, false],
      [{ cpuPercent: 95 }, true],
      [{ cpuPercent: 95.1 }, false],
      [{ batteryPercent: 10 }, true],
      [{ batteryPercent: 9.9 }, false],
      [{ batteryPercent: null }, true],
      [{ thermalState: "hot" }, true],
      [{ thermalState: "throttling" }, false],
      [{ thermalState: "critical" }, false],
    ];
    for (const [changes, isAvailable] of cases) {
      assertEquals(of(changes).availableForEvolution, isAvailable, JSON.stringify(changes));
    }
    const busy = capabilitiesOf(READING, { isEvolving: true, evolutionLoad: 0.5 });
    assertEquals([busy.availableForEvolution, busy.evolutionLoad], [false, 0.5]);
    const free = capabilitiesOf(READING, NO_WORK);
    assertEquals([free.availableForEvolution, free.evolutionLoad], [true, 0]);
  },
);

Deno.test("isWorthTelling() waits for 10 points of a percentage, exactly", PURE, () => {
  for (const key of ["cpuPercent", "memoryPercent", "batteryPercent"] as const) {
    const cases = [[50, 59.9, false], [50, 60, true], [50, 40, true], [50, 40.1, false]] as const;
    for (const [told, now, isWorth] of cases) {
      const [before, after] = [{ ...LAPTOP, [key]: told }, { ...LAPTOP, [key]: now }];
      assertEquals(isWorthTelling(before, after), isWorth, `${key} ${told} -> ${now}`);
    }
  }
});

Deno.test("isWorthTelling() waits for a tenth of a share, exactly", PURE, () => {
  const cases = [[0, 0.099, false], [0, 0.1, true], [0.1, 0, true], [0.5, 0.599, false]] as const;
  assertShares(cases);
});

Deno.test(
  "isWorthTelling() counts a tenth that binary fractions make a little less",
  PURE,
  () => assertShares([[0.5, 0.6, true], [0.5, 0.4, true], [1, 0.9, true], [0.8, 0.7, true]]),
);

function assertShares(cases: readonly (readonly [number, number, boolean])[]): void {
  for (const key of ["evolutionCapacity", "evolutionLoad"] as const) {
    for (const [told, now, isWorth] of cases) {
      const [before, after] = [{ ...LAPTOP, [key]: told }, { ...LAPTOP, [key]: now }];
      assertEquals(isWorthTelling(before, after), isWorth, `${key} ${told} -> ${now}`);
    }
  }
}

Deno.test(
  "isWorthTelling() counts a figure that appears or vanishes, not one that stays away",
  PURE,
  () => {
    for (const key of ["cpuPercent", "memoryPercent", "batteryPercent"] as const) {
      const [known, unknown] = [{ ...LAPTOP, [key]: 0 }, { ...LAPTOP, [key]: null }];
      assertEquals(isWorthTelling(known, unknown), true, key);
      assertEquals(isWorthTelling(unknown, known), true, key);
      assertEquals(isWorthTelling(unknown, unknown), false, key);
    }
  },
);

Deno.test("isWorthTelling() counts every other change of what peers choose by", PURE, () => {
  const changes: readonly Partial<Capabilities>[] = [
    { cpuCores: 4 },
    { ramMb: 16_383 },
    { networkType: "ethernet" },
    { deviceType: "desktop" },
    { thermalState: "hot" },
    { availableForEvolution: false },
  ];
  for (const change of changes) {
    assertEquals(isWorthTelling(LAPTOP, { ...LAPTOP, ...change }), true, JSON.stringify(change));
  }
  assertEquals(isWorthTelling(LAPTOP, { ...LAPTOP }), false);
});
