/**
 * A command of the owner's as a child process: no shell, a line on standard input, an end after its time.
 *
 * It leads a process group of its own, so that what it has started goes with it when it is stopped; a terminal's
 * Ctrl-C reaches us alone, and we pass it on. Windows knows no such groups: there the command itself is ended.
 */

import { type Clock, pause } from "../base/clock.ts";
import { encodeUtf8 } from "../base/bytes.ts";
import { toPrintable } from "../base/guards.ts";

export interface ChildCommandOptions {
  /** What runs, and its arguments. */
  readonly command: readonly [string, ...string[]];
  /** What it reads. */
  readonly input: string;
  /** Whether its standard output is for us; otherwise it goes where ours goes. */
  readonly capturesOutput: boolean;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Stops it. */
  readonly signal: AbortSignal;
  /** A line that it wrote to standard error, printable and not too long. */
  readonly onComplaint: (line: string) => void;
}

export interface ChildOutcome {
  /** Above 128 where a signal ended it. */
  readonly code: number;
  /** Why it was stopped, if it was. */
  readonly stopped: "timeout" | "interrupted" | undefined;
  /** What it wrote, if that was captured, up to {@link MAX_OUTPUT_BYTES}. */
  readonly output: string;
}

/** Of what a command writes; more than any use has for it. */
export const MAX_OUTPUT_BYTES = 65_536;
const MAX_LINE_LENGTH = 500;
/** From the polite signal to the other one. */
const GRACE_MS = 2_000;
/** What a command has left running may keep its pipes open: so long we listen after its end. */
const DRAIN_MS = 500;

const hasGroups = Deno.build.os !== "windows";
const children = new Set<Deno.ChildProcess>();
// Also when we are told twice to end.
globalThis.addEventListener("unload", () => children.forEach((child) => kill(child, "SIGKILL")));

/** Runs a command to its end. Rejects with what the system says when it cannot be started. */
export async function runCommand(options: ChildCommandOptions): Promise<ChildOutcome> {
  const { command: [program, ...args], capturesOutput, clock } = options;
  const child = new Deno.Command(program, {
    args,
    stdin: "piped",
    stdout: capturesOutput ? "piped" : "inherit",
    stderr: "piped",
    detached: hasGroups,
  }).spawn();
  children.add(child);
  const drained = new AbortController();
  const stopper = new Stopper(child, options);
  try {
    const output = capturesOutput ? collect(child.stdout, drained.signal) : "";
    const complaints = tellLines(child.stderr, options.onComplaint, drained.signal);
    void feed(child.stdin, options.input);
    const { code } = await child.status;
    stopper.close();
    await Promise.race([Promise.all([output, complaints]), pause(clock, DRAIN_MS, drained.signal)]);
    drained.abort();
    await complaints;
    return { code, stopped: stopper.reason, output: await output };
  } finally {
    children.delete(child);
  }
}

/** Ends a child when its time is up, or when we are to end. */
class Stopper {
  reason: ChildOutcome["stopped"];
  readonly #child: Deno.ChildProcess;
  readonly #ended = new AbortController();
  readonly #clock: Clock;

  constructor(child: Deno.ChildProcess, { clock, timeoutMs, signal }: ChildCommandOptions) {
    this.#child = child;
    this.#clock = clock;
    const timer = clock.schedule(timeoutMs, () => this.#stop("timeout"));
    const interrupt = () => this.#stop("interrupted");
    signal.addEventListener("abort", interrupt);
    this.#ended.signal.addEventListener("abort", () => {
      timer.cancel();
      signal.removeEventListener("abort", interrupt);
    });
    if (signal.aborted) interrupt();
  }

  close(): void {
    this.#ended.abort();
  }

  #stop(reason: "timeout" | "interrupted"): void {
    if (this.reason || this.#ended.signal.aborted) return;
    this.reason = reason;
    kill(this.#child, "SIGTERM");
    void pause(this.#clock, GRACE_MS, this.#ended.signal).then(() => {
      // Whoever led the group may be gone, and others of it not.
      kill(this.#child, "SIGKILL");
    });
  }
}

function kill(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    if (hasGroups) Deno.kill(-child.pid, signal);
    else child.kill(signal);
  } catch {
    // It has ended already.
  }
}

async function feed(stdin: WritableStream<Uint8Array<ArrayBuffer>>, text: string): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(encodeUtf8(text));
    await writer.close();
  } catch {
    // A command need not read what it is told.
  }
}

/** The first of what `stream` gives; the rest is read and dropped, so that nobody has to wait. */
async function collect(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  signal: AbortSignal,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let room = MAX_OUTPUT_BYTES;
  for await (const bytes of until(stream, signal)) {
    text += decoder.decode(bytes.subarray(0, Math.max(0, room)), { stream: true });
    room -= bytes.length;
  }
  return text + decoder.decode();
}

async function tellLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  const tellLine = (line: string) => {
    const text = toPrintable(line, MAX_LINE_LENGTH);
    if (text.trim()) tell(text);
  };
  for await (const bytes of until(stream, signal)) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split(/\r?\n/);
    // Of a line without an end, only so much is kept.
    rest = (lines.pop() ?? "").slice(0, MAX_LINE_LENGTH);
    lines.forEach(tellLine);
  }
  tellLine(rest);
}

/** What `stream` gives until its end, or until `signal` aborts. */
async function* until<T>(stream: ReadableStream<T>, signal: AbortSignal): AsyncGenerator<T> {
  const reader = stream.getReader();
  const cancel = () => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", cancel, { once: true });
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}
