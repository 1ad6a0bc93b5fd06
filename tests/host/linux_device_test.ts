import { assertEquals } from "@std/assert";
import { deviceTypeOfChassis, isHypervisor } from "../../src/host/chassis.ts";
import { classifyDevice, type DeviceFacts } from "../../src/host/linux_device.ts";
import { HOSTILE_TEXTS } from "./fake_source.ts";

const NOTHING: DeviceFacts = {
  dmiVendor: undefined,
  dmiProduct: undefined,
  dmiChassis: undefined,
  treeChassis: undefined,
  treeModel: undefined,
  buildProperties: undefined,
  hasBattery: false,
};

Deno.test("deviceTypeOfChassis() ignores the lock bit", { permissions: "none" }, () => {
  assertEquals(deviceTypeOfChassis(10), "laptop");
  assertEquals(deviceTypeOfChassis(10 | 0x80), "laptop");
  assertEquals(deviceTypeOfChassis(23), "server");
  assertEquals(deviceTypeOfChassis(1), "unknown");
  assertEquals(deviceTypeOfChassis(255), "unknown");
  assertEquals(deviceTypeOfChassis(null), "unknown");
});

Deno.test("isHypervisor() recognises simulated machines by maker or model", {
  permissions: "none",
}, () => {
  const cases: [string | undefined, string | undefined, boolean][] = [
    ["QEMU\n", "Standard PC (Q35 + ICH9, 2009)\n", true],
    ["VMware, Inc.", "VMware Virtual Platform", true],
    ["Microsoft Corporation", "Virtual Machine", true],
    ["Microsoft Corporation", "Surface Pro 7", false],
    ["Google", "Google Compute Engine", true],
    ["Google", "Eve", false],
    ["innotek GmbH", "VirtualBox", true],
    ["Amazon EC2", "t3.micro", true],
    ["Xen", "HVM domU", true],
    ["Dell Inc.", "PowerEdge R740", false],
    ["LENOVO", "20XW", false],
    [undefined, undefined, false],
    ["QEMU" + " ".repeat(70_000), undefined, false],
  ];
  for (const [maker, model, expected] of cases) {
    assertEquals(isHypervisor(maker, model), expected, `${maker?.slice(0, 30)} ${model}`);
  }
});

Deno.test("classifyDevice() trusts firmware before guesses", { permissions: "none" }, () => {
  const cases: [Partial<DeviceFacts>, string][] = [
    [{}, "unknown"],
    [{ hasBattery: true }, "unknown"], // a phone, a board with a cell: not known which
    [{ hasBattery: true, dmiVendor: "Acme" }, "laptop"],
    [{ dmiVendor: "LENOVO", dmiChassis: "10\n" }, "laptop"],
    [{ dmiVendor: "Dell Inc.", dmiChassis: "23\n" }, "server"],
    [{ dmiVendor: "QEMU", dmiChassis: "3" }, "server"],
    [{ dmiVendor: "Acme", dmiChassis: "2" }, "unknown"],
    [{ dmiChassis: "30" }, "tablet"],
    [{ treeChassis: "handset\0" }, "phone"],
    [{ treeChassis: "tablet\0", treeModel: "Raspberry Pi 4\0" }, "tablet"],
    [{ treeModel: "Raspberry Pi 5 Model B Rev 1.0\0" }, "embedded"],
    [{ treeModel: "Raspberry Pi Zero 2 W\0", hasBattery: true }, "embedded"],
    [{ treeModel: "Acme Raspberry Pi clone\0" }, "unknown"],
    [{ buildProperties: "a=b\nro.build.characteristics=tablet,nosdcard\n" }, "tablet"],
    [{ buildProperties: "ro.build.characteristics=phone\n" }, "phone"],
    [{ buildProperties: "ro.build.characteristics=default\n" }, "unknown"],
  ];
  for (const [facts, expected] of cases) {
    assertEquals(classifyDevice({ ...NOTHING, ...facts }), expected, JSON.stringify(facts));
  }
});

Deno.test("classifyDevice() makes nothing of hostile text", { permissions: "none" }, () => {
  for (const text of HOSTILE_TEXTS) {
    const facts = {
      dmiVendor: text,
      dmiProduct: text,
      dmiChassis: text,
      treeChassis: text,
      treeModel: text,
      buildProperties: text,
      hasBattery: false,
    };
    assertEquals(classifyDevice(facts), "unknown", text.slice(0, 20));
  }
});
