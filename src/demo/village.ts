/**
 * A village on loopback: agents and old nodes as processes, from their start to their end.
 *
 * The old nodes come first, then the first agent, which is given their addresses; all other agents are given
 * the first one's address and nothing else. The village owns its processes and their directory: both are
 * gone when {@link Village.close} resolves, and also when this process exits without it.
 */

import { type Clock, pause } from "../base/clock.ts";
import { CodedError, describeError } from "../base/errors.ts";
import type { Self } from "../base/self.ts";
import type { Address } from "../net/address.ts";
import { AgentProcess } from "./agent_process.ts";
import { LOOPBACK } from "./launch.ts";
import { LegacyChild } from "./legacy_child.ts";
import type { AgentSample, VillageSample } from "./sample.ts";
import { countRegistered, idsOf, isAgentComplete } from "./summary.ts";

export interface VillageOptions {
  readonly self: Self;
  readonly clock: Clock;
  readonly nodes: number;
  readonly legacy: number;
  /** Old nodes end by themselves after this time. */
  readonly legacySeconds: number;
}

/** The village could not be started. */
export class VillageError extends CodedError<"spawn_failed"> {
  override readonly name = "VillageError";
}

/** Agents say goodbye to all their peers before they end. */
const GOODBYE_MS = 3_000;

export class Village {
  readonly #options: VillageOptions;
  readonly #startMs: number;
  readonly #agents: AgentProcess[] = [];
  readonly #legacy: LegacyChild[] = [];
  readonly #abandon = () => this.#onUnload();
  #directory: string | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: VillageOptions) {
    this.#options = options;
    this.#startMs = options.clock.now();
    globalThis.addEventListener("unload", this.#abandon);
  }

  /** What is known at this moment; processes that have not been started yet are empty places. */
  get sample(): VillageSample {
    const { clock, nodes, legacy } = this.#options;
    return {
      elapsedMs: clock.now() - this.#startMs,
      agents: Array.from({ length: nodes }, (_, i) => this.#agents[i]?.sample ?? NO_AGENT),
      legacy: Array.from({ length: legacy }, (_, i) => this.#legacy[i]?.sample ?? NO_LEGACY),
    };
  }

  /**
   * Starts every process; resolves when each is ready or has ended, or when `signal` aborts: the
   * sample tells. Throws {@link VillageError} when a process cannot be started at all.
   */
  async start(signal: AbortSignal): Promise<void> {
    try {
      this.#directory = await Deno.makeTempDir({ prefix: "hamlet-demo-" });
      const first = { host: LOOPBACK, port: freePort() };
      const { legacy, nodes } = this.#options;
      for (let i = 0; i < legacy; i++) this.#startLegacy(first);
      await settledOrAborted(this.#legacy.map((node) => node.settled()), signal);
      if (signal.aborted) return;
      await this.#startAgent(first.port, this.#legacy.flatMap(({ address }) => address ?? []))
        .settled(signal);
      if (signal.aborted) return;
      for (let i = 1; i < nodes; i++) this.#startAgent(0, [first]);
      await Promise.all(this.#agents.map((agent) => agent.settled(signal)));
    } catch (error) {
      throw new VillageError("spawn_failed", `Cannot start the village: ${describeError(error)}`, {
        cause: error,
      });
    }
  }

  /**
   * Asks the agents how they are. `missing` asks only those that are not known to be complete, and for
   * their lists once when they say that they have all sessions, then only when all say so: looking costs
   * the village time.
   */
  async look(whom: "missing" | "all"): Promise<void> {
    const { sample } = this;
    const { nodes } = this.#options;
    const ids = idsOf(sample.agents);
    const knowsLegacy = countRegistered(sample) === sample.legacy.length;
    const hasSessions = (agent: AgentSample) => agent.sessions >= nodes - 1;
    const isCalm = sample.agents.every(hasSessions);
    await Promise.all(this.#agents.map(async (agent, index) => {
      if (whom === "all") return await agent.look(true);
      const last = agent.sample;
      if (isAgentComplete(last, ids, nodes) && (index > 0 || knowsLegacy)) return;
      await agent.look(hasSessions(last) && (isCalm || last.candidates === undefined));
    }));
  }

  /** Ends every process and removes what they wrote. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #startLegacy(peer: Address): void {
    const { self, legacySeconds } = this.#options;
    this.#legacy.push(new LegacyChild(self, { peer, seconds: legacySeconds }));
  }

  #startAgent(port: number, peers: readonly Address[]): AgentProcess {
    const { self, clock } = this.#options;
    const stateDir = `${this.#directory}/agent-${this.#agents.length + 1}`;
    const agent = new AgentProcess({ self, clock, stateDir, port, peers });
    this.#agents.push(agent);
    return agent;
  }

  async #close(): Promise<void> {
    const over = new AbortController();
    const exits = this.#children().map(({ exited }) => exited);
    const allExited = Promise.all(exits).then(() => over.abort());
    this.#signalAll("SIGTERM");
    await pause(this.#options.clock, GOODBYE_MS, over.signal);
    this.#signalAll("SIGKILL");
    await allExited;
    globalThis.removeEventListener("unload", this.#abandon);
    if (this.#directory !== undefined) await removeDirectory(this.#directory);
  }

  /** This process exits without having closed the village: there is no time to ask. */
  #onUnload(): void {
    this.#signalAll("SIGKILL");
    try {
      if (this.#directory !== undefined) Deno.removeSync(this.#directory, { recursive: true });
    } catch {
      // A dying agent wrote once more: the system clears its temporary files in its own time.
    }
  }

  #signalAll(signal: "SIGTERM" | "SIGKILL"): void {
    for (const child of this.#children()) child.signal(signal);
  }

  #children() {
    return [...this.#agents, ...this.#legacy].map(({ child }) => child);
  }
}

const NO_AGENT: VillageSample["agents"][number] = Object.freeze({
  id: undefined,
  readyUnixMs: undefined,
  sessions: 0,
  rssMb: undefined,
  peers: undefined,
  candidates: undefined,
  leftOut: [],
  failure: undefined,
});

const NO_LEGACY: VillageSample["legacy"][number] = Object.freeze({
  id: undefined,
  registered: [],
  unanswered: undefined,
  failure: undefined,
});

/**
 * A port that is free now, for the first agent: the old nodes must be told of it before it starts, and it of
 * them.
 */
function freePort(): number {
  const listener = Deno.listen({ hostname: LOOPBACK, port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

async function settledOrAborted(work: readonly Promise<void>[], signal: AbortSignal) {
  if (signal.aborted) return;
  const aborted = Promise.withResolvers<void>();
  const onAbort = () => aborted.resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  await Promise.race([Promise.all(work), aborted.promise]);
  signal.removeEventListener("abort", onAbort);
}

async function removeDirectory(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch {
    // A temporary directory that the system clears in its own time.
  }
}
