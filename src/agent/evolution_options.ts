/**
 * What the evolution coordinator is given by the agent: sessions, the village, the device and its owner's wishes.
 */

import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { PeerId } from "../base/peer_id.ts";
import type { Random } from "../base/random.ts";
import type { HostReading } from "../host/reading.ts";
import type { Selection } from "../mesh/selection.ts";
import type { Identity } from "../node/identity.ts";
import type { Node } from "../node/node.ts";
import type { JobDirectory } from "../store/job_directory.ts";
import type { Membership } from "../trust/membership.ts";
import type { Job, JobCrypto } from "../work/job/spec.ts";
import type { Evaluator } from "../work/worker/evaluator.ts";
import type { WorkerSource } from "../work/worker/open_evaluator.ts";
import type { Launcher } from "../work/worker/process.ts";
import type { WorkSettings } from "../work/worker/work_settings.ts";
import type { Villager } from "./villager.ts";

/** The event by which members tell of jobs; `hamlet on evolution.job` hears it too. */
export const JOB_EVENT = "evolution.job";

/** What the device's owner allows, where jobs are kept, and by what workers are started. */
export interface AgentWork {
  readonly settings: WorkSettings;
  readonly directory: JobDirectory;
  readonly launcher: Launcher;
  /** In the place of processes, for tests. */
  readonly openEvaluator?: OpenWorker;
}

/** Opens what evaluates `job`. Rejects with `WorkerError`. */
export type OpenWorker = (request: {
  readonly job: Job;
  readonly worker: WorkerSource;
  readonly slots: number;
  readonly state: unknown;
}) => Promise<Evaluator>;

export interface EvolutionOptions extends AgentWork {
  readonly identity: Identity;
  readonly crypto: JobCrypto;
  readonly node: Pick<Node, "send" | "isConnected" | "request" | "handle">;
  readonly villager: Pick<Villager, "broadcast" | "watch" | "knows">;
  readonly membership: Membership | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Dials a member before all others. */
  readonly dial: (id: PeerId) => void;
  /** Peers fit for work, best first, and why the others are not. */
  readonly select: () => Selection;
  /** Members that are alive, with a session or without. */
  readonly alive: () => ReadonlySet<PeerId>;
  /** Measures the device now. */
  readonly measure: () => Promise<HostReading>;
  /** What the device works on is different now. */
  readonly onWorkload: () => void;
}
