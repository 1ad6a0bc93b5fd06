/**
 * Batteries and chargers of a Linux machine, from `/sys/class/power_supply`.
 *
 * Attributes as in the kernel's ABI document sysfs-class-power. A supply with scope "Device" feeds
 * a mouse or a headset and says nothing about this machine.
 */

import { integerIn, trimText } from "./bounded.ts";
import type { HostSource } from "./reading.ts";

const ROOT = "/sys/class/power_supply";

const MAX_SUPPLIES = 32;

const SAFE_NAME = /^[\w:-][\w.:-]{0,63}$/;

/** What a supply is, which does not change while it is plugged in. */
export type SupplyKind = "battery" | "external" | "ignored";

/** One supply of this machine; fields that it does not report are `null`. */
export interface Supply {
  readonly kind: SupplyKind;
  /** Charge, 0 to 100. */
  readonly capacityPercent: number | null;
  /** "Charging", "Discharging", "Not charging", "Full" or "Unknown", as the driver wrote it. */
  readonly status: string | null;
  /** An external supply is delivering. */
  readonly isOnline: boolean | null;
  /** Full energy or charge, in the driver's unit, to weigh two batteries against each other. */
  readonly size: number | null;
}

export interface PowerUse {
  readonly batteryPercent: number | null;
  readonly onMains: boolean | null;
}

/** Kinds learned so far, by supply name; bounded because only present supplies are kept. */
export type SupplyKinds = ReadonlyMap<string, SupplyKind>;

/** The kind by the texts of `type` and `scope`. */
export function parseSupplyKind(type: string | undefined, scope: string | undefined): SupplyKind {
  if (type === undefined || trimText(scope ?? "") === "Device") return "ignored";
  const name = trimText(type);
  if (name === "Battery") return "battery";
  return name === "Mains" || name === "Wireless" || name.startsWith("USB") ? "external" : "ignored";
}

/**
 * One answer for all supplies: charge is averaged by battery size, or plainly when a size is
 * missing. External power is what a charger says, and failing that what a battery's status implies.
 */
export function summarizePower(supplies: readonly Supply[]): PowerUse {
  const batteries = supplies.filter((supply) => supply.kind === "battery");
  const chargers = supplies.filter((supply) => supply.kind === "external");
  return { batteryPercent: meanCharge(batteries), onMains: externalPower(chargers, batteries) };
}

/** Reads all supplies, and the kinds of those not in `known`. */
export async function readPower(
  source: HostSource,
  known: SupplyKinds,
): Promise<{ readonly power: PowerUse; readonly kinds: SupplyKinds }> {
  const names = (await source.list(ROOT)).filter((name) => SAFE_NAME.test(name));
  const kinds = new Map<string, SupplyKind>();
  const supplies: Supply[] = [];
  for (const name of names.slice(0, MAX_SUPPLIES)) {
    const kind = known.get(name) ?? await readKind(source, name);
    kinds.set(name, kind);
    if (kind === "battery") supplies.push(await readBattery(source, name));
    if (kind === "external") supplies.push(await readCharger(source, name));
  }
  return { power: summarizePower(supplies), kinds };
}

async function readKind(source: HostSource, name: string): Promise<SupplyKind> {
  const type = await source.readText(`${ROOT}/${name}/type`);
  return parseSupplyKind(type, await source.readText(`${ROOT}/${name}/scope`));
}

async function readBattery(source: HostSource, name: string): Promise<Supply> {
  // An empty battery bay reports a charge of 0, which would pass for a device about to die.
  const isAbsent = integerIn(await source.readText(`${ROOT}/${name}/present`), 0, 1) === 0;
  const capacity = isAbsent ? undefined : await source.readText(`${ROOT}/${name}/capacity`);
  const status = await source.readText(`${ROOT}/${name}/status`);
  const size = await source.readText(`${ROOT}/${name}/energy_full`) ??
    await source.readText(`${ROOT}/${name}/charge_full`);
  return {
    kind: "battery",
    capacityPercent: integerIn(capacity, 0, 100),
    status: status === undefined ? null : trimText(status),
    isOnline: null,
    size: integerIn(size, 1, Number.MAX_SAFE_INTEGER),
  };
}

/** `online` is 1 for a fixed and 2 for a programmable voltage. */
async function readCharger(source: HostSource, name: string): Promise<Supply> {
  const online = integerIn(await source.readText(`${ROOT}/${name}/online`), 0, 2);
  return {
    kind: "external",
    capacityPercent: null,
    status: null,
    isOnline: online === null ? null : online > 0,
    size: null,
  };
}

function meanCharge(batteries: readonly Supply[]): number | null {
  const charged = batteries.filter((battery) => battery.capacityPercent !== null);
  const isWeighed = charged.every((battery) => battery.size !== null);
  let weight = 0;
  let sum = 0;
  for (const battery of charged) {
    const size = isWeighed ? battery.size ?? 1 : 1;
    weight += size;
    sum += size * (battery.capacityPercent ?? 0);
  }
  return weight > 0 ? sum / weight : null;
}

function externalPower(chargers: readonly Supply[], batteries: readonly Supply[]): boolean | null {
  if (chargers.some((charger) => charger.isOnline === true)) return true;
  const statuses = batteries.map((battery) => battery.status);
  if (statuses.includes("Discharging")) return false;
  if (chargers.some((charger) => charger.isOnline === false)) return false;
  const isFed = (status: string | null) =>
    status === "Charging" || status === "Full" || status === "Not charging";
  return statuses.some(isFed) ? true : null;
}
