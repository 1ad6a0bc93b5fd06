import { assert, assertEquals, assertThrows } from "@std/assert";
import { FieldError, Fields } from "../../src/base/guards.ts";
import {
  type Capabilities,
  DEFAULT_CAPABILITIES,
  readCapabilities,
  writeBriefly,
  writeCapabilities,
} from "../../src/discovery/capabilities.ts";
import { LAPTOP } from "../testing/identities.ts";

const PURE = { permissions: "none" } as const;

function read(value: unknown, withLoad = true): Capabilities {
  return readCapabilities(Fields.of(value, "capabilities"), { withLoad });
}

interface Numeric {
  readonly key: string;
  readonly field: keyof Capabilities;
  readonly absent: number | null;
  readonly min: number;
  readonly max: number;
  /** The nearest refused numbers. */
  readonly below: number;
  readonly above: number;
  readonly whole?: boolean;
}

/** LEGACY's defaults; the ranges are those of the physical quantity. */
const NUMBERS: readonly Numeric[] = [
  {
    key: "cpu_cores",
    field: "cpuCores",
    absent: 1,
    min: 1,
    max: 4096,
    below: 0,
    above: 4097,
    whole: true,
  },
  {
    key: "ram_mb",
    field: "ramMb",
    absent: 1024,
    min: 1,
    max: 2 ** 30,
    below: 0,
    above: 2 ** 30 + 1,
  },
  {
    key: "cpu_percent",
    field: "cpuPercent",
    absent: null,
    min: 0,
    max: 100,
    below: -1,
    above: 101,
  },
  {
    key: "memory_percent",
    field: "memoryPercent",
    absent: null,
    min: 0,
    max: 100,
    below: -1e-9,
    above: 100.000001,
  },
  {
    key: "battery_percent",
    field: "batteryPercent",
    absent: null,
    min: 0,
    max: 100,
    below: -1,
    above: 101,
  },
  {
    key: "evolution_capacity",
    field: "evolutionCapacity",
    absent: 1,
    min: 0,
    max: 1,
    below: -1e-9,
    above: 1 + 2 ** -52,
  },
  {
    key: "current_evolution_load",
    field: "evolutionLoad",
    absent: 0,
    min: 0,
    max: 1,
    below: -1e-9,
    above: 1 + 2 ** -52,
  },
];

const WORDS: readonly (readonly [string, keyof Capabilities, string, readonly string[]])[] = [
  ["network_type", "networkType", "unknown", ["wifi", "cellular", "ethernet", "unknown"]],
  ["device_type", "deviceType", "unknown", [
    "phone",
    "tablet",
    "laptop",
    "desktop",
    "server",
    "embedded",
    "unknown",
  ]],
  ["performance_tier", "performanceTier", "medium", ["low", "medium", "high", "premium"]],
  ["thermal_state", "thermalState", "normal", [
    "normal",
    "warm",
    "hot",
    "throttling",
    "critical",
    "unknown",
  ]],
];

const FLAGS: readonly (readonly [string, keyof Capabilities])[] = [
  ["can_evolve", "canEvolve"],
  ["available_for_evolution", "availableForEvolution"],
];

function assertRefused(value: unknown, key: string): void {
  const error = assertThrows(() => read(value), FieldError);
  assertEquals(error.code, "invalid_field");
  assertEquals(error.field, `capabilities.${key}`);
  assert(error.message.startsWith(`Cannot read capabilities.${key}: `), error.message);
}

Deno.test("readCapabilities() takes LEGACY's defaults for what is absent", PURE, () => {
  assertEquals(read({}), {
    cpuCores: 1,
    ramMb: 1024,
    cpuPercent: null,
    memoryPercent: null,
    batteryPercent: null,
    networkType: "unknown",
    deviceType: "unknown",
    performanceTier: "medium",
    thermalState: "normal",
    canEvolve: true,
    evolutionCapacity: 1,
    availableForEvolution: true,
    evolutionLoad: 0,
  });
  assertEquals(read({}), DEFAULT_CAPABILITIES);
});

Deno.test(
  "readCapabilities() takes each number at its limits and refuses it just outside",
  PURE,
  () => {
    for (const { key, field, absent, min, max, below, above } of NUMBERS) {
      assertEquals(read({})[field], absent, key);
      assertEquals(read({ [key]: min })[field], min, key);
      assertEquals(read({ [key]: max })[field], max, key);
      assertRefused({ [key]: below }, key);
      assertRefused({ [key]: above }, key);
    }
  },
);

Deno.test("readCapabilities() refuses hostile numbers by name, never clamps them", PURE, () => {
  const hostile: readonly unknown[] = [
    NaN,
    Infinity,
    -Infinity,
    1e308,
    -1e308,
    JSON.parse("9".repeat(5000)),
    JSON.parse("-" + "9".repeat(5000)),
    "x",
    "4",
    "",
    true,
    [],
    [4],
    {},
    { valueOf: 4 },
  ];
  for (const { key } of NUMBERS) for (const value of hostile) assertRefused({ [key]: value }, key);
});

Deno.test("readCapabilities() takes null only where it means unknown", PURE, () => {
  for (const { key, field, absent } of NUMBERS) {
    if (absent === null) assertEquals(read({ [key]: null })[field], null);
    else assertRefused({ [key]: null }, key);
  }
});

Deno.test("readCapabilities() takes whole cores only, fractions elsewhere", PURE, () => {
  for (const { key, field, min, whole } of NUMBERS) {
    if (whole) assertRefused({ [key]: min + 0.5 }, key);
    else assertEquals(read({ [key]: min + 0.5 })[field], min + 0.5);
  }
});

Deno.test("readCapabilities() takes every word of each closed set and nothing else", PURE, () => {
  for (const [key, field, absent, words] of WORDS) {
    assertEquals<unknown>(read({})[field], absent);
    for (const word of words) assertEquals<unknown>(read({ [key]: word })[field], word);
    for (const bad of ["", "Wifi", "WIFI", " low", "__proto__", 0, null, [], ["low"], {}, true]) {
      assertRefused({ [key]: bad }, key);
    }
  }
});

Deno.test("readCapabilities() takes booleans only for flags", PURE, () => {
  for (const [key, field] of FLAGS) {
    assertEquals(read({ [key]: false })[field], false);
    assertEquals(read({ [key]: true })[field], true);
    for (const bad of [0, 1, "true", "", null, [], {}]) assertRefused({ [key]: bad }, key);
  }
});

Deno.test("readCapabilities() believes a load only where asked to", PURE, () => {
  assertEquals(read({ current_evolution_load: 0.5 }, true).evolutionLoad, 0.5);
  assertEquals(read({ current_evolution_load: 0.5 }, false).evolutionLoad, 0);
  assertEquals(read({ current_evolution_load: "x" }, false).evolutionLoad, 0);
});

Deno.test("readCapabilities() ignores unknown keys and every kind of prototype key", PURE, () => {
  const hostile = JSON.parse(
    '{"__proto__":{"cpu_cores":64},"constructor":{"prototype":{"ram_mb":1}},' +
      '"toString":1,"trust_score":9,"latency_ms":"x","last_seen":0,"nested":{"a":[1]}}',
  );
  assertEquals(read(hostile), DEFAULT_CAPABILITIES);
  assertEquals(({} as Record<string, unknown>)["cpu_cores"], undefined);
});

Deno.test("readCapabilities() gives a frozen object", PURE, () => {
  assert(Object.isFrozen(read({})));
});

Deno.test("Fields.of() refuses capabilities that are no object", PURE, () => {
  for (const value of [null, [], "x", 1, true, undefined]) {
    const error = assertThrows(() => read(value), FieldError);
    assertEquals([error.code, error.field], ["invalid_field", "capabilities"]);
  }
});

Deno.test("writeCapabilities() spells LEGACY's keys", PURE, () => {
  assertEquals(writeCapabilities(LAPTOP, "some-id"), {
    device_id: "some-id",
    cpu_cores: 8,
    ram_mb: 16_384,
    cpu_percent: 12.5,
    memory_percent: 40,
    battery_percent: 77,
    network_type: "wifi",
    device_type: "laptop",
    performance_tier: "premium",
    thermal_state: "warm",
    can_evolve: true,
    evolution_capacity: 0.75,
    available_for_evolution: true,
    current_evolution_load: 0.25,
  });
});

Deno.test("writeCapabilities() round-trips through JSON", PURE, () => {
  for (const capabilities of [LAPTOP, DEFAULT_CAPABILITIES]) {
    const text = JSON.stringify(writeCapabilities(capabilities, "id"));
    assertEquals(read(JSON.parse(text)), capabilities);
  }
});

Deno.test("writeBriefly() leaves out what readers assume, and nothing else", PURE, () => {
  assertEquals(writeBriefly(DEFAULT_CAPABILITIES), {});
  for (const capabilities of [LAPTOP, { ...LAPTOP, canEvolve: false, batteryPercent: 0 }]) {
    assertEquals(read(writeBriefly(capabilities)), capabilities);
  }
  const brief = writeBriefly({ ...DEFAULT_CAPABILITIES, cpuCores: 4, evolutionLoad: 0.5 });
  assertEquals(brief, { cpu_cores: 4, current_evolution_load: 0.5 });
});
