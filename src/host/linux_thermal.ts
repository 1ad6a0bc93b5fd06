/**
 * Heat of a Linux machine, from `/sys/class/thermal` and the firmware of a Raspberry Pi.
 *
 * Each zone is judged by the trip points its firmware declares (kernel thermal sysfs interface): at
 * "passive" the kernel starts slowing the processor, at "hot" the firmware is warned, at "critical"
 * the machine is switched off. The worst zone counts. Trip points are read once, temperatures at
 * every reading.
 */

import { integerIn, trimText } from "./bounded.ts";
import type { HostSource } from "./reading.ts";
import type { ThermalState } from "../discovery/capabilities.ts";
import { hotterOf, MAX_TEMPERATURE_C, MIN_TEMPERATURE_C, thermalStateAt } from "./thermal.ts";

const ROOT = "/sys/class/thermal";

const PI_THROTTLE_PATH = "/sys/devices/platform/soc/soc:firmware/get_throttled";

const MAX_ZONES = 64;
const MAX_TRIPS = 16;

/** A trip point below this is a placeholder: no device has to be slowed at room temperature. */
const MIN_TRIP_C = 30;

/** A zone is warm this many degrees before its first trip point that costs performance. */
const WARM_MARGIN_C = 10;

/** Zones that measure the processor or the chip it sits on. */
const PROCESSOR_ZONE = /cpu|pkg_temp|soc[-_]?(thermal|temp)|package|coretemp|k10temp|tctl|bigcore/i;

/**
 * The lowest temperature, in degrees Celsius, at which each kind of trip point of a zone is
 * reached.
 */
export interface Trips {
  readonly active: number | null;
  readonly passive: number | null;
  readonly hot: number | null;
  readonly critical: number | null;
}

export interface Zone {
  readonly directory: string;
  readonly isProcessor: boolean;
  readonly trips: Trips;
}

/** What does not change between readings. */
export interface ThermalLayout {
  readonly zones: readonly Zone[];
  readonly hasPiFirmware: boolean;
}

export interface Heat {
  readonly temperatureC: number | null;
  readonly thermalState: ThermalState;
}

/** Millidegrees as text to degrees; absent when implausible. */
export function parseMillidegrees(text: string | undefined): number | null {
  const value = integerIn(text, MIN_TEMPERATURE_C * 1000, MAX_TEMPERATURE_C * 1000);
  return value === null ? null : value / 1000;
}

/** Collects the texts of `trip_point_*_type` and `trip_point_*_temp`. */
export function parseTrips(
  points: readonly { readonly type: string | undefined; readonly temp: string | undefined }[],
): Trips {
  const lowest: Record<keyof Trips, number | null> = {
    active: null,
    passive: null,
    hot: null,
    critical: null,
  };
  for (const { type, temp } of points) {
    const kind = trimText(type ?? "");
    const tripC = parseMillidegrees(temp);
    if (tripC === null || tripC < MIN_TRIP_C || !isTripKind(kind)) continue;
    lowest[kind] = Math.min(lowest[kind] ?? tripC, tripC);
  }
  return lowest;
}

/**
 * A zone's state: passive makes it hot, hot makes it throttling, critical makes it critical.
 * Without a passive or hot trip point the fixed thresholds decide below critical, for processor
 * zones only: nothing is known of what a radio or a battery sensor may bear.
 */
export function zoneState(
  temperatureC: number,
  zone: Pick<Zone, "isProcessor" | "trips">,
): ThermalState {
  const { active, passive, hot, critical } = zone.trips;
  if (critical !== null && temperatureC >= critical) return "critical";
  if (hot !== null && temperatureC >= hot) return "throttling";
  if (passive !== null && temperatureC >= passive) return "hot";
  const slowingC = passive ?? hot;
  if (slowingC !== null) {
    const warmC = Math.min(slowingC - WARM_MARGIN_C, active ?? Infinity);
    return temperatureC >= warmC ? "warm" : "normal";
  }
  if (zone.isProcessor) return thermalStateAt(temperatureC);
  if (active !== null && temperatureC >= active) return "warm";
  return critical === null && active === null ? "unknown" : "normal";
}

/**
 * The Raspberry Pi firmware's flags, hexadecimal. Only the present counts; bits 16 to 19 remember
 * the same conditions since boot.
 *
 *     bit 0 under-voltage | 1 frequency capped | 2 throttled | 3 soft temperature limit
 *
 * Capped or throttled is "throttling" whatever its cause, as the work slows the same; bit 3 is
 * "hot".
 */
export function parsePiThrottled(text: string | undefined): ThermalState {
  const digits = text === undefined || text.length > 64
    ? undefined
    : trimText(text).match(/^(?:0x)?([0-9a-f]{1,8})$/i)?.[1];
  if (digits === undefined) return "unknown";
  const flags = Number.parseInt(digits, 16);
  if ((flags & 0b0110) !== 0) return "throttling";
  return (flags & 0b1000) !== 0 ? "hot" : "normal";
}

/** Lists the zones with their trip points, and looks for the firmware file. */
export async function readThermalLayout(source: HostSource): Promise<ThermalLayout> {
  const names = (await source.list(ROOT)).filter((name) => /^thermal_zone\d{1,4}$/.test(name));
  const zones: Zone[] = [];
  for (const name of names.slice(0, MAX_ZONES)) {
    zones.push(await readZone(source, `${ROOT}/${name}`));
  }
  const hasPiFirmware = await source.readText(PI_THROTTLE_PATH) !== undefined;
  return { zones, hasPiFirmware };
}

/** Reads every zone's temperature and, where present, the firmware flags. */
export async function readHeat(source: HostSource, layout: ThermalLayout): Promise<Heat> {
  let processorC: number | null = null;
  let anyC: number | null = null;
  let thermalState: ThermalState = "unknown";
  for (const zone of layout.zones) {
    const temperatureC = parseMillidegrees(await source.readText(`${zone.directory}/temp`));
    if (temperatureC === null) continue;
    anyC = Math.max(anyC ?? temperatureC, temperatureC);
    if (zone.isProcessor) processorC = Math.max(processorC ?? temperatureC, temperatureC);
    thermalState = hotterOf(thermalState, zoneState(temperatureC, zone));
  }
  if (thermalState === "unknown") thermalState = thermalStateAt(anyC);
  if (layout.hasPiFirmware) {
    const flags = parsePiThrottled(await source.readText(PI_THROTTLE_PATH));
    thermalState = hotterOf(thermalState, flags);
  }
  return { temperatureC: processorC ?? anyC, thermalState };
}

async function readZone(source: HostSource, directory: string): Promise<Zone> {
  const type = await source.readText(`${directory}/type`) ?? "";
  const indices = (await source.list(directory))
    .map((name) => name.match(/^trip_point_(\d{1,3})_type$/)?.[1])
    .filter((index) => index !== undefined);
  const points = [];
  for (const index of indices.slice(0, MAX_TRIPS)) {
    const stem = `${directory}/trip_point_${index}`;
    points.push({
      type: await source.readText(`${stem}_type`),
      temp: await source.readText(`${stem}_temp`),
    });
  }
  return { directory, isProcessor: PROCESSOR_ZONE.test(type), trips: parseTrips(points) };
}

function isTripKind(kind: string): kind is keyof Trips {
  return kind === "active" || kind === "passive" || kind === "hot" || kind === "critical";
}
