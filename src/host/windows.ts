/**
 * One reading of a Windows machine, from a single query of its management classes that prints JSON.
 *
 * Starting PowerShell is by far the dearest step, so the query is repeated only at every {@link
 * COMMAND_EVERY_READINGS}th reading. Processor and memory use change faster and come from the
 * runtime; the load figure of the processor class is not asked for, as it samples for a second per
 * socket.
 */

import {
  cpuPercentBetween,
  MAX_CORES,
  MAX_MEMORY_BYTES,
  numberIn,
  percentOf,
  smallerOf,
  wholeMb,
} from "./bounded.ts";
import { deviceTypeOfChassis, isHypervisor } from "./chassis.ts";
import {
  COMMAND_EVERY_READINGS,
  type CpuTimes,
  type HostReading,
  type HostSource,
  type Measured,
  UNKNOWN_READING,
} from "./reading.ts";
import type { DeviceType, NetworkType, ThermalState } from "../discovery/capabilities.ts";
import { MAX_TEMPERATURE_C, MIN_TEMPERATURE_C, thermalStateAt } from "./thermal.ts";

/**
 * Where every supported version keeps it; a lookup along PATH could be answered by a planted file.
 */
const POWERSHELL = "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe";

/** Without double quotes, which would have to be escaped on the way. */
const QUERY = `
$ErrorActionPreference = 'SilentlyContinue'
$ProgressPreference = 'SilentlyContinue'
$net = 'root/StandardCimv2'
@{
  processors = @(Get-CimInstance Win32_Processor -Property NumberOfLogicalProcessors |
    Select-Object NumberOfLogicalProcessors)
  system = Get-CimInstance Win32_ComputerSystem |
    Select-Object Manufacturer, Model, PCSystemType, TotalPhysicalMemory
  os = Get-CimInstance Win32_OperatingSystem |
    Select-Object FreePhysicalMemory, ProductType, TotalVisibleMemorySize
  chassis = @(Get-CimInstance Win32_SystemEnclosure | ForEach-Object { $_.ChassisTypes })
  batteries = @(Get-CimInstance Win32_Battery |
    Select-Object BatteryStatus, EstimatedChargeRemaining)
  zones = @(Get-CimInstance Win32_PerfFormattedData_Counters_ThermalZoneInformation |
    Select-Object HighPrecisionTemperature, PercentPassiveLimit)
  routes = @(Get-CimInstance -Namespace $net MSFT_NetRoute |
    Where-Object { $_.DestinationPrefix -eq '0.0.0.0/0' } |
    Select-Object InterfaceIndex, InterfaceMetric, RouteMetric)
  adapters = @(Get-CimInstance -Namespace $net MSFT_NetAdapter |
    Select-Object HardwareInterface, InterfaceIndex, InterfaceType, NdisPhysicalMedium)
} | ConvertTo-Json -Depth 4 -Compress
`;

/** Entries of each list in the answer that are looked at. */
const MAX_ENTRIES = 64;

const KELVIN_AT_ZERO_C = 273.15;

/** `NDIS_PHYSICAL_MEDIUM` of ntddndis.h. */
const MEDIUMS: ReadonlyMap<number, NetworkType> = new Map([
  [1, "wifi"], // wireless LAN
  [8, "cellular"], // wireless WAN
  [9, "wifi"], // native 802.11
  [14, "ethernet"], // 802.3
]);

/** IANA ifType, for drivers that leave the medium unspecified. */
const INTERFACE_TYPES: ReadonlyMap<number, NetworkType> = new Map([
  [6, "ethernet"], // ethernetCsmacd
  [71, "wifi"], // ieee80211
  [243, "cellular"], // wwanPP, GSM
  [244, "cellular"], // wwanPP2, CDMA
]);

/** `PCSystemType` of Win32_ComputerSystem, less telling than the enclosure. */
const SYSTEM_TYPES: ReadonlyMap<number, DeviceType> = new Map([
  [1, "desktop"], // desktop
  [2, "laptop"], // mobile
  [3, "desktop"], // workstation
  [4, "server"], // enterprise server
  [5, "server"], // small office server
  [7, "server"], // performance server
]);

/**
 * `BatteryStatus` of Win32_Battery: 1, 4 and 5 discharge (low, critical), 2, 3, 6 to 9 and 11 have
 * power.
 */
const DISCHARGING: readonly number[] = [1, 4, 5];
const POWERED: readonly number[] = [2, 3, 6, 7, 8, 9, 11];

export interface WindowsState {
  readonly readings: number;
  readonly times: CpuTimes | undefined;
  /** The last answer of the query. */
  readonly answer: HostReading;
}

/**
 * The query's answer as a reading without processor use. Whatever is not the expected shape is left
 * unknown; text that is no JSON gives {@link UNKNOWN_READING}.
 */
export function parseWindowsAnswer(text: string | undefined): HostReading {
  const answer = parseObject(text);
  if (answer === undefined) return UNKNOWN_READING;
  const system = asObject(answer["system"]);
  const os = asObject(answer["os"]);
  const totalKb = numberIn(os["TotalVisibleMemorySize"], 1, MAX_MEMORY_BYTES / 1024);
  const freeKb = numberIn(os["FreePhysicalMemory"], 0, totalKb ?? 0);
  const totalBytes = numberIn(system["TotalPhysicalMemory"], 1, MAX_MEMORY_BYTES);
  return {
    ...UNKNOWN_READING,
    cpuCores: countProcessors(objectsOf(answer["processors"])),
    ramMb: wholeMb(totalBytes ?? (totalKb === null ? null : totalKb * 1024)),
    memoryPercent: totalKb === null || freeKb === null
      ? null
      : percentOf(totalKb - freeKb, totalKb),
    ...powerOf(objectsOf(answer["batteries"])),
    ...heatOf(objectsOf(answer["zones"])),
    networkType: mediumOf(objectsOf(answer["routes"]), objectsOf(answer["adapters"])),
    deviceType: deviceOf(system, os, answer["chassis"]),
  };
}

/**
 * Measures once. `previous` is the state of the last reading; without it processor use is `null`.
 */
export async function readWindows(
  source: HostSource,
  previous: WindowsState | undefined,
): Promise<Measured<WindowsState>> {
  const readings = previous?.readings ?? 0;
  const answer = previous === undefined || readings % COMMAND_EVERY_READINGS === 0
    ? parseWindowsAnswer(
      await source.run(POWERSHELL, ["-NoLogo", "-NoProfile", "-NonInteractive", "-Command", QUERY]),
    )
    : previous.answer;
  const times = await source.cpuTimes();
  const memory = source.systemMemory();
  const usedPercent = memory === undefined
    ? null
    : percentOf(memory.totalBytes - memory.availableBytes, memory.totalBytes);
  const reading = {
    ...answer,
    cpuCores: smallerOf(answer.cpuCores, source.parallelism() ?? null),
    cpuPercent: cpuPercentBetween(previous?.times, times),
    memoryPercent: usedPercent ?? answer.memoryPercent,
  };
  return { reading, state: { readings: readings + 1, times, answer } };
}

type JsonObject = Readonly<Record<string, unknown>>;

function countProcessors(sockets: readonly JsonObject[]): number | null {
  let cores = 0;
  for (const socket of sockets) {
    cores += numberIn(socket["NumberOfLogicalProcessors"], 1, MAX_CORES) ?? 0;
  }
  return cores >= 1 && Number.isSafeInteger(cores) ? numberIn(cores, 1, MAX_CORES) : null;
}

function powerOf(
  batteries: readonly JsonObject[],
): Pick<HostReading, "batteryPercent" | "onMains"> {
  const charges = batteries
    // Above 100 some firmware means "a little more than full".
    .map((battery) => numberIn(battery["EstimatedChargeRemaining"], 0, 110))
    .filter((charge) => charge !== null);
  const sum = charges.reduce((total, charge) => total + Math.min(100, charge), 0);
  const statuses = batteries.map((battery) => numberIn(battery["BatteryStatus"], 1, 11) ?? 0);
  const isDischarging = statuses.some((status) => DISCHARGING.includes(status));
  const isPowered = statuses.some((status) => POWERED.includes(status));
  return {
    batteryPercent: charges.length > 0 ? sum / charges.length : null,
    onMains: isDischarging ? false : isPowered ? true : null,
  };
}

/**
 * A zone whose passive limit is under 100 % is slowing its devices; otherwise its temperature
 * decides.
 */
function heatOf(zones: readonly JsonObject[]): Pick<HostReading, "temperatureC" | "thermalState"> {
  let temperatureC: number | null = null;
  let isLimited = false;
  for (const zone of zones) {
    const kelvin = numberIn(zone["HighPrecisionTemperature"], 0, 10_000);
    const celsius = numberIn(
      kelvin === null ? null : kelvin / 10 - KELVIN_AT_ZERO_C,
      MIN_TEMPERATURE_C,
      MAX_TEMPERATURE_C,
    );
    if (celsius !== null) temperatureC = Math.max(temperatureC ?? celsius, celsius);
    if (numberIn(zone["PercentPassiveLimit"], 1, 99) !== null) isLimited = true;
  }
  const byTemperature: ThermalState = thermalStateAt(temperatureC);
  const thermalState = isLimited && byTemperature !== "critical" ? "throttling" : byTemperature;
  return { temperatureC, thermalState };
}

function mediumOf(routes: readonly JsonObject[], adapters: readonly JsonObject[]): NetworkType {
  let best: { index: number; metric: number } | undefined;
  for (const route of routes) {
    const index = numberIn(route["InterfaceIndex"], 0, 0xffff_ffff);
    const metric = (numberIn(route["RouteMetric"], 0, 0xffff_ffff) ?? 0) +
      (numberIn(route["InterfaceMetric"], 0, 0xffff_ffff) ?? 0);
    if (index !== null && (best === undefined || metric < best.metric)) best = { index, metric };
  }
  const adapter = adapters.find((each) => each["InterfaceIndex"] === best?.index);
  if (adapter === undefined) return "unknown";
  const medium = MEDIUMS.get(numberIn(adapter["NdisPhysicalMedium"], 0, 255) ?? 0);
  if (medium !== undefined) return medium;
  const byType = INTERFACE_TYPES.get(numberIn(adapter["InterfaceType"], 0, 1024) ?? 0) ?? "unknown";
  // Virtual switches and tunnels present themselves as Ethernet.
  return byType === "ethernet" && adapter["HardwareInterface"] !== true ? "unknown" : byType;
}

function deviceOf(system: JsonObject, os: JsonObject, chassis: unknown): DeviceType {
  if (isHypervisor(asText(system["Manufacturer"]), asText(system["Model"]))) return "server";
  for (const value of Array.isArray(chassis) ? chassis.slice(0, MAX_ENTRIES) : [chassis]) {
    const byChassis = deviceTypeOfChassis(numberIn(value, 1, 255));
    if (byChassis !== "unknown") return byChassis;
  }
  const bySystem = SYSTEM_TYPES.get(numberIn(system["PCSystemType"], 0, 8) ?? 0);
  // Product types 2 and 3 are the server editions.
  return bySystem ?? (numberIn(os["ProductType"], 2, 3) === null ? "unknown" : "server");
}

function parseObject(text: string | undefined): JsonObject | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined; // A query that was interrupted prints half an object.
  }
}

/** A list of one may arrive as the object alone. */
function objectsOf(value: unknown): readonly JsonObject[] {
  const list: readonly unknown[] = Array.isArray(value) ? value.slice(0, MAX_ENTRIES) : [value];
  return list.filter(isObject);
}

function asObject(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

function asText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
