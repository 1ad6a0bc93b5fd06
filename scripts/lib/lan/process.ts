/**
 * Programs run in a network namespace: to their end, or for as long as they are needed.
 */

import { fileURLToPath } from "node:url";
import { AGENT_FLAGS } from "../../../src/base/self.ts";

/** How a program ended and what it said. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads from its standard input. */
  readonly input?: string;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 30_000;

/** A command line: the program and its arguments. */
export type CommandLine = readonly string[];

/** The command line of a script of this directory. */
export function scriptLine(name: string, ...args: readonly string[]): CommandLine {
  const path = fileURLToPath(new URL(name, import.meta.url));
  return [Deno.execPath(), "run", "-A", "--no-prompt", "--quiet", path, ...args];
}

/** The command line of the agent's own program. */
export function hamletLine(...args: readonly string[]): CommandLine {
  const path = fileURLToPath(new URL("../../../main.ts", import.meta.url));
  const flags = args[0] === "up" ? AGENT_FLAGS : [];
  return [Deno.execPath(), "run", ...flags, "-A", "--no-prompt", "--quiet", path, ...args];
}

/** Runs a program in `namespace` to its end. Throws unless it ends with 0 and in time. */
export async function run(
  namespace: string | undefined,
  line: CommandLine,
  options: RunOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await outcomeOf(namespace, line, options);
  if (code === 0) return stdout;
  const words = stderr.trim().split("\n").at(-1) || `it ended with ${code}`;
  throw new Error(`Cannot run ${nameOf(line)}${namespace ? ` on ${namespace}` : ""}: ${words}`);
}

/** Runs a program in `namespace`, killed at its deadline. */
export async function outcomeOf(
  namespace: string | undefined,
  line: CommandLine,
  { env = {}, input, timeoutMs = TIMEOUT_MS }: RunOptions = {},
): Promise<Outcome> {
  const child = command(namespace, line, {
    env,
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(timeoutMs),
  }).spawn();
  if (input !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** A program that stays, spoken to in lines. */
export class Resident {
  /** Resolves with its exit code. */
  readonly exited: Promise<number>;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;

  /** Starts it; `onLine` gets what it prints, of both its outputs. */
  constructor(
    namespace: string,
    line: CommandLine,
    onLine: (line: string) => void,
    env: Readonly<Record<string, string>> = {},
  ) {
    const piped = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;
    this.#child = command(namespace, line, { env, ...piped }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.exited = Promise.all([
      this.#child.status,
      readLines(this.#child.stdout, onLine),
      readLines(this.#child.stderr, onLine),
    ]).then(([{ code }]) => code);
  }

  get pid(): number {
    return this.#child.pid;
  }

  async write(line: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(line + "\n"));
  }

  /** Asks it to end, kills it when it does not, and waits for that. */
  async stop(patienceMs = 5_000): Promise<void> {
    const killer = setTimeout(() => this.#signal("SIGKILL"), patienceMs);
    this.#signal("SIGTERM");
    await this.exited;
    clearTimeout(killer);
    // Its pipe has ended with it.
    await this.#input.close().catch(() => {});
  }

  #signal(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch {
      // It has ended already.
    }
  }
}

function command(
  namespace: string | undefined,
  line: CommandLine,
  options: Deno.CommandOptions,
): Deno.Command {
  // It replaces itself by the program, so the process id is the program's.
  const enter = namespace === undefined ? [] : ["nsenter", `--net=/run/netns/${namespace}`];
  const [program = "", ...args] = [...enter, ...line];
  return new Deno.Command(program, { ...options, args });
}

/** What a person would call the command. */
function nameOf(line: CommandLine): string {
  const words = line.map((word) => word.split("/").at(-1) ?? word);
  const start = words.findIndex((word) => word.endsWith(".ts"));
  return words.slice(Math.max(0, start)).slice(0, 3).join(" ");
}

async function readLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  onLine: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(onLine);
  }
  if (rest !== "") onLine(rest);
}
