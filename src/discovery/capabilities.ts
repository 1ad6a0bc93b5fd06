/**
 * Capabilities: what a node says it is and can do, in its domain form and as the JSON object that every
 * node understands (PROTOCOL.md section 3, LEGACY keys). The one conversion place each way.
 *
 * Old nodes take every key but ours with a default where it is absent, and ignore keys they do not
 * know: `cpu_percent` and `memory_percent` are such additions.
 */

import { Fields, type JsonObject } from "../base/guards.ts";

export const NETWORK_TYPES = ["wifi", "cellular", "ethernet", "unknown"] as const;
export const DEVICE_TYPES = [
  "phone",
  "tablet",
  "laptop",
  "desktop",
  "server",
  "embedded",
  "unknown",
] as const;
export const PERFORMANCE_TIERS = ["low", "medium", "high", "premium"] as const;
export const THERMAL_STATES = [
  "normal",
  "warm",
  "hot",
  "throttling",
  "critical",
  "unknown",
] as const;

/** The medium under the default route. */
export type NetworkType = typeof NETWORK_TYPES[number];
/** The shape of the machine. A virtual machine counts as a server. */
export type DeviceType = typeof DEVICE_TYPES[number];
export type PerformanceTier = typeof PERFORMANCE_TIERS[number];
/** Heat, from harmless to shutting down. */
export type ThermalState = typeof THERMAL_STATES[number];

/** What a node can do. Immutable, so that records can be shared. */
export interface Capabilities {
  readonly cpuCores: number;
  readonly ramMb: number;
  /** Share of the processor in use, 0..100; `null` when it cannot be known. */
  readonly cpuPercent: number | null;
  /** Share of the memory in use, 0..100; `null` when it cannot be known. */
  readonly memoryPercent: number | null;
  /** Charge, 0..100; `null` on a device without a battery. */
  readonly batteryPercent: number | null;
  readonly networkType: NetworkType;
  readonly deviceType: DeviceType;
  readonly performanceTier: PerformanceTier;
  readonly thermalState: ThermalState;
  readonly canEvolve: boolean;
  /** How much of itself the node would give to evolution, 0..1. */
  readonly evolutionCapacity: number;
  readonly availableForEvolution: boolean;
  /** Share of its capacity already busy with evolution, 0..1. */
  readonly evolutionLoad: number;
}

/** What the absence of every key means. */
export const DEFAULT_CAPABILITIES: Capabilities = Object.freeze({
  cpuCores: 1,
  ramMb: 1024,
  cpuPercent: null,
  memoryPercent: null,
  batteryPercent: null,
  networkType: "unknown",
  deviceType: "unknown",
  performanceTier: "medium",
  thermalState: "normal",
  canEvolve: true,
  evolutionCapacity: 1,
  availableForEvolution: true,
  evolutionLoad: 0,
});

const PERCENT = Object.freeze({ min: 0, max: 100 });
const SHARE = Object.freeze({ min: 0, max: 1 });
/** 4,096 processors and 1 PiB: beyond any machine, far from where arithmetic goes wrong. */
const CORES = Object.freeze({ min: 1, max: 4_096 });
const RAM_MB = Object.freeze({ min: 1, max: 1_073_741_824 });

/** Whose words are read: in a request, a node's load is not taken from it. */
export interface ReadOptions {
  /** Whether `current_evolution_load` counts; only an authenticated status report may say it. */
  readonly withLoad: boolean;
}

/** Reads untrusted capabilities. Throws `FieldError` naming the field that is out of its range. */
export function readCapabilities(fields: Fields, options: ReadOptions): Capabilities {
  const absent = DEFAULT_CAPABILITIES;
  return Object.freeze({
    cpuCores: fields.integer("cpu_cores", { ...CORES, absent: absent.cpuCores }),
    ramMb: fields.number("ram_mb", { ...RAM_MB, absent: absent.ramMb }),
    cpuPercent: fields.numberOrNull("cpu_percent", PERCENT),
    memoryPercent: fields.numberOrNull("memory_percent", PERCENT),
    batteryPercent: fields.numberOrNull("battery_percent", PERCENT),
    networkType: fields.oneOf("network_type", NETWORK_TYPES, { absent: absent.networkType }),
    deviceType: fields.oneOf("device_type", DEVICE_TYPES, { absent: absent.deviceType }),
    performanceTier: fields.oneOf("performance_tier", PERFORMANCE_TIERS, {
      absent: absent.performanceTier,
    }),
    thermalState: fields.oneOf("thermal_state", THERMAL_STATES, { absent: absent.thermalState }),
    canEvolve: fields.boolean("can_evolve", { absent: absent.canEvolve }),
    evolutionCapacity: fields.number("evolution_capacity", {
      ...SHARE,
      absent: absent.evolutionCapacity,
    }),
    availableForEvolution: fields.boolean("available_for_evolution", {
      absent: absent.availableForEvolution,
    }),
    evolutionLoad: options.withLoad
      ? fields.number("current_evolution_load", { ...SHARE, absent: absent.evolutionLoad })
      : absent.evolutionLoad,
  });
}

/** Capabilities as JSON without what is as {@link DEFAULT_CAPABILITIES} say: readers take it for that. */
export function writeBriefly(capabilities: Capabilities): JsonObject {
  const usual = writeCapabilities(DEFAULT_CAPABILITIES, "");
  const { device_id: _, ...said } = writeCapabilities(capabilities, "");
  return Object.fromEntries(Object.entries(said).filter(([key, value]) => value !== usual[key]));
}

/** Capabilities as JSON, under the keys that old nodes read. `deviceId` is the sender's node id. */
export function writeCapabilities(capabilities: Capabilities, deviceId: string): JsonObject {
  return {
    device_id: deviceId,
    cpu_cores: capabilities.cpuCores,
    ram_mb: capabilities.ramMb,
    cpu_percent: capabilities.cpuPercent,
    memory_percent: capabilities.memoryPercent,
    battery_percent: capabilities.batteryPercent,
    network_type: capabilities.networkType,
    device_type: capabilities.deviceType,
    performance_tier: capabilities.performanceTier,
    thermal_state: capabilities.thermalState,
    can_evolve: capabilities.canEvolve,
    evolution_capacity: capabilities.evolutionCapacity,
    available_for_evolution: capabilities.availableForEvolution,
    current_evolution_load: capabilities.evolutionLoad,
  };
}
