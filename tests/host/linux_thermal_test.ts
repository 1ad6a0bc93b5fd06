import { assertEquals } from "@std/assert";
import {
  parseMillidegrees,
  parsePiThrottled,
  parseTrips,
  readHeat,
  readThermalLayout,
  type Trips,
  zoneState,
} from "../../src/host/linux_thermal.ts";
import { hotterOf, thermalStateAt } from "../../src/host/thermal.ts";
import { FakeSource, HOSTILE_TEXTS } from "./fake_source.ts";

const ROOT = "/sys/class/thermal";
const NO_TRIPS: Trips = { active: null, passive: null, hot: null, critical: null };

Deno.test(
  "thermalStateAt() reaches each threshold at its exact value",
  { permissions: "none" },
  () => {
    const cases: [number | null, string][] = [
      [null, "unknown"],
      [-10, "normal"],
      [69.9, "normal"],
      [70, "warm"],
      [79.9, "warm"],
      [80, "hot"],
      [90, "throttling"],
      [100, "critical"],
    ];
    for (const [celsius, state] of cases) assertEquals(thermalStateAt(celsius), state);
  },
);

Deno.test("hotterOf() ranks unknown below normal", { permissions: "none" }, () => {
  assertEquals(hotterOf("unknown", "normal"), "normal");
  assertEquals(hotterOf("hot", "throttling"), "throttling");
  assertEquals(hotterOf("critical", "throttling"), "critical");
});

Deno.test("parseMillidegrees() drops what no device survives", { permissions: "none" }, () => {
  assertEquals(parseMillidegrees("45500\n"), 45.5);
  assertEquals(parseMillidegrees("-40000"), -40);
  assertEquals(parseMillidegrees("-40001"), null);
  assertEquals(parseMillidegrees("150000"), 150);
  assertEquals(parseMillidegrees("150001"), null);
  assertEquals(parseMillidegrees("-274000"), null);
  for (const text of HOSTILE_TEXTS.filter((text) => text !== "-1")) {
    assertEquals(parseMillidegrees(text), null);
  }
});

Deno.test("parseTrips() keeps the lowest of a kind and drops placeholders", {
  permissions: "none",
}, () => {
  const trips = parseTrips([
    { type: "passive\n", temp: "95000\n" },
    { type: "passive", temp: "85000" },
    { type: "passive", temp: "-274000" },
    { type: "hot", temp: "0" },
    { type: "critical", temp: "105000" },
    { type: "active", temp: undefined },
    { type: "made up", temp: "50000" },
    { type: "constructor", temp: "50000" },
  ]);
  assertEquals(trips, { active: null, passive: 85, hot: null, critical: 105 });
});

Deno.test("zoneState() is relative to the zone's own trip points", { permissions: "none" }, () => {
  const trips = { active: 60, passive: 85, hot: 95, critical: 105 };
  const cases: [number, string][] = [
    [59.9, "normal"],
    [60, "warm"],
    [84.9, "warm"],
    [85, "hot"],
    [94.9, "hot"],
    [95, "throttling"],
    [105, "critical"],
  ];
  for (const [celsius, state] of cases) {
    assertEquals(zoneState(celsius, { isProcessor: true, trips }), state, `${celsius}`);
  }
});

Deno.test("zoneState() falls back to fixed thresholds for processors only", {
  permissions: "none",
}, () => {
  const onlyCritical = { ...NO_TRIPS, critical: 125 };
  assertEquals(zoneState(91, { isProcessor: true, trips: NO_TRIPS }), "throttling");
  assertEquals(zoneState(91, { isProcessor: true, trips: onlyCritical }), "throttling");
  assertEquals(zoneState(91, { isProcessor: false, trips: NO_TRIPS }), "unknown");
  assertEquals(zoneState(91, { isProcessor: false, trips: onlyCritical }), "normal");
  assertEquals(zoneState(125, { isProcessor: false, trips: onlyCritical }), "critical");
  assertEquals(zoneState(75, { isProcessor: false, trips: { ...NO_TRIPS, passive: 85 } }), "warm");
  assertEquals(
    zoneState(74, { isProcessor: false, trips: { ...NO_TRIPS, passive: 85 } }),
    "normal",
  );
});

Deno.test("parsePiThrottled() reads the present, not the past", { permissions: "none" }, () => {
  const cases: [string | undefined, string][] = [
    ["0\n", "normal"],
    ["50000\n", "normal"], // both happened since boot, neither holds
    ["1", "normal"], // under-voltage is not heat
    ["2", "throttling"],
    ["4", "throttling"],
    ["8", "hot"],
    ["c", "throttling"],
    ["0x50005", "throttling"],
    ["e0008", "hot"],
    ["", "unknown"],
    ["xyz", "unknown"],
    ["123456789", "unknown"],
    [undefined, "unknown"],
  ];
  for (const [text, state] of cases) assertEquals(parsePiThrottled(text), state, text);
});

Deno.test("readHeat() prefers the processor's temperature and the worst state", {
  permissions: "none",
}, async () => {
  const files = {
    [`${ROOT}/thermal_zone0/type`]: "cpu-thermal",
    [`${ROOT}/thermal_zone0/temp`]: "61000",
    [`${ROOT}/thermal_zone1/type`]: "iwlwifi_1",
    [`${ROOT}/thermal_zone1/temp`]: "75000",
    [`${ROOT}/thermal_zone2/type`]: "skin",
    [`${ROOT}/thermal_zone2/temp`]: "55000",
    [`${ROOT}/thermal_zone2/trip_point_0_type`]: "passive",
    [`${ROOT}/thermal_zone2/trip_point_0_temp`]: "50000",
    [`${ROOT}/thermal_zone3/type`]: "broken",
    [`${ROOT}/thermal_zone3/temp`]: "N/A",
  };
  const source = new FakeSource({ files });
  const layout = await readThermalLayout(source);
  assertEquals(await readHeat(source, layout), { temperatureC: 61, thermalState: "hot" });
});

Deno.test("readHeat() knows nothing without zones", { permissions: "none" }, async () => {
  const source = new FakeSource();
  assertEquals(await readHeat(source, await readThermalLayout(source)), {
    temperatureC: null,
    thermalState: "unknown",
  });
});

Deno.test(
  "readThermalLayout() looks at a bounded number of zones",
  { permissions: "none" },
  async () => {
    const files: Record<string, string> = {};
    for (let i = 0; i < 500; i++) files[`${ROOT}/thermal_zone${i}/temp`] = "40000";
    const layout = await readThermalLayout(new FakeSource({ files }));
    assertEquals(layout.zones.length, 64);
  },
);
