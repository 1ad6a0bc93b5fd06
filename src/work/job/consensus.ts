/**
 * Consensus records: a proposal with the votes on it, all signed by who spoke, so that the record can come from
 * anybody and be checked by anybody. Two records of one proposal are one with the votes of both; of records of
 * different proposals all participants prefer the same.
 */

import { FieldError, Fields, type JsonObject } from "../../base/guards.ts";
import type { PeerId } from "../../base/peer_id.ts";
import { MAX_JURORS } from "./jury.ts";
import { type Proposal, readProposal } from "./proposal.ts";
import { type Job, type JobCrypto, onlyKeys } from "./spec.ts";
import { readVote, type Vote } from "./vote.ts";

export interface Consensus {
  readonly proposal: Proposal;
  /** At most one of each juror, in the order of their ids. */
  readonly votes: readonly Vote[];
}

/** As it travels and is kept. */
export function writeConsensus({ proposal, votes }: Consensus): JsonObject {
  return { proposal: proposal.signed, votes: votes.map(({ signed }) => signed) };
}

/**
 * Reads a record; what it comes to is {@link tally}'s to say. Throws {@link FieldError} for what is malformed or
 * forged, for votes on something else and for voters who are no jurors.
 */
export function readConsensus(job: Job, value: unknown, crypto: JobCrypto): Consensus {
  const fields = Fields.of(value, "consensus");
  onlyKeys(fields, ["proposal", "votes"], "consensus");
  const list = fields.list("votes", { maxItems: MAX_JURORS });
  const proposal = readProposal(job, fields.raw("proposal"), crypto);
  const votes = list.map((vote) => readVote(job.id, vote, crypto));
  if (new Set(votes.map(({ node }) => node)).size !== votes.length) {
    throw new FieldError("invalid_field", "consensus.votes", "a juror votes twice");
  }
  for (const vote of votes) {
    if (vote.proposal !== proposal.hash) {
      throw new FieldError("invalid_field", "consensus.votes", "a vote is on something else");
    }
    if (!proposal.jury.includes(vote.node)) {
      throw new FieldError("invalid_field", "consensus.votes", "a voter is no juror");
    }
  }
  return newConsensus(proposal, votes);
}

export function newConsensus(proposal: Proposal, votes: Iterable<Vote>): Consensus {
  const byNode = new Map<PeerId, Vote>();
  for (const vote of votes) {
    const other = byNode.get(vote.node);
    // Who said two things is held to the same one everywhere, and cannot take back what was counted.
    if (!other || compareVotes(vote, other, proposal) < 0) byNode.set(vote.node, vote);
  }
  const sorted = [...byNode.values()].sort((a, b) => a.node < b.node ? -1 : 1);
  return Object.freeze({ proposal, votes: sorted });
}

function compareVotes(a: Vote, b: Vote, { fitness }: Proposal): number {
  const rank = (vote: Vote) => vote.says === "agrees" ? 0 : 1;
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  const gap = (vote: Vote) => vote.fitness === null ? Infinity : Math.abs(vote.fitness - fitness);
  if (gap(a) !== gap(b)) return gap(a) < gap(b) ? -1 : 1;
  return a.hash < b.hash ? -1 : 1;
}

/** Two records of one proposal in one. */
export function joinConsensus(a: Consensus, b: Consensus): Consensus {
  return newConsensus(a.proposal, [...a.votes, ...b.votes]);
}

/**
 * Which of two accepted results counts: one that an order did not cut short; of two stopped ones the one of the
 * later order; the one of the larger jury; the better; the one with the lower hash. Negative: `a`.
 */
export function compareConsensus(a: Consensus, b: Consensus): number {
  const [p, q] = [a.proposal, b.proposal];
  const [isCut, isOtherCut] = [p.cause === "stopped", q.cause === "stopped"];
  if (isCut !== isOtherCut) return isCut ? 1 : -1;
  if (isCut && p.orderSeq !== q.orderSeq) return q.orderSeq - p.orderSeq;
  if (p.jury.length !== q.jury.length) return q.jury.length - p.jury.length;
  if (p.fitness !== q.fitness) return p.fitness - q.fitness;
  return p.hash < q.hash ? -1 : p.hash > q.hash ? 1 : 0;
}
