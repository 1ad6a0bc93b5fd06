/**
 * Asks the kernel about processes of ours, through a shell that reads `/proc` for us: the runtime opens that only to
 * who is permitted everything. One small process, however many are watched.
 */

import { LineReader } from "./line_reader.ts";
import { parseProcessStat, parsePs, type ProcessUse, WATCH_SCRIPTS } from "./process_use.ts";

const MAX_LINE_BYTES = 4_096;

export class ProcessWatch {
  readonly #os: string;
  readonly #shell: Deno.ChildProcess | undefined;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>> | undefined;
  readonly #reading: Promise<void> = Promise.resolve();
  readonly #encoder = new TextEncoder();
  /** In the order of the questions. */
  #waiting: ((line: string) => void)[] = [];
  #pageBytes: number | undefined;
  #isClosed = false;

  /** Where this system has no way to tell, or no shell can be started, nothing is ever known. */
  constructor(os: string) {
    this.#os = os;
    const script = WATCH_SCRIPTS[os];
    if (script === undefined) return;
    try {
      this.#shell = new Deno.Command("/bin/sh", {
        args: ["-c", script],
        clearEnv: true,
        cwd: "/",
        stdin: "piped",
        stdout: "piped",
        stderr: "null",
        detached: true,
      }).spawn();
    } catch {
      return; // No shell, or no right to start one.
    }
    this.#writer = this.#shell.stdin.getWriter();
    this.#reading = this.#read(this.#shell);
  }

  /** What the process `pid` uses; `undefined` when it is gone or nobody can tell. Never rejects. */
  async sample(pid: number): Promise<ProcessUse | undefined> {
    if (this.#isClosed || !this.#writer) return undefined;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#waiting.push(resolve);
    this.#writer.write(this.#encoder.encode(`${pid}\n`)).catch(() => {});
    const line = await promise;
    return this.#os === "linux" ? parseProcessStat(line, this.#pageBytes ?? NaN) : parsePs(line);
  }

  /** Ends the shell. Idempotent. */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      await this.#writer?.close().catch(() => {});
    }
    await this.#reading;
  }

  async #read(shell: Deno.ChildProcess): Promise<void> {
    const reader = new LineReader(MAX_LINE_BYTES);
    try {
      for await (const bytes of shell.stdout) {
        for (const line of reader.push(bytes)) this.#take(line);
      }
    } catch {
      // Whatever it is that answers there, it is no answer.
    }
    this.#isClosed = true;
    for (const answer of this.#waiting.splice(0)) answer("");
    await shell.status;
  }

  #take(line: string): void {
    if (this.#pageBytes === undefined) this.#pageBytes = Number(line);
    else this.#waiting.shift()?.(line);
  }
}
