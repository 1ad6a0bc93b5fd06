/**
 * What this process takes of its machine: memory, processor time, open files.
 *
 * The number of open files is the size that Linux 6.2 and later give the directory `/proc/self/fd`. It is
 * opened once, at the start: later the process has given up the right to (see `cli/privileges.ts`).
 */

import { cpuUsage } from "node:process";

/** `undefined` where the system or our permissions do not tell. */
export interface ProcessReading {
  readonly residentBytes: number;
  readonly heapBytes: number;
  /** User and system. */
  readonly cpuSeconds: number | undefined;
  readonly openFiles: number | undefined;
  /** When the process started, Unix seconds. */
  readonly startSeconds: number;
}

const OPEN_FILES = "/proc/self/fd";

/** An open directory, looked at without being opened again. */
interface OpenDirectory {
  size(): number;
  close(): void;
}

export class OwnProcess {
  #directory: OpenDirectory | undefined;

  private constructor(directory: OpenDirectory | undefined) {
    this.#directory = directory;
  }

  static async open(): Promise<OwnProcess> {
    return new OwnProcess(await openDirectory());
  }

  read(): ProcessReading {
    const { rss, heapUsed } = Deno.memoryUsage();
    return {
      residentBytes: rss,
      heapBytes: heapUsed,
      cpuSeconds: processorSeconds(),
      openFiles: this.#countFiles(),
      startSeconds: performance.timeOrigin / 1000,
    };
  }

  /** Idempotent. */
  close(): void {
    this.#directory?.close();
    this.#directory = undefined;
  }

  #countFiles(): number | undefined {
    if (this.#directory === undefined) return undefined;
    try {
      // Older kernels say 0, which is never the case: the directory itself is open.
      return this.#directory.size() || undefined;
    } catch {
      return undefined; // The right to look at an open file was lost as well.
    }
  }
}

async function openDirectory(): Promise<OpenDirectory | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  try {
    // As a rule this is refused, and then the module, the only one to ask for no permission later, may keep its 2 MB.
    Deno.openSync(OPEN_FILES).close();
    const { closeSync, fstatSync, openSync } = await import("node:fs");
    const descriptor = openSync(OPEN_FILES, "r");
    return { size: () => fstatSync(descriptor).size, close: () => closeSync(descriptor) };
  } catch {
    return undefined; // Without every permission, or without /proc.
  }
}

function processorSeconds(): number | undefined {
  try {
    const { user, system } = cpuUsage();
    return (user + system) / 1e6;
  } catch {
    return undefined; // Not on this system.
  }
}
