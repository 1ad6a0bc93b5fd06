/**
 * A village of agents of one kind in a network namespace: its processes, and what each says of the others.
 *
 * The first agent is started and ready before the others, who are given its address and nothing else.
 */

import { pause, systemClock } from "../../src/base/clock.ts";
import { SCRATCH } from "../../scripts/lib/lan/enclosure.ts";
import { Resident } from "../../scripts/lib/lan/process.ts";
import type { Contender, MemberState, Post, Saying } from "./serf_contender.ts";

/** The first agent's port; the ports of the others follow. All are below those that the system gives. */
export const FIRST_PORT = 20_001;

export interface Agent {
  readonly post: Post;
  /** Under what the others speak of it; empty until its process has been ready once. */
  id: string;
  /** When its present process was ready; `undefined` while there is none or it is not. */
  readyMs: number | undefined;
  /** How its present process sees the others, by id. */
  readonly view: Map<string, MemberState>;
}

/** What an agent said, and when. */
export interface Heard {
  readonly agent: Agent;
  readonly saying: Saying;
  readonly atMs: number;
}

interface Wait {
  readonly isOver: () => boolean;
  readonly end: (atMs: number) => void;
  readonly fail: (reason: Error) => void;
}

const READY_LIMIT_MS = 60_000;

/** Whether `agent` lists `member` as alive. One that is suspected is: serf tells of no suspicions. */
export function lists(agent: Agent, member: Agent): boolean {
  const state = agent.view.get(member.id);
  return state === "alive" || state === "suspect";
}

export class Village {
  readonly agents: readonly Agent[];
  readonly #contender: Contender;
  readonly #namespace: string;
  readonly #onHeard: (heard: Heard) => void;
  readonly #processes = new Map<Agent, Resident>();
  readonly #waits = new Set<Wait>();

  /** A village of `count` agents that do not run yet; `onHeard` gets everything they say. */
  constructor(
    { contender, namespace, count, onHeard = () => {} }: {
      readonly contender: Contender;
      readonly namespace: string;
      readonly count: number;
      readonly onHeard?: (heard: Heard) => void;
    },
  ) {
    this.#contender = contender;
    this.#namespace = namespace;
    this.#onHeard = onHeard;
    this.agents = Array.from({ length: count }, (_, index) => ({
      post: {
        index,
        port: FIRST_PORT + index,
        firstPort: index === 0 ? undefined : FIRST_PORT,
        directory: `${SCRATCH}/${namespace}/${index}`,
      },
      id: "",
      readyMs: undefined,
      view: new Map(),
    }));
  }

  /** Those whose process runs and is ready. */
  get ready(): readonly Agent[] {
    return this.agents.filter(({ readyMs }) => readyMs !== undefined);
  }

  /** Whether every agent is ready and lists every other as alive. */
  get isWhole(): boolean {
    return this.ready.length === this.agents.length &&
      this.agents.every((agent) => this.isListed(agent));
  }

  /** Whether every other agent that runs lists `member` as alive. */
  isListed(member: Agent): boolean {
    return this.ready.every((agent) => agent === member || lists(agent, member));
  }

  /** Whether every other agent that runs has declared `member` dead. */
  isDeclaredDead(member: Agent): boolean {
    return this.ready.every((agent) => agent === member || agent.view.get(member.id) === "dead");
  }

  /** Starts all; resolves when every process has been started. */
  async start(): Promise<void> {
    const [first, ...others] = this.agents;
    if (first === undefined) return;
    await Deno.mkdir(`${SCRATCH}/${this.#namespace}`, { recursive: true });
    this.startAgent(first);
    await this.until("the first agent to be ready", () => first.readyMs !== undefined);
    for (const agent of others) this.startAgent(agent);
  }

  /** Starts the process of `agent`, also again on the state that the last one has left. */
  startAgent(agent: Agent): void {
    const { post } = agent;
    agent.view.clear();
    let lastWords = "nothing";
    const process = new Resident(this.#namespace, this.#contender.commandLine(post), (line) => {
      lastWords = line;
      const saying = this.#contender.read(line, post);
      if (saying && this.#processes.get(agent) === process) this.#hear(agent, saying);
    });
    this.#processes.set(agent, process);
    void process.exited.then((code) => {
      if (this.#processes.get(agent) !== process) return;
      this.#fail(new Error(`Agent ${post.index} ended with ${code}, saying: ${lastWords}`));
    });
  }

  /** The process id of `agent`; `undefined` while it does not run. */
  pidOf(agent: Agent): number | undefined {
    return this.#processes.get(agent)?.pid;
  }

  /** Kills the process of `agent` as nothing can prevent; returns when that was. */
  kill(agent: Agent): number {
    const process = this.#processes.get(agent);
    if (!process) throw new TypeError("Cannot kill: the agent does not run");
    this.#processes.delete(agent);
    agent.readyMs = undefined;
    Deno.kill(process.pid, "SIGKILL");
    const atMs = systemClock.now();
    void process.stop(0);
    return atMs;
  }

  /** Resolves with when `isOver` became so. Rejects after `limitMs`, and when an agent ends by itself. */
  async until(
    what: string,
    isOver: () => boolean,
    limitMs = READY_LIMIT_MS,
  ): Promise<number> {
    if (isOver()) return systemClock.now();
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const wait: Wait = { isOver, end: resolve, fail: reject };
    const inTime = new AbortController();
    this.#waits.add(wait);
    void pause(systemClock, limitMs, inTime.signal).then(() =>
      reject(new Error(`Waited ${limitMs} ms in vain for ${what}`))
    );
    try {
      return await promise;
    } finally {
      this.#waits.delete(wait);
      inTime.abort();
    }
  }

  /** Ends all processes and removes what they wrote. */
  async close(): Promise<void> {
    const processes = [...this.#processes.values()];
    this.#processes.clear();
    await Promise.all(processes.map((process) => process.stop(0)));
    await Deno.remove(`${SCRATCH}/${this.#namespace}`, { recursive: true });
  }

  #hear(agent: Agent, saying: Saying): void {
    const atMs = systemClock.now();
    if (saying.type === "ready") {
      agent.id = saying.id;
      agent.readyMs = atMs;
    } else {
      agent.view.set(saying.id, saying.state);
    }
    this.#onHeard({ agent, saying, atMs });
    for (const wait of this.#waits) if (wait.isOver()) wait.end(atMs);
  }

  #fail(reason: Error): void {
    for (const wait of this.#waits) wait.fail(reason);
  }
}
