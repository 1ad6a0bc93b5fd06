/** Jobs, speakers and records for tests: cheap signatures, and one job with real ones whose bytes Python has computed. */

import { decodeHex } from "../../../src/base/bytes.ts";
import type { JsonObject } from "../../../src/base/guards.ts";
import type { PeerId } from "../../../src/base/peer_id.ts";
import { identityFromSeed } from "../../../src/node/identity.ts";
import { type Consensus, newConsensus } from "../../../src/work/job/consensus.ts";
import { type Proposal, signProposal } from "../../../src/work/job/proposal.ts";
import { type ParticipantWord, signParticipant } from "../../../src/work/job/participant_record.ts";
import type { Speaker } from "../../../src/work/job/signed_record.ts";
import { signSolution } from "../../../src/work/job/signed_solution.ts";
import { type Job, type JobCrypto, type JobSpec, signJob } from "../../../src/work/job/spec.ts";
import { signVote, type Vote, type VoteWord } from "../../../src/work/job/vote.ts";
import { SIM_CRYPTO, simSpeaker } from "../../sim/work/work_crypto.ts";
import { PRIMITIVES, RFC_8032 } from "../../testing/identities.ts";

export const PURE = { permissions: "none" } as const;
export const CRYPTO: JobCrypto = SIM_CRYPTO;
export const UNIX_MS = 1_750_000_000_000;

/** RFC 8032's first key. */
const RFC_IDENTITY = identityFromSeed(decodeHex(RFC_8032[0].seed), PRIMITIVES);
export const RFC_SPEAKER: Speaker = { id: RFC_IDENTITY.id, signer: RFC_IDENTITY.signing };

/** The `n`-th participant, whose signatures cost nothing. */
export function speakerOf(n: number): Speaker {
  return simSpeaker(0x7e57, n);
}

export function idOf(n: number): PeerId {
  return speakerOf(n).id;
}

export function specOf(owner: PeerId, spec: Partial<JobSpec> = {}): JobSpec {
  return {
    name: "golden",
    owner,
    createdUnixMs: UNIX_MS,
    type: "breakthrough",
    space: { kind: "real", dims: 2, lower: [-5, -5], upper: [5, 5] },
    direction: "minimize",
    target: null,
    limits: { timeS: 600, evaluations: null, evaluationMs: 60_000, memoryMb: 256 },
    worker: { kind: "command", name: "python" },
    tolerance: { relative: 1e-3, absolute: 0.5 },
    seed: 7,
    maxParticipants: null,
    options: {},
    ...spec,
  };
}

/** A job of the `owner`-th participant. */
export function jobOf(spec: Partial<JobSpec> = {}, owner = 0): Job {
  const speaker = speakerOf(owner);
  return signJob(specOf(speaker.id, spec), speaker.signer, CRYPTO);
}

export function recordOf(job: Job, n: number, word: Partial<ParticipantWord> = {}) {
  return signParticipant(job.id, speakerOf(n), {
    seq: 1,
    state: "running",
    reason: "",
    slots: 1,
    evaluations: 0,
    perSecond: 0,
    generation: 0,
    best: null,
    unixMs: UNIX_MS,
    ...word,
  });
}

/** The `proposer`-th participant proposes `fitness`, with participants 1 to `others` to be asked. */
export function proposalOf(
  job: Job,
  given: {
    readonly others: number;
    readonly proposer?: number;
    readonly fitness?: number;
    readonly round?: number;
    readonly cause?: Proposal["cause"];
    readonly orderSeq?: number;
  },
): Proposal {
  const { others, proposer = 0, fitness = 3, round = 0, cause = "time", orderSeq = 0 } = given;
  const speaker = speakerOf(proposer);
  const solution = signSolution(job, speaker, { genome: [1, 1], fitness }, CRYPTO);
  return signProposal(job, speaker, {
    round,
    cause,
    orderSeq,
    solution,
    fitness,
    unixMs: UNIX_MS,
    pool: Array.from({ length: others }, (_, i) => idOf(i + 1)).filter((id) => id !== speaker.id),
  }, CRYPTO);
}

/** The first jurors' votes, one for each of `words`. */
export function votesOn(
  job: Job,
  proposal: Proposal,
  words: readonly (readonly [VoteWord, number | null])[],
): readonly Vote[] {
  return words.map(([says, fitness], i) => {
    const id = proposal.jury[i];
    const n = Array.from({ length: 64 }, (_, at) => at).find((at) => idOf(at) === id) ?? -1;
    return signVote(job.id, speakerOf(n), { proposal: proposal.hash, says, fitness }, CRYPTO);
  });
}

/** A record that is accepted: every juror of `others` agrees. */
export function acceptedOf(job: Job, given: Parameters<typeof proposalOf>[1]): Consensus {
  const proposal = proposalOf(job, given);
  const words = proposal.jury.map(() => ["agrees", proposal.fitness] as const);
  return newConsensus(proposal, votesOn(job, proposal, words));
}

/** As it would come over the wire. */
export function overWire<T extends JsonObject>(value: T): JsonObject {
  return JSON.parse(JSON.stringify(value));
}
