/** Votes: what a juror measured itself of a proposed result, and whether it agrees that the search ends with it. */

import { FieldError, type JsonObject } from "../../base/guards.ts";
import type { PeerId } from "../../base/peer_id.ts";
import {
  hashOf,
  isGenuine,
  readHash,
  readUnchecked,
  type RecordKind,
  signRecord,
  type Speaker,
} from "./signed_record.ts";
import { type JobCrypto, type JobId, MAX_FITNESS } from "./spec.ts";

/**
 * `agrees`. `differs`: it measured something else. `better`: it knows a better result. `early`: neither the target
 * nor a limit is reached, nor is a stop ordered. `failed`: it could not measure.
 */
export const VOTE_WORDS = Object.freeze(
  ["agrees", "differs", "better", "early", "failed"] as const,
);
export type VoteWord = typeof VOTE_WORDS[number];

export interface Vote {
  readonly node: PeerId;
  /** Hash of the proposal, which covers its round. */
  readonly proposal: string;
  readonly says: VoteWord;
  /** What the juror measured; `null` where it could not. */
  readonly fitness: number | null;
  readonly hash: string;
  readonly signed: JsonObject;
}

const KIND: RecordKind = { type: "EVOLUTION_VOTE", keys: ["proposal", "says", "fitness"] };

export function signVote(
  job: JobId,
  speaker: Speaker,
  said: Pick<Vote, "proposal" | "says" | "fitness">,
  crypto: JobCrypto,
): Vote {
  const { proposal, says, fitness } = said;
  const signed = signRecord(KIND, job, speaker, { proposal, says, fitness });
  return Object.freeze({ ...said, node: speaker.id, hash: hashOf(signed, crypto), signed });
}

/** Reads a vote. Throws {@link FieldError} for one that is malformed or forged. */
export function readVote(job: JobId, value: unknown, crypto: JobCrypto): Vote {
  const { fields, node } = readUnchecked(KIND, job, value);
  const vote = {
    node,
    proposal: readHash(fields, "proposal"),
    says: fields.oneOf("says", VOTE_WORDS),
    fitness: fields.numberOrNull("fitness", { min: -MAX_FITNESS, max: MAX_FITNESS }),
    hash: hashOf(fields.value, crypto),
    signed: fields.value,
  };
  if (!isGenuine(fields.value, node, crypto)) {
    throw new FieldError("invalid_field", "vote.signature", "it is forged");
  }
  return Object.freeze(vote);
}
