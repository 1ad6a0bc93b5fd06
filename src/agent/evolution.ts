/**
 * The door to everything about jobs: what the agent holds of it while there are none.
 *
 * Searches, workers and ledgers are loaded with the first job, or the first message about one: an agent at rest does not
 * pay for them. What is always here is the governor, which must have seen the device for a while before it lets
 * anybody work on it.
 */

import { CodedError, describeError } from "../base/errors.ts";
import { FieldError } from "../base/guards.ts";
import { type PeerId, shortId } from "../base/peer_id.ts";
import type { GossipEvent } from "../gossip/gossip.ts";
import { NO_WORK, type Workload } from "../host/capabilities.ts";
import type { HostReading } from "../host/reading.ts";
import type { Envelope } from "../node/envelope.ts";
import type { OrderAction } from "../work/job/order.ts";
import type { EvolutionMessage } from "../work/job/job_outlet.ts";
import type { EvolutionCoordinator } from "./evolution_coordinator.ts";
import { type EvolutionOptions, JOB_EVENT } from "./evolution_options.ts";
import { decodeJobNews, HeardJobs } from "./heard_jobs.ts";
import type { JobRequest } from "./job_start.ts";
import type { JobSummaryView, JobView } from "./job_views.ts";
import { WorkWatch } from "./work_watch.ts";

export type { AgentWork } from "./evolution_options.ts";

type JobEnvelope = Envelope & { readonly type: EvolutionMessage };

/** Messages that wait while the code for them is being loaded. */
const MAX_WAITING = 256;

export class Evolution {
  readonly #options: EvolutionOptions;
  readonly #watch: WorkWatch;
  readonly #heard = new HeardJobs();
  readonly #unwatch: () => void;
  #loading: Promise<EvolutionCoordinator> | undefined;
  #coordinator: EvolutionCoordinator | undefined;
  #waiting = 0;
  #isClosed = false;

  constructor(options: EvolutionOptions) {
    this.#options = options;
    this.#watch = new WorkWatch(options);
    this.#unwatch = options.villager.watch((event) => this.#onEvent(event));
  }

  /** What the device works on, for its capability record. */
  get workload(): Workload {
    const { settings } = this.#options;
    if (settings.mode === "off") return { ...NO_WORK, isAllowed: false };
    return {
      ...(this.#coordinator?.workload ?? NO_WORK),
      isWelcome: this.#watch.isWelcome,
      isUnconditional: settings.mode === "on",
    };
  }

  /** The device was measured. */
  observe(reading: HostReading): void {
    this.#watch.observe(reading);
  }

  /** Goes on with the jobs that the last run of the agent left; loads nothing where there are none. */
  async start(): Promise<void> {
    const { directory, log } = this.#options;
    try {
      if ((await directory.list()).length > 0) await this.#load();
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      log("error", "jobs not resumed", { reason: describeError(error) });
    }
  }

  /** Takes a message about a job; `false` for any other. */
  takes(from: PeerId, envelope: Envelope): boolean {
    if (!isAboutJob(envelope)) return false;
    if (this.#coordinator) this.#hand(this.#coordinator, from, envelope);
    else if (!this.#isClosed && this.#waiting < MAX_WAITING) {
      this.#waiting++;
      void this.#load().then((coordinator) => {
        this.#waiting--;
        this.#hand(coordinator, from, envelope);
      });
    }
    return true;
  }

  /** Begins a job. Rejects with a `CodedError` that says what is wrong with it. */
  async evolve(request: JobRequest): Promise<JobView> {
    return await (await this.#load()).evolve(request);
  }

  /** All jobs that are known here, those that go on first. */
  async jobs(): Promise<readonly JobSummaryView[]> {
    return (await this.#load()).jobs();
  }

  /** The one job whose id starts with `prefix`. Rejects with `JobLookupError`. */
  async job(prefix: string): Promise<JobView> {
    return await (await this.#load()).job(prefix);
  }

  /** Stops a job for everybody, or lets it go on. Rejects with `JobLookupError`, or `JobError` `stranger`. */
  async order(prefix: string, action: OrderAction): Promise<JobView> {
    return await (await this.#load()).order(prefix, action);
  }

  /** Keeps what would be lost, and ends every worker; the launcher stays its owner's. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#unwatch();
    await (await this.#loading)?.close();
    this.#watch.close();
  }

  #load(): Promise<EvolutionCoordinator> {
    this.#loading ??= import("./evolution_coordinator.ts").then(async (module) => {
      const coordinator = new module.EvolutionCoordinator(this.#options, {
        watch: this.#watch,
        heard: this.#heard,
      });
      await coordinator.open();
      this.#coordinator = coordinator;
      return coordinator;
    });
    return this.#loading;
  }

  /** What members tell of jobs is remembered, and loads nothing. */
  #onEvent(event: GossipEvent): void {
    if (event.type !== "event" || event.event.name !== JOB_EVENT) return;
    const { origin, data } = event.event;
    const { log, clock, membership } = this.#options;
    if (membership && !membership.isOpen && !membership.isMember(origin)) return;
    try {
      const news = decodeJobNews(data);
      this.#heard.hear(news, origin, clock.now());
      this.#coordinator?.introduce(news.id, origin);
    } catch (error) {
      if (!(error instanceof FieldError)) throw error;
      log("debug", "job event refused", { peer: shortId(origin), reason: error.message });
    }
  }

  #hand(
    coordinator: EvolutionCoordinator,
    from: PeerId,
    { type, evolutionId, data }: JobEnvelope,
  ): void {
    try {
      coordinator.receive(from, { id: evolutionId, type, data });
    } catch (error) {
      if (!(error instanceof FieldError)) throw error;
      const reason = error.message;
      this.#options.log("debug", "job message refused", { peer: shortId(from), type, reason });
    }
  }
}

function isAboutJob(envelope: Envelope): envelope is JobEnvelope {
  return envelope.type.startsWith("EVOLUTION_");
}
