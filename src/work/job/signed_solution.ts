/**
 * Solutions as they travel: a genome, what it costs, and the signature of who found it. The signature gives credit;
 * it proves nothing about the cost, which everybody who relies on it measures again.
 */

import { FieldError, type JsonObject } from "../../base/guards.ts";
import type { PeerId } from "../../base/peer_id.ts";
import type { Solution } from "../evolve/optimizer.ts";
import type { Space } from "../evolve/space.ts";
import { decodeGenome, encodeGenome } from "./solution_codec.ts";
import {
  hashTexts,
  isGenuine,
  readCost,
  readUnchecked,
  type RecordKind,
  signRecord,
  type Speaker,
} from "./signed_record.ts";
import type { Job, JobCrypto } from "./spec.ts";

export interface SignedSolution extends Solution {
  /** Who says that it found it. */
  readonly node: PeerId;
  /** Names the genome, whoever found it. */
  readonly genomeHash: string;
  readonly signed: JsonObject;
}

const KIND: RecordKind = { type: "EVOLUTION_SOLUTION", keys: ["genome", "fitness"] };

export function signSolution(
  job: Job,
  speaker: Speaker,
  { genome, fitness }: Solution,
  crypto: JobCrypto,
): SignedSolution {
  const said = { genome: encodeGenome(genome, job.spec.space), fitness };
  const signed = signRecord(KIND, job.id, speaker, said);
  const genomeHash = genomeHashOf(genome, job.spec.space, crypto);
  return Object.freeze({ genome, fitness, node: speaker.id, genomeHash, signed });
}

/** Reads a solution. Throws {@link FieldError} for one that is malformed or forged. */
export function readSolution(job: Job, value: unknown, crypto: JobCrypto): SignedSolution {
  const { fields, node } = readUnchecked(KIND, job.id, value);
  const { space } = job.spec;
  const genome = decodeGenome(fields.raw("genome"), space, "solution.genome");
  const fitness = readCost(fields, "fitness");
  if (!isGenuine(fields.value, node, crypto)) {
    throw new FieldError("invalid_field", "solution.signature", "it is forged");
  }
  const genomeHash = genomeHashOf(genome, space, crypto);
  return Object.freeze({ genome, fitness, node, genomeHash, signed: fields.value });
}

export function genomeHashOf(genome: Solution["genome"], space: Space, crypto: JobCrypto): string {
  const wire = encodeGenome(genome, space);
  return hashTexts(crypto, typeof wire === "string" ? wire : wire.join(","));
}
