/**
 * The jobs on this device's disk: those that went on when the agent ended are gone on with; those that have ended are
 * shown for a while, and make room for others.
 *
 * Everything is checked as if a stranger had written it. A checkpoint that is damaged is set aside, and the job starts
 * from the ledger; one whose specification cannot be read is left alone.
 */

import { CodedError, describeError } from "../base/errors.ts";
import { isObject, type JsonObject } from "../base/guards.ts";
import type { Log } from "../base/log.ts";
import { type PeerId, shortId } from "../base/peer_id.ts";
import type { JobDirectory, JobPart } from "../store/job_directory.ts";
import { type Job, type JobCrypto, readJob } from "../work/job/spec.ts";
import type { JobView } from "./job_views.ts";

export interface JobArchiveOptions {
  readonly directory: JobDirectory;
  readonly crypto: JobCrypto;
  readonly belongs: (id: PeerId) => boolean;
  readonly log: Log;
}

/** What is on the disk of a job that goes on. */
export interface StoredJob {
  /** `undefined` where it was damaged, or never written. */
  readonly checkpoint: JsonObject | undefined;
  /** The participant's own checkpoint without its search: what the village knows. */
  readonly ledger: JsonObject | undefined;
  readonly history: string | undefined;
}

/** Jobs of which files are kept, ended ones included. */
export const MAX_KEPT = 128;

export class JobArchive {
  readonly #options: JobArchiveOptions;
  readonly #views = new Map<string, JobView>();

  constructor(options: JobArchiveOptions) {
    this.#options = options;
  }

  /** Jobs that have ended, those that did last first. */
  get views(): readonly JobView[] {
    return [...this.#views.values()];
  }

  /** Loads what there is, and returns the jobs to go on with. Throws `StoreError` where the disk fails. */
  async open(): Promise<readonly { readonly job: Job; readonly stored: StoredJob }[]> {
    const going: { readonly job: Job; readonly stored: StoredJob }[] = [];
    for (const id of await this.#options.directory.list()) {
      const view = await this.#value(id, "result");
      if (isView(view, id)) {
        this.#views.set(id, view);
        continue;
      }
      const job = await this.#job(id);
      if (job) going.push({ job, stored: await this.load(job) });
    }
    return going;
  }

  /** What is kept of a job. */
  async load({ id }: Job): Promise<StoredJob> {
    const [checkpoint, ledger] = [
      await this.#value(id, "checkpoint"),
      await this.#value(id, "ledger"),
    ];
    return {
      checkpoint: isObject(checkpoint) ? checkpoint : undefined,
      ledger: isObject(ledger) ? ledger : undefined,
      history: await this.#options.directory.readText(id, "history"),
    };
  }

  /** The specification of a job that has ended; `undefined` where nothing is kept of it. */
  async jobOf(id: string): Promise<Job | undefined> {
    return this.#views.has(id) ? await this.#job(id) : undefined;
  }

  /** A job has ended. */
  add(view: JobView): void {
    this.#views.delete(view.id);
    // The latest first, as they come from the disk.
    const others = [...this.#views];
    this.#views.clear();
    for (const [id, each] of [[view.id, view] as const, ...others]) this.#views.set(id, each);
  }

  /** A job that had ended goes on. */
  async forget(id: string): Promise<void> {
    this.#views.delete(id);
    await this.#options.directory.write(id, "result", null);
  }

  /** Makes room: files of jobs that ended longest ago go first. */
  async reap(running: ReadonlySet<string>): Promise<void> {
    const { directory, log } = this.#options;
    try {
      for (const id of await directory.reap(running, MAX_KEPT)) this.#views.delete(id);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      log("warn", "old jobs not removed", { reason: describeError(error) });
    }
  }

  async #job(id: string): Promise<Job | undefined> {
    const { crypto, belongs, log } = this.#options;
    try {
      const job = readJob(await this.#value(id, "spec"), crypto, belongs);
      return job.id === id ? job : undefined;
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      log("warn", "job left alone", { job: shortId(id), reason: describeError(error) });
      return undefined;
    }
  }

  async #value(id: string, part: JobPart): Promise<unknown> {
    const found = await this.#options.directory.read(id, part);
    if (found.kind === "damaged") {
      const { reason, aside } = found;
      this.#options.log("warn", `${part} set aside`, { job: shortId(id), reason, aside });
    }
    return found.kind === "found" ? found.value : undefined;
  }
}

/** Ours alone, and only shown: more than its frame is not checked. */
function isView(value: unknown, id: string): value is JobView {
  return isObject(value) && value["id"] === id && isObject(value["result"]) &&
    isObject(value["limits"]) && isObject(value["space"]) && isObject(value["here"]) &&
    Array.isArray(value["members"]) && Array.isArray(value["declined"]);
}
