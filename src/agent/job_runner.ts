/**
 * One job on this device: its participant (`work/job/job_node.ts`, sans-IO) with time, messages, an evaluator and a place
 * on the disk.
 *
 * ```
 * opening -- searching <> paused -- ended         a worker that cannot serve: paused, tried again later
 *     +---------+-----------+-- every 30 s, and at the end: checkpoint, ledger, history
 * ```
 */

import { Alarm } from "../base/alarm.ts";
import { type Clock, scheduleEvery, type Timer } from "../base/clock.ts";
import { CodedError, describeError } from "../base/errors.ts";
import type { JsonObject } from "../base/guards.ts";
import type { Log } from "../base/log.ts";
import { type PeerId, shortId } from "../base/peer_id.ts";
import type { JobDirectory } from "../store/job_directory.ts";
import { JobNode } from "../work/job/job_node.ts";
import type {
  Batch,
  EvolutionMessage,
  JobNodeOptions,
  JobOutcome,
} from "../work/job/job_outlet.ts";
import type { OrderAction } from "../work/job/order.ts";
import type { Job } from "../work/job/spec.ts";
import type { Evaluator } from "../work/worker/evaluator.ts";
import { drawConvergence } from "./convergence_plot.ts";
import type { WorkPermit } from "./job_admission.ts";
import type { StoredJob } from "./job_archive.ts";
import { JobEvaluator } from "./job_evaluator.ts";
import { decodeHistory, encodeHistory, JobHistory } from "./job_history.ts";
import type { JobMail } from "./job_mail.ts";

export interface JobRunnerOptions extends Omit<JobNodeOptions, "outlet" | "slots"> {
  readonly clock: Clock;
  readonly log: Log;
  readonly mail: JobMail;
  readonly directory: JobDirectory;
  /** What an earlier run of the agent kept. */
  readonly stored?: StoredJob | undefined;
  /** Opens what evaluates. Rejects with a `CodedError` where that cannot be. */
  readonly openEvaluator: (slots: number, state: unknown) => Promise<Evaluator>;
  /** The job's view, once it has ended, as `result.json` keeps it. */
  readonly viewWhenEnded: () => unknown;
  /** It has ended, goes on, or can use more or fewer slots. */
  readonly onChange: () => void;
}

const CHECKPOINT_MS = 30_000;
const HISTORY_MS = 1_000;
/** A node that is always due must leave time for everything else. */
const MIN_WAIT_MS = 1;

export class JobRunner {
  readonly job: Job;
  readonly node: JobNode;
  readonly #options: JobRunnerOptions;
  readonly #history: JobHistory;
  readonly #evaluator: JobEvaluator;
  readonly #timers: readonly Timer[];
  readonly #alarm: Alarm;
  #permit: WorkPermit = { slots: 0, duty: 1, reason: "starting" };
  #isDirty = true;
  #endedAtMs: number | undefined;
  #elapsedWhenEndedMs: number | undefined;
  #saving: Promise<void> | undefined;
  #isWanted = false;
  #isClosed = false;

  /** Goes on by itself until closed. Throws `FieldError` for a stored job that cannot be read. */
  constructor(options: JobRunnerOptions) {
    const { job, clock, stored } = options;
    this.#options = options;
    this.job = job;
    const wake = () => this.#guarded((nowMs) => this.node.advance(nowMs));
    this.#alarm = new Alarm(clock, wake, MIN_WAIT_MS);
    const nodeOptions: JobNodeOptions = { ...options, slots: 0, outlet: this.#outlet() };
    this.node = restoreNode(nodeOptions, options);
    this.#evaluator = new JobEvaluator({
      clock,
      open: options.openEvaluator,
      onReady: () => this.#apply(),
      onTrouble: (error) => this.#onTrouble(error),
    }, stored?.checkpoint?.["worker"] ?? undefined);
    this.#history = new JobHistory(decodeHistory(stored?.history ?? ""));
    this.node.pause("starting", clock.now());
    if (this.node.phase === "ended") this.#endedAtMs = clock.now();
    this.#timers = [
      scheduleEvery(clock, CHECKPOINT_MS, () => void this.save()),
      scheduleEvery(clock, HISTORY_MS, () => this.#tick()),
    ];
    this.#arm();
  }

  get hasEnded(): boolean {
    return this.node.phase === "ended";
  }

  /** How long the job took; `undefined` while it goes on. */
  get elapsedWhenEndedMs(): number | undefined {
    return this.#elapsedWhenEndedMs;
  }

  /** Whether the device's slots are of use to it. */
  get isGoing(): boolean {
    return this.node.phase === "searching" || this.node.phase === "closing";
  }

  /** Whether we were not let in, or nobody answered our offer. */
  get wasRefused(): boolean {
    return this.node.outcome?.kind === "refused";
  }

  /** Participants that we know of, but us. */
  get participants(): readonly PeerId[] {
    const self = this.#options.self.id;
    return [...this.node.ledger.participants.keys()].filter((id) => id !== self);
  }

  get steward(): PeerId | undefined {
    return this.#view().steward;
  }

  /** By the monotonic clock. */
  get endedAtMs(): number | undefined {
    return this.#endedAtMs;
  }

  /** What this device gives the job now. */
  get permit(): WorkPermit {
    return this.#permit;
  }

  get trouble(): string | null {
    return this.#evaluator.trouble;
  }

  get failures(): JobEvaluator["failures"] {
    return this.#evaluator.failures;
  }

  receive(from: PeerId, type: EvolutionMessage, data: JsonObject): void {
    this.#enter((nowMs) => this.node.receive(from, type, data, nowMs));
  }

  /** See {@link JobNode.introduce}. */
  introduce(id: PeerId): void {
    this.#enter((nowMs) => this.node.introduce(id, nowMs));
  }

  setPeers(alive: ReadonlySet<PeerId>, candidates: readonly PeerId[]): void {
    this.#enter((nowMs) => this.node.setPeers({ alive, candidates }, nowMs));
  }

  /** Throws `JobError` `stranger` unless this device owns the job or is an admin. */
  order(action: OrderAction): void {
    this.#enter((nowMs) => {
      this.node.order(action, nowMs);
      this.node.advance(nowMs);
    });
  }

  /** Says that this device takes part no more. */
  leave(): void {
    this.#enter((nowMs) => this.node.leave(nowMs));
  }

  /** Takes an evaluator that is open already. */
  adopt(evaluator: Evaluator): void {
    this.#evaluator.adopt(evaluator);
  }

  /** What the job may use of this device from now on; takes effect at once. */
  allow(permit: WorkPermit): void {
    if (this.#isClosed) return;
    const { slots, duty, reason } = this.#permit;
    this.#permit = permit;
    if (this.hasEnded) return;
    const isSame = slots === permit.slots && duty === permit.duty && reason === permit.reason;
    if (!isSame || (permit.slots > 0 && this.#evaluator.slots === 0)) this.#apply();
  }

  /** Writes a checkpoint, and the ledger and the history with it. Never rejects: a full disk is told. */
  save(): Promise<void> {
    if (!this.#isDirty && !this.#saving) return Promise.resolve();
    this.#isWanted = true;
    this.#saving ??= this.#saveAll().finally(() => this.#saving = undefined);
    return this.#saving;
  }

  /** Keeps what would be lost, and ends every process. The job itself goes on elsewhere. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#alarm.cancel();
    for (const timer of this.#timers) timer.cancel();
    await this.#saving;
    await this.save();
    await this.#evaluator.close();
  }

  #outlet(): JobNodeOptions["outlet"] {
    return {
      send: (to, type, data) => this.#options.mail.send(to, { job: this.job, type, data }),
      evaluate: (batch) => void this.#evaluate(batch),
      ended: (outcome) => this.#onEnded(outcome),
      resumed: () => this.#onResumed(),
      changed: () => void (this.#isDirty = true),
    };
  }

  /** Tells node and evaluator what the device allows. */
  #apply(): void {
    const { slots, reason } = this.#permit;
    this.#evaluator.follow(this.#permit);
    const usable = Math.min(slots, this.#evaluator.slots);
    if (slots === 0) return this.#enter((nowMs) => this.node.pause(reason ?? "paused", nowMs));
    if (usable === 0) return;
    this.#enter((nowMs) => {
      this.node.setSlots(usable, nowMs);
      this.node.resume(nowMs);
    });
  }

  /** The worker cannot serve: the search rests until it can. */
  #onTrouble(error: CodedError): void {
    const { clock, log, onChange } = this.#options;
    log("warn", "worker not ready", { job: shortId(this.job.id), reason: error.message });
    this.#enter((nowMs) => this.node.pause(`worker: ${error.code}`, nowMs));
    clock.schedule(0, onChange);
  }

  async #evaluate({ id, genomes }: Batch): Promise<void> {
    // Never from within the call that asked.
    const evaluations = await this.#evaluator.measure(genomes);
    this.#isDirty = true;
    this.#guarded((nowMs) => this.node.evaluated(id, evaluations, nowMs));
  }

  #onEnded(outcome: JobOutcome): void {
    const { clock, log, onChange } = this.#options;
    this.#endedAtMs ??= clock.now();
    // From within the constructor there is no node yet.
    this.#elapsedWhenEndedMs ??= (this.node as JobNode | undefined)?.view(clock.now()).elapsedMs;
    log("info", "job ended", { job: shortId(this.job.id), outcome: outcome.kind });
    // Its node may still be at work.
    clock.schedule(0, () => {
      this.#note();
      void this.save();
      onChange();
    });
  }

  #onResumed(): void {
    this.#endedAtMs = this.#elapsedWhenEndedMs = undefined;
    this.#isDirty = true;
    this.#options.clock.schedule(0, () => {
      this.#apply();
      this.#options.onChange();
    });
  }

  #tick(): void {
    this.#note();
    // What its worker remembers has been kept by then, or is being kept.
    if (this.hasEnded && !this.#saving) this.#evaluator.rest();
  }

  /** A row of the history, and what a worker that stumbled waits for. */
  #note(): void {
    if (this.#evaluator.trouble !== null) this.#apply();
    if (this.node.phase === "joining") return;
    if (this.hasEnded && this.#history.rows.length > 0 && !this.#isDirty) return;
    const { participants, evaluations, perSecond, best, elapsedMs } = this.#view();
    this.#history.add({
      unixMs: this.#options.wallMs(),
      elapsedS: elapsedMs / 1000,
      evaluations,
      perSecond,
      participants: participants.filter(({ isLiving, state }) => isLiving && state === "running")
        .length,
      best: best?.fitness ?? null,
    });
  }

  #view() {
    return this.node.view(this.#options.clock.now());
  }

  /** Once more where what is being written is not the latest. */
  async #saveAll(): Promise<void> {
    while (this.#isWanted) {
      this.#isWanted = false;
      await this.#save();
    }
  }

  async #save(): Promise<void> {
    const { directory, clock, log } = this.#options;
    this.#isDirty = false;
    const { id, spec } = this.job;
    // Nothing is kept of a job that we were not let into.
    if (this.node.phase === "joining" || this.node.outcome?.kind === "refused") return;
    try {
      const worker = await this.#evaluator.checkpoint() ?? null;
      const node = this.node.snapshot(clock.now());
      const { search: _, ...known } = node;
      await directory.write(id, "checkpoint", { node, worker });
      await directory.write(id, "ledger", known);
      const { rows } = this.#history;
      await directory.writeText(id, "history", encodeHistory(rows));
      const result = this.#options.viewWhenEnded();
      if (result !== undefined) await directory.write(id, "result", result);
      if (!this.hasEnded) return;
      const plot = drawConvergence({ title: spec.name, rows, target: spec.target });
      await directory.writeText(id, "plot", plot);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#isDirty = true;
      log("error", "job not kept", { job: shortId(id), reason: describeError(error) });
    }
  }

  /** A defect of ours in one job must not end the agent, and with it everything else. */
  #guarded(act: (nowMs: number) => void): void {
    try {
      this.#enter(act);
    } catch (error) {
      const reason = describeError(error);
      this.#options.log("error", "job fault", { job: shortId(this.job.id), reason });
    }
  }

  /** Runs what concerns the node, and sees to the timer afterwards. */
  #enter(act: (nowMs: number) => void): void {
    if (this.#isClosed) return;
    try {
      act(this.#options.clock.now());
    } finally {
      this.#arm();
    }
  }

  #arm(): void {
    if (!this.#isClosed) this.#alarm.set(this.node.deadlineMs);
  }
}

/**
 * The participant as it was when it was kept; where its search was damaged, with a new one that knows what the village
 * knows. Throws `FieldError` where neither can be read.
 */
function restoreNode(
  options: JobNodeOptions,
  { job, stored, clock, log }: JobRunnerOptions,
): JobNode {
  const node = stored?.checkpoint?.["node"];
  try {
    if (node !== undefined) return JobNode.restore(options, node, clock.now());
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    log("warn", "checkpoint not used", { job: shortId(job.id), reason: describeError(error) });
  }
  if (!stored?.ledger) return new JobNode(options, clock.now());
  const search = options.search.create(job.spec.space, job.spec.seed).snapshot();
  return JobNode.restore(options, { ...stored.ledger, search }, clock.now());
}
