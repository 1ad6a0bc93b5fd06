/**
 * The scale of heat, shared by the platforms: how two states compare, and what a bare temperature
 * means.
 */

import type { ThermalState } from "../discovery/capabilities.ts";

/**
 * Degrees Celsius at which a processor without trip points of its own reaches each state. Silicon
 * is rated to 100 or 105 and slows itself from about 90: `hot` at 80 leaves room to shed work
 * before that happens.
 */
export const FIXED_THRESHOLDS_C = Object.freeze({
  warm: 70,
  hot: 80,
  throttling: 90,
  critical: 100,
});

/**
 * Sensors answer -128, -273 or thousands when they are off: outside this range a value is noise.
 */
export const MIN_TEMPERATURE_C = -40;
export const MAX_TEMPERATURE_C = 150;

const SEVERITY: Readonly<Record<ThermalState, number>> = {
  unknown: 0,
  normal: 1,
  warm: 2,
  hot: 3,
  throttling: 4,
  critical: 5,
};

/**
 * The state of a temperature by {@link FIXED_THRESHOLDS_C}; a threshold is reached at its exact
 * value.
 */
export function thermalStateAt(temperatureC: number | null): ThermalState {
  if (temperatureC === null) return "unknown";
  if (temperatureC >= FIXED_THRESHOLDS_C.critical) return "critical";
  if (temperatureC >= FIXED_THRESHOLDS_C.throttling) return "throttling";
  if (temperatureC >= FIXED_THRESHOLDS_C.hot) return "hot";
  if (temperatureC >= FIXED_THRESHOLDS_C.warm) return "warm";
  return "normal";
}

/** The more severe state; anything known outranks "unknown". */
export function hotterOf(a: ThermalState, b: ThermalState): ThermalState {
  return SEVERITY[a] >= SEVERITY[b] ? a : b;
}
