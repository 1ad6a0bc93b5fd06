/**
 * From a measurement to the capability record that the node announces, and when a change of it is worth
 * telling.
 */

import { type Capabilities, DEFAULT_CAPABILITIES } from "../discovery/capabilities.ts";
import { evolutionCapacity, isAvailable, performanceTier } from "./assess.ts";
import type { HostReading } from "./reading.ts";

/** What the node is busy with, which no sensor tells. */
export interface Workload {
  readonly isEvolving: boolean;
  /** 0..1. */
  readonly evolutionLoad: number;
  /** Whether its owner allows work at all. */
  readonly isAllowed?: boolean;
  /** Whether it may work now, as far as its owner's wishes go. */
  readonly isWelcome?: boolean;
  /** Whether its owner gives work to it however busy its processor is. */
  readonly isUnconditional?: boolean;
}

/** A node without work. */
export const NO_WORK: Workload = Object.freeze({ isEvolving: false, evolutionLoad: 0 });

/** A change of this many points of a percentage, or of this share of 1, is worth telling at once. */
const TELLING_POINTS = 10;
const TELLING_SHARE = 0.1;
/** 0.6 - 0.5 is a little less than 0.1 in binary. */
const ROUNDING = 1e-9;

/** The capability record for `reading`. Unknown cores and memory mean the least a node can have. */
export function capabilitiesOf(reading: HostReading, workload: Workload = NO_WORK): Capabilities {
  const { isEvolving, isAllowed = true, isWelcome = true, isUnconditional = false } = workload;
  const cpuPercent = isUnconditional ? null : reading.cpuPercent;
  const isFree = isAvailable({ ...reading, cpuPercent, isEvolving });
  return Object.freeze({
    cpuCores: reading.cpuCores ?? DEFAULT_CAPABILITIES.cpuCores,
    ramMb: reading.ramMb ?? DEFAULT_CAPABILITIES.ramMb,
    cpuPercent: rounded(reading.cpuPercent),
    memoryPercent: rounded(reading.memoryPercent),
    batteryPercent: rounded(reading.batteryPercent),
    networkType: reading.networkType,
    deviceType: reading.deviceType,
    performanceTier: performanceTier(reading.ramMb, reading.cpuCores),
    thermalState: reading.thermalState,
    canEvolve: isAllowed,
    evolutionCapacity: Math.round(evolutionCapacity(reading) * 1000) / 1000,
    availableForEvolution: isAllowed && isWelcome && isFree,
    evolutionLoad: workload.evolutionLoad,
  });
}

/** Whether `now` is another device, so to speak: it may or may not be given work any more. */
export function isUrgent(told: Capabilities, now: Capabilities): boolean {
  return told.cpuCores !== now.cpuCores ||
    told.ramMb !== now.ramMb ||
    told.networkType !== now.networkType ||
    told.deviceType !== now.deviceType ||
    told.thermalState !== now.thermalState ||
    told.availableForEvolution !== now.availableForEvolution;
}

/** Whether peers should hear of `now` before the next regular report. */
export function isWorthTelling(told: Capabilities, now: Capabilities): boolean {
  return isUrgent(told, now) ||
    differs(told.cpuPercent, now.cpuPercent, TELLING_POINTS) ||
    differs(told.memoryPercent, now.memoryPercent, TELLING_POINTS) ||
    differs(told.batteryPercent, now.batteryPercent, TELLING_POINTS) ||
    differs(told.evolutionCapacity, now.evolutionCapacity, TELLING_SHARE) ||
    differs(told.evolutionLoad, now.evolutionLoad, TELLING_SHARE);
}

function differs(told: number | null, now: number | null, by: number): boolean {
  if (told === null || now === null) return told !== now;
  return Math.abs(told - now) >= by - ROUNDING;
}

/** To a tenth: more would only make every message differ. */
function rounded(percent: number | null): number | null {
  return percent === null ? null : Math.round(percent * 10) / 10;
}
