/** Agents that work: on the in-memory network, with functions for workers and real directories. */

import type { AgentWork, OpenWorker } from "../../src/agent/evolution_options.ts";
import type { JobRequest } from "../../src/agent/job_start.ts";
import type { JobView } from "../../src/agent/job_views.ts";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { type Clock, pause } from "../../src/base/clock.ts";
import { JobDirectory } from "../../src/store/job_directory.ts";
import type { Genome } from "../../src/work/evolve/space.ts";
import { FunctionEvaluator } from "../../src/work/worker/function_evaluator.ts";
import { DEFAULT_WORK, type WorkSettings } from "../../src/work/worker/work_settings.ts";
import { Realm } from "./realm.ts";
import type { Resident } from "./agents.ts";

/** What an evaluation takes, ms, by the clock of the test. */
const EVALUATION_MS = 20;
export const MODULE = encodeUtf8("export function evaluate() { return 0; }");
/** Willing whatever it is measured to do. */
export const WILLING: WorkSettings = Object.freeze({ ...DEFAULT_WORK, mode: "on" });

export function sphere(genome: Genome): number {
  return genome.reduce((sum, x) => sum + x * x, 0);
}

export interface WorkOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly settings?: WorkSettings;
  /** What this device measures; the truth, unless it lies. */
  readonly evaluate?: (genome: Genome) => number;
  readonly openEvaluator?: OpenWorker;
  /** Told of each evaluator that is opened. */
  readonly onOpen?: (worker: Parameters<OpenWorker>[0]) => void;
}

/** What an agent needs for work. No process is started. */
export function workOf(options: WorkOptions): AgentWork {
  const { path, clock, settings = WILLING, evaluate = sphere } = options;
  return {
    settings,
    directory: new JobDirectory({ path, wallMs: () => clock.wallMs() }),
    launcher: {
      launch: () => {
        throw new Error("no process is started in these tests");
      },
      cpuMs: () => Promise.resolve(0),
      close: () => Promise.resolve(),
    },
    openEvaluator: options.openEvaluator ?? ((request) => {
      options.onOpen?.(request);
      return Promise.resolve(
        new FunctionEvaluator({
          slots: request.slots,
          evaluate: async (genome) => {
            await pause(clock, EVALUATION_MS);
            return evaluate(genome);
          },
        }),
      );
    }),
  };
}

export function requestOf(changes: Partial<JobRequest> = {}): JobRequest {
  return {
    name: "sphere",
    type: "breakthrough",
    space: { kind: "real", dims: 2, lower: [-5, -5], upper: [5, 5] },
    direction: "minimize",
    target: 1e-3,
    limits: { timeS: 600, evaluations: null, evaluationMs: 10_000, memoryMb: 256 },
    worker: { kind: "module", language: "js", code: MODULE },
    tolerance: { relative: 1e-6, absolute: 1e-9 },
    seed: 1,
    maxParticipants: null,
    options: {},
    ...changes,
  };
}

/** A realm whose citizens keep their jobs below `path`. */
export class JobRealm extends Realm {
  /** Resolves with the job as `resident` shows it, once `isMeant`. */
  async untilJob(
    { agent }: Pick<Resident, "agent">,
    id: string,
    isMeant: (view: JobView) => boolean,
    limitMs = 300_000,
  ): Promise<JobView> {
    let view: JobView | undefined;
    for (let ms = 0; ms < limitMs; ms += 500) {
      view = await this.until(agent.evolution?.job(id).catch(() => undefined) ?? Promise.reject());
      if (view && isMeant(view)) return view;
      await this.pass(500);
    }
    throw new Error(`Waited ${limitMs} ms in vain; the job is ${JSON.stringify(view)}`);
  }
}
