/**
 * The one entrance to this folder: repeated readings of this device, whatever its platform.
 *
 * The probe keeps between readings what the platform wants back, so use is a difference and
 * unchanging facts are read once. Where a platform's own sources are silent, the runtime's figures
 * for cores and memory fill in.
 */

import { cpuPercentBetween, MAX_CORES, numberIn, percentOf, wholeMb } from "./bounded.ts";
import {
  type CpuTimes,
  type HostReading,
  type HostSource,
  type Measured,
  UNKNOWN_READING,
} from "./reading.ts";

export interface HostProbeOptions {
  readonly source: HostSource;
  /** "linux", "android", "darwin" or "windows"; any other gets the runtime's figures alone. */
  readonly os: string;
}

/** Reads the device on demand. It owns no timer and no resource, so there is nothing to close. */
export class HostProbe {
  readonly #source: HostSource;
  readonly #options: HostProbeOptions;
  #measure: (() => Promise<HostReading>) | undefined;
  #pending: Promise<HostReading> | undefined;

  constructor(options: HostProbeOptions) {
    this.#source = options.source;
    this.#options = options;
  }

  /**
   * Measures now, and never rejects. A call during a measurement gets that measurement: two samples
   * taken at once would have no time between them.
   */
  read(): Promise<HostReading> {
    this.#pending ??= this.#readOnce().finally(() => this.#pending = undefined);
    return this.#pending;
  }

  async #readOnce(): Promise<HostReading> {
    let reading = UNKNOWN_READING;
    try {
      this.#measure ??= await measureFor(this.#options);
      reading = await this.#measure();
      return withRuntimeFigures(reading, this.#source);
    } catch {
      return reading; // A source broke its promise not to throw; what is known so far stands.
    }
  }
}

/** Fills cores and memory that the platform did not tell from the figures of the runtime. */
export function withRuntimeFigures(reading: HostReading, source: HostSource): HostReading {
  const { cpuCores, ramMb, memoryPercent } = reading;
  if (cpuCores !== null && ramMb !== null && memoryPercent !== null) return reading;
  const memory = source.systemMemory();
  const usedPercent = memory === undefined
    ? null
    : percentOf(memory.totalBytes - memory.availableBytes, memory.totalBytes);
  return {
    ...reading,
    cpuCores: cpuCores ?? numberIn(source.parallelism(), 1, MAX_CORES),
    ramMb: ramMb ?? wholeMb(memory?.totalBytes ?? null),
    memoryPercent: memoryPercent ?? usedPercent,
  };
}

/** Loads the code of one platform: a small board need not hold that of the others. */
async function measureFor({ source, os }: HostProbeOptions): Promise<() => Promise<HostReading>> {
  switch (os) {
    case "linux":
    case "android":
      return remembering(source, (await import("./linux.ts")).readLinux);
    case "darwin":
      return remembering(source, (await import("./macos.ts")).readMacos);
    case "windows":
      return remembering(source, (await import("./windows.ts")).readWindows);
    default:
      return remembering<CpuTimes | undefined>(source, readProcessorOnly);
  }
}

/**
 * Carries a platform's state from one reading to the next. A reading that fails leaves it as it
 * was.
 */
function remembering<State>(
  source: HostSource,
  measure: (source: HostSource, previous: State | undefined) => Promise<Measured<State>>,
): () => Promise<HostReading> {
  let state: State | undefined;
  return async () => {
    const measured = await measure(source, state);
    state = measured.state;
    return measured.reading;
  };
}

async function readProcessorOnly(
  source: HostSource,
  previous: CpuTimes | undefined,
): Promise<Measured<CpuTimes | undefined>> {
  const times = await source.cpuTimes();
  const reading = { ...UNKNOWN_READING, cpuPercent: cpuPercentBetween(previous, times) };
  return { reading, state: times };
}
