/**
 * One reading of a Linux (or Android) machine, put together from `/proc` and `/sys`.
 *
 * The runtime itself opens these two trees only for a process with all permissions; ours come through a shell
 * (`kernel_reader.ts`). Without both, the processor and memory figures still come from the runtime, and
 * everything else is unknown.
 */

import { cpuPercentBetween, largerOf, smallerOf, wholeMb } from "./bounded.ts";
import {
  type GroupLimits,
  parseGroupDirectories,
  quotaPercent,
  type QuotaSample,
  readGroupLimits,
} from "./linux_cgroup.ts";
import { readDeviceType } from "./linux_device.ts";
import { parseMeminfo, parseProcStat } from "./linux_load.ts";
import { type KnownInterface, readNetwork } from "./linux_network.ts";
import { readPower, type SupplyKinds } from "./linux_power.ts";
import { readHeat, readThermalLayout, type ThermalLayout } from "./linux_thermal.ts";
import type { CpuTimes, HostSource, Measured } from "./reading.ts";
import type { DeviceType } from "../discovery/capabilities.ts";

/**
 * What a reading leaves for the next: two samples to subtract from, and facts that do not change.
 */
export interface LinuxState {
  readonly times: CpuTimes | undefined;
  readonly quota: QuotaSample | undefined;
  readonly groups: readonly string[];
  readonly thermal: ThermalLayout;
  readonly supplies: SupplyKinds;
  readonly network: KnownInterface | undefined;
  readonly deviceType: DeviceType;
}

/**
 * Measures once. `previous` is the state of the last reading; without it processor use is `null`.
 */
export async function readLinux(
  source: HostSource,
  previous: LinuxState | undefined,
): Promise<Measured<LinuxState>> {
  const times = parseProcStat(await source.readText("/proc/stat")) ?? await source.cpuTimes();
  const memory = parseMeminfo(await source.readText("/proc/meminfo"));
  const groups = previous?.groups ??
    parseGroupDirectories(await source.readText("/proc/self/cgroup"));
  const limits = await readGroupLimits(source, groups);
  const { power, kinds } = await readPower(source, previous?.supplies ?? new Map());
  const thermal = previous?.thermal ?? await readThermalLayout(source);
  const heat = await readHeat(source, thermal);
  const network = await readNetwork(source, previous?.network);
  const hasBattery = [...kinds.values()].includes("battery");
  const deviceType = previous?.deviceType ?? await readDeviceType(source, hasBattery);
  const reading = {
    cpuCores: usableCores(source, times, limits),
    ramMb: wholeMb(smallerOf(memory.totalBytes, limits.memoryBytes)),
    cpuPercent: processorUse(previous, times, limits.quota),
    memoryPercent: largerOf(memory.usedPercent, limits.memoryPercent),
    ...power,
    ...heat,
    networkType: network?.networkType ?? "unknown",
    deviceType,
  };
  const state = {
    times,
    quota: limits.quota,
    groups,
    thermal,
    supplies: kinds,
    network,
    deviceType,
  };
  return { reading, state };
}

/**
 * A fraction of a processor is rounded down, so that no more is promised than granted, but never to
 * none.
 */
function usableCores(
  source: HostSource,
  times: CpuTimes | undefined,
  limits: GroupLimits,
): number | null {
  const present = smallerOf(times?.cores ?? null, source.parallelism() ?? null);
  const granted = smallerOf(present, limits.quota?.cores ?? null);
  return granted === null ? null : Math.max(1, Math.floor(granted));
}

/** The machine's use or the quota's, whichever leaves less room. */
function processorUse(
  previous: LinuxState | undefined,
  times: CpuTimes | undefined,
  quota: QuotaSample | undefined,
): number | null {
  const from = previous?.times;
  const elapsed = from === undefined || times === undefined ? undefined : { from, to: times };
  return largerOf(
    cpuPercentBetween(from, times),
    quotaPercent(previous?.quota, quota, elapsed),
  );
}
