/**
 * Whether this device takes part in a job that it is asked for, and which of its jobs it works on. Pure.
 *
 * One job at a time, the others wait: the more urgent first, then the older one. A nightly job runs only where the owner
 * does not: idle, on mains, within the owner's window.
 */

import { DECLINE_REASONS, type DeclineReason } from "../work/job/messages.ts";
import type { Job, JobType } from "../work/job/spec.ts";

/** What the owner and the device allow now. */
export interface WorkPermit {
  /** Processes at once. */
  readonly slots: number;
  /** Share of the time in which they run, above 0 to 1. */
  readonly duty: number;
  /** Why there are none; `null` where there are. */
  readonly reason: string | null;
}

export interface AdmissionState {
  readonly permit: WorkPermit;
  /** Jobs that this device takes part in and that go on. */
  readonly current: readonly Pick<Job, "id" | "spec">[];
  /** Names of the programs that evaluate here. */
  readonly commands: ReadonlySet<string>;
  readonly hasEnded: (id: string) => boolean;
}

/** Jobs that go on at a time; those that cannot be worked on wait. */
export const MAX_JOBS = 64;
/** When to ask again: what passes soon, and what only an owner changes. */
const RETRY_SOON_MS = 60_000;
const RETRY_LATE_MS = 3_600_000;

const URGENCY: Readonly<Record<JobType, number>> = Object.freeze({
  nightly: 0,
  breakthrough: 1,
  emergency: 2,
});

/** Why this device does not take part in `job`; `undefined` where it does. */
export function declineOf(
  job: Pick<Job, "id" | "spec">,
  { permit, current, commands, hasEnded }: AdmissionState,
): DeclineReason | undefined {
  if (hasEnded(job.id)) return "ended";
  const { worker } = job.spec;
  if (worker.kind === "command" && !commands.has(worker.name)) return "not_configured";
  if (permit.slots === 0) return declineFor(permit.reason);
  if (current.length >= MAX_JOBS) return "full";
  const isBusy = current.some(({ spec }) => URGENCY[spec.type] >= URGENCY[job.spec.type]);
  return isBusy ? "busy" : undefined;
}

/** After how long it is worth asking again. */
export function retryAfterMs(decline: DeclineReason): number {
  return decline === "busy" || decline === "hot" || decline === "battery"
    ? RETRY_SOON_MS
    : RETRY_LATE_MS;
}

/** The one of `jobs` that is worked on now. */
export function mostUrgent<T extends { readonly job: Pick<Job, "spec" | "id"> }>(
  jobs: readonly T[],
): T | undefined {
  return jobs.toSorted((a, b) => {
    const [p, q] = [a.job.spec, b.job.spec];
    if (p.type !== q.type) return URGENCY[q.type] - URGENCY[p.type];
    if (p.createdUnixMs !== q.createdUnixMs) return p.createdUnixMs - q.createdUnixMs;
    return a.job.id < b.job.id ? -1 : 1;
  })[0];
}

/** What of a reason not to work others are told. */
function declineFor(reason: string | null): DeclineReason {
  return DECLINE_REASONS.find((decline) => decline === reason) ?? "busy";
}
