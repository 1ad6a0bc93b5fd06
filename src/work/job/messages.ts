/**
 * The `data` of a job's envelopes (PROTOCOL.md section 13): what may be in it, and how much of it. Signatures are
 * left to who uses what was read, since most of what comes is known already.
 */

import { FieldError, Fields, type JsonObject } from "../../base/guards.ts";
import { parsePeerId, type PeerId } from "../../base/peer_id.ts";
import type { Order } from "./order.ts";
import { MAX_SEQ, MAX_SLOTS, type ParticipantRecord } from "./participant_record.ts";
import { readHash, readPeerId } from "./signed_record.ts";
import type { SignedSolution } from "./signed_solution.ts";
import { type Job, type JobCrypto, MAX_TIME_S, readJob } from "./spec.ts";

/** Participant records of one message. */
export const MAX_RECORDS = 32;
/** Solutions of one message. */
export const MAX_SOLUTIONS = 2;
/** Characters of solutions in one message, so that the envelope fits into one record of a session. */
export const MAX_SOLUTIONS_LENGTH = 48_000;
const MAX_LISTED = 32;
const MAX_ELAPSED_MS = MAX_TIME_S * 1_000;

export const DECLINE_REASONS = Object.freeze(
  [
    "busy",
    "off",
    "battery",
    "hot",
    "not_configured",
    "not_permitted",
    "full",
    "unknown_owner",
    "ended",
  ] as const,
);
export type DeclineReason = typeof DECLINE_REASONS[number];

/** "Take part in this job." */
export interface HelpRequest {
  readonly job: Job;
  readonly steward: PeerId;
  readonly participants: readonly PeerId[];
}

export function writeHelpRequest({ job, steward, participants }: HelpRequest): JsonObject {
  return { job: job.signed, steward, participants: participants.slice(0, MAX_LISTED) };
}

/** Reads a request for help. Throws `FieldError`, and `JobError` for what is wrong with its job. */
export function readHelpRequest(
  data: JsonObject,
  crypto: JobCrypto,
  belongs: (owner: PeerId) => boolean,
): HelpRequest {
  const fields = Fields.of(data, "request");
  return {
    job: readJob(fields.raw("job"), crypto, belongs),
    steward: readPeerId(fields, "steward"),
    participants: readIds(fields, "participants"),
  };
}

/** "I would." */
export interface HelpOffer {
  readonly slots: number;
  /** Evaluations a second; 0: unknown. */
  readonly perSecond: number;
}

export function writeOffer({ slots, perSecond }: HelpOffer): JsonObject {
  return { slots, rate_hint: perSecond };
}

export function readOffer(data: JsonObject): HelpOffer {
  const fields = Fields.of(data, "offer");
  return {
    slots: fields.integer("slots", { min: 0, max: MAX_SLOTS }),
    perSecond: fields.number("rate_hint", { min: 0, max: 1e12, absent: 0 }),
  };
}

/** "I would not", or "not any more". */
export interface Decline {
  readonly reason: DeclineReason;
  readonly retryAfterMs: number;
}

export function writeDecline({ reason, retryAfterMs }: Decline): JsonObject {
  return { reason, retry_after_s: Math.ceil(retryAfterMs / 1_000) };
}

export function readDecline(data: JsonObject): Decline {
  const fields = Fields.of(data, "decline");
  return {
    reason: fields.oneOf("reason", DECLINE_REASONS),
    retryAfterMs: fields.number("retry_after_s", { min: 0, max: 86_400, absent: 60 }) * 1_000,
  };
}

/** "Then come": what a newcomer needs. Solutions and order are still to be checked. */
export interface Welcome {
  readonly elapsedMs: number;
  /** Records, unread. */
  readonly participants: readonly unknown[];
  readonly order: unknown;
}

export function writeWelcome(
  { elapsedMs, participants, order }: {
    readonly elapsedMs: number;
    readonly participants: readonly ParticipantRecord[];
    readonly order: Order | undefined;
  },
): JsonObject {
  return {
    elapsed_ms: Math.round(Math.min(elapsedMs, MAX_ELAPSED_MS)),
    participants: participants.slice(0, MAX_RECORDS).map(({ signed }) => signed),
    order: order?.signed ?? null,
  };
}

export function readWelcome(data: JsonObject): Welcome {
  const fields = Fields.of(data, "welcome");
  return {
    elapsedMs: fields.number("elapsed_ms", { min: 0, max: MAX_ELAPSED_MS }),
    participants: readRecords(fields),
    order: fields.raw("order") ?? null,
  };
}

/** How things stand: records, and by which a difference in the rest is noticed. */
export interface Progress {
  /** Records, unread: most of them are known already. */
  readonly participants: readonly unknown[];
  readonly orderSeq: number;
  /** Hash of the proposal that was accepted, as far as its sender knows. */
  readonly result: string | null;
}

export function writeProgress(
  { participants, orderSeq, result }: Omit<Progress, "participants"> & {
    readonly participants: readonly ParticipantRecord[];
  },
): JsonObject {
  return {
    participants: participants.slice(0, MAX_RECORDS).map(({ signed }) => signed),
    order_seq: orderSeq,
    result,
  };
}

export function readProgress(data: JsonObject): Progress {
  const fields = Fields.of(data, "progress");
  return {
    participants: readRecords(fields),
    orderSeq: fields.integer("order_seq", { min: 0, max: MAX_SEQ }),
    result: fields.raw("result") === null ? null : readHash(fields, "result"),
  };
}

/** `data` of START and METRICS_SHARE: one record. */
export function writeParticipant(record: ParticipantRecord): JsonObject {
  return { participant: record.signed };
}

/** The record of such a message, unread. */
export function readOneRecord(data: JsonObject): unknown {
  return Fields.of(data, "start").raw("participant");
}

/** `data` of as many RESULTS_SHARE as it takes. */
export function writeSolutions(solutions: readonly SignedSolution[]): readonly JsonObject[] {
  const messages: JsonObject[][] = [];
  let room = 0;
  for (const { signed } of solutions) {
    const { length } = JSON.stringify(signed);
    const last = messages.at(-1);
    if (last && last.length < MAX_SOLUTIONS && length <= room) {
      last.push(signed);
      room -= length;
    } else {
      messages.push([signed]);
      room = MAX_SOLUTIONS_LENGTH - length;
    }
  }
  return messages.map((each) => ({ solutions: each }));
}

/** The solutions of a message, unread. */
export function readSolutions(data: JsonObject): readonly unknown[] {
  return Fields.of(data, "results").list("solutions", { maxItems: MAX_SOLUTIONS });
}

/** `data` of COMPLETE: the job ended, or an order says that it does or goes on. Both still to be checked. */
export interface Completion {
  readonly order: unknown;
  readonly consensus: unknown;
}

export function readCompletion(data: JsonObject): Completion {
  const fields = Fields.of(data, "complete");
  return { order: fields.raw("order") ?? null, consensus: fields.raw("consensus") ?? null };
}

function readRecords(fields: Fields): readonly unknown[] {
  return fields.list("participants", { maxItems: MAX_RECORDS });
}

function readIds(fields: Fields, key: string): readonly PeerId[] {
  return fields.texts(key, { maxItems: MAX_LISTED, maxLength: 64 }).map((text) => {
    const id = parsePeerId(text);
    if (!id) throw new FieldError("invalid_field", key, "it names no peer");
    return id;
  });
}
