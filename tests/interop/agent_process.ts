/**
 * The program as a process: started on loopback in a state directory of its own, asked over its control
 * API, and never left behind.
 */

import { fileURLToPath } from "node:url";
import { PERMISSION_FLAGS } from "../../src/base/permissions.ts";
import { AGENT_FLAGS, FEATURE_FLAGS } from "../../src/base/self.ts";
import { DEADLINE_MS, type JsonMessage, LOOPBACK } from "./counterpart_wire.ts";

export const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));

/** How often a condition is looked at. */
const POLL_MS = 20;

const running = new Set<Deno.ChildProcess>();
// However the test ends, nothing stays.
globalThis.addEventListener("unload", () => {
  for (const child of running) kill(child, "SIGKILL");
});

/** Arguments that run the program, with the permissions that it has wherever it runs. */
export function programArgs(args: readonly string[]): string[] {
  const flags = args[0] === "up" ? AGENT_FLAGS : [];
  return ["run", ...flags, ...FEATURE_FLAGS, ...PERMISSION_FLAGS, MAIN, ...args];
}

/** Looks at `check` until it gives something other than `undefined` or `false`. */
export async function eventually<T>(
  what: string,
  check: () => Promise<T | undefined | false> | T | undefined | false,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    const value = await check();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > endMs) throw new Error(`Waited ${deadlineMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** What a finished command said. */
export interface CommandOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command of the program to its end. */
export async function hamlet(
  args: readonly string[],
  options: {
    readonly env?: Record<string, string>;
    readonly via?: readonly string[];
    /** After which it is killed. */
    readonly deadlineMs?: number;
  } = {},
): Promise<CommandOutcome> {
  const [first = Deno.execPath(), ...rest] = [
    ...(options.via ?? []),
    Deno.execPath(),
    ...programArgs(args),
  ];
  const child = new Deno.Command(first, {
    args: rest,
    // Whatever the file of whoever runs the tests says.
    env: { HAMLET_CONFIG: "off", ...options.env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  running.add(child);
  const timer = setTimeout(() => kill(child, "SIGKILL"), options.deadlineMs ?? 2 * DEADLINE_MS);
  try {
    const { code, stdout, stderr } = await child.output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: decode(stdout), stderr: decode(stderr) };
  } finally {
    clearTimeout(timer);
    running.delete(child);
  }
}

export interface AgentOptions {
  /** Flags besides where it listens and keeps its state. */
  readonly args?: readonly string[];
  /** A directory to use and keep; otherwise a fresh one, removed at the end. */
  readonly stateDir?: string;
  /** Explicit port flags; otherwise any free port. */
  readonly port?: readonly string[];
  /** Whether it takes part with anybody, as it does by default; otherwise with its network only. */
  readonly isOpen?: boolean;
  /** Variables besides those of whoever runs the tests. */
  readonly env?: Readonly<Record<string, string>>;
}

/** One peer as the control API shows it. */
export interface PeerView extends JsonMessage {
  readonly node_id: string;
  readonly trust: string;
  readonly connected: boolean;
  readonly addresses: readonly string[];
  readonly capabilities: JsonMessage;
}

/** A running `hamlet up`. */
export class AgentProcess implements AsyncDisposable {
  readonly stateDir: string;
  readonly #child: Deno.ChildProcess;
  readonly #keepsState: boolean;
  readonly #stderr: Promise<void>;
  #log = "";
  #status: Deno.CommandStatus | undefined;
  #note: { readonly url: string; readonly token: string; readonly listen_port: number };

  private constructor(child: Deno.ChildProcess, stateDir: string, keepsState: boolean) {
    this.#child = child;
    this.stateDir = stateDir;
    this.#keepsState = keepsState;
    this.#note = { url: "", token: "", listen_port: 0 };
    this.#stderr = this.#collect();
    void child.status.then((status) => {
      this.#status = status;
      running.delete(child);
    });
  }

  /** Starts an agent and resolves once it can be asked. */
  static async start(options: AgentOptions = {}): Promise<AgentProcess> {
    const stateDir = options.stateDir ?? await Deno.makeTempDir({ prefix: "hamlet-interop-" });
    const child = new Deno.Command(Deno.execPath(), {
      args: programArgs([
        "up",
        ...["--listen", LOOPBACK, "--state", stateDir, "--log", "json"],
        ...(options.isOpen === false ? [] : ["--open"]),
        ...(options.port ?? ["--port", "0"]),
        ...(options.args ?? []),
      ]),
      env: { HAMLET_CONFIG: "off", ...options.env },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    running.add(child);
    const agent = new AgentProcess(child, stateDir, options.stateDir !== undefined);
    try {
      agent.#note = await eventually("the agent to be ready", () => agent.#readNote());
    } catch (error) {
      await agent[Symbol.asyncDispose]();
      throw new Error(`The agent did not start: ${agent.#log}`, { cause: error });
    }
    return agent;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The port that peers reach. */
  get port(): number {
    return this.#note.listen_port;
  }

  get controlUrl(): string {
    return this.#note.url;
  }

  get token(): string {
    return this.#note.token;
  }

  /** Everything it has logged. */
  get log(): string {
    return this.#log;
  }

  /** What it has logged, line by line; lines that are no JSON are under `text`. */
  get events(): readonly JsonMessage[] {
    return this.#log.split("\n").filter(Boolean).map((line) =>
      line.startsWith("{") ? JSON.parse(line) : { text: line }
    );
  }

  async status(): Promise<JsonMessage> {
    return await this.get("status");
  }

  async id(): Promise<string> {
    return String((await this.status())["node_id"]);
  }

  async rssMb(): Promise<number> {
    const { memory } = await this.status() as { memory: { rss_mb: number } };
    return memory.rss_mb;
  }

  /** How often `code` was a reason to refuse or close. */
  async rejected(code: string): Promise<number> {
    const { rejected } = await this.status() as { rejected: Record<string, number> };
    return rejected[code] ?? 0;
  }

  async peers(): Promise<readonly PeerView[]> {
    const { peers } = await this.get("peers") as unknown as { peers: readonly PeerView[] };
    return peers;
  }

  async peer(id: string): Promise<PeerView | undefined> {
    return (await this.peers()).find(({ node_id }) => node_id === id);
  }

  /** Resolves with the peer once it is known and `matches`. */
  untilPeer(id: string, matches: (peer: PeerView) => boolean = () => true): Promise<PeerView> {
    return eventually(`peer ${id.slice(0, 8)}`, async () => {
      const peer = await this.peer(id);
      return peer && matches(peer) ? peer : undefined;
    });
  }

  /** Resolves once it answers as the agent of another network, on another control address. */
  async untilMoved(): Promise<void> {
    const { url } = this.#note;
    this.#note = await eventually("the agent to move to another network", async () => {
      const note = await this.#readNote();
      return note?.url === url ? undefined : note;
    });
  }

  signal(signal: Deno.Signal): void {
    kill(this.#child, signal);
  }

  /** Resolves with its exit code; a process that does not end by then is an error. */
  async exited(deadlineMs = DEADLINE_MS): Promise<number> {
    const { code } = await eventually("the agent to end", () => this.#status, deadlineMs);
    await this.#stderr;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#status) {
      this.signal("SIGTERM");
      await this.exited(5_000).catch(() => this.signal("SIGKILL"));
    }
    await this.#child.status;
    await this.#stderr;
    if (!this.#keepsState) await Deno.remove(this.stateDir, { recursive: true });
  }

  async #readNote() {
    if (this.#status) throw new Error(`it ended with ${this.#status.code}`);
    try {
      const note = JSON.parse(await Deno.readTextFile(`${this.stateDir}/control.json`));
      return note.pid === this.#child.pid ? note : undefined;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  /** What the control API answers. */
  async get(route: string): Promise<JsonMessage> {
    const response = await fetch(`${this.controlUrl}/v1/${route}`, {
      headers: { authorization: `Bearer ${this.token}` },
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    const body = await response.json();
    if (!response.ok) throw new Error(`GET ${route}: ${response.status} ${JSON.stringify(body)}`);
    return body;
  }

  async #collect(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.#log += text;
    }
  }
}

function kill(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch {
    // It has ended already.
  }
}
