/**
 * The steward: the living participant that asks others for help and proposes the result when a limit ends the
 * search. All derive it alike from a hash of job and node, so that nobody is elected and its death costs nothing;
 * two who hold themselves for it do no harm.
 */

import type { PeerId } from "../../base/peer_id.ts";
import { hashTexts } from "./signed_record.ts";
import { type JobCrypto, type JobId, MAX_PARTICIPANTS } from "./spec.ts";

/** Orders participants by SHA-256(job | node), as ring and stewardship do. */
export class Tickets {
  readonly #job: JobId;
  readonly #crypto: JobCrypto;
  readonly #known = new Map<PeerId, string>();

  constructor(job: JobId, crypto: JobCrypto) {
    this.#job = job;
    this.#crypto = crypto;
  }

  of(id: PeerId): string {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    if (this.#known.size >= 2 * MAX_PARTICIPANTS) this.#known.clear();
    const ticket = hashTexts(this.#crypto, "hamlet steward", this.#job, id);
    this.#known.set(id, ticket);
    return ticket;
  }

  /** A new array in the order of the tickets; the first is the steward. */
  sorted(ids: Iterable<PeerId>): PeerId[] {
    return [...ids].sort((a, b) => this.of(a) < this.of(b) ? -1 : 1);
  }
}

/** How often candidates are asked. */
export const RECRUIT_MS = 15_000;
/** Whom a steward asks at a time. */
const ASKED_AT_ONCE = 32;
/** How long an answer is waited for before the candidate is asked again. */
const ANSWER_MS = 30_000;
const MAX_REMEMBERED = 4_096;

/** Whom the steward asks when. */
export class Recruiter {
  readonly #askAgainMs = new Map<PeerId, number>();
  #nextMs = 0;

  /** Whom to ask now, of `candidates` in their order; at most `room`. */
  choose(candidates: Iterable<PeerId>, room: number, nowMs: number): readonly PeerId[] {
    if (nowMs < this.#nextMs) return [];
    this.#nextMs = nowMs + RECRUIT_MS;
    const chosen: PeerId[] = [];
    for (const id of candidates) {
      if (chosen.length >= Math.min(room, ASKED_AT_ONCE)) break;
      if ((this.#askAgainMs.get(id) ?? -Infinity) <= nowMs) chosen.push(id);
    }
    for (const id of chosen) this.#remember(id, nowMs + ANSWER_MS);
    return chosen;
  }

  /** `id` does not want to, and says when to ask again. */
  declined(id: PeerId, retryAfterMs: number, nowMs: number): void {
    this.#remember(id, nowMs + Math.max(RECRUIT_MS, retryAfterMs));
  }

  /** Candidates are there that were not: ask as soon as {@link choose} is called. */
  hurry(): void {
    this.#nextMs = 0;
  }

  #remember(id: PeerId, untilMs: number): void {
    // The one that was asked longest ago makes room: it is asked again early at worst.
    this.#askAgainMs.delete(id);
    if (this.#askAgainMs.size >= MAX_REMEMBERED) {
      for (const oldest of this.#askAgainMs.keys()) {
        this.#askAgainMs.delete(oldest);
        break;
      }
    }
    this.#askAgainMs.set(id, untilMs);
  }
}
