/**
 * Where a job's evaluator comes from: its module, kept here or fetched from another participant and believed by its hash
 * alone, or a program that this device's owner configured.
 */

import type { Bytes } from "../base/bytes.ts";
import { pause } from "../base/clock.ts";
import { CodedError } from "../base/errors.ts";
import type { PeerId } from "../base/peer_id.ts";
import type { Job, JobId } from "../work/job/spec.ts";
import { type Evaluator, WorkerError } from "../work/worker/evaluator.ts";
import { openEvaluator, type WorkerSource } from "../work/worker/open_evaluator.ts";
import type { EvolutionOptions } from "./evolution_options.ts";
import { type Courier, fetchModule, isModuleOf } from "./job_requests.ts";

/** A dial for a question may take so long. */
const REACH_MS = 5_000;
const REACH_STEP_MS = 50;
/** Modules kept in memory, 1 MiB each at most. */
const MAX_FETCHED = 4;

export class JobWorkers {
  /** The owner's programs, by name. */
  readonly commands: ReadonlyMap<string, readonly [string, ...string[]]>;
  readonly #options: EvolutionOptions;
  /** Modules on their way, of jobs that we have not been let into yet. */
  readonly #fetched = new Map<JobId, Promise<Bytes | undefined>>();

  constructor(options: EvolutionOptions) {
    this.#options = options;
    const { commands } = options.settings;
    this.commands = new Map(commands.map(({ name, command }) => [name, command]));
  }

  /** Asks members, with whom a session is begun first where there is none. */
  get courier(): Courier {
    const { node } = this.#options;
    return {
      request: async (to, type, data, options) => {
        await this.#reach(to);
        return await node.request(to, type, data, options);
      },
    };
  }

  /** Asks for a job's module while there is still somebody who has it: whoever asked us for help may be gone soon. */
  prefetch(job: Job, holder: PeerId): void {
    if (job.spec.worker.kind !== "module" || this.#fetched.has(job.id)) return;
    const { crypto } = this.#options;
    const code = fetchModule(this.courier, job, { holders: [holder], crypto })
      .catch((error) => {
        if (!(error instanceof CodedError)) throw error;
        return undefined; // It is asked for again when it is needed.
      });
    this.#fetched.set(job.id, code);
    for (const oldest of this.#fetched.keys()) {
      if (this.#fetched.size <= MAX_FETCHED) break;
      this.#fetched.delete(oldest);
    }
  }

  /** Opens the evaluator of a job that we take part in. Rejects with a `CodedError`. */
  async open(
    job: Job,
    { slots, state, holders }: {
      readonly slots: number;
      readonly state: unknown;
      /** Who has the module. */
      readonly holders: readonly PeerId[];
    },
  ): Promise<Evaluator> {
    const source = await this.#sourceOf(job, holders);
    return await this.start(job, { slots, state, source });
  }

  /** Opens an evaluator for a source that is at hand; for a command, the owner's. */
  async start(
    job: Job,
    { slots, state, source }: {
      readonly slots: number;
      readonly state?: unknown;
      readonly source: WorkerSource | undefined;
    },
  ): Promise<Evaluator> {
    const worker = source ?? this.#commandOf(job);
    const { openEvaluator: open = this.#openProcesses } = this.#options;
    return await open({ job, worker, slots, state });
  }

  /** The module of `job` as it is kept here, if it is what the job names. */
  async kept(job: Job): Promise<Bytes | undefined> {
    const { worker } = job.spec;
    if (worker.kind !== "module") return undefined;
    const { directory, crypto } = this.#options;
    const code = await directory.readModule(job.id, worker.language);
    return code && isModuleOf(job, code, crypto) ? code : undefined;
  }

  async #sourceOf(job: Job, holders: readonly PeerId[]): Promise<WorkerSource | undefined> {
    const { worker } = job.spec;
    if (worker.kind === "command") return undefined;
    const { language } = worker;
    const kept = await this.kept(job);
    if (kept) return { kind: "module", source: kept, language };
    const { crypto, directory } = this.#options;
    const code = await this.#fetched.get(job.id) ??
      await fetchModule(this.courier, job, { holders, crypto });
    this.#fetched.delete(job.id);
    await directory.write(job.id, "spec", job.signed);
    await directory.writeModule(job.id, language, code);
    return { kind: "module", source: code, language };
  }

  #commandOf({ spec: { worker } }: Job): WorkerSource {
    const name = worker.kind === "command" ? worker.name : "";
    const command = this.commands.get(name);
    if (command) return { kind: "command", command };
    throw new WorkerError("not_configured", `Cannot evaluate: no worker is called ${name} here`);
  }

  readonly #openProcesses: NonNullable<EvolutionOptions["openEvaluator"]> = async (request) => {
    const { job, worker, slots, state } = request;
    const { launcher, clock, log } = this.#options;
    const { space, seed, options, limits } = job.spec;
    return await openEvaluator({
      worker,
      job: job.id,
      space,
      seed,
      options,
      limits: { evaluationMs: limits.evaluationMs, memoryMb: limits.memoryMb },
      slots,
      launcher,
      clock,
      log,
      ...(state !== undefined && { state }),
    });
  };

  async #reach(id: PeerId): Promise<void> {
    const { node, dial, clock } = this.#options;
    if (node.isConnected(id)) return;
    dial(id);
    const endMs = clock.now() + REACH_MS;
    while (!node.isConnected(id) && clock.now() < endMs) await pause(clock, REACH_STEP_MS);
  }
}
