/** How a job looks from one of its participants, fitness as the worker returns it. */

import type { PeerId } from "../../base/peer_id.ts";
import type { Consensus } from "./consensus.ts";
import { writeConsensus } from "./consensus.ts";
import type { EndCause, JobOutcome, JobView, ParticipantView } from "./job_outlet.ts";
import type { JobParts } from "./job_parts.ts";
import type { Found } from "./island.ts";
import { type Job, type JobSpec, toFitness } from "./spec.ts";
import { tally } from "./verdict.ts";

/** An accepted result as an outcome. */
export function acceptedOutcome(spec: JobSpec, consensus: Consensus): JobOutcome {
  const { proposal, votes } = consensus;
  return {
    kind: "accepted",
    cause: proposal.cause,
    genome: proposal.solution.genome,
    fitness: toFitness(spec, proposal.fitness),
    finder: proposal.solution.node,
    proposer: proposal.node,
    jurors: proposal.jury.length,
    agreed: tally(proposal, votes, spec.tolerance).agreed,
    consensus: writeConsensus(consensus),
  };
}

export function unconfirmedOutcome(
  spec: JobSpec,
  cause: EndCause,
  best: Found | undefined,
): JobOutcome {
  return {
    kind: "unconfirmed",
    cause,
    genome: best?.genome ?? null,
    fitness: best ? toFitness(spec, best.fitness) : null,
  };
}

/** What the parts of a participant show. */
export function viewParts(
  job: Job,
  { ledger, trust, roster, migration, finale }: JobParts,
): Omit<JobView, "phase" | "elapsedMs" | "paused" | "outcome"> {
  const { spec } = job;
  const participants = participantViews(spec, { ledger, trust, living: roster.living });
  const living = participants.filter(({ isLiving }) => isLiving);
  const best = migration.best[0];
  return {
    job,
    steward: roster.steward,
    participants,
    evaluations: finale.evaluations,
    perSecond: living.reduce((sum, { perSecond }) => sum + perSecond, 0),
    best: best ? { genome: best.genome, fitness: toFitness(spec, best.fitness) } : null,
    isStopped: ledger.isStopped,
  };
}

function participantViews(
  spec: JobSpec,
  { ledger, trust, living }: Pick<JobParts, "ledger" | "trust"> & {
    readonly living: readonly PeerId[];
  },
): readonly ParticipantView[] {
  const alive = new Set(living);
  return [...ledger.participants.values()].map((record) => ({
    id: record.node,
    state: record.state,
    isLiving: alive.has(record.node),
    reason: record.reason,
    slots: record.slots,
    evaluations: record.evaluations,
    perSecond: record.perSecond,
    generation: record.generation,
    best: record.best === null ? null : toFitness(spec, record.best),
    trust: trust.of(record.node),
  }));
}
