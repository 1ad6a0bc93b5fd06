/**
 * What members ask each other about jobs: the module's code (`JOB_MODULE`), and everything that is known of a job
 * (`JOB_STATE`), for who does not take part.
 *
 * Code is believed by its hash alone, which the job's signed specification names.
 */

import { type Bytes, decodeUtf8, encodeHex, encodeUtf8 } from "../base/bytes.ts";
import { CodedError } from "../base/errors.ts";
import { Fields, type JsonObject } from "../base/guards.ts";
import type { PeerId } from "../base/peer_id.ts";
import { type IncomingRequest, type OutgoingReply, Refusal } from "../channel/responder.ts";
import type { Node } from "../node/node.ts";
import {
  type Job,
  type JobCrypto,
  type JobId,
  MAX_MODULE_BYTES,
  parseJobId,
} from "../work/job/spec.ts";

export const JOB_MODULE = "JOB_MODULE";
export const JOB_STATE = "JOB_STATE";

/** A ledger of 1,024 participants is a third of it. */
const MAX_STATE_BYTES = 4 * 2 ** 20;
const DEADLINE_MS = 15_000;

/** Nobody could say. */
export class JobRequestError extends CodedError<"no_module" | "no_state"> {
  override readonly name = "JobRequestError";
}

/** By which members are asked. */
export type Courier = Pick<Node, "request">;

/** What this device knows of a job, for others. */
export interface KnownJob {
  readonly job: Job;
  /** As a checkpoint has it: records, order, results, all signed. */
  readonly ledger: JsonObject;
}

export interface JobAnswers {
  readonly module: (id: JobId) => Promise<Bytes | undefined>;
  readonly state: (id: JobId) => Promise<KnownJob | undefined>;
  readonly belongs: (id: PeerId) => boolean;
}

/** Answers both requests, to those who belong. */
export function answerRequests(node: Pick<Node, "handle">, answers: JobAnswers): void {
  node.handle(JOB_MODULE, async (request, from) => {
    const code = await answers.module(idOf(request, from, answers));
    if (!code) throw new Refusal("no_module", "Cannot send the module: it is not here");
    return { body: code } satisfies OutgoingReply;
  });
  node.handle(JOB_STATE, async (request, from) => {
    const known = await answers.state(idOf(request, from, answers));
    if (!known) throw new Refusal("unknown_job", "Cannot tell of the job: it is not known here");
    return { body: encodeUtf8(JSON.stringify({ job: known.job.signed, ledger: known.ledger })) };
  });
}

/** The module of `job` from the first of `holders` that has it. Rejects with {@link JobRequestError}. */
export async function fetchModule(
  node: Courier,
  job: Job,
  { holders, crypto }: { readonly holders: readonly PeerId[]; readonly crypto: JobCrypto },
): Promise<Bytes> {
  for (const holder of holders) {
    const code = await bodyFrom(node, holder, {
      type: JOB_MODULE,
      id: job.id,
      maxBytes: MAX_MODULE_BYTES,
    });
    if (code && isModuleOf(job, code, crypto)) return code;
  }
  throw new JobRequestError(
    "no_module",
    `Cannot get the job's module: none of ${holders.length} participants gave it`,
  );
}

/** Whether `code` is what the job names. */
export function isModuleOf({ spec: { worker } }: Job, code: Bytes, { sha256 }: JobCrypto): boolean {
  return worker.kind === "module" && code.length === worker.bytes &&
    encodeHex(sha256(code)) === worker.sha256;
}

/** What the first of `holders` that knows the job says of it, unchecked. Rejects with {@link JobRequestError}. */
export async function fetchState(
  node: Courier,
  id: JobId,
  holders: readonly PeerId[],
): Promise<Fields> {
  for (const holder of holders) {
    const body = await bodyFrom(node, holder, { type: JOB_STATE, id, maxBytes: MAX_STATE_BYTES });
    const fields = body && fieldsOf(body);
    if (fields) return fields;
  }
  throw new JobRequestError(
    "no_state",
    `Cannot tell how the job is: none of the ${holders.length} members who told of it answers`,
  );
}

interface Question {
  readonly type: string;
  readonly id: JobId;
  readonly maxBytes: number;
}

/** `undefined` where the holder refuses, is away or sends too much: another may do better. */
async function bodyFrom(
  node: Courier,
  holder: PeerId,
  { type, id, maxBytes }: Question,
): Promise<Bytes | undefined> {
  try {
    const { body } = await node.request(holder, type, { job: id }, { deadlineMs: DEADLINE_MS });
    return await body.bytes(maxBytes);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return undefined;
  }
}

function fieldsOf(body: Bytes): Fields | undefined {
  try {
    return Fields.of(JSON.parse(decodeUtf8(body)), "state");
  } catch {
    return undefined; // Whatever it is, it says nothing.
  }
}

function idOf(request: IncomingRequest, from: PeerId, { belongs }: JobAnswers): JobId {
  const id = parseJobId(request.data["job"]);
  if (!id) throw new Refusal("malformed_request", "Cannot answer: it names no job");
  if (!belongs(from)) throw new Refusal("not_permitted", "Cannot answer: you do not belong here");
  return id;
}
