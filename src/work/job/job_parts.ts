/** The parts of a {@link JobNode}, and how they hang together. */

import type { PeerId } from "../../base/peer_id.ts";
import type { Candidate } from "../evolve/optimizer.ts";
import { Ballots } from "./ballots.ts";
import type { Consensus } from "./consensus.ts";
import { Exchange } from "./exchange.ts";
import { Finale } from "./finale.ts";
import { Island } from "./island.ts";
import type { JobNodeOptions } from "./job_outlet.ts";
import type { JobSnapshot } from "./job_snapshot.ts";
import { Ledger } from "./ledger.ts";
import { Migration } from "./migration.ts";
import type { ParticipantWord } from "./participant_record.ts";
import type { Proposal } from "./proposal.ts";
import { Recruitment } from "./recruitment.ts";
import { Roster } from "./roster.ts";
import { toCost } from "./spec.ts";
import { Tickets } from "./steward.ts";
import { Trust } from "./trust.ts";
import { Workbench } from "./workbench.ts";

/** What the parts ask of the whole. */
export interface JobHooks {
  readonly elapsedMs: (nowMs: number) => number;
  readonly isSearching: () => boolean;
  /** How we are, and why we are paused. */
  readonly ownState: () => Pick<ParticipantWord, "state" | "reason">;
  readonly objection: (proposal: Proposal, cost: number) => "early" | "better" | undefined;
  readonly onAccepted: (consensus: Consensus, from: PeerId) => void;
  readonly onRefuted: (consensus: Consensus) => void;
}

export interface JobParts {
  readonly ledger: Ledger;
  readonly trust: Trust;
  readonly roster: Roster;
  readonly island: Island;
  readonly workbench: Workbench;
  readonly migration: Migration;
  readonly exchange: Exchange;
  readonly ballots: Ballots;
  readonly finale: Finale;
  readonly recruitment: Recruitment;
}

/** Puts a node together, from a checkpoint where there is one. */
export function assemble(
  options: JobNodeOptions,
  hooks: JobHooks,
  nowMs: number,
  restored: JobSnapshot | undefined,
): JobParts {
  const { job, self, crypto, random, search, policy, outlet, wallMs } = options;
  const { spec } = job;
  const tickets = new Tickets(job.id, crypto);
  const ledger = restored?.ledger ?? new Ledger(tickets);
  const trust = new Trust();
  const roster = new Roster(self.id, { ledger, tickets }, nowMs);
  const optimizer = restored
    ? search.restore(spec.space, restored.search)
    : search.create(spec.space, Math.floor(random.next() * 0x1_0000_0000));
  const island = new Island(optimizer, nowMs, restored?.evaluations, restored?.evaluationMs);
  const none: readonly Candidate[] = [];
  const workbench = new Workbench({
    toCost: (fitness) => toCost(spec, fitness),
    evaluate: (batch) => outlet.evaluate(batch),
    nextBatch: () => hooks.isSearching() ? island.nextBatch() : none,
  }, options.slots);
  const send: typeof outlet.send = (to, type, data) => outlet.send(to, type, data);
  const shared = {
    ...{
      job,
      self,
      crypto,
      random,
      wallMs,
      policy,
      send,
      ledger,
      trust,
      roster,
      island,
      workbench,
    },
    belongs: (id: PeerId) => policy.belongs(id),
    evaluationMs: () => island.evaluationMs ?? 0,
    ...hooks,
  };
  const migration = new Migration(shared);
  const ownWord = () => ({
    ...hooks.ownState(),
    slots: workbench.slots,
    evaluations: island.evaluations,
    perSecond: island.perSecond,
    generation: island.generation,
    best: migration.best[0]?.fitness ?? null,
  });
  const exchange = new Exchange({ ...shared, ownWord }, restored?.seq);
  const ballots = new Ballots(shared);
  const parts = { ...shared, self: self.id, migration, ballots };
  const finale = new Finale(parts);
  const recruitment = new Recruitment(parts);
  if (restored) {
    for (const found of restored.best) island.found(found);
    for (const [id, score] of restored.trust) trust.set(id, score);
    ballots.rounds = restored.rounds;
  }
  return {
    ...{ ledger, trust, roster, island, workbench, migration, exchange, ballots, finale },
    recruitment,
  };
}
