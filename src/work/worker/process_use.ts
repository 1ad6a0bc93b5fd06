/**
 * What a process holds and how long it has computed, as Linux and macOS tell it. Pure; `process_watch.ts` asks.
 */

/** One process at one moment. */
export interface ProcessUse {
  readonly residentMb: number;
  readonly cpuMs: number;
}

/** For a shell: tells the page size first, then answers each process id with a line about it, or an empty one. */
export const WATCH_SCRIPTS: Readonly<Record<string, string>> = Object.freeze({
  linux:
    'getconf PAGESIZE 2>/dev/null || echo 4096; while read -r p; do s=; read -r s 2>/dev/null <"/proc/$p/stat"; echo "$s"; done 2>/dev/null',
  darwin: 'echo 1; while read -r p; do echo "$(ps -o rss= -o time= -p "$p")"; done 2>/dev/null',
});

/** USER_HZ, the unit of `/proc/PID/stat`, is 100 on every architecture we run on. */
const MS_PER_TICK = 10;
/** Fields behind the name of the program, which may hold anything (proc(5)): utime, stime, cutime, cstime, rss. */
const CPU_FIELDS = [11, 12, 13, 14];
const RSS_FIELD = 21;

/** Reads a line of `/proc/PID/stat`; `undefined` when it is none. `pageBytes` is the kernel's page size. */
export function parseProcessStat(line: string, pageBytes: number): ProcessUse | undefined {
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  const residentMb = Number(fields[RSS_FIELD] ?? NaN) * pageBytes / 2 ** 20;
  const ticks = CPU_FIELDS.reduce((sum, field) => sum + Number(fields[field] ?? NaN), 0);
  if (!line.includes(")") || !Number.isFinite(residentMb + ticks)) return undefined;
  return { residentMb, cpuMs: ticks * MS_PER_TICK };
}

/** Reads what `ps -o rss= -o time=` prints: KiB, and `[HH:]MM:SS.cc`. */
export function parsePs(line: string): ProcessUse | undefined {
  const [, kib, time] = /^\s*(\d+)\s+([\d:.]+)\s*$/.exec(line) ?? [];
  if (kib === undefined || time === undefined) return undefined;
  const seconds = time.split(":").reduce((sum, part) => 60 * sum + Number(part), 0);
  if (!Number.isFinite(seconds)) return undefined;
  return { residentMb: Number(kib) / 1024, cpuMs: seconds * 1000 };
}
