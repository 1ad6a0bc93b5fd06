/**
 * Recruitment: the steward asks those who are fit for work, again and again as machines come and go, and whoever is
 * asked back lets a newcomer in.
 */

import type { PeerId } from "../../base/peer_id.ts";
import type { JobOutlet, JobPolicy } from "./job_outlet.ts";
import type { Ledger } from "./ledger.ts";
import {
  type Decline,
  type HelpOffer,
  MAX_RECORDS,
  writeDecline,
  writeHelpRequest,
  writeSolutions,
  writeWelcome,
} from "./messages.ts";
import type { Migration } from "./migration.ts";
import { MIGRANTS } from "./island.ts";
import type { Roster } from "./roster.ts";
import { type Job, MAX_PARTICIPANTS } from "./spec.ts";
import { Recruiter } from "./steward.ts";
import type { Trust } from "./trust.ts";

/** How long a place is kept for who was let in. */
const RESERVED_MS = 30_000;
/** When who finds the job full may ask again. */
const FULL_RETRY_MS = 60_000;

export interface RecruitmentOptions {
  readonly job: Job;
  readonly self: PeerId;
  readonly ledger: Ledger;
  readonly roster: Roster;
  readonly trust: Trust;
  readonly policy: JobPolicy;
  readonly migration: Migration;
  readonly send: JobOutlet["send"];
  readonly elapsedMs: (nowMs: number) => number;
}

export class Recruitment {
  readonly #options: RecruitmentOptions;
  readonly #recruiter = new Recruiter();
  readonly #reserved = new Map<PeerId, number>();
  #candidates: readonly PeerId[] = [];

  constructor(options: RecruitmentOptions) {
    this.#options = options;
  }

  set candidates(candidates: readonly PeerId[]) {
    const known = new Set(this.#candidates);
    if (candidates.some((id) => !known.has(id))) this.#recruiter.hurry();
    this.#candidates = candidates;
  }

  /** Asks, if we are the steward and there is room. */
  advance(nowMs: number): void {
    const { job, self, roster, trust, policy, send } = this.#options;
    if (roster.steward !== self) return;
    const participants = new Set(roster.living);
    const fit = this.#candidates.filter((id) =>
      id !== self && !participants.has(id) && policy.belongs(id) && !trust.isLow(id)
    );
    const data = writeHelpRequest({ job, steward: self, participants: roster.living });
    for (const id of this.#recruiter.choose(fit, this.#room(nowMs), nowMs)) {
      send(id, "EVOLUTION_REQUEST_HELP", data);
    }
  }

  onOffer(from: PeerId, _offer: HelpOffer, nowMs: number): void {
    const { ledger, roster, trust, policy, send } = this.#options;
    const decline = (answer: Decline) => send(from, "EVOLUTION_DECLINE_HELP", writeDecline(answer));
    if (!policy.belongs(from) || trust.isLow(from)) {
      decline({ reason: "not_permitted", retryAfterMs: 3_600_000 });
      return;
    }
    const isKnown = roster.living.includes(from) || this.#reserved.has(from);
    if (!isKnown && this.#room(nowMs) <= 0) {
      decline({ reason: "full", retryAfterMs: FULL_RETRY_MS });
      return;
    }
    this.#reserved.set(from, nowMs + RESERVED_MS);
    const living = roster.living.flatMap((id) => ledger.participants.get(id) ?? []);
    send(
      from,
      "EVOLUTION_ACCEPT_HELP",
      writeWelcome({
        elapsedMs: this.#options.elapsedMs(nowMs),
        participants: living.slice(0, MAX_RECORDS),
        order: ledger.order,
      }),
    );
    const { migration } = this.#options;
    const best = migration.best.slice(0, MIGRANTS).map((found) => migration.signedOf(found));
    for (const data of writeSolutions(best)) send(from, "EVOLUTION_RESULTS_SHARE", data);
  }

  /** The search is over. */
  refuse(from: PeerId): void {
    const data = writeDecline({ reason: "ended", retryAfterMs: 86_400_000 });
    this.#options.send(from, "EVOLUTION_DECLINE_HELP", data);
  }

  onDecline(from: PeerId, { retryAfterMs }: Decline, nowMs: number): void {
    this.#recruiter.declined(from, retryAfterMs, nowMs);
  }

  #room(nowMs: number): number {
    const { job, roster } = this.#options;
    const living = new Set(roster.living);
    for (const [id, untilMs] of this.#reserved) {
      if (untilMs <= nowMs || living.has(id)) this.#reserved.delete(id);
    }
    const most = job.spec.maxParticipants ?? MAX_PARTICIPANTS;
    return most - living.size - this.#reserved.size;
  }
}
