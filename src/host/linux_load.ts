/**
 * Processor and memory of a Linux machine: size and use, from `/proc/stat` and `/proc/meminfo`.
 *
 * The parsers follow proc(5); `linux_cgroup.ts` narrows their results to the container.
 */

import { integerIn, MAX_MEMORY_BYTES, percentOf } from "./bounded.ts";
import type { CpuTimes } from "./reading.ts";

/** USER_HZ, the unit of `/proc/stat`, is 100 on every architecture we run on. */
const MS_PER_TICK = 10;

/** 2^53: above it, counters would lose precision. */
const MAX_TICKS = Number.MAX_SAFE_INTEGER / MS_PER_TICK;

/**
 * user nice system idle iowait irq softirq steal: the later guest columns are already inside user
 * and nice.
 */
const COUNTED_COLUMNS = 8;
const IDLE_COLUMN = 3;
const IOWAIT_COLUMN = 4;

/**
 * The sums of the `cpu` line and the number of `cpuN` lines. Waiting for a disk is idle; time
 * stolen by the hypervisor is busy, as it is not there to be used.
 */
export function parseProcStat(text: string | undefined): CpuTimes | undefined {
  const sums = text?.match(/^cpu[ \t]+(.*)$/m)?.[1]?.trim().split(/\s+/).slice(0, COUNTED_COLUMNS);
  if (text === undefined || sums === undefined || sums.length <= IDLE_COLUMN) return undefined;
  let total = 0;
  let idle = 0;
  for (const [column, field] of sums.entries()) {
    const ticks = integerIn(field, 0, MAX_TICKS);
    if (ticks === null) return undefined;
    total += ticks;
    if (column === IDLE_COLUMN || column === IOWAIT_COLUMN) idle += ticks;
  }
  const cores = text.match(/^cpu\d+[ \t]/gm)?.length ?? 1;
  return { busyMs: (total - idle) * MS_PER_TICK, totalMs: total * MS_PER_TICK, cores };
}

export interface MemoryUse {
  readonly totalBytes: number | null;
  readonly usedPercent: number | null;
}

/**
 * Total memory and the part of it that is not available. Kernels before 3.14 lack `MemAvailable`:
 * free memory and caches stand in for it.
 */
export function parseMeminfo(text: string | undefined): MemoryUse {
  const totalBytes = meminfoBytes(text, "MemTotal", 1);
  const availableBytes = meminfoBytes(text, "MemAvailable", 0) ?? reclaimableBytes(text);
  const isKnown = totalBytes !== null && availableBytes !== null && availableBytes <= totalBytes;
  return {
    totalBytes,
    usedPercent: isKnown ? percentOf(totalBytes - availableBytes, totalBytes) : null,
  };
}

function reclaimableBytes(text: string | undefined): number | null {
  const freeBytes = meminfoBytes(text, "MemFree", 0);
  const cachedBytes = meminfoBytes(text, "Cached", 0);
  const bufferBytes = meminfoBytes(text, "Buffers", 0);
  if (freeBytes === null || cachedBytes === null || bufferBytes === null) return null;
  return freeBytes + cachedBytes + bufferBytes;
}

function meminfoBytes(text: string | undefined, key: string, minKb: number): number | null {
  const field = text?.match(new RegExp(`^${key}:[ \\t]*(\\S+) kB$`, "m"))?.[1];
  const kb = integerIn(field, minKb, MAX_MEMORY_BYTES / 1024);
  return kb === null ? null : kb * 1024;
}
