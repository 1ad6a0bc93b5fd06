/**
 * Has a foreman start workers' processes. It is prepared while the agent may still run programs, and costs nothing but
 * a waiting shell of one megabyte until the first worker is wanted; it retires when none has been for a minute.
 *
 * ```
 * waiting -- launch --> serving -- a minute without work --> retiring -- it has ended --> waiting
 *                          +-- it was killed: every worker of it is ended --> waiting
 * ```
 * The shell reads lines and obeys those that begin with a secret of this launcher's alone: what a foreman that was
 * killed has left unread in the pipe is then nothing to it.
 */

import { type Clock, pause, type Timer } from "../../base/clock.ts";
import { describeError } from "../../base/errors.ts";
import { Fields } from "../../base/guards.ts";
import { WorkerError } from "./evaluator.ts";
import {
  encodeForemanFrame,
  encodeForemanFrames,
  type ForemanFrame,
  ForemanFrameReader,
} from "./foreman_frame.ts";
import type { LaunchPlan } from "./launch_plan.ts";
import type { Launcher, LaunchRequest, ProcessEnd, WorkerProcess } from "./process.ts";
import type { NamedCommand } from "./work_settings.ts";

export interface ForemanLauncherOptions {
  /** How the foreman is started: `planForeman`. */
  readonly plan: LaunchPlan;
  /** The same that the foreman knows. */
  readonly commands: readonly NamedCommand[];
  readonly clock: Clock;
}

const RETIRE_MS = 60_000;
/** A foreman that is too busy to answer is not waited for. */
const MEASURE_MS = 1_000;
/** As shells give for a process that was killed. */
const KILLED = 137;

/** $1 is the secret, the rest the foreman. Told `go` it becomes the foreman; told `kill`, it ends groups. */
const SCRIPT = `s=$1; shift
while read -r secret word rest; do
  [ "$secret" = "$s" ] || continue
  case $word in
    go) "$@"; printf '${octal(encodeForemanFrame("over", 0))}' ;;
    kill) for p in $rest; do kill -s KILL -- "-$p"; done ;;
  esac
done 2>/dev/null`;

type Phase = "waiting" | "serving" | "retiring" | "closed";

export class ForemanLauncher implements Launcher {
  readonly #options: ForemanLauncherOptions;
  readonly #secret = crypto.randomUUID();
  readonly #shell: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #reading: Promise<void>;
  readonly #processes = new Map<number, ForemanProcess>();
  readonly #encoder = new TextEncoder();
  #phase: Phase = "waiting";
  /** Orders for the next foreman, while one retires. */
  #held: Uint8Array<ArrayBuffer>[] = [];
  #nextId = 1;
  #retiring: Timer | undefined;
  /** Of foremen that have ended, and of this one. */
  #pastCpuMs = 0;
  #cpuMs = 0;
  /** Aborted by the next measurement. */
  #measured: AbortController | undefined;

  /** Starts the shell; needs the permission to run programs, here and never again. Throws `WorkerError`. */
  constructor(options: ForemanLauncherOptions) {
    this.#options = options;
    const { program, args, env } = options.plan;
    try {
      this.#shell = new Deno.Command("/bin/sh", {
        args: ["-c", SCRIPT, "hamlet-foreman", this.#secret, program, ...args],
        env: { ...env },
        clearEnv: true,
        stdin: "piped",
        stdout: "piped",
        stderr: "null",
        detached: true,
      }).spawn();
    } catch (error) {
      throw new WorkerError("not_permitted", `Cannot have a foreman: ${describeError(error)}`, {
        cause: error,
      });
    }
    this.#writer = this.#shell.stdin.getWriter();
    this.#reading = this.#read();
  }

  launch(request: LaunchRequest): WorkerProcess {
    if (this.#phase === "closed") {
      throw new WorkerError("not_permitted", "Cannot start a worker: the foreman is gone");
    }
    const command = this.#nameOf(request);
    const id = this.#nextId++;
    const process = new ForemanProcess(request, (kind, bytes) => this.#order(kind, id, bytes));
    this.#retiring?.cancel();
    if (this.#phase === "waiting") this.#go();
    this.#processes.set(id, process);
    const order = { memory_mb: request.memoryMb, command };
    this.#order("launch", id, this.#encoder.encode(JSON.stringify(order)));
    return process;
  }

  async cpuMs(): Promise<number | undefined> {
    if (this.#phase === "serving") {
      const measured = this.#measured ??= new AbortController();
      this.#write(encodeForemanFrame("measure", 0));
      await pause(this.#options.clock, MEASURE_MS, measured.signal);
    }
    return this.#pastCpuMs + this.#cpuMs;
  }

  async close(): Promise<void> {
    this.#retiring?.cancel();
    this.#phase = "closed";
    // Its end is the foreman's, and the foreman's every worker's.
    await this.#writer.close().catch(() => {});
    await this.#reading;
  }

  /** A command goes by its name: the foreman knows what that stands for. */
  #nameOf({ program }: LaunchRequest): string | undefined {
    if (program.kind === "module") return undefined;
    const wanted = JSON.stringify(program.command);
    const found = this.#options.commands.find((each) => JSON.stringify(each.command) === wanted);
    if (found) return found.name;
    throw new WorkerError("not_configured", "Cannot start a worker: no command is like that");
  }

  #go(): void {
    this.#phase = "serving";
    // What went before may have been cut off anywhere.
    this.#write(this.#encoder.encode(`\n${this.#secret} go\n`));
  }

  #order(kind: ForemanFrame["kind"], id: number, bytes?: Uint8Array): void {
    if (!this.#processes.has(id)) return;
    const frames = bytes ? encodeForemanFrames(kind, id, bytes) : [encodeForemanFrame(kind, id)];
    if (this.#phase === "retiring") this.#held.push(...frames);
    else if (this.#phase === "serving") frames.forEach((frame) => this.#write(frame));
  }

  #write(bytes: Uint8Array<ArrayBuffer>): void {
    this.#writer.write(bytes).catch(() => {
      // The shell is gone: reading ends too, and that is told.
    });
  }

  async #read(): Promise<void> {
    const reader = new ForemanFrameReader();
    try {
      for await (const bytes of this.#shell.stdout) {
        for (const frame of reader.push(bytes)) this.#take(frame);
      }
    } catch {
      // What writes there is no foreman of ours any more.
      await this.#writer.abort().catch(() => {});
    }
    this.#phase = "closed";
    this.#retiring?.cancel();
    for (const [id] of this.#processes) this.#end(id, { reason: "exited", code: KILLED });
    await this.#shell.status;
  }

  #take({ kind, process: id, payload }: ForemanFrame): void {
    const process = this.#processes.get(id);
    const text = () => new TextDecoder().decode(payload);
    switch (kind) {
      case "started":
        if (process) process.pid = Number(text());
        return;
      case "output":
        return process?.request.onOutput(payload);
      case "complaint":
        return process?.request.onComplaint(text());
      case "ended":
        return this.#end(id, readEnd(text()));
      case "refused":
        process?.request.onComplaint(text());
        return this.#end(id, { reason: "exited", code: KILLED });
      case "used":
        this.#cpuMs = Fields.of(JSON.parse(text())).number("cpuMs", { min: 0, max: 1e15 });
        this.#measured?.abort();
        this.#measured = undefined;
        return;
      case "over":
        return this.#over();
      default:
        return;
    }
  }

  #end(id: number, end: ProcessEnd): void {
    const process = this.#processes.get(id);
    this.#processes.delete(id);
    process?.end(end);
    if (this.#processes.size > 0 || this.#phase !== "serving") return;
    this.#retiring = this.#options.clock.schedule(RETIRE_MS, () => {
      this.#write(encodeForemanFrame("retire", 0));
      this.#phase = "retiring";
    });
  }

  /** The foreman has ended: as it was told, or because somebody has ended it. */
  #over(): void {
    this.#pastCpuMs += this.#cpuMs;
    this.#cpuMs = 0;
    const wasKilled = this.#phase === "serving";
    if (this.#phase !== "closed") this.#phase = "waiting";
    this.#retiring?.cancel();
    if (wasKilled) {
      const pids = [...this.#processes.values()].map(({ pid }) => pid).filter((pid) => pid > 0);
      this.#write(this.#encoder.encode(`\n${this.#secret} kill ${pids.join(" ")}\n`));
      for (const [id] of this.#processes) this.#end(id, { reason: "exited", code: KILLED });
    }
    const held = this.#held.splice(0);
    if (held.length === 0 || this.#phase !== "waiting") return;
    this.#go();
    held.forEach((frame) => this.#write(frame));
  }
}

class ForemanProcess implements WorkerProcess {
  readonly ended: Promise<ProcessEnd>;
  readonly canSuspend = true;
  readonly request: LaunchRequest;
  pid = 0;
  readonly #order: (kind: ForemanFrame["kind"], bytes?: Uint8Array) => void;
  readonly #resolve: (end: ProcessEnd) => void;

  constructor(
    request: LaunchRequest,
    order: (kind: ForemanFrame["kind"], bytes?: Uint8Array) => void,
  ) {
    this.request = request;
    this.#order = order;
    const { promise, resolve } = Promise.withResolvers<ProcessEnd>();
    this.ended = promise;
    this.#resolve = resolve;
  }

  write(bytes: Uint8Array): void {
    this.#order("input", bytes);
  }

  suspend(): void {
    this.#order("suspend");
  }

  resume(): void {
    this.#order("resume");
  }

  kill(): void {
    this.#order("kill");
  }

  end(end: ProcessEnd): void {
    this.#resolve(end);
  }
}

function readEnd(text: string): ProcessEnd {
  const fields = Fields.of(JSON.parse(text));
  return {
    reason: fields.oneOf("reason", ["exited", "memory"]),
    code: fields.integer("code", { min: -1_000, max: 100_000 }),
  };
}

/** As `printf` of every shell reads it. */
function octal(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
}
