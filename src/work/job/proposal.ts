/**
 * Proposals: a participant says that the search is over and what came of it, and whom it asks to measure that
 * again. Who reads one has checked the draw.
 */

import { FieldError, type Fields, type JsonObject } from "../../base/guards.ts";
import { parsePeerId, type PeerId } from "../../base/peer_id.ts";
import type { EndCause } from "./job_outlet.ts";
import { drawJury, MAX_JURORS, MAX_ROUNDS, prefixOf, readPool, writePool } from "./jury.ts";
import { MAX_SEQ } from "./participant_record.ts";
import {
  hashOf,
  isGenuine,
  readCost,
  readUnchecked,
  type RecordKind,
  signRecord,
  type Speaker,
} from "./signed_record.ts";
import { readSolution, type SignedSolution } from "./signed_solution.ts";
import type { Job, JobCrypto } from "./spec.ts";

export const END_CAUSES = Object.freeze(
  ["target", "time", "evaluations", "stopped"] as const satisfies readonly EndCause[],
);

export interface Proposal {
  readonly node: PeerId;
  /** Counts the juries that its proposer has asked, from 0. */
  readonly round: number;
  readonly cause: EndCause;
  /** Number of the order in force; 0: none. */
  readonly orderSeq: number;
  readonly solution: SignedSolution;
  /** What its proposer measured. */
  readonly fitness: number;
  /** How many could have been asked. */
  readonly poolSize: number;
  readonly jury: readonly PeerId[];
  readonly unixMs: number;
  readonly hash: string;
  readonly signed: JsonObject;
}

/** What its proposer decides. */
export interface ProposalWord
  extends Pick<Proposal, "round" | "cause" | "orderSeq" | "solution" | "fitness" | "unixMs"> {
  /** Whom the proposer would ask; itself left out. */
  readonly pool: readonly PeerId[];
}

const KIND: RecordKind = {
  type: "EVOLUTION_RESULT",
  keys: ["round", "cause", "order_seq", "solution", "fitness", "pool", "jury", "unix_ms"],
};

/** Draws the jury and signs. */
export function signProposal(
  job: Job,
  speaker: Speaker,
  word: ProposalWord,
  crypto: JobCrypto,
): Proposal {
  const pool = writePool(word.pool.filter((id) => id !== speaker.id));
  const byPrefix = new Map(word.pool.map((id) => [prefixOf(id), id]));
  const prefixes = readPool(pool);
  const drawn = drawJury(
    { job: job.id, proposer: speaker.id, round: word.round, pool: prefixes },
    crypto,
  );
  const jury = drawn.flatMap((prefix) => byPrefix.get(prefix) ?? []);
  const signed = signRecord(KIND, job.id, speaker, {
    round: word.round,
    cause: word.cause,
    order_seq: word.orderSeq,
    solution: word.solution.signed,
    fitness: word.fitness,
    pool,
    jury,
    unix_ms: word.unixMs,
  });
  const { round, cause, orderSeq, solution, fitness, unixMs } = word;
  return Object.freeze({
    node: speaker.id,
    round,
    cause,
    orderSeq,
    solution,
    fitness,
    poolSize: prefixes.length,
    jury,
    unixMs,
    hash: hashOf(signed, crypto),
    signed,
  });
}

/** Reads a proposal. Throws {@link FieldError} for one that is malformed, forged, or whose jury was not drawn. */
export function readProposal(job: Job, value: unknown, crypto: JobCrypto): Proposal {
  const { fields, node } = readUnchecked(KIND, job.id, value);
  const round = fields.integer("round", { min: 0, max: MAX_ROUNDS - 1 });
  const pool = readPool(fields.raw("pool"));
  const jury = readJury(fields);
  if (!isGenuine(fields.value, node, crypto)) {
    throw new FieldError("invalid_field", "proposal.signature", "it is forged");
  }
  // The draw costs a hash for each of the pool: not for who did not sign it.
  const drawn = drawJury({ job: job.id, proposer: node, round, pool }, crypto);
  if (drawn.length !== jury.length || !drawn.every((prefix, i) => jury[i]?.startsWith(prefix))) {
    throw new FieldError("invalid_field", "proposal.jury", "it was not drawn");
  }
  return Object.freeze({
    node,
    round,
    cause: fields.oneOf("cause", END_CAUSES),
    orderSeq: fields.integer("order_seq", { min: 0, max: MAX_SEQ }),
    solution: readSolution(job, fields.raw("solution"), crypto),
    fitness: readCost(fields, "fitness"),
    poolSize: pool.length,
    jury,
    unixMs: fields.integer("unix_ms", { min: 0, max: 1e14 }),
    hash: hashOf(fields.value, crypto),
    signed: fields.value,
  });
}

function readJury(fields: Fields): readonly PeerId[] {
  return fields.texts("jury", { maxItems: MAX_JURORS, maxLength: 64 }).map((text) => {
    const id = parsePeerId(text);
    if (!id) throw new FieldError("invalid_field", "proposal.jury", "it names no peer");
    return id;
  });
}
