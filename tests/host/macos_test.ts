import { assert, assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import {
  classifyMac,
  parseDefaultInterface,
  parseHardwarePorts,
  parsePmsetBattery,
  parsePmsetThermal,
  parseSysctl,
  parseThermalPressure,
  parseVmStat,
  readMacos,
} from "../../src/host/macos.ts";
import { FakeSource, HOSTILE_TEXTS, violations } from "./fake_source.ts";
import {
  HARDWARE_PORTS,
  MACBOOK,
  PMSET_BATTERY,
  PMSET_THERMAL_INTEL,
  PMSET_THERMAL_SILENT,
  ROUTE_DEFAULT,
  SYSCTL,
  VM_STAT,
} from "./macos_samples.ts";

const GIB = 2 ** 30;

Deno.test("parseSysctl() finds a key", { permissions: "none" }, () => {
  assertEquals(parseSysctl(SYSCTL, "hw.logicalcpu"), "8");
  assertEquals(parseSysctl(SYSCTL, "hw.model"), "MacBookPro18,3");
  assertEquals(parseSysctl(SYSCTL, "hw"), undefined);
  assertEquals(parseSysctl(undefined, "hw.model"), undefined);
});

Deno.test("parseVmStat() counts application, wired and compressed memory", {
  permissions: "none",
}, () => {
  // (400,000 anonymous - 20,000 purgeable + 130,000 wired + 90,000 compressed) x 16 KiB of 16 GiB
  assertAlmostEquals(parseVmStat(VM_STAT, 16 * GIB) ?? 0, 100 * 600_000 / 2 ** 20, 1e-9);
});

Deno.test("parseVmStat() needs its page size and the total", { permissions: "none" }, () => {
  assertEquals(parseVmStat(VM_STAT, null), null);
  assertEquals(parseVmStat(VM_STAT.replace(/\(.*\)/, ""), 16 * GIB), null);
  assertEquals(parseVmStat(undefined, 16 * GIB), null);
});

Deno.test("parsePmsetBattery() reads the battery and the source", { permissions: "none" }, () => {
  const line = (rest: string) => ` -InternalBattery-0 (id=4653155)\t${rest}\n`;
  const cases: [string | undefined, number | null, boolean | null, boolean | null][] = [
    [PMSET_BATTERY, 83, false, true],
    [
      `Now drawing from 'AC Power'\n${line("100%; charged; 0:00 remaining present: true")}`,
      100,
      true,
      true,
    ],
    ["Now drawing from 'AC Power'\n", null, true, false],
    [
      "Now drawing from 'UPS Power'\n -Back-UPS ES (id=1)\t90%; discharging; present: true\n",
      null,
      false,
      false,
    ],
    [`Now drawing from 'Battery Power'\n${line("900%; discharging")}`, null, false, true],
    [`Now drawing from 'AC Power'\n${line("0%; charging present: false")}`, null, true, true],
    ["garbage", null, null, null],
    [undefined, null, null, null],
  ];
  for (const [text, batteryPercent, onMains, hasBattery] of cases) {
    assertEquals(parsePmsetBattery(text), { batteryPercent, onMains, hasBattery }, text);
  }
});

Deno.test("parsePmsetThermal() takes silence for ignorance", { permissions: "none" }, () => {
  assertEquals(parsePmsetThermal(PMSET_THERMAL_INTEL), "throttling");
  assertEquals(parsePmsetThermal(PMSET_THERMAL_INTEL.replace("62", "100")), "normal");
  assertEquals(parsePmsetThermal(PMSET_THERMAL_SILENT), "unknown");
  assertEquals(parsePmsetThermal(undefined), "unknown");
});

Deno.test("parseThermalPressure() maps the five levels", { permissions: "none" }, () => {
  const key = "com.apple.system.thermalpressurelevel";
  const states = ["normal", "hot", "throttling", "critical", "critical"];
  for (const [level, state] of states.entries()) {
    assertEquals(parseThermalPressure(`${key} ${level}\n`), state);
  }
  for (const text of [`${key} 5`, `${key} -1`, key, "another.key 2", "", undefined]) {
    assertEquals(parseThermalPressure(text), "unknown", text);
  }
});

Deno.test("parseHardwarePorts() names the medium of each device", { permissions: "none" }, () => {
  assertEquals([...parseHardwarePorts(HARDWARE_PORTS)], [
    ["en0", "wifi"],
    ["en5", "ethernet"],
    ["en6", "cellular"],
    ["en1", "unknown"],
    ["bridge0", "unknown"],
  ]);
  assertEquals(parseDefaultInterface(ROUTE_DEFAULT), "en0");
  assertEquals(parseDefaultInterface("route: writing to routing socket: not in table"), undefined);
});

Deno.test(
  "classifyMac() asks the battery only for nameless models",
  { permissions: "none" },
  () => {
    const cases: [string | undefined, boolean | null, string][] = [
      ["MacBookAir10,1", null, "laptop"],
      ["iMac21,1", true, "desktop"],
      ["Macmini9,1", null, "desktop"],
      ["MacPro7,1", null, "desktop"],
      ["Mac14,2", true, "laptop"],
      ["Mac14,3", false, "desktop"],
      ["Mac14,3", null, "unknown"],
      ["VirtualMac2,1", false, "server"],
      ["N/A", true, "unknown"],
      [undefined, true, "unknown"],
    ];
    for (const [model, hasBattery, expected] of cases) {
      assertEquals(classifyMac(model, hasBattery), expected, model);
    }
  },
);

Deno.test(
  "parsers of command output do not backtrack over blank lines",
  { permissions: "none" },
  () => {
    // A pattern that began with any white space was tried from each of these lines to the end.
    const blank = "\n \t".repeat(20_000);
    const started = performance.now();
    assertEquals(parsePmsetThermal(blank), "unknown");
    assertEquals(parseDefaultInterface(blank), undefined);
    assertLess(performance.now() - started, 500);
  },
);

Deno.test("readMacos() reads a laptop", { permissions: "none" }, async () => {
  const source = new FakeSource({
    commands: MACBOOK,
    times: { busyMs: 10, totalMs: 100, cores: 8 },
  });
  const first = await readMacos(source, undefined);
  source.recording = { commands: MACBOOK, times: { busyMs: 30, totalMs: 200, cores: 8 } };
  const { reading } = await readMacos(source, first.state);
  assertEquals({ ...reading, memoryPercent: null }, {
    cpuCores: 8,
    ramMb: 16_384,
    cpuPercent: 20,
    memoryPercent: null,
    batteryPercent: 83,
    onMains: false,
    thermalState: "hot",
    temperatureC: null,
    networkType: "wifi",
    deviceType: "laptop",
  });
  assertEquals(first.reading.cpuPercent, null);
});

Deno.test(
  "readMacos() asks for slow facts at every sixth reading",
  { permissions: "none" },
  async () => {
    const source = new FakeSource({ commands: MACBOOK });
    let state: Awaited<ReturnType<typeof readMacos>>["state"] | undefined;
    for (let i = 0; i < 12; i++) state = (await readMacos(source, state)).state;
    const count = (name: string) => source.effects.filter((each) => each.startsWith(name)).length;
    assertEquals([count("run sysctl"), count("run route"), count("run vm_stat")], [1, 2, 12]);
  },
);

Deno.test(
  "readMacos() stays in range whatever one command prints",
  { permissions: "none" },
  async () => {
    for (const command of Object.keys(MACBOOK)) {
      for (const text of HOSTILE_TEXTS) {
        const source = new FakeSource({ commands: { ...MACBOOK, [command]: text } });
        assertEquals(violations((await readMacos(source, undefined)).reading), [], command);
      }
    }
    const { reading } = await readMacos(new FakeSource(), undefined);
    assert(Object.values(reading).every((value) => value === null || value === "unknown"));
  },
);
