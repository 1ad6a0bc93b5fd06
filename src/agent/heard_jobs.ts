/**
 * Jobs that others tell of: the village's event `evolution.job`, by which every member knows that a job is there and whom
 * to ask about it. What an event says is its sender's word; who wants to know more asks for the signed records.
 */

import { FieldError, Fields } from "../base/guards.ts";
import { parsePeerId, type PeerId } from "../base/peer_id.ts";
import { JOB_TYPES, type JobId, type JobType, parseJobId } from "../work/job/spec.ts";

export const MAX_HEARD = 256;
const MAX_NAME_LENGTH = 64;
const GOING = ["running", "stopping", "confirming"] as const;
const STATES = [...GOING, "accepted", "unconfirmed", "stopped"] as const;

/** What an event says of a job. */
export interface JobNews {
  readonly id: JobId;
  readonly name: string;
  readonly owner: PeerId;
  readonly type: JobType;
  readonly state: typeof STATES[number];
  readonly createdUnixMs: number;
  readonly timeS: number;
  readonly evaluations: number;
  readonly participants: number;
  readonly best: number | null;
}

/** The last word on a job, and who said it, the latest first. */
export interface HeardJob extends JobNews {
  readonly from: readonly PeerId[];
  /** By the monotonic clock. */
  readonly heardMs: number;
}

/** Of those who told of a job, so many are remembered. */
const MAX_TELLERS = 8;

export function encodeJobNews(news: JobNews): string {
  return JSON.stringify({
    id: news.id,
    name: news.name,
    owner: news.owner,
    type: news.type,
    state: news.state,
    created_unix_ms: news.createdUnixMs,
    time_s: news.timeS,
    evaluations: news.evaluations,
    participants: news.participants,
    best: news.best,
  });
}

/** Reads an event's data. Throws {@link FieldError}. */
export function decodeJobNews(data: string): JobNews {
  const fields = Fields.of(parse(data), "job");
  const id = parseJobId(fields.raw("id"));
  const owner = parsePeerId(fields.text("owner", { maxLength: 64 }));
  if (!id || !owner) throw new FieldError("invalid_field", "job", "it has no id or no owner");
  const count = { min: 0, max: Number.MAX_SAFE_INTEGER };
  return {
    id,
    owner,
    name: fields.text("name", { maxLength: MAX_NAME_LENGTH }),
    type: fields.oneOf("type", JOB_TYPES),
    state: fields.oneOf("state", STATES),
    createdUnixMs: fields.number("created_unix_ms", { min: 0, max: 1e14 }),
    timeS: fields.number("time_s", { min: 0, max: 1e7 }),
    evaluations: fields.integer("evaluations", count),
    participants: fields.integer("participants", count),
    best: fields.numberOrNull("best", { min: -1e300, max: 1e300 }),
  };
}

export class HeardJobs {
  readonly #jobs = new Map<JobId, HeardJob>();

  get(id: string): HeardJob | undefined {
    return this.#jobs.get(id as JobId);
  }

  all(): readonly HeardJob[] {
    return [...this.#jobs.values()];
  }

  /** Takes news of `from`. A job that ended does not go on by the word of one who has not heard of that. */
  hear(news: JobNews, from: PeerId, nowMs: number): void {
    const known = this.#jobs.get(news.id);
    const hasEnded = known !== undefined && isEnd(known.state) && !isEnd(news.state) &&
      known.evaluations >= news.evaluations;
    const tellers = [from, ...(known?.from ?? []).filter((id) => id !== from)];
    const said = hasEnded ? known : news;
    this.#jobs.delete(news.id);
    this.#jobs.set(news.id, { ...said, from: tellers.slice(0, MAX_TELLERS), heardMs: nowMs });
    for (const oldest of this.#jobs.keys()) {
      if (this.#jobs.size <= MAX_HEARD) break;
      this.#jobs.delete(oldest);
    }
  }
}

/** Whether a job of which this was told has ended. */
export function isEnd(state: JobNews["state"]): boolean {
  return !GOING.some((going) => going === state);
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    throw new FieldError("invalid_field", "job", "it is not JSON");
  }
}
