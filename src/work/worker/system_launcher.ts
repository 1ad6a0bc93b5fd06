/**
 * Starts workers' processes itself, measures them and ends those that hold too much. It needs the permission to run
 * programs; where the agent has given that up, a foreman has one of these (`foreman.ts`).
 */

import { type Clock, pause, type Timer } from "../../base/clock.ts";
import { describeError } from "../../base/errors.ts";
import { toPrintable } from "../../base/guards.ts";
import { WorkerError } from "./evaluator.ts";
import { type LaunchPlan, type LaunchSurroundings, planLaunch } from "./launch_plan.ts";
import type { Launcher, LaunchRequest, ProcessEnd, WorkerProcess } from "./process.ts";
import type { ProcessUse } from "./process_use.ts";
import { ProcessWatch } from "./process_watch.ts";

/** How often a process is measured; a bomb gets so far in between. Elsewhere than on Linux each time costs a `ps`. */
const WATCH_MS = 100;
const PS_WATCH_MS = 500;
/** Of what a process complains of, so many lines of such a length are passed on. */
const MAX_COMPLAINTS = 20;
const MAX_COMPLAINT_LENGTH = 200;
const MAX_REST = 2 * MAX_COMPLAINT_LENGTH;
const LINE_FEED = 0x0a;
/** Read at a time. */
const READ_BYTES = 16_384;
/** What a process has started may keep its pipes open: so long we listen after its end. */
const DRAIN_MS = 500;
/** The runtime's last words when the limits of its heap, or those of the kernel, were met. */
const OUT_OF_MEMORY = /out of memory|memory allocation of \d+ bytes failed|MemoryError/i;

const running = new Set<SystemProcess>();
// Also when we are told twice to end.
globalThis.addEventListener("unload", () => running.forEach((process) => process.kill()));

export interface SystemLauncherOptions extends LaunchSurroundings {
  readonly clock: Clock;
}

export class SystemLauncher implements Launcher {
  readonly #options: SystemLauncherOptions;
  readonly #own = new Set<SystemProcess>();
  #watch: ProcessWatch | undefined;
  #endedCpuMs = 0;

  constructor(options: SystemLauncherOptions) {
    this.#options = options;
  }

  launch(request: LaunchRequest): WorkerProcess {
    const plan = planLaunch(request.program, request.memoryMb, this.#options);
    this.#watch ??= new ProcessWatch(this.#options.os);
    const process = new SystemProcess(plan, request, {
      clock: this.#options.clock,
      watch: this.#watch,
      hasSignals: this.#options.os !== "windows",
      watchMs: this.#options.os === "linux" ? WATCH_MS : PS_WATCH_MS,
    });
    this.#own.add(process);
    void process.ended.then(() => {
      this.#own.delete(process);
      this.#endedCpuMs += process.use?.cpuMs ?? 0;
    });
    return process;
  }

  async cpuMs(): Promise<number | undefined> {
    const running = [...this.#own];
    await Promise.all(running.map((process) => process.measure()));
    // One that has ended meanwhile is among the others.
    const used = running.filter((process) => this.#own.has(process))
      .reduce((sum, { use }) => sum + (use?.cpuMs ?? 0), 0);
    return this.#options.os === "windows" ? undefined : this.#endedCpuMs + used;
  }

  async close(): Promise<void> {
    for (const process of this.#own) process.kill();
    await Promise.all([...this.#own].map((process) => process.ended));
    await this.#watch?.close();
    this.#watch = undefined;
  }
}

interface Surroundings {
  readonly clock: Clock;
  readonly watch: ProcessWatch;
  readonly hasSignals: boolean;
  readonly watchMs: number;
}

class SystemProcess implements WorkerProcess {
  readonly ended: Promise<ProcessEnd>;
  readonly canSuspend: boolean;
  readonly #request: LaunchRequest;
  readonly #surroundings: Surroundings;
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  #use: ProcessUse | undefined;
  #timer: Timer | undefined;
  #reason: ProcessEnd["reason"] = "exited";
  #isSuspended = false;
  #hasEnded = false;

  constructor(plan: LaunchPlan, request: LaunchRequest, surroundings: Surroundings) {
    this.#request = request;
    this.#surroundings = surroundings;
    this.canSuspend = surroundings.hasSignals;
    this.#child = spawn(plan, surroundings.hasSignals);
    this.#stdin = this.#child.stdin.getWriter();
    running.add(this);
    this.ended = this.#follow();
    this.#watch();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** As it was measured last. */
  get use(): ProcessUse | undefined {
    return this.#use;
  }

  write(bytes: Uint8Array): void {
    if (this.#hasEnded) return;
    // A process that ends does not read what it was told.
    this.#stdin.write(new Uint8Array(bytes)).catch(() => {});
  }

  suspend(): void {
    this.#isSuspended = true;
    this.#signal("SIGSTOP");
  }

  resume(): void {
    this.#isSuspended = false;
    this.#signal("SIGCONT");
  }

  kill(): void {
    this.#signal("SIGKILL");
  }

  #signal(signal: Deno.Signal): void {
    if (this.#hasEnded) return;
    try {
      // It leads a group of its own, so that what it has started goes with it.
      if (this.#surroundings.hasSignals) Deno.kill(-this.#child.pid, signal);
      else this.#child.kill(signal);
    } catch {
      // It has ended already.
    }
  }

  #watch(): void {
    const { clock, watchMs } = this.#surroundings;
    this.#timer = clock.schedule(watchMs, async () => {
      if (!this.#isSuspended) await this.measure();
      if (!this.#hasEnded) this.#watch();
    });
  }

  /** Asks the kernel, and ends what holds too much. */
  async measure(): Promise<void> {
    const use = await this.#surroundings.watch.sample(this.#child.pid);
    if (use) this.#use = use;
    if (!use || this.#hasEnded || use.residentMb <= this.#request.memoryMb) return;
    this.#reason = "memory";
    this.kill();
  }

  async #follow(): Promise<ProcessEnd> {
    const { clock } = this.#surroundings;
    const drained = new AbortController();
    const outputs = Promise.all([
      drain(this.#child.stdout, drained.signal, (bytes) => this.#request.onOutput(bytes.slice())),
      this.#hear(drained.signal),
    ]);
    const { code } = await this.#child.status;
    // Whoever led the group is gone; others of it need not be.
    this.kill();
    this.#hasEnded = true;
    this.#timer?.cancel();
    running.delete(this);
    const listened = new AbortController();
    await Promise.race([outputs, pause(clock, DRAIN_MS, listened.signal)]);
    listened.abort();
    drained.abort();
    await outputs;
    await this.#stdin.abort().catch(() => {});
    return { reason: this.#reason, code };
  }

  /** Passes on the first lines of standard error, and looks for what they tell of memory. */
  async #hear(signal: AbortSignal): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    let left = MAX_COMPLAINTS;
    await drain(this.#child.stderr, signal, (bytes) => {
      if (rest.length === MAX_REST && !bytes.includes(LINE_FEED)) return;
      const lines = (rest + decoder.decode(bytes, { stream: true })).split(/\r?\n/);
      // Of a line without an end, only so much is kept.
      rest = (lines.pop() ?? "").slice(0, MAX_REST);
      for (const line of lines) {
        if (OUT_OF_MEMORY.test(line)) this.#reason = "memory";
        const text = toPrintable(line.slice(0, MAX_REST), MAX_COMPLAINT_LENGTH);
        if (text.trim() && left-- > 0) this.#request.onComplaint(text);
      }
    });
  }
}

function spawn({ program, args, env, directory }: LaunchPlan, hasGroups: boolean) {
  try {
    return new Deno.Command(program, {
      args: [...args],
      env: { ...env },
      clearEnv: true,
      ...(directory === undefined ? {} : { cwd: directory }),
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      detached: hasGroups,
    }).spawn();
  } catch (error) {
    throw new WorkerError("not_permitted", `Cannot start a worker: ${describeError(error)}`, {
      cause: error,
    });
  }
}

/**
 * Hands over what `stream` gives, until its end or until `signal` aborts; never rejects. `take` must not keep the bytes: all
 * reads share one buffer, or endless noise would leave garbage faster than it is collected.
 */
async function drain(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  take: (bytes: Uint8Array) => void,
): Promise<void> {
  const reader = stream.getReader({ mode: "byob" });
  const cancel = () => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", cancel, { once: true });
  try {
    let part = await reader.read(new Uint8Array(READ_BYTES));
    while (!part.done) {
      take(part.value);
      part = await reader.read(new Uint8Array(part.value.buffer));
    }
  } catch {
    // The pipe broke with its process.
  }
  signal.removeEventListener("abort", cancel);
}
