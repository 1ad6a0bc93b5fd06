/**
 * One child process: its lines, its end and its last words. Whoever starts one owns it until
 * {@link Child.exited} has resolved.
 */

import type { Launch } from "../base/self.ts";

/** How a process ended. */
export interface Exit {
  readonly code: number;
  /** The last line it wrote to its error output that is not indented, or nothing. */
  readonly lastWords: string;
}

/** A longer line is of no use to anyone; the rest of it is dropped. */
const MAX_LINE_LENGTH = 4_096;

export class Child {
  /** Resolves once the process and its outputs have ended; never rejects. */
  readonly exited: Promise<Exit>;
  readonly #process: Deno.ChildProcess;
  #exit: Exit | undefined;
  #lastWords = "";

  /** Starts `launch`. Throws when the program cannot be run. */
  constructor({ program, args }: Launch, onLine: (line: string) => void = () => {}) {
    const command = new Deno.Command(program, {
      args: [...args],
      // Never written to: its end tells the child that whoever started it is gone.
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    });
    this.#process = command.spawn();
    this.exited = this.#follow(onLine);
  }

  /** How it ended; `undefined` while it runs. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** Asks it to end, or ends it. Harmless once it has. */
  signal(signal: "SIGTERM" | "SIGKILL"): void {
    if (this.#exit) return;
    try {
      this.#process.kill(signal);
    } catch {
      // It ended in this moment.
    }
  }

  async #follow(onLine: (line: string) => void): Promise<Exit> {
    const [status] = await Promise.all([
      this.#process.status,
      readLines(this.#process.stdout, onLine),
      readLines(this.#process.stderr, (line) => {
        // The lines of a stack are indented; what went wrong is above them.
        if (/^\S/.test(line)) this.#lastWords = line.trimEnd();
      }),
    ]);
    // Whether or not the pipe broke with its reader, it is ours to let go.
    await this.#process.stdin.close().catch(() => {});
    this.#exit = { code: status.code, lastWords: this.#lastWords };
    return this.#exit;
  }
}

/** An end that nobody asked for, in words. */
export function failureOf({ code, lastWords }: Exit): string {
  return `it ended with code ${code}${lastWords && `: ${lastWords}`}`;
}

/** Calls `onLine` for every line of `stream`; ends with it, never rejects. */
async function readLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  onLine: (line: string) => void,
): Promise<void> {
  let rest = "";
  try {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = (lines.pop() ?? "").slice(0, MAX_LINE_LENGTH);
      for (const line of lines) onLine(line.slice(0, MAX_LINE_LENGTH));
    }
  } catch {
    // The pipe broke with its process.
  }
  if (rest !== "") onLine(rest);
}
