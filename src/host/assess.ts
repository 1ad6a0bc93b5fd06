/**
 * The judgements older nodes make about a device, computed from our own measurements.
 *
 * These formulas are a contract with deployed nodes, which apply the same ones: the tier, how much
 * work the device can take, and whether it takes any now. Those nodes ignore the thermal state that
 * is announced, so heat is folded into the availability here.
 */

import type { PerformanceTier, ThermalState } from "../discovery/capabilities.ts";

/** Smallest memory in GiB and smallest core count of each tier, best first. Both must be met. */
const TIERS: readonly { tier: PerformanceTier; gib: number; cores: number }[] = [
  { tier: "premium", gib: 16, cores: 8 },
  { tier: "high", gib: 8, cores: 4 },
  { tier: "medium", gib: 4, cores: 2 },
];

/** Stands for an unmeasured use of memory or processor: neither an idle device nor a full one. */
const UNKNOWN_USE_PERCENT = 50;

const MIN_CAPACITY = 0.1;

/** The charge below which capacity is cut, and the cut. */
const LOW_BATTERY_PERCENT = 30;
const LOW_BATTERY_CUT = 0.3;

/** The limits of availability. Each is exclusive: a device exactly at one is still available. */
const MAX_MEMORY_PERCENT = 90;
const MAX_CPU_PERCENT = 95;
const MIN_BATTERY_PERCENT = 10;

/**
 * The tier by memory in MiB (1 GiB = 1024) and cores. An unknown figure meets no tier's minimum:
 * "low".
 */
export function performanceTier(ramMb: number | null, cpuCores: number | null): PerformanceTier {
  const gib = (ramMb ?? 0) / 1024;
  const cores = cpuCores ?? 0;
  return TIERS.find((each) => gib >= each.gib && cores >= each.cores)?.tier ?? "low";
}

export interface CapacityInput {
  readonly memoryPercent: number | null;
  readonly cpuPercent: number | null;
  readonly batteryPercent: number | null;
}

/**
 * The share of work the device can take, within [0.1, 1]: 1 - 0.5 x (memory % + cpu %) / 200, minus
 * 0.3 on a battery under 30 %.
 *
 * The contract says nothing of unknown use; 50 % is assumed, which ranks such a device between an
 * idle and a full one. An unknown battery is no battery.
 */
export function evolutionCapacity(input: CapacityInput): number {
  const usePercent = (input.memoryPercent ?? UNKNOWN_USE_PERCENT) +
    (input.cpuPercent ?? UNKNOWN_USE_PERCENT);
  const isLow = input.batteryPercent !== null && input.batteryPercent < LOW_BATTERY_PERCENT;
  const capacity = 1 - (0.5 * usePercent) / 200 - (isLow ? LOW_BATTERY_CUT : 0);
  return Math.min(1, Math.max(MIN_CAPACITY, capacity));
}

export interface AvailabilityInput extends CapacityInput {
  readonly thermalState: ThermalState;
  /** An evolution is already running on this device. */
  readonly isEvolving: boolean;
}

/**
 * The device takes new work: memory at most 90 %, processor at most 95 %, battery at least 10 %, no
 * evolution running, and not slowed or endangered by heat. What is unknown raises no objection.
 */
export function isAvailable(input: AvailabilityInput): boolean {
  if (input.isEvolving) return false;
  if (input.thermalState === "throttling" || input.thermalState === "critical") return false;
  if (input.memoryPercent !== null && input.memoryPercent > MAX_MEMORY_PERCENT) return false;
  if (input.cpuPercent !== null && input.cpuPercent > MAX_CPU_PERCENT) return false;
  return input.batteryPercent === null || input.batteryPercent >= MIN_BATTERY_PERCENT;
}
