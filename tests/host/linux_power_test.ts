import { assertEquals } from "@std/assert";
import {
  parseSupplyKind,
  readPower,
  summarizePower,
  type Supply,
} from "../../src/host/linux_power.ts";
import { FakeSource, HOSTILE_TEXTS } from "./fake_source.ts";

const ROOT = "/sys/class/power_supply";

function battery(change: Partial<Supply> = {}): Supply {
  return {
    kind: "battery",
    capacityPercent: 50,
    status: "Unknown",
    isOnline: null,
    size: null,
    ...change,
  };
}

function charger(isOnline: boolean | null): Supply {
  return { kind: "external", capacityPercent: null, status: null, isOnline, size: null };
}

Deno.test("parseSupplyKind() ignores what powers another device", { permissions: "none" }, () => {
  const cases: [string | undefined, string | undefined, string][] = [
    ["Battery\n", undefined, "battery"],
    ["Battery\n", "System\n", "battery"],
    ["Battery\n", "Device\n", "ignored"],
    ["Mains\n", undefined, "external"],
    ["USB_PD\n", undefined, "external"],
    ["USB\n", "Device\n", "ignored"],
    ["Wireless\n", undefined, "external"],
    ["UPS\n", undefined, "ignored"],
    [undefined, undefined, "ignored"],
  ];
  for (const [type, scope, kind] of cases) assertEquals(parseSupplyKind(type, scope), kind, type);
});

Deno.test(
  "summarizePower() weighs batteries by size when all have one",
  { permissions: "none" },
  () => {
    const small = battery({ capacityPercent: 100, size: 10 });
    const large = battery({ capacityPercent: 0, size: 30 });
    assertEquals(summarizePower([small, large]).batteryPercent, 25);
    assertEquals(summarizePower([small, { ...large, size: null }]).batteryPercent, 50);
    assertEquals(summarizePower([small, battery({ capacityPercent: null })]).batteryPercent, 100);
    assertEquals(summarizePower([]).batteryPercent, null);
  },
);

Deno.test(
  "summarizePower() asks the charger first, then the battery",
  { permissions: "none" },
  () => {
    const cases: [Supply[], boolean | null][] = [
      [[charger(true), battery({ status: "Discharging" })], true],
      [[charger(false), charger(true)], true],
      [[charger(false), battery({ status: "Full" })], false],
      [[battery({ status: "Discharging" })], false],
      [[battery({ status: "Charging" })], true],
      [[battery({ status: "Not charging" })], true],
      [[battery({ status: "Unknown" })], null],
      [[charger(null)], null],
      [[], null],
    ];
    for (const [supplies, onMains] of cases) {
      assertEquals(summarizePower(supplies).onMains, onMains, JSON.stringify(supplies));
    }
  },
);

Deno.test("readPower() leaves an empty battery bay out", { permissions: "none" }, async () => {
  const files = {
    [`${ROOT}/BAT0/type`]: "Battery",
    [`${ROOT}/BAT0/present`]: "1",
    [`${ROOT}/BAT0/capacity`]: "70",
    [`${ROOT}/BAT1/type`]: "Battery",
    [`${ROOT}/BAT1/present`]: "0",
    [`${ROOT}/BAT1/capacity`]: "0",
  };
  const { power } = await readPower(new FakeSource({ files }), new Map());
  assertEquals(power.batteryPercent, 70);
});

Deno.test("readPower() forgets supplies that are gone and learns new ones", {
  permissions: "none",
}, async () => {
  const source = new FakeSource({ files: { [`${ROOT}/AC/type`]: "Mains" } });
  const first = await readPower(source, new Map());
  assertEquals([...first.kinds], [["AC", "external"]]);
  source.recording = { files: { [`${ROOT}/BAT0/type`]: "Battery" } };
  const second = await readPower(source, first.kinds);
  assertEquals([...second.kinds], [["BAT0", "battery"]]);
});

Deno.test(
  "readPower() finds no charge in hostile attributes",
  { permissions: "none" },
  async () => {
    for (const text of HOSTILE_TEXTS) {
      const files = {
        [`${ROOT}/BAT0/type`]: "Battery",
        [`${ROOT}/BAT0/capacity`]: text,
        [`${ROOT}/BAT0/status`]: text,
        [`${ROOT}/BAT0/energy_full`]: text,
        [`${ROOT}/AC/type`]: "Mains",
        [`${ROOT}/AC/online`]: text,
        [`${ROOT}/odd name/type`]: text,
      };
      const { power } = await readPower(new FakeSource({ files }), new Map());
      assertEquals(power, { batteryPercent: null, onMains: null });
    }
  },
);
