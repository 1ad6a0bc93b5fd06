/**
 * What kind of machine a Linux system is: firmware tables first, then the device tree, then its
 * battery.
 */

import { integerIn, trimText } from "./bounded.ts";
import { deviceTypeOfChassis, isHypervisor } from "./chassis.ts";
import type { HostSource } from "./reading.ts";
import type { DeviceType } from "../discovery/capabilities.ts";

const DMI = "/sys/class/dmi/id";
const DEVICE_TREE = "/proc/device-tree";

/** `chassis-type` of the root node, Devicetree Specification v0.4, section 3.2. */
const DEVICE_TYPE_BY_TREE: ReadonlyMap<string, DeviceType> = new Map([
  ["desktop", "desktop"],
  ["laptop", "laptop"],
  ["convertible", "laptop"],
  ["server", "server"],
  ["tablet", "tablet"],
  ["handset", "phone"],
  ["embedded", "embedded"],
]);

/** Single-board computers, by the beginning of the device tree's model. */
const BOARDS = new RegExp(
  "^(raspberry pi|orange ?pi|banana ?pi|xunlong|friendlyelec|friendlyarm|radxa|rock ?pi|pine64|" +
    "hardkernel|odroid|ti am335x beaglebone|beagleboard|nvidia jetson|libre computer|starfive)",
  "i",
);

/** The texts the decision rests on; absent files are `undefined`. */
export interface DeviceFacts {
  readonly dmiVendor: string | undefined;
  readonly dmiProduct: string | undefined;
  readonly dmiChassis: string | undefined;
  readonly treeChassis: string | undefined;
  readonly treeModel: string | undefined;
  /** Android's build properties. */
  readonly buildProperties: string | undefined;
  readonly hasBattery: boolean;
}

/**
 * A hypervisor is a server whatever chassis it simulates. A battery alone makes a laptop only of a
 * machine with DMI tables, which phones and boards lack.
 */
export function classifyDevice(facts: DeviceFacts): DeviceType {
  if (isHypervisor(facts.dmiVendor, facts.dmiProduct)) return "server";
  const byChassis = deviceTypeOfChassis(integerIn(facts.dmiChassis, 1, 255));
  if (byChassis !== "unknown") return byChassis;
  const byTree = DEVICE_TYPE_BY_TREE.get(trimText(facts.treeChassis ?? ""));
  if (byTree !== undefined) return byTree;
  if (BOARDS.test(trimText(facts.treeModel ?? ""))) return "embedded";
  const traits = facts.buildProperties?.match(/^ro\.build\.characteristics=(.*)$/m)?.[1]?.split(
    ",",
  );
  if (traits?.includes("tablet") === true) return "tablet";
  if (traits?.includes("phone") === true) return "phone";
  return facts.hasBattery && facts.dmiVendor !== undefined ? "laptop" : "unknown";
}

/** Reads the files once; the answer does not change while the machine runs. */
export async function readDeviceType(source: HostSource, hasBattery: boolean): Promise<DeviceType> {
  return classifyDevice({
    dmiVendor: await source.readText(`${DMI}/sys_vendor`),
    dmiProduct: await source.readText(`${DMI}/product_name`),
    dmiChassis: await source.readText(`${DMI}/chassis_type`),
    treeChassis: await source.readText(`${DEVICE_TREE}/chassis-type`),
    treeModel: await source.readText(`${DEVICE_TREE}/model`),
    buildProperties: await source.readText("/system/build.prop"),
    hasBattery,
  });
}
