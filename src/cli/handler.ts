/**
 * The handler behind `hamlet on`: runs the owner's command for each thing that happens, and gives the village its
 * answer to what was asked.
 *
 * ```
 * happening -> 4 commands at once, 64 wait, the rest is dropped -> exit code, complaints: the log
 *                                   +- a query: standard output, trimmed, at most 1,024 bytes -> answer
 * ```
 */

import { encodeUtf8 } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { CodedError, describeError } from "../base/errors.ts";
import type { Log, LogFields } from "../base/log.ts";
import type { Happening } from "../control/village_events.ts";
import { MAX_ANSWER_BYTES } from "../gossip/event_message.ts";
import { type ChildOutcome, runCommand } from "./child_command.ts";
import { TaskPool } from "./task_pool.ts";

export interface HandlerOptions {
  /** What runs, and its arguments. */
  readonly command: readonly [string, ...string[]];
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Stops what runs, and begins nothing more. */
  readonly signal: AbortSignal;
}

/** Answers a query. Rejects with {@link CodedError} when it is over. */
export type Answer = (id: string, text: string) => Promise<unknown>;

interface Task {
  readonly happening: Happening;
  readonly answer: Answer;
}

export const MAX_RUNNING = 4;
export const MAX_QUEUED = 64;

export class Handler {
  readonly #options: HandlerOptions;
  readonly #pool: TaskPool<Task>;
  #failures = 0;

  constructor(options: HandlerOptions) {
    this.#options = options;
    this.#pool = new TaskPool({
      maxRunning: MAX_RUNNING,
      maxQueued: MAX_QUEUED,
      run: (task) => this.#run(task),
    });
    options.signal.addEventListener("abort", () => this.#forgo(), { once: true });
  }

  /** How many commands did not end with 0. */
  get failures(): number {
    return this.#failures;
  }

  /** Runs the command for what happened, now or when its turn comes. */
  handle(happening: Happening, answer: Answer): void {
    if (this.#options.signal.aborted) return;
    if (this.#pool.offer({ happening, answer })) return;
    this.#options.log("warn", "dropped: too many at once", {
      ...subjectOf(happening),
      running: MAX_RUNNING,
      waiting: MAX_QUEUED,
    });
  }

  /** Resolves once nothing runs and nothing waits. */
  idle(): Promise<void> {
    return this.#pool.idle();
  }

  #forgo(): void {
    const count = this.#pool.clear();
    if (count > 0) this.#options.log("warn", "dropped: interrupted", { count });
  }

  async #run({ happening, answer }: Task): Promise<void> {
    const { command, timeoutMs, clock, log, signal } = this.#options;
    const subject = subjectOf(happening);
    const startMs = clock.now();
    try {
      const outcome = await runCommand({
        command,
        input: inputOf(happening),
        capturesOutput: happening.kind === "query",
        timeoutMs,
        clock,
        signal,
        onComplaint: (text) => log("info", "command says", { ...subject, text }),
      });
      this.#report(outcome, { ...subject, ms: Math.round(clock.now() - startMs) });
      const isAnswer = happening.kind === "query" && outcome.code === 0 && !outcome.stopped;
      if (isAnswer) await this.#answer(happening.id, outcome.output, subject, answer);
    } catch (error) {
      this.#failures++;
      log("error", "command not run", { ...subject, reason: describeError(error) });
    }
  }

  #report({ code, stopped }: ChildOutcome, fields: LogFields): void {
    const { log, timeoutMs } = this.#options;
    if (code !== 0 || stopped) this.#failures++;
    if (stopped === "timeout") {
      log("warn", "command killed: it took too long", { ...fields, limit_s: timeoutMs / 1_000 });
    } else log(code === 0 ? "info" : "warn", stopped ?? "command ended", { ...fields, code });
  }

  async #answer(id: string, output: string, subject: LogFields, answer: Answer): Promise<void> {
    const { log } = this.#options;
    const text = output.trim();
    const { length } = encodeUtf8(text);
    if (length > MAX_ANSWER_BYTES) {
      log("warn", "answer cut", { ...subject, bytes: length, limit: MAX_ANSWER_BYTES });
    }
    try {
      await answer(id, firstBytes(text, MAX_ANSWER_BYTES));
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#failures++;
      log("warn", "answer not taken", { ...subject, reason: error.message });
    }
  }
}

/** The line of JSON that a command reads. */
export function inputOf(happening: Happening): string {
  const { kind, name, data, origin, origin_name, received_unix_ms } = happening;
  const more = kind === "member" ? { incarnation: happening.incarnation } : {};
  return JSON.stringify({ kind, name, data, origin, origin_name, received_unix_ms, ...more }) +
    "\n";
}

/** As much of well-formed `text` as so many bytes of UTF-8 hold. */
export function firstBytes(text: string, maxBytes: number): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(maxBytes));
  return text.slice(0, read);
}

function subjectOf({ name, origin, origin_name }: Happening): LogFields {
  return { name, from: origin_name ?? origin.slice(0, 8) };
}
