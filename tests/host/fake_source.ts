/** A {@link HostSource} that plays back given text. */

import type { CpuTimes, HostReading, HostSource, MemorySize } from "../../src/host/reading.ts";

export interface Recording {
  /** File texts by path; the directories that contain them can be listed. */
  readonly files?: Readonly<Record<string, string>>;
  /**
   * Standard outputs by the last path part of the command and its arguments, separated by blanks.
   */
  readonly commands?: Readonly<Record<string, string>>;
  readonly memory?: MemorySize;
  readonly times?: CpuTimes;
  readonly parallelism?: number;
}

export class FakeSource implements HostSource {
  recording: Recording;
  /** Every effect so far, in order. */
  readonly effects: string[] = [];

  constructor(recording: Recording = {}) {
    this.recording = recording;
  }

  readText(path: string): Promise<string | undefined> {
    this.effects.push(`read ${path}`);
    return Promise.resolve(this.recording.files?.[path]);
  }

  list(directory: string): Promise<readonly string[]> {
    this.effects.push(`list ${directory}`);
    const prefix = `${directory}/`;
    const names = Object.keys(this.recording.files ?? {})
      .filter((path) => path.startsWith(prefix))
      .map((path) => path.slice(prefix.length).split("/")[0] ?? "");
    return Promise.resolve([...new Set(names)]);
  }

  run(command: string, args: readonly string[]): Promise<string | undefined> {
    const name = command.split(/[/\\]/).at(-1) ?? command;
    const line = [name, ...args].join(" ");
    this.effects.push(`run ${line}`);
    const key = Object.keys(this.recording.commands ?? {}).find((each) => line.startsWith(each));
    return Promise.resolve(key === undefined ? undefined : this.recording.commands?.[key]);
  }

  systemMemory(): MemorySize | undefined {
    return this.recording.memory;
  }

  cpuTimes(): Promise<CpuTimes | undefined> {
    this.effects.push("cpuTimes");
    return Promise.resolve(this.recording.times);
  }

  parallelism(): number | undefined {
    return this.recording.parallelism;
  }
}

/** The names of the fields of a reading whose value its documentation forbids. */
export function violations(reading: HostReading): string[] {
  const within = (value: number | null, min: number, max: number) =>
    value === null || (Number.isFinite(value) && value >= min && value <= max);
  const claims: Record<keyof HostReading, boolean> = {
    cpuCores: within(reading.cpuCores, 1, 65_536) &&
      (reading.cpuCores === null || Number.isInteger(reading.cpuCores)),
    ramMb: within(reading.ramMb, 1, 2 ** 26) &&
      (reading.ramMb === null || Number.isInteger(reading.ramMb)),
    cpuPercent: within(reading.cpuPercent, 0, 100),
    memoryPercent: within(reading.memoryPercent, 0, 100),
    batteryPercent: within(reading.batteryPercent, 0, 100),
    onMains: reading.onMains === null || typeof reading.onMains === "boolean",
    thermalState: ["normal", "warm", "hot", "throttling", "critical", "unknown"]
      .includes(reading.thermalState),
    temperatureC: within(reading.temperatureC, -40, 150),
    networkType: ["wifi", "cellular", "ethernet", "unknown"].includes(reading.networkType),
    deviceType: ["phone", "tablet", "laptop", "desktop", "server", "embedded", "unknown"]
      .includes(reading.deviceType),
  };
  return Object.entries(claims).filter(([, holds]) => !holds).map(([field]) => field);
}

/** Texts that no driver should write and some do. */
export const HOSTILE_TEXTS: readonly string[] = [
  "",
  " \n",
  "N/A",
  "-1",
  "-99999999999999999999",
  "999999999999999999999999",
  "1e308",
  "NaN",
  "Infinity",
  "0x10",
  "12abc",
  "\0\0\0",
  "\u0001\u0002\ufffd\ufffd\u007f",
  "9".repeat(65_536),
  "\n".repeat(65_536),
];
