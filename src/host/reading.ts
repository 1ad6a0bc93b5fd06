/**
 * What a device can say about itself, and the few effects needed to find out.
 *
 * Every platform file of this folder turns text from its operating system into one {@link
 * HostReading}; `assess.ts` judges it, and the agent maps it to the capability record it announces.
 * The rule of the folder: what was not measured is `null` or "unknown". A peer that reads a guess
 * would schedule on it.
 */

import type { DeviceType, NetworkType, ThermalState } from "../discovery/capabilities.ts";

/** One measurement of this device. Percentages are 0 to 100, unrounded. */
export interface HostReading {
  /** Logical processors this process may use, at least 1: quotas and affinity are deducted. */
  readonly cpuCores: number | null;
  /**
   * Memory this process may use, in MiB, rounded down: the smaller of the machine's and the
   * container's.
   */
  readonly ramMb: number | null;
  /** Processor time spent busy since the previous reading; `null` on the first one. */
  readonly cpuPercent: number | null;
  /** Memory that could not be given to a new program, caches not counted. */
  readonly memoryPercent: number | null;
  /** Charge of the batteries that power the machine; `null` without one. */
  readonly batteryPercent: number | null;
  /** External power is connected; `null` where nothing reports it, as on most desktops. */
  readonly onMains: boolean | null;
  readonly thermalState: ThermalState;
  /** The hottest processor sensor in degrees Celsius, or the hottest of any kind without one. */
  readonly temperatureC: number | null;
  readonly networkType: NetworkType;
  readonly deviceType: DeviceType;
}

/** The reading of a device about which nothing is known. */
export const UNKNOWN_READING: HostReading = Object.freeze({
  cpuCores: null,
  ramMb: null,
  cpuPercent: null,
  memoryPercent: null,
  batteryPercent: null,
  onMains: null,
  thermalState: "unknown",
  temperatureC: null,
  networkType: "unknown",
  deviceType: "unknown",
});

/** Processor time since boot, summed over all processors. */
export interface CpuTimes {
  readonly busyMs: number;
  readonly totalMs: number;
  /** Processors summed over, at least 1. */
  readonly cores: number;
}

/** Physical memory in bytes. */
export interface MemorySize {
  readonly totalBytes: number;
  readonly availableBytes: number;
}

/**
 * The effects of a reading. An implementation never throws and never prompts: what is missing,
 * forbidden, too slow or failed is `undefined` (or an empty list). Texts and lists are capped, so
 * they may be cut.
 */
export interface HostSource {
  /** The beginning of a text file. */
  readText(path: string): Promise<string | undefined>;
  /** The names in a directory, links included. */
  list(directory: string): Promise<readonly string[]>;
  /** The standard output of a command that ended well before its deadline. No shell is involved. */
  run(command: string, args: readonly string[]): Promise<string | undefined>;
  /** Physical memory as the runtime reports it. */
  systemMemory(): MemorySize | undefined;
  /** Processor time as the runtime reports it. */
  cpuTimes(): Promise<CpuTimes | undefined>;
  /** Processors this process may run on at once. */
  parallelism(): number | undefined;
}

/**
 * A reading with what its platform wants back at the next one: earlier samples and unchanging
 * facts.
 */
export interface Measured<State> {
  readonly reading: HostReading;
  readonly state: State;
}

/**
 * On platforms where battery, heat and network cost a process each, they are asked for at every
 * sixth reading and repeated in between. At a reading every 10 s this is once a minute: a command
 * that costs 0.3 s of processor stays under 1 %, and a pulled plug is noticed within that minute.
 */
export const COMMAND_EVERY_READINGS = 6;
