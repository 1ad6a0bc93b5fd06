/**
 * An agent as a real process on loopback, with a state directory of its own, which may be started again after each
 * end; run by this runtime, or by another machine's under an emulator.
 */

import { fileURLToPath } from "node:url";
import { pause, systemClock } from "../../src/base/clock.ts";
import { ControlClient } from "../../src/control/client.ts";
import { LOOPBACK } from "../../src/demo/launch.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
/** An emulator takes twenty times as long. */
const READY_MS = 120_000;
const POLL_MS = 50;
const MAX_LOG_CHARS = 20_000;

/** What the system says of a process. */
export interface Usage {
  readonly rssBytes: number;
  readonly files: number;
}

/** Where and how an agent runs. */
export interface RealAgentOptions {
  readonly name: string;
  /** Its state directory is made in it. */
  readonly root: string;
  /** What runs it; this very runtime by default. */
  readonly runtime?: Runtime;
}

/** A program and its first arguments that stand for `deno`, and flags for each `run`. */
export interface Runtime {
  readonly command: readonly [program: string, ...args: string[]];
  readonly flags: readonly string[];
}

const OWN_RUNTIME: Runtime = { command: [Deno.execPath()], flags: [] };

/** A command of the program under `runtime`. */
export function programCommand(
  command: readonly string[],
  { command: [program, ...before], flags }: Runtime = OWN_RUNTIME,
): { readonly program: string; readonly args: string[] } {
  const args = [...before, "run", "-A", "--no-prompt", "--quiet", ...flags, MAIN, ...command];
  return { program, args };
}

export class RealAgent {
  readonly stateDir: string;
  readonly name: string;
  /** Ends that nobody asked for. */
  readonly failures: string[] = [];
  readonly #runtime: Runtime | undefined;
  #child: Deno.ChildProcess | undefined;
  #client: ControlClient | undefined;
  #isStopping = false;
  #log = "";

  constructor({ name, root, runtime }: RealAgentOptions) {
    this.name = name;
    this.stateDir = `${root}/${name}`;
    this.#runtime = runtime;
  }

  get isUp(): boolean {
    return this.#client !== undefined;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** The last that it said. */
  get log(): string {
    return this.#log;
  }

  /** Throws when it is not up. */
  get client(): ControlClient {
    if (!this.#client) throw new Error(`${this.name} is not up`);
    return this.#client;
  }

  get port(): number {
    return this.client.endpoint.listenPort;
  }

  async start(): Promise<void> {
    const { program, args } = programCommand([
      ...["up", "--config", "off", "--listen", LOOPBACK, "--port", "0", "--mdns", "off"],
      ...["--state", this.stateDir, "--name", this.name, "--legacy", "any"],
      ...["--log", "json", "--log-level", "warn", "--leash"],
    ], this.#runtime);
    const child = new Deno.Command(program, {
      args,
      // Its end, which is ours, ends the agent.
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#child = child;
    this.#isStopping = false;
    void this.#collect(child.stderr);
    void child.status.then(({ code, signal }) => {
      if (!this.#isStopping) this.failures.push(`ended with ${signal ?? code}`);
      if (this.#child === child) this.#client = undefined;
    });
    await this.#ready();
  }

  /** Ends it and waits for that. */
  async end(signal: Deno.Signal): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#isStopping = true;
    this.#client = undefined;
    try {
      child.kill(signal);
    } catch {
      // It has ended by itself.
    }
    await child.status;
    await child.stdin.close().catch(() => {});
    this.#child = undefined;
  }

  /** Resolves once it answers on another control address: it has moved to another network. */
  async moved(): Promise<void> {
    const { url } = this.client.endpoint;
    await this.#ready((client) => client.endpoint.url !== url);
  }

  /** Reads what the kernel says of it; Linux only. */
  async usage(): Promise<Usage> {
    const status = await Deno.readTextFile(`/proc/${this.pid}/status`);
    const kilobytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
    let files = 0;
    for await (const _ of Deno.readDir(`/proc/${this.pid}/fd`)) files++;
    return { rssBytes: kilobytes * 1024, files };
  }

  /** The JavaScript heap in use, as its metrics tell. */
  async heapBytes(): Promise<number> {
    return Number(/^process_heap_bytes (\d+)$/m.exec(await this.metrics())?.[1]);
  }

  /** What `GET /metrics` says. */
  async metrics(): Promise<string> {
    const { url, token } = this.client.endpoint;
    const response = await fetch(`${url}/metrics`, {
      headers: { authorization: `Bearer ${token}` },
    });
    return await response.text();
  }

  async #ready(isReady: (client: ControlClient) => boolean = () => true): Promise<void> {
    const untilMs = systemClock.now() + READY_MS;
    while (systemClock.now() < untilMs) {
      const client = await ControlClient.open(this.stateDir).catch(() => undefined);
      if (client && client.endpoint.pid === this.pid && isReady(client)) {
        this.#client = client;
        return;
      }
      await pause(systemClock, POLL_MS);
    }
    throw new Error(`${this.name} was not ready within ${READY_MS} ms: ${this.#log}`);
  }

  async #collect(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    try {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) {
        this.#log = (this.#log + text).slice(-MAX_LOG_CHARS);
      }
    } catch {
      // The pipe broke with its process.
    }
  }
}
