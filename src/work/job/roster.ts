/**
 * The roster: who of a job's participants lives, and what of their records others may not know yet.
 *
 * A participant lives while its records keep coming and the village does not hold it for dead. Records are passed on
 * in the manner of rumours: each a few times, the least told first (Demers et al., 1987). A record a period and
 * participant would grow with the square of their number, so above {@link FEW} the period grows with it.
 */

import type { PeerId } from "../../base/peer_id.ts";
import type { Ledger } from "./ledger.ts";
import { MAX_RECORDS } from "./messages.ts";
import type { ParticipantRecord } from "./participant_record.ts";
import type { Tickets } from "./steward.ts";

/** Participants up to which everybody is told of every one's progress every {@link PROGRESS_MS}. */
const FEW = 32;
export const PROGRESS_MS = 2_000;
/** The same of who is paused, or has ended. */
export const IDLE_PROGRESS_MS = 10_000;
/** A participant that was not heard of for so long is gone. */
export const SILENCE_MS = 15_000;
const IDLE_SILENCE_MS = 60_000;

/** So long after we came in we may not have heard of everybody yet. */
export const SETTLE_MS = 10_000;

/** By how much periods are longer among `count` participants. */
export function stretch(count: number): number {
  return Math.max(1, count / FEW);
}

export interface RosterOptions {
  readonly ledger: Ledger;
  readonly tickets: Tickets;
}

export class Roster {
  readonly #self: PeerId;
  readonly #ledger: Ledger;
  readonly #tickets: Tickets;
  readonly #heardMs = new Map<PeerId, number>();
  /** How often each record was told, until it was told often enough. */
  readonly #untold = new Map<PeerId, number>();
  #alive: ReadonlySet<PeerId> | undefined;
  #living: readonly PeerId[];
  #sinceMs: number;

  constructor(self: PeerId, { ledger, tickets }: RosterOptions, nowMs: number) {
    this.#self = self;
    this.#ledger = ledger;
    this.#tickets = tickets;
    this.#living = [self];
    this.#sinceMs = nowMs;
  }

  /** We have come in only now. */
  begin(nowMs: number): void {
    this.#sinceMs = nowMs;
  }

  /** Whether we have had the time to hear of all who take part; at once where nobody else is in the village. */
  isSettled(nowMs: number): boolean {
    return nowMs - this.#sinceMs >= SETTLE_MS ||
      (this.#alive !== undefined && this.#alive.size <= 1);
  }

  /** Whether there are so few that all can be told of everybody at once. */
  get isSmall(): boolean {
    return this.#living.length <= FEW;
  }

  /** Living participants, ourselves among them unless we left, by ticket: the first is the steward. */
  get living(): readonly PeerId[] {
    return this.#living;
  }

  get others(): readonly PeerId[] {
    return this.#living.filter((id) => id !== this.#self);
  }

  get steward(): PeerId | undefined {
    return this.#living[0];
  }

  /** Those who live and work: what may be asked of them is more. */
  get running(): readonly PeerId[] {
    return this.#living.filter((id) => this.#ledger.participants.get(id)?.state === "running");
  }

  /** Participants that may be reached, though they were not heard of lately. */
  get missing(): readonly PeerId[] {
    const living = new Set(this.#living);
    return [...this.#ledger.participants.values()]
      .filter(({ node, state }) =>
        node !== this.#self && state !== "left" && !living.has(node) && this.#mayLive(node)
      )
      .map(({ node }) => node);
  }

  get periodMs(): number {
    const own = this.#ledger.participants.get(this.#self)?.state;
    return (own === "running" ? PROGRESS_MS : IDLE_PROGRESS_MS) * stretch(this.#living.length);
  }

  set alive(alive: ReadonlySet<PeerId>) {
    this.#alive = alive;
  }

  /** A record was news. */
  heard(record: ParticipantRecord, nowMs: number): void {
    this.#heardMs.set(record.node, nowMs);
    this.#untold.delete(record.node);
    this.#untold.set(record.node, 0);
  }

  /** Looks again who lives; those who did not before are returned. */
  refresh(nowMs: number): readonly PeerId[] {
    const before = new Set(this.#living);
    const living: PeerId[] = [];
    for (const record of this.#ledger.participants.values()) {
      if (this.#lives(record, nowMs)) living.push(record.node);
    }
    if (living.length === before.size && living.every((id) => before.has(id))) return [];
    this.#living = this.#tickets.sorted(living);
    for (const id of this.#heardMs.keys()) {
      if (!this.#ledger.participants.has(id)) this.#heardMs.delete(id);
    }
    return this.#living.filter((id) => id !== this.#self && !before.has(id));
  }

  /** The records to tell next, least told first; each is given out so often that all should have it. */
  news(): readonly ParticipantRecord[] {
    const times = Math.ceil(Math.log2(this.#living.length + 1)) + 2;
    const chosen = [...this.#untold].sort(([, a], [, b]) => a - b).slice(0, MAX_RECORDS);
    const records: ParticipantRecord[] = [];
    for (const [id, told] of chosen) {
      const record = this.#ledger.participants.get(id);
      if (record) records.push(record);
      if (!record || told + 1 >= times) this.#untold.delete(id);
      else this.#untold.set(id, told + 1);
    }
    return records;
  }

  #lives({ node, state }: ParticipantRecord, nowMs: number): boolean {
    if (state === "left") return false;
    if (node === this.#self) return true;
    const silenceMs = state === "running" ? SILENCE_MS : IDLE_SILENCE_MS;
    const sinceMs = nowMs - (this.#heardMs.get(node) ?? -Infinity);
    return this.#mayLive(node) && sinceMs <= silenceMs * stretch(this.#living.length);
  }

  #mayLive(id: PeerId): boolean {
    return this.#alive?.has(id) ?? true;
  }
}
