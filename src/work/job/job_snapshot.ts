/**
 * Checkpoints: what a participant writes down of its job, as JSON, and how that is read again. Everything signed in
 * it is checked as if it came from a stranger: a file can be damaged, and cut in half.
 */

import { FieldError, Fields, type JsonObject } from "../../base/guards.ts";
import { parsePeerId, type PeerId } from "../../base/peer_id.ts";
import { type Consensus, readConsensus, writeConsensus } from "./consensus.ts";
import { decodeGenome, encodeGenome } from "./solution_codec.ts";
import type { Found } from "./island.ts";
import type { EndCause } from "./job_outlet.ts";
import type { JobParts } from "./job_parts.ts";
import { MAX_ROUNDS } from "./jury.ts";
import { Ledger, MAX_REFUTED, MAX_RESULTS } from "./ledger.ts";
import { readOrder } from "./order.ts";
import { isGenuineParticipant, MAX_SEQ, readParticipant } from "./participant_record.ts";
import { END_CAUSES } from "./proposal.ts";
import { readCost } from "./signed_record.ts";
import { genomeHashOf, readSolution } from "./signed_solution.ts";
import { type Job, type JobCrypto, MAX_EVALUATIONS, MAX_PARTICIPANTS, MAX_TIME_S } from "./spec.ts";
import { Tickets } from "./steward.ts";
import { tally } from "./verdict.ts";

const VERSION = 1;
const MAX_BEST = 8;
const TIME_MS = Object.freeze({ min: 0, max: 1e14 });

/** What is written down, ledger and all. */
export interface JobSnapshot {
  /** `false`: it was never let in, and has nothing to go on with. */
  readonly isMember: boolean;
  readonly elapsedMs: number;
  readonly unixMs: number;
  readonly seq: number;
  readonly rounds: number;
  readonly evaluations: number;
  readonly evaluationMs: number | undefined;
  readonly ledger: Ledger;
  readonly best: readonly Found[];
  readonly trust: readonly (readonly [PeerId, number])[];
  /** The job ended with nothing confirmed. */
  readonly unconfirmed: EndCause | undefined;
  /** As the optimiser wrote it. */
  readonly search: JsonObject;
}

/** What the parts of a participant have to keep. */
export function snapshotParts(
  { exchange, ballots, island, ledger, trust }: JobParts,
): Omit<JobSnapshot, "isMember" | "elapsedMs" | "unixMs" | "unconfirmed"> {
  return {
    seq: exchange.seq,
    rounds: ballots.rounds,
    evaluations: island.evaluations,
    evaluationMs: island.evaluationMs,
    ledger,
    best: island.best,
    trust: trust.entries(),
    search: island.search.snapshot(),
  };
}

export function writeSnapshot(job: Job, snapshot: JobSnapshot): JsonObject {
  const { ledger } = snapshot;
  return {
    version: VERSION,
    job: job.id,
    is_member: snapshot.isMember,
    elapsed_ms: snapshot.elapsedMs,
    unix_ms: snapshot.unixMs,
    seq: snapshot.seq,
    rounds: snapshot.rounds,
    evaluations: snapshot.evaluations,
    evaluation_ms: snapshot.evaluationMs ?? null,
    unconfirmed: snapshot.unconfirmed ?? null,
    best: snapshot.best.map(({ genome, fitness, signed }) => ({
      genome: encodeGenome(genome, job.spec.space),
      fitness,
      signed: signed?.signed ?? null,
    })),
    trust: snapshot.trust.map(([id, score]) => [id, score]),
    ...writeLedger(ledger),
    search: snapshot.search,
  };
}

/** A ledger as JSON, in a checkpoint or for who takes no part. */
export function writeLedger(ledger: Ledger): JsonObject {
  return {
    participants: [...ledger.participants.values()].map(({ signed }) => signed),
    order: ledger.order?.signed ?? null,
    results: ledger.results.map(writeConsensus),
    refuted: ledger.refuted.map(writeConsensus),
  };
}

export interface SnapshotReader {
  readonly job: Job;
  readonly crypto: JobCrypto;
  readonly mayOrder: (id: PeerId) => boolean;
}

/** Reads a checkpoint. Throws {@link FieldError} for one that is damaged, forged, or of another job. */
export function readSnapshot(value: unknown, reader: SnapshotReader): JobSnapshot {
  const { job } = reader;
  const fields = Fields.of(value, "checkpoint");
  fields.integer("version", { min: VERSION, max: VERSION });
  if (fields.raw("job") !== job.id) {
    throw new FieldError("invalid_field", "checkpoint.job", "it is of another job");
  }
  const evaluationMs = fields.numberOrNull("evaluation_ms", { min: 0, max: 1e9 });
  const { value: search } = fields.object("search");
  return {
    isMember: fields.boolean("is_member"),
    elapsedMs: fields.number("elapsed_ms", { min: 0, max: 100 * MAX_TIME_S * 1_000 }),
    unixMs: fields.number("unix_ms", TIME_MS),
    seq: fields.integer("seq", { min: 0, max: MAX_SEQ }),
    rounds: fields.integer("rounds", { min: 0, max: MAX_ROUNDS }),
    evaluations: fields.integer("evaluations", { min: 0, max: MAX_EVALUATIONS }),
    evaluationMs: evaluationMs ?? undefined,
    unconfirmed: fields.raw("unconfirmed") === null
      ? undefined
      : fields.oneOf("unconfirmed", END_CAUSES),
    best: readBest(fields, reader),
    trust: readTrust(fields),
    ledger: readLedger(fields, reader),
    search,
  };
}

/** Reads a ledger, each record of it checked as if it came from a stranger. Throws {@link FieldError}. */
export function readLedger(fields: Fields, { job, crypto, mayOrder }: SnapshotReader): Ledger {
  const ledger = new Ledger(new Tickets(job.id, crypto));
  for (const each of fields.list("participants", { maxItems: MAX_PARTICIPANTS })) {
    const record = readParticipant(job.id, each);
    if (!isGenuineParticipant(record, crypto)) {
      throw new FieldError("invalid_field", "participants", "a record is forged");
    }
    ledger.addParticipant(record);
  }
  const order = fields.raw("order") ?? null;
  if (order !== null) ledger.addOrder(readOrder(job.id, order, crypto, mayOrder));
  for (const result of readRecords(fields, "results", MAX_RESULTS, job, crypto)) {
    ledger.addResult(result);
  }
  for (const record of readRecords(fields, "refuted", MAX_REFUTED, job, crypto)) {
    ledger.addRefuted(record);
  }
  return ledger;
}

function readRecords(
  fields: Fields,
  key: "results" | "refuted",
  maxItems: number,
  job: Job,
  crypto: JobCrypto,
): readonly Consensus[] {
  const wanted = key === "results" ? "accepted" : "refuted";
  return fields.list(key, { maxItems }).map((each) => {
    const consensus = readConsensus(job, each, crypto);
    const { verdict } = tally(consensus.proposal, consensus.votes, job.spec.tolerance);
    if (verdict === wanted) return consensus;
    throw new FieldError("invalid_field", key, `a record is ${verdict}, not ${wanted}`);
  });
}

function readBest(fields: Fields, { job, crypto }: SnapshotReader): readonly Found[] {
  const { space } = job.spec;
  return fields.list("best", { maxItems: MAX_BEST }).map((each) => {
    const found = Fields.of(each, "best");
    const genome = decodeGenome(found.raw("genome"), space, "best.genome");
    const fitness = readCost(found, "fitness");
    const genomeHash = genomeHashOf(genome, space, crypto);
    const signed = found.raw("signed") ?? null;
    if (signed === null) return { genome, fitness, genomeHash };
    return { genome, fitness, genomeHash, signed: readSolution(job, signed, crypto) };
  });
}

function readTrust(fields: Fields): readonly (readonly [PeerId, number])[] {
  const entries: (readonly [PeerId, number])[] = [];
  for (const each of fields.list("trust", { maxItems: 2 * MAX_PARTICIPANTS })) {
    if (!Array.isArray(each)) throw new FieldError("invalid_field", "trust", "an entry is no pair");
    const [text, score] = each as readonly unknown[];
    const id = typeof text === "string" ? parsePeerId(text) : undefined;
    const isScore = typeof score === "number" && score >= 0 && score <= 1;
    if (!id || !isScore) throw new FieldError("invalid_field", "trust", "an entry is no score");
    entries.push([id, score]);
  }
  return entries;
}
