/**
 * `hamlet job ID --verify`: whether the signed votes prove what a job's result says. Everything is checked in this
 * process, from the job as its owner signed it; the agent is not believed.
 */

import type { JobView } from "../agent/job_views.ts";
import { describeError } from "../base/errors.ts";
import { shortId } from "../base/peer_id.ts";
import { chooseBackend } from "../noise/backend.ts";
import { readJob, toFitness } from "../work/job/spec.ts";
import { isAgreement, verifyConsensus } from "../work/job/verdict.ts";
import { numberText } from "./job_display.ts";

export interface VerifiedResult {
  readonly job: string;
  readonly holds: boolean;
  readonly fitness: number | null;
  readonly votes: readonly {
    readonly node_id: string;
    readonly fitness: number | null;
    readonly agrees: boolean;
  }[];
  readonly self_confirmed: boolean;
  readonly problems: readonly string[];
}

/** Checks a job's result; one that has none does not hold. */
export function verifyResult(view: Pick<JobView, "id" | "state" | "result">): VerifiedResult {
  const none = { job: view.id, holds: false, fitness: null, votes: [], self_confirmed: false };
  const { result } = view;
  if (!result?.consensus) {
    return { ...none, problems: [`nothing was accepted: the job is ${view.state}`] };
  }
  const crypto = chooseBackend().primitives;
  try {
    const job = readJob(result.job, crypto);
    if (job.id !== view.id) return { ...none, problems: ["the record is of another job"] };
    const { isValid, problems, consensus, isSelfConfirmed } = verifyConsensus(
      job,
      result.consensus,
      crypto,
    );
    if (!consensus) return { ...none, problems };
    const { proposal, votes } = consensus;
    const { spec } = job;
    return {
      job: view.id,
      holds: isValid,
      fitness: toFitness(spec, proposal.fitness),
      votes: votes.map((vote) => ({
        node_id: vote.node,
        fitness: vote.fitness === null ? null : toFitness(spec, vote.fitness),
        agrees: isAgreement(proposal, vote, spec.tolerance),
      })),
      self_confirmed: isSelfConfirmed,
      problems,
    };
  } catch (error) {
    return { ...none, problems: [describeError(error)] };
  }
}

/** The same for people. */
export function renderVerification(verified: VerifiedResult): string {
  const { holds, fitness, votes, self_confirmed, problems } = verified;
  const lines = [
    holds
      ? `The record holds: ${numberText(fitness)}` +
        (self_confirmed ? ", measured by its finder alone" : "")
      : "The record does NOT hold",
    ...problems.map((problem) => `  ${problem}`),
    ...votes.map((vote) =>
      `  ${shortId(vote.node_id)} measured ${numberText(vote.fitness)} and ` +
      (vote.agrees ? "agrees" : "does not agree")
    ),
  ];
  return lines.join("\n") + "\n";
}
