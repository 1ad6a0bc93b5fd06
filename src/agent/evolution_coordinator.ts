/**
 * The coordinator of jobs on this device: which there are, whom they hear, what they may use, and what is kept of them.
 *
 * ```
 * hamlet evolve -> job_start -+                       +- job_runner - JobNode - worker processes
 * REQUEST_HELP -> admission --+-> one runner a job ---+
 * jobs/ at the start ---------+    one has the slots  +- mail -> sessions
 * ```
 */

import type { Bytes } from "../base/bytes.ts";
import { scheduleEvery, type Timer } from "../base/clock.ts";
import { CodedError } from "../base/errors.ts";
import type { JsonObject } from "../base/guards.ts";
import { type PeerId, shortId } from "../base/peer_id.ts";
import type { Workload } from "../host/capabilities.ts";
import type { Peer } from "../mesh/peer.ts";
import type { EvolutionMessage, JobPolicy, SearchFactory } from "../work/job/job_outlet.ts";
import { writeLedger } from "../work/job/job_snapshot.ts";
import { readDecline, readHelpRequest, writeDecline } from "../work/job/messages.ts";
import type { OrderAction } from "../work/job/order.ts";
import { newSearchFactory } from "../work/job/search_factory.ts";
import { type Job, type JobId, parseJobId } from "../work/job/spec.ts";
import type { Evaluator } from "../work/worker/evaluator.ts";
import { type EvolutionOptions, JOB_EVENT } from "./evolution_options.ts";
import { encodeJobNews, type HeardJobs } from "./heard_jobs.ts";
import { declineOf, mostUrgent, retryAfterMs } from "./job_admission.ts";
import { JobArchive, type StoredJob } from "./job_archive.ts";
import { findJob, heardView } from "./job_lookup.ts";
import { JobMail } from "./job_mail.ts";
import { checkMayOrder, JobObserver } from "./job_observer.ts";
import { nameIn, policyOf } from "./job_policy.ts";
import { answerRequests, type KnownJob } from "./job_requests.ts";
import { JobRunner } from "./job_runner.ts";
import { checkStart, type JobRequest, openTried, signRequest } from "./job_start.ts";
import { stateOf, summaryOf, type ViewContext, viewOf } from "./job_view_writer.ts";
import type { JobSummaryView, JobView } from "./job_views.ts";
import { JobWorkers } from "./job_workers.ts";
import type { WorkWatch } from "./work_watch.ts";

const TICK_MS = 1_000;
/** The steward says this often that the job is there. */
const ANNOUNCE_MS = 60_000;
/** A job that has ended is remembered in memory for so long, for those who have not heard of that. */
const LINGER_MS = 600_000;
/** Members that decline one job, remembered for its view. */
const MAX_DECLINED = 64;
const NOTHING = Object.freeze({ slots: 0, duty: 1, reason: "another job runs here" });

export class EvolutionCoordinator {
  readonly #options: EvolutionOptions;
  readonly #watch: WorkWatch;
  readonly #mail: JobMail;
  readonly #archive: JobArchive;
  readonly #heard: HeardJobs;
  readonly #search: SearchFactory = newSearchFactory();
  readonly #workers: JobWorkers;
  readonly #observer: JobObserver;
  readonly #policy: JobPolicy;
  readonly #runners = new Map<JobId, JobRunner>();
  readonly #declined = new Map<JobId, Map<PeerId, string>>();
  readonly #announcedMs = new Map<JobId, number>();
  readonly #tick: Timer;
  #isClosed = false;

  constructor(
    options: EvolutionOptions,
    { watch, heard }: { readonly watch: WorkWatch; readonly heard: HeardJobs },
  ) {
    this.#options = options;
    this.#watch = watch;
    this.#heard = heard;
    const { clock, log, node } = options;
    this.#mail = new JobMail({ node, clock, log, dial: options.dial });
    this.#policy = policyOf(options.membership);
    this.#archive = new JobArchive({
      directory: options.directory,
      crypto: options.crypto,
      belongs: this.#policy.belongs,
      log,
    });
    this.#workers = new JobWorkers(options);
    this.#observer = new JobObserver({
      ...options,
      policy: this.#policy,
      mail: this.#mail,
      courier: this.#workers.courier,
    });
    answerRequests(node, {
      belongs: this.#policy.belongs,
      module: (id) => this.#moduleOf(id),
      state: (id) => this.#stateOf(id),
    });
    this.#tick = scheduleEvery(clock, TICK_MS, () => this.#onTick());
  }

  /** Goes on with what an earlier run of the agent left. */
  async open(): Promise<void> {
    try {
      for (const { job, stored } of await this.#archive.open()) this.#resume(job, stored);
    } catch (error) {
      // Whatever is wrong with the disk: other jobs can be had all the same.
      if (!(error instanceof CodedError)) throw error;
      this.#options.log("error", "jobs not resumed", { reason: error.message });
    }
    this.#arrange();
  }

  get workload(): Workload {
    const active = this.#active();
    const isEvolving = active !== undefined && active.permit.slots > 0;
    return { isEvolving, evolutionLoad: isEvolving ? 1 : 0 };
  }

  receive(
    from: PeerId,
    message: {
      readonly id: string | null;
      readonly type: EvolutionMessage;
      readonly data: JsonObject;
    },
  ): void {
    const id = parseJobId(message.id);
    if (!id || this.#isClosed || !this.#policy.belongs(from)) return;
    const { type, data } = message;
    if (type === "EVOLUTION_DECLINE_HELP") this.#noteDecline(id, from, data);
    const runner = this.#runners.get(id);
    if (runner) return runner.receive(from, type, data);
    if (type === "EVOLUTION_REQUEST_HELP") this.#consider(id, from, data);
  }

  /** A member tells of a job that it takes part in; ours may be another half of it. */
  introduce(id: JobId, from: PeerId): void {
    if (!this.#isClosed && this.#policy.belongs(from)) this.#runners.get(id)?.introduce(from);
  }

  /** Begins a job here. */
  async evolve(request: JobRequest): Promise<JobView> {
    const { identity, crypto, clock, directory, log } = this.#options;
    checkStart(request, { jobs: this.#unended.length, commands: this.#workers.commands });
    const job = signRequest(request, { identity, crypto, wallMs: clock.wallMs() });
    const evaluator = await openTried(job, request, {
      workers: this.#workers,
      permit: this.#watch.permitFor(job, true),
      isNext: mostUrgent([{ job }, ...this.#going])?.job === job,
      search: this.#search,
      clock,
    });
    try {
      await directory.write(job.id, "spec", job.signed);
      if (request.worker.kind === "module") {
        await directory.writeModule(job.id, request.worker.language, request.worker.code);
      }
    } catch (error) {
      await evaluator?.close();
      throw error;
    }
    const runner = this.#run({ job });
    if (evaluator) runner.adopt(evaluator);
    log("info", "job started", { job: shortId(job.id), name: job.spec.name });
    this.#arrange();
    this.#announce(runner);
    await runner.save();
    return this.#view(runner);
  }

  jobs(): readonly JobSummaryView[] {
    const running = [...this.#runners.values()].map((runner) => summaryOf(this.#view(runner)));
    const known = new Set(running.map(({ id }) => id));
    const kept = this.#archive.views.filter(({ id }) => !known.has(id)).map(summaryOf);
    for (const { id } of kept) known.add(id);
    const heard = this.#heard.all().filter(({ id }) => !known.has(id))
      .map((job) => heardView(job, this.#context));
    return [...running, ...heard, ...kept];
  }

  async job(prefix: string): Promise<JobView> {
    const id = findJob(prefix, this.jobs());
    const runner = this.#runners.get(id);
    if (runner) return this.#view(runner);
    const kept = this.#archive.views.find((view) => view.id === id);
    return kept ?? await this.#observer.look(id, this.#heard.get(id), this.#context);
  }

  async order(prefix: string, action: OrderAction): Promise<JobView> {
    const id = findJob(prefix, this.jobs());
    const runner = this.#runners.get(id) ?? await this.#revive(id);
    if (!runner) return await this.#observer.order(id, action, this.#heard.get(id), this.#context);
    const self = this.#options.identity.id;
    checkMayOrder(runner.job, action, { self, policy: this.#policy });
    runner.order(action);
    this.#arrange();
    return this.#view(runner);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#tick.cancel();
    await Promise.all([...this.#runners.values()].map((runner) => runner.close()));
  }

  get #context() {
    const { identity, membership, clock } = this.#options;
    const nameOf = (id: PeerId) => nameIn(membership, id);
    return { self: identity.id, nameOf, nowMs: clock.now(), wallMs: clock.wallMs() };
  }

  #view(runner: JobRunner): JobView {
    const { id } = runner.job;
    const declined = this.#declined.get(id) ?? new Map<PeerId, string>();
    const directory = this.#options.directory.directoryOf(id);
    const context: ViewContext = {
      ...this.#context,
      directory,
      declined: new Map([...this.#unfit(), ...declined]),
    };
    return viewOf(runner, context);
  }

  /** Members that are not even asked, and why. */
  #unfit(): readonly (readonly [PeerId, string])[] {
    return this.#options.select().leftOut.flatMap(({ peer, reason }) =>
      peer.trust === "authenticated" && this.#policy.belongs(peer.id) && reason !== "not_connected"
        ? [[peer.id, reason] as const]
        : []
    );
  }

  /** Makes a runner; throws `FieldError` where what was stored cannot be read. */
  #run({ job, recruiter, stored }: {
    readonly job: Job;
    readonly recruiter?: PeerId;
    readonly stored?: StoredJob;
  }): JobRunner {
    const { identity, crypto, clock, random, log, directory } = this.#options;
    const runner: JobRunner = new JobRunner({
      job,
      stored,
      ...(recruiter !== undefined && { recruiter }),
      self: { id: identity.id, signer: identity.signing },
      crypto,
      clock,
      random,
      log,
      directory,
      search: this.#search,
      policy: this.#policy,
      mail: this.#mail,
      wallMs: () => clock.wallMs(),
      openEvaluator: (slots, state) => this.#openEvaluator(job, { slots, state, recruiter }),
      viewWhenEnded: () => runner.hasEnded ? this.#view(runner) : undefined,
      onChange: () => this.#onChange(runner),
    });
    this.#runners.set(job.id, runner);
    return runner;
  }

  #resume(job: Job, stored: StoredJob): void {
    const { log } = this.#options;
    try {
      this.#run({ job, stored });
      log("info", "job resumed", { job: shortId(job.id), name: job.spec.name });
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      log("warn", "job begins anew", { job: shortId(job.id), reason: error.message });
      this.#run({ job });
    }
  }

  /** A job that ended here, with all that was kept of it. */
  async #revive(id: JobId): Promise<JobRunner | undefined> {
    const job = await this.#archive.jobOf(id);
    if (!job) return undefined;
    const runner = this.#run({ job, stored: await this.#archive.load(job) });
    return runner;
  }

  #openEvaluator(
    job: Job,
    { slots, state, recruiter }: {
      readonly slots: number;
      readonly state: unknown;
      readonly recruiter: PeerId | undefined;
    },
  ): Promise<Evaluator> {
    const others = this.#runners.get(job.id)?.participants ?? [];
    const holders = [...new Set([...(recruiter ? [recruiter] : []), ...others])];
    return this.#workers.open(job, { slots, state, holders });
  }

  /** A member asks for help with a job that we do not take part in. */
  #consider(id: JobId, from: PeerId, data: JsonObject): void {
    const { crypto, log } = this.#options;
    let job: Job;
    try {
      job = readHelpRequest(data, crypto, this.#policy.belongs).job;
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      log("warn", "job refused", { peer: shortId(from), reason: error.message });
      return;
    }
    if (job.id !== id) return;
    const reason = declineOf(job, {
      permit: this.#watch.permitFor(job, false),
      current: this.#unended.map((runner) => runner.job),
      commands: new Set(this.#workers.commands.keys()),
      hasEnded: (jobId) => this.#archive.views.some((view) => view.id === jobId),
    });
    if (reason) {
      const decline = writeDecline({ reason, retryAfterMs: retryAfterMs(reason) });
      return this.#mail.send(from, { job, type: "EVOLUTION_DECLINE_HELP", data: decline });
    }
    this.#workers.prefetch(job, from);
    const runner = this.#run({ job, recruiter: from });
    runner.receive(from, "EVOLUTION_REQUEST_HELP", data);
    log("info", "help offered", { job: shortId(id), name: job.spec.name, peer: shortId(from) });
    this.#arrange();
  }

  #noteDecline(id: JobId, from: PeerId, data: JsonObject): void {
    if (!this.#runners.has(id)) return;
    const declined = this.#declined.get(id) ?? new Map<PeerId, string>();
    this.#declined.set(id, declined);
    declined.delete(from);
    declined.set(from, readDecline(data).reason);
    for (const oldest of declined.keys()) {
      if (declined.size <= MAX_DECLINED) break;
      declined.delete(oldest);
    }
  }

  /** The job that has this device's slots. */
  #active(): JobRunner | undefined {
    const going = this.#going;
    return mostUrgent(going.filter(({ node }) => node.phase === "searching")) ?? mostUrgent(going);
  }

  get #going(): readonly JobRunner[] {
    return [...this.#runners.values()].filter(({ isGoing }) => isGoing);
  }

  get #unended(): readonly JobRunner[] {
    return [...this.#runners.values()].filter(({ hasEnded }) => !hasEnded);
  }

  /** Gives the slots to one job, and none to the others. */
  #arrange(): void {
    if (this.#isClosed) return;
    const active = this.#active();
    for (const runner of this.#runners.values()) {
      const permit = this.#watch.permitFor(runner.job, this.#isOwn(runner));
      if (runner === active) runner.allow(permit);
      // Whoever confirms a result needs little, and not for long.
      else if (runner.node.phase === "closing") {
        runner.allow({ ...permit, slots: Math.min(1, permit.slots) });
      } else runner.allow(NOTHING);
    }
    if (active) this.#watch.begin(() => this.#arrange());
    else this.#watch.rest();
    this.#options.onWorkload();
  }

  #isOwn({ job }: JobRunner): boolean {
    return job.spec.owner === this.#options.identity.id;
  }

  #onChange(runner: JobRunner): void {
    if (this.#isClosed) return;
    const { id } = runner.job;
    if (runner.wasRefused) {
      this.#runners.delete(id);
      void runner.close();
    } else if (runner.hasEnded) {
      this.#archive.add(this.#view(runner));
      this.#announce(runner);
      void this.#archive.reap(new Set(this.#runners.keys()));
    } else if (this.#archive.views.some((view) => view.id === id)) {
      void this.#archive.forget(id);
      this.#announce(runner);
    }
    this.#arrange();
  }

  #onTick(): void {
    const { clock, identity } = this.#options;
    this.#mail.flush();
    const nowMs = clock.now();
    const alive = this.#options.alive();
    const { candidates, leftOut } = this.#options.select();
    const fit = idsOf(candidates);
    // Who works on something less urgent may leave it for an emergency, and says whether it does.
    const working = idsOf(leftOut.filter(({ reason }) => reason === "not_available"));
    for (const [id, runner] of this.#runners) {
      if (runner.hasEnded && nowMs - (runner.endedAtMs ?? nowMs) >= LINGER_MS) {
        this.#forget(id, runner);
        continue;
      }
      const isEmergency = runner.job.spec.type === "emergency";
      runner.setPeers(alive, isEmergency ? [...fit, ...working] : fit);
      const isDue = nowMs - (this.#announcedMs.get(id) ?? -Infinity) >= ANNOUNCE_MS;
      if (isDue && !runner.hasEnded && runner.steward === identity.id) this.#announce(runner);
    }
    this.#arrange();
  }

  #forget(id: JobId, runner: JobRunner): void {
    this.#archive.add(this.#view(runner));
    this.#runners.delete(id);
    this.#declined.delete(id);
    this.#announcedMs.delete(id);
    void runner.close();
  }

  /** Tells the village of a job. */
  #announce(runner: JobRunner): void {
    const { clock, log, villager, identity } = this.#options;
    const { job, node } = runner;
    if (runner.steward !== identity.id && job.spec.owner !== identity.id) return;
    this.#announcedMs.set(job.id, clock.now());
    const view = node.view(clock.now());
    const news = encodeJobNews({
      id: job.id,
      name: job.spec.name,
      owner: job.spec.owner,
      type: job.spec.type,
      state: stateOf(runner),
      createdUnixMs: job.spec.createdUnixMs,
      timeS: job.spec.limits.timeS,
      evaluations: view.evaluations,
      participants: view.participants.filter(({ isLiving }) => isLiving).length,
      best: view.best?.fitness ?? null,
    });
    try {
      villager.broadcast(JOB_EVENT, news);
    } catch (error) {
      // Too many events at once: the next announcement comes in a minute.
      if (!(error instanceof CodedError)) throw error;
      log("debug", "job not announced", { job: shortId(job.id), reason: error.message });
    }
  }

  async #moduleOf(id: JobId): Promise<Bytes | undefined> {
    const job = this.#runners.get(id)?.job ?? await this.#archive.jobOf(id);
    return job && await this.#workers.kept(job);
  }

  async #stateOf(id: JobId): Promise<KnownJob | undefined> {
    const runner = this.#runners.get(id);
    if (runner) return { job: runner.job, ledger: writeLedger(runner.node.ledger) };
    const job = await this.#archive.jobOf(id);
    const known = job && (await this.#archive.load(job)).ledger;
    if (!known) return undefined;
    const { participants, order, results, refuted } = known;
    return { job, ledger: { participants, order, results, refuted } };
  }
}

function idsOf(entries: readonly { readonly peer: Peer }[]): readonly PeerId[] {
  return entries.flatMap(({ peer }) => peer.trust === "authenticated" ? [peer.id] : []);
}
