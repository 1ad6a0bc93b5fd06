/**
 * The control API's routes about jobs: evolve, jobs, job, job-stop, job-resume.
 */

import type { Agent } from "../agent/agent.ts";
import type { Evolution } from "../agent/evolution.ts";
import type { JobRequest } from "../agent/job_start.ts";
import type { JobSummaryView, JobView } from "../agent/job_views.ts";
import { type Bytes, decodeBase64Url } from "../base/bytes.ts";
import { CodedError } from "../base/errors.ts";
import { FieldError, Fields } from "../base/guards.ts";
import { readSpace } from "../work/evolve/space.ts";
import { JOB_TYPES, MAX_MODULE_BYTES } from "../work/job/spec.ts";

/** A module of 1 MiB in base64url, bounds and options beside it. */
export const MAX_EVOLVE_BODY_BYTES = 2 * 2 ** 20;

const ANY = Object.freeze({ min: -Infinity, max: Infinity });
const ID = Object.freeze({ maxLength: 64 });
const NAME = Object.freeze({ maxLength: 64 });

/** This agent was started without a place for jobs. */
class NoWorkError extends CodedError<"no_work"> {
  override readonly name = "NoWorkError";
}

export class JobRoutes {
  readonly #agent: Agent;

  constructor(agent: Agent) {
    this.#agent = agent;
  }

  async evolve(fields: Fields): Promise<JobView> {
    return await this.#evolution.evolve(readRequest(fields));
  }

  async jobs(): Promise<{ readonly jobs: readonly JobSummaryView[] }> {
    return { jobs: await this.#evolution.jobs() };
  }

  async job(search: URLSearchParams): Promise<JobView> {
    const id = Fields.of({ id: search.get("id") ?? "" }, "search").text("id", ID);
    return await this.#evolution.job(id);
  }

  async stop(fields: Fields): Promise<JobView> {
    return await this.#evolution.order(fields.text("id", ID), "stop");
  }

  async resume(fields: Fields): Promise<JobView> {
    return await this.#evolution.order(fields.text("id", ID), "resume");
  }

  get #evolution(): Evolution {
    const { evolution } = this.#agent;
    if (evolution) return evolution;
    throw new NoWorkError("no_work", "Cannot do it: this agent takes no part in jobs");
  }
}

/** Reads the body of `POST /v1/evolve`; what a job may want is checked when it is signed. Throws {@link FieldError}. */
export function readRequest(fields: Fields): JobRequest {
  const limits = fields.object("limits");
  const tolerance = fields.object("tolerance");
  return {
    name: fields.text("name", NAME),
    type: fields.oneOf("type", JOB_TYPES),
    space: readSpace(fields.raw("space")),
    direction: fields.oneOf("direction", ["minimize", "maximize"]),
    target: fields.numberOrNull("target", ANY),
    limits: {
      timeS: limits.number("time_s", ANY),
      evaluations: limits.numberOrNull("evaluations", ANY),
      evaluationMs: limits.number("evaluation_ms", ANY),
      memoryMb: limits.number("memory_mb", ANY),
    },
    worker: readWorker(fields.object("worker")),
    tolerance: {
      relative: tolerance.number("relative", ANY),
      absolute: tolerance.number("absolute", ANY),
    },
    seed: fields.number("seed", ANY),
    maxParticipants: fields.numberOrNull("max_participants", ANY),
    options: fields.object("options", { absent: {} }).value,
  };
}

function readWorker(fields: Fields): JobRequest["worker"] {
  const kind = fields.oneOf("kind", ["module", "command"]);
  if (kind === "command") return { kind, name: fields.text("name", NAME) };
  const language = fields.oneOf("language", ["js", "ts"]);
  return { kind, language, code: readCode(fields.raw("code")) };
}

function readCode(code: unknown): Bytes {
  const text = typeof code === "string" ? code : "";
  const length = Math.floor(text.length * 3 / 4);
  const bytes = length <= MAX_MODULE_BYTES ? decodeBase64Url(text, length) : undefined;
  if (bytes && length > 0) return bytes;
  const reason = `expected 1 to ${MAX_MODULE_BYTES} bytes in base64url`;
  throw new FieldError("invalid_field", "body.worker.code", reason);
}
