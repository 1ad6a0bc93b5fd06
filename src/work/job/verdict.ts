/**
 * Verdicts: what the votes on a proposal come to, and the check of a finished record by anybody, with nothing but
 * the record and the job.
 */

import { describeError } from "../../base/errors.ts";
import type { Proposal } from "./proposal.ts";
import { type Consensus, readConsensus } from "./consensus.ts";
import { votesNeeded } from "./jury.ts";
import { agree, type Job, type JobCrypto, reachesTarget, type Tolerance } from "./spec.ts";
import type { Vote } from "./vote.ts";

/**
 * `accepted`: two thirds agree. `refuted`: two thirds measured something else. `undecided`: neither can come of it
 * any more. `open`: votes are missing.
 */
export type Verdict = "accepted" | "refuted" | "undecided" | "open";

export interface Tally {
  readonly verdict: Verdict;
  readonly agreed: number;
  readonly differed: number;
  readonly needed: number;
}

/** Counts `votes` on `proposal`; those of others than its jurors do not count. */
export function tally(proposal: Proposal, votes: Iterable<Vote>, tolerance: Tolerance): Tally {
  const byJuror = new Map(Array.from(votes, (vote) => [vote.node, vote]));
  const counted = proposal.jury.flatMap((juror) => byJuror.get(juror) ?? [])
    .filter((vote) => vote.proposal === proposal.hash);
  const agreed = counted.filter((vote) => isAgreement(proposal, vote, tolerance)).length;
  const differed = counted.filter((vote) => isDifference(proposal, vote, tolerance)).length;
  const needed = votesNeeded(proposal.jury.length);
  const missing = proposal.jury.length - counted.length;
  const sums = { agreed, differed, needed };
  // Who had nobody to ask is its own jury.
  if (agreed >= needed) return { verdict: "accepted", ...sums };
  if (differed >= needed) return { verdict: "refuted", ...sums };
  return { verdict: Math.max(agreed, differed) + missing < needed ? "undecided" : "open", ...sums };
}

/** Whether a vote says yes, and measured what the proposal says. */
export function isAgreement(proposal: Proposal, vote: Vote, tolerance: Tolerance): boolean {
  return vote.says === "agrees" && vote.fitness !== null &&
    agree(tolerance, vote.fitness, proposal.fitness);
}

/** Whether a vote measured something else than the proposal says. */
export function isDifference(proposal: Proposal, vote: Vote, tolerance: Tolerance): boolean {
  return vote.says === "differs" &&
    (vote.fitness === null || !agree(tolerance, vote.fitness, proposal.fitness));
}

export interface Verification {
  /** Whether the record proves what it says. */
  readonly isValid: boolean;
  /** Why not. */
  readonly problems: readonly string[];
  readonly consensus: Consensus | undefined;
  readonly tally: Tally | undefined;
  /** Nobody but the proposer has measured it. */
  readonly isSelfConfirmed: boolean;
}

/**
 * Checks the record of an accepted result: signatures, the draw of the jury, that each vote is a juror's on this
 * very proposal, and that two thirds agree. Pure; never throws. Whether the pool was the village's the record
 * cannot prove: that is for who was there, or asks several members.
 */
export function verifyConsensus(job: Job, value: unknown, crypto: JobCrypto): Verification {
  let consensus: Consensus;
  try {
    consensus = readConsensus(job, value, crypto);
  } catch (error) {
    const problems = [describeError(error)];
    return {
      isValid: false,
      problems,
      consensus: undefined,
      tally: undefined,
      isSelfConfirmed: false,
    };
  }
  const { proposal, votes } = consensus;
  const counted = tally(proposal, votes, job.spec.tolerance);
  const problems: string[] = [];
  if (counted.verdict !== "accepted") {
    problems.push(
      `${counted.agreed} of ${proposal.jury.length} jurors agree, of ${counted.needed}`,
    );
  }
  if (proposal.cause === "target" && !reachesTarget(job.spec, proposal.fitness)) {
    problems.push("the target is not reached");
  }
  return {
    isValid: problems.length === 0,
    problems,
    consensus,
    tally: counted,
    isSelfConfirmed: proposal.jury.length === 0,
  };
}
