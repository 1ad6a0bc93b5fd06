/**
 * The limits a container or service puts on this process, from the unified control group hierarchy
 * (v2).
 *
 * A limit holds for a whole subtree, so every group from the root of the mount down to our own is
 * asked and the tightest answer counts. Source: the kernel's admin guide, "Control Group v2",
 * controllers cpu and memory. Of the first hierarchy (v1) only the processor quota is respected,
 * through the parallelism of the runtime.
 */

import {
  integerIn,
  largerOf,
  MAX_CORES,
  MAX_MEMORY_BYTES,
  percentOf,
  smallerOf,
} from "./bounded.ts";
import type { CpuTimes, HostSource } from "./reading.ts";

const ROOT = "/sys/fs/cgroup";

/** Groups deeper than this are not asked; systemd and container runtimes stay under it. */
const MAX_DEPTH = 8;

/** What the tightest processor quota had used at one moment. */
export interface QuotaSample {
  readonly directory: string;
  /** Processors' worth of time granted, possibly a fraction. */
  readonly cores: number;
  readonly usedMs: number | null;
}

export interface GroupLimits {
  readonly quota: QuotaSample | undefined;
  readonly memoryBytes: number | null;
  /** Use of the fullest limited group. */
  readonly memoryPercent: number | null;
}

/** The directories of our group and its ancestors, root first, from `/proc/self/cgroup`. */
export function parseGroupDirectories(text: string | undefined): readonly string[] {
  const directories = [ROOT];
  const path = text?.match(/^0::(\/\S*)$/m)?.[1] ?? "/";
  const names = path.split("/").filter((name) => name !== "");
  if (names.some((name) => name === "." || name === "..")) return directories;
  let directory = ROOT;
  for (const name of names.slice(0, MAX_DEPTH)) {
    directory += `/${name}`;
    directories.push(directory);
  }
  return directories;
}

/** The processors granted by `cpu.max`: "QUOTA PERIOD" in microseconds, or "max PERIOD". */
export function parseCpuMax(text: string | undefined): number | null {
  const [quota, period] = text?.trim().split(/\s+/) ?? [];
  const quotaUs = integerIn(quota, 1, Number.MAX_SAFE_INTEGER);
  const periodUs = integerIn(period ?? "100000", 1, Number.MAX_SAFE_INTEGER);
  if (quotaUs === null || periodUs === null) return null;
  const cores = quotaUs / periodUs;
  return cores <= MAX_CORES ? cores : null;
}

/** The bytes of `memory.max`; `null` for "max" and for figures that mean no limit. */
export function parseMemoryMax(text: string | undefined): number | null {
  return integerIn(text, 1, MAX_MEMORY_BYTES);
}

/** One figure of a flat keyed file such as `cpu.stat` or `memory.stat`. */
export function parseKeyedNumber(text: string | undefined, key: string): number | null {
  const field = text?.match(new RegExp(`^${key} (\\S+)$`, "m"))?.[1];
  return integerIn(field, 0, Number.MAX_SAFE_INTEGER);
}

/** Asks every directory for its limits, and the limited ones for their use. */
export async function readGroupLimits(
  source: HostSource,
  directories: readonly string[],
): Promise<GroupLimits> {
  let tightest: { directory: string; cores: number } | undefined;
  let memoryBytes: number | null = null;
  let memoryPercent: number | null = null;
  for (const directory of directories) {
    const cores = parseCpuMax(await source.readText(`${directory}/cpu.max`));
    if (cores !== null && (tightest === undefined || cores < tightest.cores)) {
      tightest = { directory, cores };
    }
    const limitBytes = parseMemoryMax(await source.readText(`${directory}/memory.max`));
    if (limitBytes === null) continue;
    memoryBytes = smallerOf(memoryBytes, limitBytes);
    const usedPercent = await readMemoryPercent(source, directory, limitBytes);
    memoryPercent = largerOf(memoryPercent, usedPercent);
  }
  const quota = tightest === undefined ? undefined : await readQuota(source, tightest);
  return { quota, memoryBytes, memoryPercent };
}

/**
 * The share of the quota used between two samples. `elapsed` is the machine's own processor time
 * over the same span: divided by its processors it is the time that passed, without asking a clock.
 */
export function quotaPercent(
  earlier: QuotaSample | undefined,
  later: QuotaSample | undefined,
  elapsed: { readonly from: CpuTimes; readonly to: CpuTimes } | undefined,
): number | null {
  if (earlier === undefined || later === undefined || elapsed === undefined) return null;
  if (earlier.directory !== later.directory) return null;
  if (earlier.usedMs === null || later.usedMs === null || later.usedMs < earlier.usedMs) {
    return null;
  }
  const passedMs = (elapsed.to.totalMs - elapsed.from.totalMs) / elapsed.to.cores;
  return percentOf(later.usedMs - earlier.usedMs, passedMs * later.cores);
}

async function readQuota(
  source: HostSource,
  group: { directory: string; cores: number },
): Promise<QuotaSample> {
  const usedUs = parseKeyedNumber(
    await source.readText(`${group.directory}/cpu.stat`),
    "usage_usec",
  );
  return { ...group, usedMs: usedUs === null ? null : usedUs / 1000 };
}

/**
 * Page cache that can be dropped at once is not use: the kernel counts it, a job would not feel it.
 */
async function readMemoryPercent(
  source: HostSource,
  directory: string,
  limitBytes: number,
): Promise<number | null> {
  const currentBytes = integerIn(
    await source.readText(`${directory}/memory.current`),
    0,
    MAX_MEMORY_BYTES,
  );
  if (currentBytes === null) return null;
  const stat = await source.readText(`${directory}/memory.stat`);
  const droppableBytes = parseKeyedNumber(stat, "inactive_file") ?? 0;
  return percentOf(Math.max(0, currentBytes - droppableBytes), limitBytes);
}
