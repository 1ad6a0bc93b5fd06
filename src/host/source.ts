/**
 * The real {@link HostSource}: files, commands and counters of this machine, through the runtime.
 *
 * Beside `kernel_reader.ts` the only file of this folder that names the runtime. Every effect asks first whether it is
 * permitted, so a terminal never shows a permission prompt, and answers `undefined` for whatever
 * goes wrong: a reading is made of many small sources and none of them may stop it.
 */

import { KernelReader } from "./kernel_reader.ts";
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

/** What only a shell reads for us (`kernel_reader.ts`), or whoever may do everything. */
const KERNEL_PATH = /^\/(proc|sys)\//;

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
  #kernel: KernelReader | undefined;
  #hasTriedKernel = false;

  constructor(options: SystemSourceOptions = {}) {
    this.#commandTimeoutMs = options.commandTimeoutMs ?? COMMAND_TIMEOUT_MS;
  }

  /** A longer file is cut at its last complete line. */
  async readText(path: string): Promise<string | undefined> {
    const kernel = KERNEL_PATH.test(path) ? this.#openKernel() : undefined;
    return kernel ? await kernel.readText(path) : await readFile(path);
  }

  async list(directory: string): Promise<readonly string[]> {
    const kernel = KERNEL_PATH.test(directory) ? this.#openKernel() : undefined;
    if (kernel) return (await kernel.list(directory))?.slice(0, MAX_LISTED_NAMES) ?? [];
    return listDirectory(directory);
  }

  /** Ends the shell that reads the kernel's files, if one was started. */
  async close(): Promise<void> {
    await this.#kernel?.close();
    this.#kernel = undefined;
  }

  /**
   * `undefined` also for a failing exit code and for an output above the cap, which cannot be
   * trusted cut.
   */
  async run(command: string, args: readonly string[]): Promise<string | undefined> {
    if (!isGranted({ name: "run", command })) return undefined;
    try {
      const child = new Deno.Command(command, {
        args: [...args],
        env: { LC_ALL: "C" },
        stdin: "null",
        stdout: "piped",
        stderr: "null",
      }).spawn();
      try {
        return await finishedOutput(child, AbortSignal.timeout(this.#commandTimeoutMs));
      } finally {
        await child[Symbol.asyncDispose]();
      }
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

  parallelism(): number | undefined {
    const cores = navigator.hardwareConcurrency;
    return Number.isSafeInteger(cores) && cores >= 1 ? cores : undefined;
  }

  /** Only the first reading can start it: later the right to start programs is given up. */
  #openKernel(): KernelReader | undefined {
    if (!this.#hasTriedKernel && isGranted({ name: "run" })) this.#kernel = KernelReader.start();
    this.#hasTriedKernel = true;
    return this.#kernel;
  }
}

async function readFile(path: string): Promise<string | undefined> {
  const file = open(path);
  if (!file) return undefined;
  try {
    const buffer = new Uint8Array(FIRST_BUFFER_BYTES);
    const count = await file.read(buffer);
    return readRest(file, buffer, count ?? 0);
  } catch {
    return undefined; // A directory, or a device that was unplugged.
  } finally {
    file.close();
  }
}

function listDirectory(directory: string): readonly string[] {
  if (!isGranted({ name: "read", path: directory })) return [];
  const names: string[] = [];
  try {
    for (const entry of Deno.readDirSync(directory)) {
      names.push(entry.name);
      if (names.length === MAX_LISTED_NAMES) break;
    }
  } catch {
    return []; // Absent or forbidden.
  }
  return names;
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
