/** What each message of a job is for: read, checked, and given to the part that it concerns. */

import type { JsonObject } from "../../base/guards.ts";
import type { PeerId } from "../../base/peer_id.ts";
import { type Consensus, readConsensus } from "./consensus.ts";
import type { EvolutionMessage, JobNodeOptions, JobPhase } from "./job_outlet.ts";
import type { JobParts } from "./job_parts.ts";
import {
  readCompletion,
  readDecline,
  readOffer,
  readOneRecord,
  readProgress,
  readSolutions,
} from "./messages.ts";
import { type Order, readOrder } from "./order.ts";
import { readProposal } from "./proposal.ts";
import { tally } from "./verdict.ts";
import { readVote } from "./vote.ts";

/** A message and when it came. */
export interface Mail {
  readonly from: PeerId;
  readonly type: EvolutionMessage;
  readonly data: JsonObject;
  readonly nowMs: number;
}

export interface InboxHooks {
  readonly phase: () => JobPhase;
  readonly mayOrder: (id: PeerId) => boolean;
  /** Records of others were news. */
  readonly onRecords: (nowMs: number) => void;
  readonly onIntroduced: (id: PeerId, nowMs: number) => void;
  readonly onOrder: (order: Order, from: PeerId, nowMs: number) => void;
  readonly onAccepted: (consensus: Consensus, from: PeerId) => void;
}

export class JobInbox {
  readonly #options: Pick<JobNodeOptions, "job" | "crypto">;
  readonly #parts: JobParts;
  readonly #hooks: InboxHooks;

  constructor(
    options: Pick<JobNodeOptions, "job" | "crypto">,
    parts: JobParts,
    hooks: InboxHooks,
  ) {
    this.#options = options;
    this.#parts = parts;
    this.#hooks = hooks;
  }

  /** Takes a message. Throws `FieldError` for what is malformed or forged in it. */
  take(mail: Mail): void {
    const { from, type, data, nowMs } = mail;
    const { recruitment, migration } = this.#parts;
    switch (type) {
      case "EVOLUTION_OFFER_HELP":
        if (this.#hooks.phase() !== "searching") return recruitment.refuse(from);
        return recruitment.onOffer(from, readOffer(data), nowMs);
      case "EVOLUTION_DECLINE_HELP":
        return recruitment.onDecline(from, readDecline(data), nowMs);
      case "EVOLUTION_START":
      case "EVOLUTION_METRICS_SHARE":
        return this.#records([readOneRecord(data)], mail);
      case "EVOLUTION_PROGRESS": {
        const progress = readProgress(data);
        this.#records(progress.participants, mail);
        return this.#parts.exchange.compare(progress, from, nowMs);
      }
      case "EVOLUTION_RESULTS_SHARE":
        if (this.#hooks.phase() === "ended") return;
        return migration.receive(from, readSolutions(data), nowMs);
      case "EVOLUTION_REQUEST_HELP":
        // It does not know that we take part.
        return this.#hooks.onIntroduced(from, nowMs);
      case "EVOLUTION_PROPOSAL":
      case "EVOLUTION_VOTE":
      case "EVOLUTION_CONSENSUS":
        return this.#ballot(mail);
      case "EVOLUTION_COMPLETE":
        return this.#complete(mail);
      case "EVOLUTION_ACCEPT_HELP":
      case "EVOLUTION_KNOWLEDGE_SHARE":
        return;
    }
  }

  #records(values: readonly unknown[], { from, nowMs }: Mail): void {
    const { exchange } = this.#parts;
    const news = values.filter((value) => exchange.takeRecord(value, from, nowMs));
    if (news.length > 0) this.#hooks.onRecords(nowMs);
  }

  #ballot({ from, type, data, nowMs }: Mail): void {
    const { job, crypto } = this.#options;
    const { ballots, exchange, ledger } = this.#parts;
    if (type === "EVOLUTION_VOTE") {
      ballots.onVote(readVote(job.id, data["vote"], crypto), from, nowMs);
    } else if (type === "EVOLUTION_CONSENSUS") {
      ballots.onRecord(readConsensus(job, data["consensus"], crypto), from, nowMs);
    } else {
      const proposal = readProposal(job, data["proposal"], crypto);
      if (ledger.result) exchange.tell(from);
      if (proposal.node === from) ballots.onProposal(proposal, nowMs);
    }
  }

  #complete({ from, data, nowMs }: Mail): void {
    const { job, crypto } = this.#options;
    const { mayOrder, onOrder, onAccepted } = this.#hooks;
    const { order, consensus } = readCompletion(data);
    if (order !== null) onOrder(readOrder(job.id, order, crypto, mayOrder), from, nowMs);
    if (consensus === null) return;
    const read = readConsensus(job, consensus, crypto);
    if (tally(read.proposal, read.votes, job.spec.tolerance).verdict === "accepted") {
      onAccepted(read, from);
    }
  }
}
