/**
 * What firmware says the machine is: its enclosure, or the hypervisor that simulates it.
 *
 * Source: DMTF DSP0134 (SMBIOS reference specification), section "System Enclosure or Chassis
 * Types". Linux shows the number under DMI, Windows in its enclosure class.
 */

import { trimText } from "./bounded.ts";
import type { DeviceType } from "../discovery/capabilities.ts";

const DEVICE_TYPE_BY_CHASSIS: ReadonlyMap<number, DeviceType> = new Map([
  [3, "desktop"], // desktop
  [4, "desktop"], // low profile desktop
  [5, "desktop"], // pizza box
  [6, "desktop"], // mini tower
  [7, "desktop"], // tower
  [8, "laptop"], // portable
  [9, "laptop"], // laptop
  [10, "laptop"], // notebook
  [11, "phone"], // hand held: the nearest of our types
  [13, "desktop"], // all in one
  [14, "laptop"], // sub notebook
  [15, "desktop"], // space-saving
  [16, "desktop"], // lunch box
  [17, "server"], // main server chassis
  [23, "server"], // rack mount
  [24, "desktop"], // sealed-case
  [25, "server"], // multi-system
  [28, "server"], // blade
  [29, "server"], // blade enclosure
  [30, "tablet"], // tablet
  [31, "laptop"], // convertible
  [32, "laptop"], // detachable
  [33, "embedded"], // IoT gateway
  [34, "embedded"], // embedded
  [35, "desktop"], // mini
  [36, "desktop"], // stick
]);

/** The lock bit that some firmware leaves in the byte (offset 05h, bit 7). */
const LOCK_BIT = 0x80;

/** `null` and types without a counterpart ("other", "unknown", docking stations) give "unknown". */
export function deviceTypeOfChassis(chassisType: number | null): DeviceType {
  if (chassisType === null) return "unknown";
  return DEVICE_TYPE_BY_CHASSIS.get(chassisType & ~LOCK_BIT) ?? "unknown";
}

/** How hypervisors and clouds name themselves as the maker of the machine they simulate. */
const SIMULATED_MAKER = new RegExp(
  "^(qemu|vmware|xen|bochs|parallels|kvm|bhyve|innotek|red hat kvm|amazon ec2|digitalocean|" +
    "openstack|alibaba cloud|hetzner|upcloud|vultr|linode|akamai)\\b",
  "i",
);

/** How they name the model. */
const SIMULATED_MODEL =
  /\b(virtual machine|virtualbox|vmware|kvm|google compute engine|openstack nova|hvm domu|bhyve)\b/i;

const MAX_NAME_LENGTH = 256;

/**
 * Maker and model say that the machine is simulated. Makers who also build hardware (Microsoft,
 * Google) are recognised by the model alone, so a tablet of theirs is not taken for a server.
 */
export function isHypervisor(maker: string | undefined, model: string | undefined): boolean {
  const named = (pattern: RegExp, text: string | undefined) =>
    text !== undefined && text.length <= MAX_NAME_LENGTH && pattern.test(trimText(text));
  return named(SIMULATED_MAKER, maker) || named(SIMULATED_MODEL, model);
}
