/**
 * Shows a job: what its participant on this device knows, what others said when they were asked for help, what came of it.
 */

import { type PeerId, shortId } from "../base/peer_id.ts";
import type { JobOutcome, ParticipantView } from "../work/job/job_outlet.ts";
import { type Job, writeLimits } from "../work/job/spec.ts";
import type { JobRunner } from "./job_runner.ts";
import type {
  DeclineView,
  HereView,
  JobMemberView,
  JobResultView,
  JobState,
  JobSummaryView,
  JobView,
} from "./job_views.ts";

export interface ViewContext {
  readonly self: PeerId;
  readonly nowMs: number;
  readonly nameOf: (id: PeerId) => string | null;
  /** Who does not take part, and why. */
  readonly declined: ReadonlyMap<PeerId, string>;
  /** Where the job's files are. */
  readonly directory: string;
}

/** Everything about a job that this device takes part in. */
export function viewOf(runner: JobRunner, context: ViewContext): JobView {
  const { job, node } = runner;
  const view = node.view(context.nowMs);
  const { participants, outcome } = view;
  const elapsedS = Math.round(runner.elapsedWhenEndedMs ?? view.elapsedMs) / 1000;
  const state = stateOf(runner);
  const total = participants.reduce((sum, { evaluations }) => sum + evaluations, 0);
  const best = outcome?.kind === "accepted" ? outcome : view.best;
  const hasEnded = outcome !== undefined;
  return {
    ...headOf(job, context),
    state,
    elapsed_s: elapsedS,
    remaining_s: hasEnded ? 0 : Math.max(0, job.spec.limits.timeS - elapsedS),
    best: best?.fitness ?? null,
    evaluations: view.evaluations,
    per_second: hasEnded ? 0 : rounded(view.perSecond),
    participants: hasEnded ? 0 : participants.filter((each) => isActive(each)).length,
    here: hereOf(runner, view.paused),
    steward: view.steward ?? null,
    ...taskOf(job),
    genome: best?.genome ?? null,
    found_by: outcome?.kind === "accepted" ? outcome.finder : null,
    members: participants.map((each) => memberView(each, { total, hasEnded, context })),
    declined: [...context.declined].filter(([id]) => !participants.some((each) => each.id === id))
      .map(([id, reason]) => declineView(id, reason, context)),
    result: outcome ? resultOf(job, outcome, { evaluations: view.evaluations, elapsedS }) : null,
    directory: context.directory,
  };
}

/** The same without what only one who looks at this job alone wants to know. */
export function summaryOf(view: JobSummaryView): JobSummaryView {
  const {
    id,
    short_id,
    name,
    type,
    state,
    owner,
    owner_name,
    owned_here,
    created_unix_ms,
    elapsed_s,
    remaining_s,
    best,
    evaluations,
    per_second,
    participants,
    here,
  } = view;
  return {
    id,
    short_id,
    name,
    type,
    state,
    owner,
    owner_name,
    owned_here,
    created_unix_ms,
    elapsed_s,
    remaining_s,
    best,
    evaluations,
    per_second,
    participants,
    here,
  };
}

export function stateOf({ node }: Pick<JobRunner, "node">): JobState {
  const { outcome, phase, ledger } = node;
  if (outcome) return endStateOf(outcome);
  if (ledger.isStopped) return "stopping";
  return phase === "closing" ? "confirming" : "running";
}

function endStateOf(outcome: JobOutcome): JobState {
  if (outcome.kind === "refused") return "stopped";
  return outcome.cause === "stopped" ? "stopped" : outcome.kind;
}

/** What a job is called, and whose it is. */
export function headOf(
  { id, spec }: Job,
  { self, nameOf }: Pick<ViewContext, "self" | "nameOf">,
): Pick<
  JobSummaryView,
  "id" | "short_id" | "name" | "type" | "owner" | "owner_name" | "owned_here" | "created_unix_ms"
> {
  return {
    id,
    short_id: shortId(id),
    name: spec.name,
    type: spec.type,
    owner: spec.owner,
    owner_name: nameOf(spec.owner),
    owned_here: spec.owner === self,
    created_unix_ms: spec.createdUnixMs,
  };
}

/** What is searched for, and how. */
export function taskOf(
  { spec }: Job,
): Pick<JobView, "space" | "direction" | "target" | "limits" | "worker"> {
  const { worker } = spec;
  return {
    space: spec.space,
    direction: spec.direction,
    target: spec.target,
    limits: writeLimits(spec.limits),
    worker: { kind: worker.kind, name: worker.kind === "command" ? worker.name : worker.sha256 },
  };
}

function hereOf(runner: JobRunner, paused: string | null): HereView {
  const { permit, trouble, failures } = runner;
  if (runner.hasEnded) return { state: "ended", reason: null };
  if (trouble !== null) return { state: "waiting", reason: trouble };
  if (permit.slots === 0) return { state: "paused", reason: permit.reason };
  if (paused !== null) return { state: "waiting", reason: paused };
  const failed = failures.count === 0
    ? null
    : `${failures.count} evaluations failed, the last: ${failures.last}`;
  return { state: "searching", reason: failed };
}

function memberView(
  each: ParticipantView,
  { total, hasEnded, context }: {
    readonly total: number;
    readonly hasEnded: boolean;
    readonly context: ViewContext;
  },
): JobMemberView {
  const isSilent = !each.isLiving && each.state !== "left";
  return {
    node_id: each.id,
    short_id: shortId(each.id),
    name: context.nameOf(each.id),
    this_device: each.id === context.self,
    state: hasEnded ? "ended" : isSilent ? "silent" : each.state,
    reason: hasEnded || isSilent || each.reason === "" ? null : each.reason,
    evaluations: each.evaluations,
    share: total > 0 ? rounded(each.evaluations / total) : 0,
    per_second: isActive(each) && !hasEnded ? rounded(each.perSecond) : 0,
    generation: each.generation,
    best: each.best,
    trust: rounded(each.trust),
  };
}

function isActive({ isLiving, state }: ParticipantView): boolean {
  return isLiving && state !== "left";
}

function declineView(id: PeerId, reason: string, { nameOf }: ViewContext): DeclineView {
  return { node_id: id, short_id: shortId(id), name: nameOf(id), reason };
}

/** How a job ended. */
export function resultOf(
  { signed }: Job,
  outcome: JobOutcome,
  { evaluations, elapsedS }: { readonly evaluations: number; readonly elapsedS: number },
): JobResultView {
  const common = { state: endStateOf(outcome), evaluations, seconds: elapsedS, job: signed };
  switch (outcome.kind) {
    case "accepted":
      return {
        ...common,
        cause: outcome.cause,
        fitness: outcome.fitness,
        genome: outcome.genome,
        finder: outcome.finder,
        proposer: outcome.proposer,
        jurors: outcome.jurors,
        agreed: outcome.agreed,
        self_confirmed: outcome.jurors === 0,
        consensus: outcome.consensus,
      };
    case "unconfirmed":
      return {
        ...common,
        ...NOBODY,
        cause: outcome.cause,
        fitness: outcome.fitness,
        genome: outcome.genome,
      };
    case "refused":
      return { ...common, ...NOBODY, cause: outcome.reason, fitness: null, genome: null };
  }
}

const NOBODY = Object.freeze({
  finder: null,
  proposer: null,
  jurors: 0,
  agreed: 0,
  self_confirmed: false,
  consensus: null,
});

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
