/**
 * The real {@link HostSource}: files, commands and counters of this machine, through the runtime.
 *
 * The only file of this folder that names the runtime. Every effect asks first whether it is
 * permitted, so a terminal never shows a permission prompt, and answers `undefined` for whatever
 * goes wrong: a reading is made of many small sources and none of them may stop it.
 */

import type { CpuTimes, HostSource, MemorySize } from "./reading.ts";

/** Of a file or a command's output, no more than this is read. */
export const MAX_TEXT_BYTES = 64 * 1024;

/** Of a directory, no more names than this are listed. */
export const MAX_LISTED_NAMES = 512;

/** A command still running after this long is killed. */
export const COMMAND_TIMEOUT_MS = 3000;

/** Most files read here fit: a larger one costs a second buffer. */
const FIRST_BUFFER_BYTES = 4 * 1024;

const LINE_FEED = 0x0a;

/**
 * Kernel files are kept open between readings, at most this many: a process that gives up the right to open
 * them (see `cli/privileges.ts`) can still read them again from the start.
 */
const MAX_KEPT_FILES = 256;
const KERNEL_PATH = /^\/(proc|sys)\//;

/**
 * Files that the kernel answers from its own memory. They are read at once, which costs a seventh
 * of an awaited read; the others may ask a sensor or a battery controller over a slow bus, and must
 * not hold up the program.
 */
const PROMPT_PATH = /^\/(proc|sys\/fs|sys\/class\/(net|dmi))\//;

/**
 * The operating system in the terms that `HostProbe` takes: "linux", "darwin", "windows" and
 * others.
 */
export const HOST_OS: string = Deno.build.os;

export interface SystemSourceOptions {
  /**
   * Default {@link COMMAND_TIMEOUT_MS}: room for a cold PowerShell, and a bound on the whole
   * reading.
   */
  readonly commandTimeoutMs?: number;
}

/** The effects on this machine. One instance may serve any number of readers. */
export class SystemSource implements HostSource {
  readonly #commandTimeoutMs: number;
  readonly #kept = new Map<string, Deno.FsFile>();
  readonly #listed = new Map<string, readonly string[]>();

  constructor(options: SystemSourceOptions = {}) {
    this.#commandTimeoutMs = options.commandTimeoutMs ?? COMMAND_TIMEOUT_MS;
  }

  /** A longer file is cut at its last complete line. */
  async readText(path: string): Promise<string | undefined> {
    const file = this.#kept.get(path) ?? open(path);
    if (!file) return undefined;
    try {
      file.seekSync(0, Deno.SeekMode.Start);
      const buffer = new Uint8Array(FIRST_BUFFER_BYTES);
      const count = PROMPT_PATH.test(path) ? file.readSync(buffer) : await file.read(buffer);
      const text = readRest(file, buffer, count ?? 0);
      this.#keepOrClose(path, file);
      return text;
    } catch {
      // A sensor that is switched off, or a device that was unplugged.
      this.#kept.delete(path);
      file.close();
      return undefined;
    }
  }

  // deno-lint-ignore require-await -- the interface leaves room for sources that wait
  async list(directory: string): Promise<readonly string[]> {
    const known = this.#listed.get(directory) ?? [];
    if (!isGranted({ name: "read", path: directory })) return known;
    const names: string[] = [];
    try {
      for (const entry of Deno.readDirSync(directory)) {
        names.push(entry.name);
        if (names.length === MAX_LISTED_NAMES) break;
      }
    } catch {
      return known; // Absent or forbidden: nothing new is listed.
    }
    if (this.#listed.size < MAX_KEPT_FILES) this.#listed.set(directory, names);
    return names;
  }

  /** Lets the files go that were kept open. */
  close(): void {
    for (const file of this.#kept.values()) file.close();
    this.#kept.clear();
  }

  /**
   * `undefined` also for a failing exit code and for an output above the cap, which cannot be
   * trusted cut.
   */
  async run(command: string, args: readonly string[]): Promise<string | undefined> {
    if (!isGranted({ name: "run", command })) return undefined;
    try {
      await using child = new Deno.Command(command, {
        args: [...args],
        env: { LC_ALL: "C" },
        stdin: "null",
        stdout: "piped",
        stderr: "null",
      }).spawn();
      return await finishedOutput(child, AbortSignal.timeout(this.#commandTimeoutMs));
    } catch {
      return undefined; // Absent, or it cannot be started.
    }
  }

  systemMemory(): MemorySize | undefined {
    if (!isGranted({ name: "sys", kind: "systemMemoryInfo" })) return undefined;
    try {
      const { total, available } = Deno.systemMemoryInfo();
      return { totalBytes: total, availableBytes: available };
    } catch {
      return undefined; // Not implemented on this system.
    }
  }

  /** The module behind this takes 5 MB of memory, so only platforms that need it load it. */
  async cpuTimes(): Promise<CpuTimes | undefined> {
    if (!isGranted({ name: "sys", kind: "cpus" })) return undefined;
    try {
      const { cpus } = await import("node:os");
      const perCore = cpus().map(({ times }) => ({
        busyMs: times.user + times.nice + times.sys + times.irq,
        idleMs: times.idle,
      }));
      const busyMs = perCore.reduce((sum, core) => sum + core.busyMs, 0);
      const totalMs = perCore.reduce((sum, core) => sum + core.idleMs, busyMs);
      return perCore.length > 0 && totalMs > 0
        ? { busyMs, totalMs, cores: perCore.length }
        : undefined;
    } catch {
      return undefined; // Not implemented on this system.
    }
  }

  #keepOrClose(path: string, file: Deno.FsFile): void {
    if (this.#kept.has(path)) return;
    if (KERNEL_PATH.test(path) && this.#kept.size < MAX_KEPT_FILES) this.#kept.set(path, file);
    else file.close();
  }

  parallelism(): number | undefined {
    const cores = navigator.hardwareConcurrency;
    return Number.isSafeInteger(cores) && cores >= 1 ? cores : undefined;
  }
}

function open(path: string): Deno.FsFile | undefined {
  if (!isGranted({ name: "read", path })) return undefined;
  try {
    return Deno.openSync(path);
  } catch {
    return undefined; // Absent or forbidden.
  }
}

function isGranted(permission: Deno.PermissionDescriptor): boolean {
  try {
    return Deno.permissions.querySync(permission).state === "granted";
  } catch {
    return false; // A kind this runtime does not know.
  }
}

/**
 * The output of a child that exits with 0 in time; otherwise the child is killed. The pipe is given
 * up as well, since a grandchild may hold it open.
 */
async function finishedOutput(
  child: Deno.ChildProcess,
  deadline: AbortSignal,
): Promise<string | undefined> {
  const reader = child.stdout.getReader();
  const giveUp = () => {
    kill(child);
    reader.cancel().catch(() => {}); // Nothing more is wanted from the pipe, not even its error.
  };
  deadline.addEventListener("abort", giveUp, { once: true });
  try {
    const output = new Uint8Array(MAX_TEXT_BYTES);
    let length = 0;
    while (true) {
      const { value, done } = await reader.read();
      if (done) break;
      if (length + value.length > MAX_TEXT_BYTES) {
        giveUp();
        return undefined;
      }
      output.set(value, length);
      length += value.length;
    }
    const status = await child.status;
    if (!status.success || deadline.aborted) return undefined;
    return new TextDecoder().decode(output.subarray(0, length));
  } finally {
    deadline.removeEventListener("abort", giveUp);
  }
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It ended in between.
  }
}

/**
 * Continues after the first read, to the end or the cap. Pseudo files answer in pieces of their own
 * choosing, so only an empty piece is the end; once the first piece is there, the others do not
 * wait.
 */
function readRest(file: Deno.FsFile, first: Uint8Array<ArrayBuffer>, count: number): string {
  let buffer = first;
  let length = count;
  let piece = count;
  while (piece > 0 && length < MAX_TEXT_BYTES) {
    if (length === buffer.length) {
      buffer = new Uint8Array(MAX_TEXT_BYTES);
      buffer.set(first);
    }
    piece = file.readSync(buffer.subarray(length)) ?? 0;
    length += piece;
  }
  const end = length < MAX_TEXT_BYTES ? length : buffer.lastIndexOf(LINE_FEED) + 1;
  return new TextDecoder().decode(buffer.subarray(0, end));
}
