/**
 * One reading of a Mac, from the commands that ship with the system.
 *
 * Sizes and the model come from `sysctl`, memory from `vm_stat`, power from `pmset`, heat from the
 * pressure level the kernel publishes and from `pmset`, the network from `route` and
 * `networksetup`. None of them needs privileges; temperatures would, so they stay unknown.
 * Processor time comes from the runtime.
 */

import {
  cpuPercentBetween,
  integerIn,
  MAX_CORES,
  MAX_MEMORY_BYTES,
  percentOf,
  smallerOf,
  wholeMb,
} from "./bounded.ts";
import {
  COMMAND_EVERY_READINGS,
  type CpuTimes,
  type HostSource,
  type Measured,
} from "./reading.ts";
import type { DeviceType, NetworkType, ThermalState } from "../discovery/capabilities.ts";
import { hotterOf } from "./thermal.ts";

/** Absolute, so that a directory early in PATH cannot stand in for the system. */
const SYSCTL = "/usr/sbin/sysctl";
const VM_STAT = "/usr/bin/vm_stat";
const PMSET = "/usr/bin/pmset";
const NOTIFYUTIL = "/usr/bin/notifyutil";
const ROUTE = "/sbin/route";
const NETWORKSETUP = "/usr/sbin/networksetup";

const PRESSURE_KEY = "com.apple.system.thermalpressurelevel";

/**
 * Power sources by `pmset`, and whether they are external. A UPS in use means that the mains
 * failed.
 */
const SOURCES: ReadonlyMap<string, boolean> = new Map([
  ["AC Power", true],
  ["Battery Power", false],
  ["UPS Power", false],
]);

/** Facts that hold until the next boot. */
interface MacIdentity {
  readonly cores: number | null;
  readonly ramBytes: number | null;
  readonly model: string | undefined;
  readonly ports: ReadonlyMap<string, NetworkType>;
}

/** Facts that are asked for at every {@link COMMAND_EVERY_READINGS}th reading. */
interface MacSurroundings {
  readonly power: MacPower;
  readonly thermalState: ThermalState;
  readonly networkType: NetworkType;
}

export interface MacState {
  readonly readings: number;
  readonly times: CpuTimes | undefined;
  readonly identity: MacIdentity;
  readonly surroundings: MacSurroundings;
}

export interface MacPower {
  readonly batteryPercent: number | null;
  readonly onMains: boolean | null;
  /** `null` when the command said nothing at all. */
  readonly hasBattery: boolean | null;
}

/** A line `key: value` of `sysctl`. */
export function parseSysctl(text: string | undefined, key: string): string | undefined {
  const prefix = `${key}: `;
  return text?.split("\n").find((line) => line.startsWith(prefix))?.slice(prefix.length).trim();
}

/**
 * Memory in use as the system's own monitor counts it: application memory that is neither purgeable
 * nor backed by files, wired memory, and what the compressor occupies.
 */
export function parseVmStat(text: string | undefined, totalBytes: number | null): number | null {
  const pageBytes = integerIn(text?.match(/page size of (\d+) bytes/)?.[1], 1024, 2 ** 20);
  if (text === undefined || pageBytes === null || totalBytes === null) return null;
  const pages = (label: string) => {
    const line = text.split("\n").find((each) => each.startsWith(`${label}:`));
    return integerIn(line?.slice(label.length + 1).replace(/\.\s*$/, ""), 0, 2 ** 36);
  };
  const wired = pages("Pages wired down");
  const compressed = pages("Pages occupied by compressor") ?? 0;
  const anonymous = pages("Anonymous pages") ?? pages("Pages active");
  if (wired === null || anonymous === null) return null;
  const purgeable = Math.min(anonymous, pages("Pages purgeable") ?? 0);
  return percentOf((anonymous - purgeable + wired + compressed) * pageBytes, totalBytes);
}

/** `pmset -g batt`: the source drawn from, then one line for each battery or UPS. */
export function parsePmsetBattery(text: string | undefined): MacPower {
  const source = text?.match(/^Now drawing from '([^']{1,32})'/m)?.[1];
  if (text === undefined || source === undefined) {
    return { batteryPercent: null, onMains: null, hasBattery: null };
  }
  const line = text.split("\n").find((each) => each.includes("InternalBattery"));
  const charge = line?.match(/(?:^|\s)(\d{1,3})%;/)?.[1];
  return {
    batteryPercent: line?.includes("present: false") === true ? null : integerIn(charge, 0, 100),
    onMains: SOURCES.get(source) ?? null,
    hasBattery: line !== undefined,
  };
}

/**
 * `pmset -g therm`: a processor limited below 100 % is throttling. "No ... has been recorded" is
 * not taken for normal: it does not tell a cool Mac from one that never records.
 */
export function parsePmsetThermal(text: string | undefined): ThermalState {
  const limit = (key: string) =>
    integerIn(
      text?.match(new RegExp(`^[ \\t]*${key}[ \\t]*=[ \\t]*(\\d{1,3})[ \\t]*$`, "m"))?.[1],
      0,
      100,
    );
  const tightest = smallerOf(limit("CPU_Speed_Limit"), limit("CPU_Scheduler_Limit"));
  if (tightest === null) return "unknown";
  return tightest < 100 ? "throttling" : "normal";
}

/**
 * The thermal pressure level that `notifyutil -g` prints after its key. On macOS (libkern,
 * OSThermalNotification.h): 0 nominal, 1 moderate, 2 heavy, 3 trapping, 4 sleeping.
 */
export function parseThermalPressure(text: string | undefined): ThermalState {
  const states: readonly ThermalState[] = ["normal", "hot", "throttling", "critical", "critical"];
  const [key, level] = text?.trim().split(/\s+/) ?? [];
  const index = key === PRESSURE_KEY ? integerIn(level, 0, states.length - 1) : null;
  return index === null ? "unknown" : states[index] ?? "unknown";
}

/** The interface of `route -n get default`. */
export function parseDefaultInterface(text: string | undefined): string | undefined {
  return text?.match(/^[ \t]*interface: ([\w.]{1,15})$/m)?.[1];
}

/** Devices of `networksetup -listallhardwareports` by the medium their port's name betrays. */
export function parseHardwarePorts(text: string | undefined): ReadonlyMap<string, NetworkType> {
  const ports = new Map<string, NetworkType>();
  const pairs = text?.matchAll(/^Hardware Port: (.{1,80})\nDevice: ([\w.]{1,15})$/gm) ?? [];
  for (const [, port, device] of pairs) {
    if (port !== undefined && device !== undefined) ports.set(device, mediumOfPort(port));
  }
  return ports;
}

/**
 * The model identifier names the family up to 2022; later ones ("Mac14,2") name none, and there the
 * battery decides. Every Mac without one is a desktop.
 */
export function classifyMac(model: string | undefined, hasBattery: boolean | null): DeviceType {
  if (model === undefined || !/^[A-Za-z]{1,24}\d{1,4},\d{1,4}$/.test(model)) return "unknown";
  if (/^(VirtualMac|VMware|Parallels|Xserve)/.test(model)) return "server";
  if (/^MacBook/.test(model)) return "laptop";
  if (/^(iMac|Macmini|MacPro)/.test(model)) return "desktop";
  if (!/^Mac\d/.test(model) || hasBattery === null) return "unknown";
  return hasBattery ? "laptop" : "desktop";
}

/**
 * Measures once. `previous` is the state of the last reading; without it processor use is `null`.
 */
export async function readMacos(
  source: HostSource,
  previous: MacState | undefined,
): Promise<Measured<MacState>> {
  const readings = previous?.readings ?? 0;
  const identity = previous?.identity ?? await readIdentity(source);
  const surroundings = previous === undefined || readings % COMMAND_EVERY_READINGS === 0
    ? await readSurroundings(source, identity)
    : previous.surroundings;
  const times = await source.cpuTimes();
  const { power, thermalState, networkType } = surroundings;
  const reading = {
    cpuCores: identity.cores ?? times?.cores ?? null,
    ramMb: wholeMb(identity.ramBytes),
    cpuPercent: cpuPercentBetween(previous?.times, times),
    memoryPercent: parseVmStat(await source.run(VM_STAT, []), identity.ramBytes),
    batteryPercent: power.batteryPercent,
    onMains: power.onMains,
    thermalState,
    temperatureC: null,
    networkType,
    deviceType: classifyMac(identity.model, power.hasBattery),
  };
  return { reading, state: { readings: readings + 1, times, identity, surroundings } };
}

async function readIdentity(source: HostSource): Promise<MacIdentity> {
  const text = await source.run(SYSCTL, ["hw.logicalcpu", "hw.memsize", "hw.model"]);
  return {
    cores: integerIn(parseSysctl(text, "hw.logicalcpu"), 1, MAX_CORES),
    ramBytes: integerIn(parseSysctl(text, "hw.memsize"), 1, MAX_MEMORY_BYTES),
    model: parseSysctl(text, "hw.model"),
    ports: parseHardwarePorts(await source.run(NETWORKSETUP, ["-listallhardwareports"])),
  };
}

async function readSurroundings(
  source: HostSource,
  identity: MacIdentity,
): Promise<MacSurroundings> {
  const [battery, limits, pressure, route] = await Promise.all([
    source.run(PMSET, ["-g", "batt"]),
    source.run(PMSET, ["-g", "therm"]),
    source.run(NOTIFYUTIL, ["-g", PRESSURE_KEY]),
    source.run(ROUTE, ["-n", "get", "default"]),
  ]);
  return {
    power: parsePmsetBattery(battery),
    thermalState: hotterOf(parsePmsetThermal(limits), parseThermalPressure(pressure)),
    networkType: identity.ports.get(parseDefaultInterface(route) ?? "") ?? "unknown",
  };
}

function mediumOfPort(port: string): NetworkType {
  if (/^(wi-fi|airport)/i.test(port)) return "wifi";
  if (/iphone|ipad|wwan|modem/i.test(port)) return "cellular";
  if (/bluetooth|bridge|^thunderbolt \d/i.test(port)) return "unknown";
  return /ethernet|\blan\b|10\/100/i.test(port) ? "ethernet" : "unknown";
}
