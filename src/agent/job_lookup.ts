/**
 * Finding a job by what a person typed, and showing one of which only others tell.
 */

import { CodedError } from "../base/errors.ts";
import { type PeerId, shortId } from "../base/peer_id.ts";
import { acceptedOutcome } from "../work/job/job_view.ts";
import type { Ledger } from "../work/job/ledger.ts";
import type { ParticipantRecord } from "../work/job/participant_record.ts";
import { type Job, type JobId, toFitness } from "../work/job/spec.ts";
import { type HeardJob, isEnd } from "./heard_jobs.ts";
import { headOf, resultOf, taskOf, type ViewContext } from "./job_view_writer.ts";
import type { JobMemberView, JobSummaryView, JobView } from "./job_views.ts";

/** No job, or more than one, has such an id. */
export class JobLookupError extends CodedError<"unknown_job" | "ambiguous_job"> {
  override readonly name = "JobLookupError";
}

/** Who was not heard of for so long does nothing any more. */
const SILENCE_MS = 60_000;
const NOT_HERE = Object.freeze({ state: "not_taking_part", reason: null } as const);

/** The one of `jobs` whose id starts with `prefix`. Throws {@link JobLookupError}. */
export function findJob(prefix: string, jobs: readonly Pick<JobSummaryView, "id">[]): JobId {
  const matches = jobs.filter(({ id }) => id.startsWith(prefix.toLowerCase()));
  const [match] = matches;
  if (match && matches.length === 1) return match.id as JobId;
  if (match) {
    throw new JobLookupError(
      "ambiguous_job",
      `Cannot tell which job ${prefix} is: ${matches.length} ids start with it; give more of it`,
    );
  }
  const near = nearestId(prefix, jobs);
  throw new JobLookupError(
    "unknown_job",
    `Cannot find a job whose id starts with ${prefix}` +
      (near ? `; did you mean ${shortId(near)}?` : "; see: hamlet jobs"),
  );
}

/** The id that begins most alike: people mistype one letter of eight. */
function nearestId(
  prefix: string,
  jobs: readonly Pick<JobSummaryView, "id">[],
): string | undefined {
  const alike = (id: string) =>
    [...prefix.toLowerCase()].filter((letter, index) => id[index] === letter).length;
  const [best] = jobs.map(({ id }) => ({ id, score: alike(id) }))
    .sort((a, b) => b.score - a.score);
  return best && best.score >= prefix.length / 2 ? best.id : undefined;
}

/** A job as its last announcement has it. */
export function heardView(
  news: HeardJob,
  { nameOf, self, wallMs }: Pick<ViewContext, "nameOf" | "self"> & { readonly wallMs: number },
): JobSummaryView {
  const elapsed = Math.max(0, (wallMs - news.createdUnixMs) / 1000);
  const hasEnded = isEnd(news.state);
  return {
    id: news.id,
    short_id: shortId(news.id),
    name: news.name,
    type: news.type,
    state: news.state,
    owner: news.owner,
    owner_name: nameOf(news.owner),
    owned_here: news.owner === self,
    created_unix_ms: news.createdUnixMs,
    elapsed_s: Math.min(news.timeS, Math.round(elapsed)),
    remaining_s: hasEnded ? 0 : Math.max(0, Math.round(news.timeS - elapsed)),
    best: news.best,
    evaluations: news.evaluations,
    per_second: 0,
    participants: hasEnded ? 0 : news.participants,
    here: NOT_HERE,
  };
}

/** A job as its participants' signed records have it. */
export function observedView(
  job: Job,
  ledger: Ledger,
  context: Pick<ViewContext, "nameOf" | "self"> & { readonly wallMs: number },
): JobView {
  const { result, isStopped } = ledger;
  const { spec } = job;
  const records = [...ledger.participants.values()];
  const evaluations = records.reduce((sum, each) => sum + each.evaluations, 0);
  const elapsedS = Math.min(
    spec.limits.timeS,
    Math.max(0, Math.round((context.wallMs - spec.createdUnixMs) / 1000)),
  );
  const outcome = result && acceptedOutcome(spec, result);
  const view = outcome && resultOf(job, outcome, { evaluations, elapsedS });
  const active = view ? [] : records.filter((each) => isActive(each, context.wallMs));
  const costs = records.flatMap(({ best }) => best ?? []);
  return {
    ...headOf(job, context),
    state: view ? view.state : isStopped ? "stopping" : "running",
    elapsed_s: elapsedS,
    remaining_s: view ? 0 : spec.limits.timeS - elapsedS,
    best: view?.fitness ?? (costs.length > 0 ? toFitness(spec, Math.min(...costs)) : null),
    evaluations,
    per_second: active.reduce((sum, { perSecond }) => sum + perSecond, 0),
    participants: active.length,
    here: NOT_HERE,
    steward: null,
    ...taskOf(job),
    genome: view?.genome ?? null,
    found_by: view?.finder ?? null,
    members: records.map((record) =>
      recordView(record, evaluations, { job, hasEnded: view !== undefined, ...context })
    ),
    declined: [],
    result: view ?? null,
    directory: null,
  };
}

function recordView(
  record: ParticipantRecord,
  total: number,
  { job, hasEnded, nameOf, self, wallMs }: Pick<ViewContext, "nameOf" | "self"> & {
    readonly job: Job;
    readonly hasEnded: boolean;
    readonly wallMs: number;
  },
): JobMemberView {
  const active = !hasEnded && isActive(record, wallMs);
  return {
    node_id: record.node,
    short_id: shortId(record.node),
    name: nameOf(record.node),
    this_device: record.node === self,
    state: hasEnded ? "ended" : active || record.state === "left" ? record.state : "silent",
    reason: hasEnded || record.reason === "" ? null : record.reason,
    evaluations: record.evaluations,
    share: total > 0 ? Math.round(1000 * record.evaluations / total) / 1000 : 0,
    per_second: active ? record.perSecond : 0,
    generation: record.generation,
    best: record.best === null ? null : toFitness(job.spec, record.best),
    trust: 0.5,
  };
}

function isActive({ state, unixMs }: ParticipantRecord, wallMs: number): boolean {
  return state !== "left" && wallMs - unixMs < SILENCE_MS;
}

/** Whom to ask for more: participants first, then whoever told of the job. */
export function holdersOf(heard: HeardJob | undefined, owner?: PeerId): readonly PeerId[] {
  return [...new Set([...(heard?.from ?? []), ...(owner ? [owner] : [])])];
}
