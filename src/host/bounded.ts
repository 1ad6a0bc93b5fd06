/**
 * Numbers out of untrusted text, and the ratios made from them.
 *
 * Drivers, firmware and container runtimes write what they like into the files read here. Each
 * number passes one of these guards with the range that makes sense for it; outside the range it is
 * absent, not clamped.
 */

import type { CpuTimes } from "./reading.ts";

/** More logical processors than any machine sold. */
export const MAX_CORES = 65_536;

/** 64 TiB, in bytes: a larger figure is a "no limit" marker, not a memory size. */
export const MAX_MEMORY_BYTES = 2 ** 46;

const DECIMAL = /^[+-]?\d{1,20}$/;

/**
 * The decimal integer that fills `text` (blanks and NUL around it are allowed), if within the
 * range.
 */
export function integerIn(text: string | undefined, min: number, max: number): number | null {
  if (text === undefined || text.length > 64) return null;
  const trimmed = trimText(text);
  return DECIMAL.test(trimmed) ? numberIn(Number(trimmed), min, max) : null;
}

/** `value` itself when it is a finite number within the range. */
export function numberIn(value: unknown, min: number, max: number): number | null {
  return typeof value === "number" && value >= min && value <= max ? value : null;
}

/** `text` without the blanks and NUL bytes that the kernel and firmware put around values. */
export function trimText(text: string): string {
  return text.replaceAll("\0", " ").trim();
}

/** 100 x part / whole within [0, 100]; `null` when the whole is not positive. */
export function percentOf(part: number, whole: number): number | null {
  if (!(whole > 0) || !Number.isFinite(part)) return null;
  return Math.min(100, Math.max(0, (100 * part) / whole));
}

/** Bytes to whole MiB; `null` below one. */
export function wholeMb(bytes: number | null): number | null {
  const mb = bytes === null ? 0 : Math.floor(bytes / 2 ** 20);
  return mb >= 1 ? mb : null;
}

/**
 * How busy the processors were between two samples. `null` without an earlier sample, when no time
 * passed, or when a counter ran backwards (a suspended machine, a migrated container).
 */
export function cpuPercentBetween(
  earlier: CpuTimes | undefined,
  later: CpuTimes | undefined,
): number | null {
  if (earlier === undefined || later === undefined) return null;
  const busyMs = later.busyMs - earlier.busyMs;
  const totalMs = later.totalMs - earlier.totalMs;
  return busyMs < 0 ? null : percentOf(busyMs, totalMs);
}

/** The larger of two figures, ignoring an absent one. */
export function largerOf(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.max(a, b);
}

/** The smaller of two figures, ignoring an absent one. */
export function smallerOf(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}
