/**
 * The ledger: what every participant keeps of a job, so that the job lives as long as any of them. Merging is
 * commutative, associative and idempotent: whatever order news comes in, and however often, all end with the same.
 *
 * - participants: the newest record of each, of at most 1,024: those with the lowest tickets
 * - order: the latest
 * - results: the accepted records that count most, at most {@link MAX_RESULTS}
 * - refuted: records by which a result was struck, at most {@link MAX_REFUTED}: those with the lowest hashes
 */

import type { PeerId } from "../../base/peer_id.ts";
import { compareConsensus, type Consensus, joinConsensus } from "./consensus.ts";
import { laterOrder, type Order } from "./order.ts";
import type { ParticipantRecord } from "./participant_record.ts";
import { MAX_PARTICIPANTS } from "./spec.ts";
import type { Tickets } from "./steward.ts";

export const MAX_RESULTS = 4;
export const MAX_REFUTED = 16;

export class Ledger {
  readonly #tickets: Tickets;
  readonly #participants = new Map<PeerId, ParticipantRecord>();
  #order: Order | undefined;
  #results: readonly Consensus[] = [];
  #refuted: readonly Consensus[] = [];

  constructor(tickets: Tickets) {
    this.#tickets = tickets;
  }

  get participants(): ReadonlyMap<PeerId, ParticipantRecord> {
    return this.#participants;
  }

  get order(): Order | undefined {
    return this.#order;
  }

  /** Whether the latest order stops the job. */
  get isStopped(): boolean {
    return this.#order?.action === "stop";
  }

  /** Accepted records, the one that counts most first. */
  get results(): readonly Consensus[] {
    return this.#results;
  }

  get refuted(): readonly Consensus[] {
    return this.#refuted;
  }

  /** The accepted result, if there is one that no later order made void. */
  get result(): Consensus | undefined {
    return this.#results.find((result) => !this.isVoid(result));
  }

  /** Whether a result that a stop brought about is void because the job was let go on. */
  isVoid({ proposal }: Consensus): boolean {
    if (proposal.cause !== "stopped" || !this.#order) return false;
    return this.#order.action === "resume" && this.#order.seq >= proposal.orderSeq;
  }

  /** Whether a record would change anything, and so is worth the check of its signature. */
  isNews(record: ParticipantRecord): boolean {
    const held = this.#participants.get(record.node);
    if (held) return isNewer(record, held);
    return this.#participants.size < MAX_PARTICIPANTS || this.#displaced(record.node) !== undefined;
  }

  /** Takes a record whose signature was checked; whether it was news. */
  addParticipant(record: ParticipantRecord): boolean {
    if (!this.isNews(record)) return false;
    if (!this.#participants.has(record.node) && this.#participants.size >= MAX_PARTICIPANTS) {
      const displaced = this.#displaced(record.node);
      if (displaced !== undefined) this.#participants.delete(displaced);
    }
    this.#participants.set(record.node, record);
    return true;
  }

  /** Takes an order that was checked; whether it was news. */
  addOrder(order: Order): boolean {
    const later = laterOrder(this.#order, order);
    const isNews = later?.hash !== this.#order?.hash;
    this.#order = later;
    return isNews;
  }

  /** Takes a record that was checked and is accepted; whether it was news. */
  addResult(result: Consensus): boolean {
    const before = this.#results;
    this.#results = merged(before, result).sort(compareConsensus).slice(0, MAX_RESULTS);
    return !isSame(before, this.#results);
  }

  /** Takes a record that was checked and is refuted; whether it was news. */
  addRefuted(record: Consensus): boolean {
    const before = this.#refuted;
    this.#refuted = merged(before, record)
      .sort((a, b) => a.proposal.hash < b.proposal.hash ? -1 : 1).slice(0, MAX_REFUTED);
    return !isSame(before, this.#refuted);
  }

  /** Takes everything that another holds. */
  merge(other: Ledger): void {
    for (const record of other.participants.values()) this.addParticipant(record);
    if (other.order) this.addOrder(other.order);
    for (const result of other.results) this.addResult(result);
    for (const record of other.refuted) this.addRefuted(record);
  }

  /** Who would have to go for `id` to come in, when there is no room. */
  #displaced(id: PeerId): PeerId | undefined {
    let highest = id;
    for (const node of this.#participants.keys()) {
      if (this.#tickets.of(node) > this.#tickets.of(highest)) highest = node;
    }
    return highest === id ? undefined : highest;
  }
}

function isNewer(a: ParticipantRecord, b: ParticipantRecord): boolean {
  if (a.seq !== b.seq) return a.seq > b.seq;
  // Two records with one number are their owner's mistake; all still settle on the same.
  return String(a.signed["signature"]) < String(b.signed["signature"]);
}

function merged(list: readonly Consensus[], record: Consensus): Consensus[] {
  const same = list.find(({ proposal }) => proposal.hash === record.proposal.hash);
  if (!same) return [...list, record];
  return list.map((each) => each === same ? joinConsensus(each, record) : each);
}

function isSame(a: readonly Consensus[], b: readonly Consensus[]): boolean {
  return a.length === b.length && a.every((each, i) => {
    const other = b[i];
    return other?.proposal.hash === each.proposal.hash &&
      other.votes.length === each.votes.length &&
      other.votes.every((vote, j) => vote.hash === each.votes[j]?.hash);
  });
}
