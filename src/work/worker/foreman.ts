/**
 * A foreman: a process of its own that may start programs, for an agent that has given that up. It starts modules'
 * sandboxes and the owner's commands by their names, and nothing else whatever the agent asks; it ends with the agent,
 * and takes every worker along.
 */

import { describeError } from "../../base/errors.ts";
import { Fields } from "../../base/guards.ts";
import {
  encodeForemanFrame,
  encodeForemanFrames,
  type ForemanFrame,
  ForemanFrameReader,
  MAX_FRAME_PAYLOAD,
} from "./foreman_frame.ts";
import type { Launcher, WorkerProcess, WorkerProgram } from "./process.ts";
import { WorkerError } from "./evaluator.ts";
import type { NamedCommand } from "./work_settings.ts";

export interface ForemanOptions {
  readonly launcher: Launcher;
  /** What jobs may name, as it was when the agent started. */
  readonly commands: readonly NamedCommand[];
  /** Writes a frame in one piece; never throws. */
  readonly write: (frame: Uint8Array) => void;
}

/** Above it an agent asks for nothing sensible. */
const MAX_PROCESSES = 1_024;
const MAX_MEMORY_MB = 2 ** 24;
const MAX_NAME_LENGTH = 64;

export class Foreman {
  readonly #options: ForemanOptions;
  readonly #processes = new Map<number, WorkerProcess>();
  readonly #encoder = new TextEncoder();

  constructor(options: ForemanOptions) {
    this.#options = options;
  }

  /** Does what `orders` ask until they end, or until one is to retire; then every worker is gone. */
  async serve(orders: AsyncIterable<Uint8Array>): Promise<void> {
    const reader = new ForemanFrameReader();
    try {
      for await (const bytes of orders) {
        for (const frame of reader.push(bytes)) {
          if (frame.kind === "retire") return;
          this.#obey(frame);
        }
      }
    } finally {
      // Whether or not anybody is left to hear of it.
      await this.#options.launcher.close();
      await this.#tellUse();
    }
  }

  #obey({ kind, process, payload }: ForemanFrame): void {
    switch (kind) {
      case "launch":
        return this.#launch(process, payload);
      case "input":
        return this.#processes.get(process)?.write(payload);
      case "suspend":
        return this.#processes.get(process)?.suspend();
      case "resume":
        return this.#processes.get(process)?.resume();
      case "kill":
        return this.#processes.get(process)?.kill();
      case "measure":
        return void this.#tellUse();
      default:
        // Nothing that an agent says.
        return;
    }
  }

  #launch(id: number, payload: Uint8Array): void {
    try {
      const fields = Fields.of(JSON.parse(new TextDecoder().decode(payload)), "launch");
      if (this.#processes.size >= MAX_PROCESSES || this.#processes.has(id)) {
        throw new WorkerError("not_permitted", `Cannot start a worker: there are too many`);
      }
      const worker = this.#options.launcher.launch({
        program: this.#programOf(fields),
        memoryMb: fields.integer("memory_mb", { min: 1, max: MAX_MEMORY_MB }),
        onOutput: (bytes) => {
          encodeForemanFrames("output", id, bytes).forEach(this.#options.write);
        },
        onComplaint: (line) => this.#say("complaint", id, line),
      });
      this.#processes.set(id, worker);
      this.#say("started", id, String(worker.pid));
      void worker.ended.then((end) => {
        this.#processes.delete(id);
        this.#say("ended", id, JSON.stringify(end));
      });
    } catch (error) {
      this.#say("refused", id, describeError(error).slice(0, MAX_FRAME_PAYLOAD / 4));
    }
  }

  #programOf(fields: Fields): WorkerProgram {
    if (!fields.has("command")) return { kind: "module" };
    const name = fields.text("command", { maxLength: MAX_NAME_LENGTH });
    const found = this.#options.commands.find((each) => each.name === name);
    if (found) return { kind: "command", command: found.command };
    throw new WorkerError("not_configured", "Cannot start a worker: no command has that name");
  }

  async #tellUse(): Promise<void> {
    const cpuMs = await this.#options.launcher.cpuMs();
    if (cpuMs !== undefined) this.#say("used", 0, JSON.stringify({ cpuMs }));
  }

  #say(kind: ForemanFrame["kind"], id: number, text: string): void {
    const { write } = this.#options;
    write(encodeForemanFrame(kind, id, this.#encoder.encode(text).subarray(0, MAX_FRAME_PAYLOAD)));
  }
}
