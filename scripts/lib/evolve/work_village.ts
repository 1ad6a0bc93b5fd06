/**
 * A village of agent processes on loopback that work, each as fast as its own worker: started, asked by its control API,
 * killed.
 */

import { fileURLToPath } from "node:url";
import type { JobView } from "../../../src/agent/job_views.ts";
import { pause, systemClock } from "../../../src/base/clock.ts";
import { CodedError } from "../../../src/base/errors.ts";
import { ControlClient } from "../../../src/control/client.ts";
import type { EvolveBody } from "../../../src/control/job_request.ts";

const LOOPBACK = "127.0.0.1";
const MAIN = fileURLToPath(new URL("../../../main.ts", import.meta.url));
const WORKER = fileURLToPath(new URL("./waiting_worker.ts", import.meta.url));
const WORKER_NAME = "waiting";
const POLL_MS = 200;
const READY_MS = 60_000;

export interface WorkAgentOptions {
  readonly stateDir: string;
  /** What an evaluation takes here. */
  readonly evaluationMs: number;
  /** Another agent's port, to find the village. */
  readonly peer: number | undefined;
}

/** One agent, with one worker process at a time. */
export class WorkAgent {
  readonly evaluationMs: number;
  readonly #child: Deno.ChildProcess;
  readonly #stateDir: string;
  #control: ControlClient | undefined;
  #id = "";

  constructor(options: WorkAgentOptions) {
    const { stateDir, evaluationMs, peer } = options;
    this.evaluationMs = evaluationMs;
    this.#stateDir = stateDir;
    const worker = [Deno.execPath(), "run", "--quiet", WORKER, String(evaluationMs)];
    // One slot, however many processors there are.
    const share = Math.max(1, Math.floor(100 / navigator.hardwareConcurrency));
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-prompt", MAIN],
        ...["up", "--config", "off", "--open", "--state", stateDir],
        ...["--listen", LOOPBACK, "--port", "0", "--mdns", "off", "--log-level", "warn", "--leash"],
        ...["--work", "on", "--work-battery", "on", "--work-cpu", `${share}%`],
        ...["--worker", `${WORKER_NAME}=${JSON.stringify(worker)}`],
        ...(peer === undefined ? [] : ["--peer", `${LOOPBACK}:${peer}`]),
      ],
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  get id(): string {
    return this.#id;
  }

  get control(): ControlClient {
    if (this.#control) return this.#control;
    throw new Error("Cannot ask an agent: it is not ready");
  }

  get port(): number {
    return this.control.endpoint.listenPort;
  }

  /** Resolves once it can be asked. */
  async ready(): Promise<void> {
    await until("an agent to be ready", READY_MS, async () => {
      this.#control = await ControlClient.open(this.#stateDir);
      this.#id = (await this.#control.status()).node_id;
      return true;
    });
  }

  /** Ends it without a goodbye. */
  async kill(): Promise<void> {
    end(this.#child, "SIGKILL");
    await this.#child.status;
  }

  async stop(): Promise<void> {
    end(this.#child, "SIGTERM");
    await this.#child.status;
    await this.#child.stdin.close().catch(() => {});
  }
}

export class WorkVillage {
  readonly agents: WorkAgent[] = [];
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Starts an agent for each of `evaluationsMs`, and waits until all know each other. */
  static async start(evaluationsMs: readonly number[]): Promise<WorkVillage> {
    const village = new WorkVillage(await Deno.makeTempDir({ prefix: "hamlet_evolve_" }));
    for (const evaluationMs of evaluationsMs) await village.add(evaluationMs);
    await village.meet();
    return village;
  }

  async add(evaluationMs: number): Promise<WorkAgent> {
    const agent = new WorkAgent({
      stateDir: `${this.#directory}/${this.agents.length}-${evaluationMs}`,
      evaluationMs,
      peer: this.agents[0]?.port,
    });
    this.agents.push(agent);
    await agent.ready();
    return agent;
  }

  /** Resolves once everybody has a session with everybody. */
  async meet(): Promise<void> {
    const others = this.agents.length - 1;
    await until("all to meet", READY_MS, async () => {
      const all = await Promise.all(this.agents.map(({ control }) => control.status()));
      return all.every(({ peers }) => peers.connected >= others);
    });
  }

  /** Takes one out. */
  async remove(agent: WorkAgent, how: "stop" | "kill"): Promise<void> {
    this.agents.splice(this.agents.indexOf(agent), 1);
    await agent[how]();
  }

  async close(): Promise<void> {
    await Promise.all(this.agents.map((agent) => agent.kill()));
    await Deno.remove(this.#directory, { recursive: true });
  }
}

/** A search for the lowest sum of squares by the agents' own workers. */
export function sphereJob(
  { dims, target = null, maxParticipants = null }: {
    readonly dims: number;
    readonly target?: number | null;
    readonly maxParticipants?: number | null;
  },
): EvolveBody {
  const all = (bound: number) => Array.from({ length: dims }, () => bound);
  return {
    name: "sphere",
    type: "breakthrough",
    space: { kind: "real", dims, lower: all(-5), upper: all(5) },
    direction: "minimize",
    target,
    limits: { time_s: 1_800, evaluations: null, evaluation_ms: 10_000, memory_mb: 256 },
    worker: { kind: "command", name: WORKER_NAME },
    tolerance: { relative: 1e-6, absolute: 1e-9 },
    seed: 1,
    max_participants: maxParticipants,
    options: {},
  };
}

/** Evaluations of each participant, as it says itself. */
export async function evaluationsOf(
  agents: readonly WorkAgent[],
  idOf: (agent: WorkAgent) => string,
): Promise<readonly number[]> {
  return await Promise.all(agents.map(async (agent) => {
    const { members } = await agent.control.job(idOf(agent));
    return members.find(({ this_device }) => this_device)?.evaluations ?? 0;
  }));
}

/** The job as one of `agents` shows it, once `isMeant`; an agent that does not answer is passed over. */
export async function untilJob(
  agent: WorkAgent,
  id: string,
  isMeant: (job: JobView) => boolean,
  limitMs: number,
): Promise<JobView> {
  let job: JobView | undefined;
  await until("a job", limitMs, async () => {
    job = await agent.control.job(id);
    return isMeant(job);
  });
  if (!job) throw new Error("Cannot show the job: nobody did");
  return job;
}

/** Looks again and again; what is not there yet, or refuses, may still come. */
export async function until(
  what: string,
  limitMs: number,
  check: () => Promise<boolean>,
): Promise<void> {
  const endMs = systemClock.now() + limitMs;
  let last: unknown;
  while (systemClock.now() < endMs) {
    try {
      if (await check()) return;
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      last = error;
    }
    await pause(systemClock, POLL_MS);
  }
  throw new Error(`Waited ${limitMs / 1000} s in vain for ${what}`, { cause: last });
}

function end(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch {
    // It has ended already.
  }
}
