/**
 * Decides whether this device may work now, and how much: its owner comes first, then the device itself.
 *
 * ```
 * cool -- 75 C, or the system throttles --> hot -- 65 C or less, and five minutes since --> cool
 * busy -- owner's load below 20 % for 60 s --> idle -- above 35 % --> busy
 * ```
 * The owner's load is the device's without that of our own workers, so that work does not stop itself. Pure: time
 * and readings go in. What was not measured raises no objection, but for the charger of a device with a battery.
 */

import type { ThermalState } from "../../discovery/capabilities.ts";
import { isWithin, type WorkSettings } from "./work_settings.ts";

/** What the device measures of itself; `null` is unknown. `host/reading.ts` has more of it. */
export interface GovernorReading {
  readonly cpuCores: number | null;
  /** Of all processors, our workers included. */
  readonly cpuPercent: number | null;
  readonly memoryPercent: number | null;
  readonly batteryPercent: number | null;
  readonly onMains: boolean | null;
  readonly thermalState: ThermalState;
  readonly temperatureC: number | null;
}

/** `nightly`: on mains, unused, within the owner's hours. `emergency` bends none of the owner's rules either. */
export type WorkKind = "nightly" | "breakthrough" | "emergency";

export interface GovernorInput {
  readonly reading: GovernorReading;
  /** What our workers used of all processors meanwhile; `null` where nobody can tell. */
  readonly ownCpuPercent: number | null;
  /** Monotonic. */
  readonly nowMs: number;
  /** Local time, minutes after midnight. */
  readonly minuteOfDay: number;
}

/** Why there is no work. */
export type Restraint =
  | "off"
  | "battery"
  | "hot"
  | "in_use"
  | "memory"
  | "hours";

export interface Decision {
  readonly mayWork: boolean;
  /** Processes at once: at least one where it may work, none otherwise. */
  readonly slots: number;
  /** Share of the time in which they run, above 0 to 1. */
  readonly duty: number;
  readonly restraint: Restraint | null;
}

export const PAUSE_AT_C = 75;
export const RESUME_AT_C = 65;
export const MIN_COOLING_MS = 300_000;
/** Percent of all processors that the owner uses. */
export const IDLE_BELOW_PERCENT = 20;
export const IN_USE_ABOVE_PERCENT = 35;
export const IDLE_AFTER_MS = 60_000;
/** Where the owner allows work on battery, somebody may still need the device. */
export const MIN_BATTERY_PERCENT = 30;
/** As `host/assess.ts` has it for taking new work. */
export const MAX_MEMORY_PERCENT = 90;

export class Governor {
  readonly #settings: WorkSettings;
  /** Since when it was hot; `undefined` is cool. */
  #hotSinceMs: number | undefined;
  /** Since when its owner has hardly used it. */
  #quietSinceMs: number | undefined;
  #isIdle = false;
  #input: GovernorInput | undefined;

  constructor(settings: WorkSettings) {
    this.#settings = settings;
  }

  /** Takes note of a reading; the more often, the sooner its owner has the device back. */
  observe(input: GovernorInput): void {
    this.#input = input;
    this.#feelHeat(input);
    this.#feelOwner(input);
  }

  /** What a job of `kind` with workers of `memoryMb` each may have, by the latest reading. */
  decide(kind: WorkKind, memoryMb: number): Decision {
    const restraint = this.#restraint(kind);
    if (restraint) return refuse(restraint);
    const { cpuPercent } = this.#settings;
    const cores = this.#input?.reading.cpuCores ?? 1;
    const share = cores * cpuPercent / 100;
    const fitting = Math.floor(this.#settings.memoryMb / memoryMb);
    if (fitting < 1) return refuse("memory");
    const slots = Math.min(Math.max(1, Math.ceil(share)), fitting);
    return { mayWork: true, slots, duty: Math.min(1, share / slots), restraint: null };
  }

  #restraint(kind: WorkKind): Restraint | null {
    const { mode, onBattery, hours } = this.#settings;
    if (mode === "off") return "off";
    if (!this.#input) return mode === "idle" || kind === "nightly" ? "in_use" : null;
    const { reading, minuteOfDay } = this.#input;
    if (isOnBattery(reading)) {
      const charge = reading.batteryPercent ?? 0;
      if (!onBattery || kind === "nightly" || charge < MIN_BATTERY_PERCENT) return "battery";
    }
    if (this.#hotSinceMs !== undefined) return "hot";
    if (kind === "nightly" && !isWithin(hours, minuteOfDay)) return "hours";
    if ((reading.memoryPercent ?? 0) > MAX_MEMORY_PERCENT) return "memory";
    return (mode === "idle" || kind === "nightly") && !this.#isIdle ? "in_use" : null;
  }

  #feelHeat({ reading: { temperatureC, thermalState }, nowMs }: GovernorInput): void {
    const isSlowed = thermalState === "throttling" || thermalState === "critical";
    if (isSlowed || (temperatureC ?? 0) >= PAUSE_AT_C) {
      // The five minutes count from the last moment at which it was hot.
      this.#hotSinceMs = nowMs;
      return;
    }
    if (this.#hotSinceMs === undefined || nowMs - this.#hotSinceMs < MIN_COOLING_MS) return;
    if ((temperatureC ?? 0) <= RESUME_AT_C) this.#hotSinceMs = undefined;
  }

  #feelOwner({ reading: { cpuPercent }, ownCpuPercent, nowMs }: GovernorInput): void {
    if (cpuPercent === null) return;
    const owner = Math.max(0, cpuPercent - (ownCpuPercent ?? 0));
    if (owner > IN_USE_ABOVE_PERCENT) this.#isIdle = false;
    if (owner >= IDLE_BELOW_PERCENT) {
      this.#quietSinceMs = undefined;
      return;
    }
    this.#quietSinceMs ??= nowMs;
    if (nowMs - this.#quietSinceMs >= IDLE_AFTER_MS) this.#isIdle = true;
  }
}

/** A device with a battery that does not say where its power comes from is not trusted to be on mains. */
function isOnBattery({ onMains, batteryPercent }: GovernorReading): boolean {
  return onMains === false || (onMains === null && batteryPercent !== null);
}

function refuse(restraint: Restraint): Decision {
  return { mayWork: false, slots: 0, duty: 1, restraint };
}
