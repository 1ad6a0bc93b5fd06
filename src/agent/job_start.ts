/**
 * Beginning a job: what was asked for becomes a signed specification, and its code is tried once here, so that a mistake is
 * told to who made it and not to the whole village.
 */

import type { Bytes } from "../base/bytes.ts";
import { encodeHex } from "../base/bytes.ts";
import { type Clock, pause } from "../base/clock.ts";
import { CodedError } from "../base/errors.ts";
import type { Identity } from "../node/identity.ts";
import type { SearchFactory } from "../work/job/job_outlet.ts";
import {
  type Job,
  type JobCrypto,
  type JobSpec,
  type JobWorker,
  MAX_MODULE_BYTES,
  signJob,
} from "../work/job/spec.ts";
import type { Evaluation, Evaluator } from "../work/worker/evaluator.ts";
import { MAX_JOBS, type WorkPermit } from "./job_admission.ts";
import type { JobWorkers } from "./job_workers.ts";

/** What somebody on this device asks for. */
export interface JobRequest extends Omit<JobSpec, "owner" | "createdUnixMs" | "worker"> {
  readonly worker:
    | { readonly kind: "module"; readonly language: "js" | "ts"; readonly code: Bytes }
    | { readonly kind: "command"; readonly name: string };
}

/** What is wrong with a job, before anybody hears of it. */
export class JobStartError extends CodedError<
  "not_configured" | "too_large" | "no_fitness" | "too_many"
> {
  override readonly name = "JobStartError";
}

/** Genomes that are tried; code that fails on all of them finds nothing. */
const TRIALS = 3;
/** An evaluation that takes longer than this is slow, and no mistake. */
const TRIAL_MS = 5_000;

/** Throws {@link JobStartError} for what this device cannot begin. */
export function checkStart(
  { worker }: JobRequest,
  { jobs, commands }: {
    /** That go on here. */
    readonly jobs: number;
    readonly commands: ReadonlyMap<string, unknown>;
  },
): void {
  if (jobs >= MAX_JOBS) {
    const most = `${MAX_JOBS} jobs go on here already; stop one with: hamlet job stop ID`;
    throw new JobStartError("too_many", `Cannot start the job: ${most}`);
  }
  if (worker.kind === "module" || commands.has(worker.name)) return;
  const names = [...commands.keys()].join(", ") || "none";
  throw new JobStartError(
    "not_configured",
    `Cannot start the job: no worker is called ${worker.name} here (there is: ${names}); ` +
      `start the agent with: hamlet up --worker ${worker.name}='COMMAND'`,
  );
}

/** Signs what was asked for. Throws `JobError`, or {@link JobStartError}. */
export function signRequest(
  request: JobRequest,
  { identity, crypto, wallMs }: {
    readonly identity: Identity;
    readonly crypto: JobCrypto;
    readonly wallMs: number;
  },
): Job {
  const spec: JobSpec = {
    ...request,
    owner: identity.id,
    createdUnixMs: Math.round(wallMs),
    worker: workerOf(request, crypto),
  };
  return signJob(spec, identity.signing, crypto);
}

function workerOf({ worker }: JobRequest, { sha256 }: JobCrypto): JobWorker {
  if (worker.kind === "command") return worker;
  const { code, language } = worker;
  if (code.length === 0 || code.length > MAX_MODULE_BYTES) {
    throw new JobStartError(
      "too_large",
      `Cannot start the job: its module has ${code.length} bytes, of 1 to ${MAX_MODULE_BYTES}`,
    );
  }
  return { kind: "module", sha256: encodeHex(sha256(code)), bytes: code.length, language };
}

/**
 * Opens a job's evaluator and tries it; `undefined` where this device may not work now, or has something more urgent to
 * do. Rejects with `WorkerError`, or {@link JobStartError}.
 */
export async function openTried(
  job: Job,
  { worker }: JobRequest,
  { workers, permit, isNext, ...means }: {
    readonly workers: Pick<JobWorkers, "start">;
    readonly permit: WorkPermit;
    /** Whether the job is the one to work on now. */
    readonly isNext: boolean;
    readonly search: SearchFactory;
    readonly clock: Clock;
  },
): Promise<Evaluator | undefined> {
  if (permit.slots === 0) return undefined;
  const source = worker.kind === "module"
    ? { kind: worker.kind, source: worker.code, language: worker.language }
    : undefined;
  const evaluator = await workers.start(job, { slots: isNext ? permit.slots : 1, source });
  let isKept = false;
  try {
    await tryOut(job, evaluator, means);
    isKept = isNext;
  } finally {
    if (!isKept) await evaluator.close();
  }
  return isKept ? evaluator : undefined;
}

/**
 * Evaluates a genome, and others where that fails. Rejects with {@link JobStartError} `no_fitness` where none of them gives
 * a number; what takes long is let go on.
 */
async function tryOut(
  { spec }: Job,
  evaluator: Evaluator,
  { search, clock }: { readonly search: SearchFactory; readonly clock: Clock },
): Promise<void> {
  const endMs = clock.now() + TRIAL_MS;
  let failed: Evaluation | undefined;
  for (const { genome } of search.create(spec.space, spec.seed).ask(TRIALS)) {
    const trial = evaluator.evaluate([genome]);
    const waiting = new AbortController();
    const patience = pause(clock, endMs - clock.now(), waiting.signal);
    const outcome = await Promise.race([trial, patience]).finally(() => waiting.abort());
    if (!outcome) {
      trial.catch(() => {}); // Whoever uses the evaluator next meets the same.
      return;
    }
    [failed] = outcome;
    if (!failed || failed.isOk) return;
  }
  if (!failed) return;
  throw new JobStartError("no_fitness", `Cannot start the job: ${reasonOf(failed)}`);
}

function reasonOf(evaluation: Evaluation): string {
  if (evaluation.isOk) return "";
  const { code, message } = evaluation;
  const what = {
    threw: "its code threw",
    not_a_number: "its code returned no number",
    timeout: "its code took too long",
    memory: "its code took too much memory",
    crashed: "its process ended",
    stopped: "its worker was stopped",
  }[code];
  return `${what} for each of ${TRIALS} genomes: ${message}`;
}
