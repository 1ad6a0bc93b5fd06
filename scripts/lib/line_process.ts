/**
 * Another process that is spoken to in lines: commands in, answers out.
 */

export interface LineProcessOptions {
  readonly args?: readonly string[];
  readonly v8Flags?: string;
  /** The configuration that it runs under; ours unless it has its own. */
  readonly config?: string;
}

const OUR_CONFIG = `${import.meta.dirname}/../../deno.json`;

export class LineProcess {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #output: ReadableStreamDefaultReader<string>;
  #text = "";

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#input = child.stdin.getWriter();
    this.#output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Starts the program at `path`. */
  static start(path: string, options: LineProcessOptions = {}): LineProcess {
    const { args = [], v8Flags, config = OUR_CONFIG } = options;
    const flags = ["--allow-all", "--quiet", `--config=${config}`];
    if (v8Flags) flags.push(`--v8-flags=${v8Flags}`);
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", ...flags, path, ...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    });
    return new LineProcess(command.spawn());
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The next line that it prints. Rejects when it has ended. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#text.indexOf("\n");
      if (end >= 0) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 1);
        return line;
      }
      const { value } = await this.#output.read();
      if (value === undefined) throw new Error("Cannot go on: the other process has ended");
      this.#text += value;
    }
  }

  /** Sends a line and waits for the answer. */
  async ask(line: string): Promise<string> {
    await this.#input.write(new TextEncoder().encode(line + "\n"));
    return await this.line();
  }

  /** Ends its input and waits for its end. */
  async close(): Promise<void> {
    await this.#input.close().catch(() => {
      // It is gone already.
    });
    await this.#output.cancel();
    await this.#child.status;
  }
}
