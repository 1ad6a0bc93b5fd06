/**
 * Participant records: a participant's own signed word on how its island does, passed on by the others. The newest
 * `seq` of each counts; only its owner can raise it.
 */

import { FieldError, type JsonObject } from "../../base/guards.ts";
import type { PeerId } from "../../base/peer_id.ts";
import {
  isGenuine,
  readUnchecked,
  type RecordKind,
  signRecord,
  type Speaker,
} from "./signed_record.ts";
import { type JobCrypto, type JobId, MAX_EVALUATIONS, MAX_FITNESS } from "./spec.ts";

export const PARTICIPANT_STATES = Object.freeze(["running", "paused", "left"] as const);
export type ParticipantState = typeof PARTICIPANT_STATES[number];

/** What a participant says of itself. */
export interface ParticipantWord {
  readonly seq: number;
  readonly state: ParticipantState;
  /** Why it is paused; empty while it is not. */
  readonly reason: string;
  /** Evaluations that it runs at a time. */
  readonly slots: number;
  readonly evaluations: number;
  readonly perSecond: number;
  readonly generation: number;
  /** The lowest cost that it has measured itself. */
  readonly best: number | null;
  readonly unixMs: number;
}

export interface ParticipantRecord extends ParticipantWord {
  readonly node: PeerId;
  readonly signed: JsonObject;
}

export const MAX_SLOTS = 4_096;
export const MAX_SEQ = 2 ** 53 - 1;
const MAX_REASON_LENGTH = 32;
const KIND: RecordKind = {
  type: "EVOLUTION_PARTICIPANT",
  keys: [
    "seq",
    "state",
    "reason",
    "slots",
    "evaluations",
    "per_second",
    "generation",
    "best",
    "unix_ms",
  ],
};

export function signParticipant(
  job: JobId,
  speaker: Speaker,
  word: ParticipantWord,
): ParticipantRecord {
  const said = {
    seq: word.seq,
    state: word.state,
    reason: word.reason.slice(0, MAX_REASON_LENGTH),
    slots: word.slots,
    evaluations: word.evaluations,
    per_second: word.perSecond,
    generation: word.generation,
    best: word.best,
    unix_ms: word.unixMs,
  };
  const signed = signRecord(KIND, job, speaker, said);
  return Object.freeze({ ...word, reason: said.reason, node: speaker.id, signed });
}

/** Reads a record, its signature unchecked. Throws {@link FieldError}. */
export function readParticipant(job: JobId, value: unknown): ParticipantRecord {
  const { fields, node } = readUnchecked(KIND, job, value);
  const count = { min: 0, max: MAX_EVALUATIONS };
  return Object.freeze({
    node,
    seq: fields.integer("seq", { min: 1, max: MAX_SEQ }),
    state: fields.oneOf("state", PARTICIPANT_STATES),
    reason: fields.text("reason", { minLength: 0, maxLength: MAX_REASON_LENGTH }),
    slots: fields.integer("slots", { min: 0, max: MAX_SLOTS }),
    evaluations: fields.integer("evaluations", count),
    perSecond: fields.number("per_second", { min: 0, max: 1e12 }),
    generation: fields.integer("generation", count),
    best: fields.numberOrNull("best", { min: -MAX_FITNESS, max: MAX_FITNESS }),
    unixMs: fields.integer("unix_ms", { min: 0, max: 1e14 }),
    signed: fields.value,
  });
}

/** Whether its participant signed it. */
export function isGenuineParticipant(
  { signed, node }: ParticipantRecord,
  crypto: JobCrypto,
): boolean {
  try {
    return isGenuine(signed, node, crypto);
  } catch (error) {
    if (error instanceof FieldError) return false;
    throw error;
  }
}
