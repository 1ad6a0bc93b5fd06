/**
 * A worker's process as its slot sees it: lines in, lines out, a few signals, an end. How it is started differs:
 * `system_launcher.ts` does it itself, `foreman_client.ts` asks a process that may.
 */

/** What is to run: the sandbox for modules, or the owner's command. */
export type WorkerProgram =
  | { readonly kind: "module" }
  | { readonly kind: "command"; readonly command: readonly [string, ...string[]] };

export interface LaunchRequest {
  readonly program: WorkerProgram;
  /** What the process may hold; watched from outside. */
  readonly memoryMb: number;
  /** What it wrote to standard output; the bytes are the receiver's. The writer waits until this resolves. */
  readonly onOutput: (bytes: Uint8Array) => void;
  /** A line that it wrote to standard error: printable, capped, and only so many. */
  readonly onComplaint: (line: string) => void;
}

/** How a process ended. `memory`: it was ended because it held too much. */
export interface ProcessEnd {
  readonly reason: "exited" | "memory";
  readonly code: number;
}

export interface WorkerProcess {
  /** Resolves once it has ended and everything that it wrote was handed over; never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** As the system counts; 0 where it is not known yet. */
  readonly pid: number;
  /** Whether {@link suspend} works here. */
  readonly canSuspend: boolean;
  /** Writes to its standard input; what an ended process does not read is dropped. Never rejects. */
  write(bytes: Uint8Array): void;
  /** Stops it where it is, until {@link resume}. */
  suspend(): void;
  resume(): void;
  /** Ends it, and what it has started. Idempotent. */
  kill(): void;
}

export interface Launcher {
  /** Starts a process. Throws a `WorkerError` `not_permitted` where that cannot be done. */
  launch(request: LaunchRequest): WorkerProcess;
  /** Processor time of all processes of this launcher so far, in ms; `undefined` where nobody can tell. */
  cpuMs(): Promise<number | undefined>;
  /** Ends every process. Idempotent. */
  close(): Promise<void>;
}
