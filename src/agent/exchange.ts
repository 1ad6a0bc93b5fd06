/**
 * Peer exchange: at the start of a session each side introduces itself and whom it knows, and newcomers
 * dial the rest. Every record is signed by the node that it is about, so a member can withhold records but
 * not invent them.
 */

import { type Clock, scheduleEvery, type Timer } from "../base/clock.ts";
import { FieldError, Fields, type JsonObject } from "../base/guards.ts";
import type { PeerId } from "../base/peer_id.ts";
import type { VerifySignature } from "../discovery/signature.ts";
import type { DialPlan } from "../mesh/dial_plan.ts";
import {
  MAX_RECORDS_SENT,
  type PeerRecord,
  reachableFrom,
  readRecord,
  RECORD_LIFETIME_MS,
  signRecord,
} from "../mesh/peer_record.ts";
import { RecordBook } from "../mesh/record_book.ts";
import type { Address } from "../net/address.ts";
import type { Envelope } from "../node/envelope.ts";
import type { Identity } from "../node/identity.ts";
import type { Node } from "../node/node.ts";

export interface ExchangeOptions {
  readonly identity: Identity;
  readonly node: Node;
  readonly plan: DialPlan;
  readonly clock: Clock;
  readonly verify: VerifySignature;
  readonly addresses: () => readonly Address[];
  /** How long news of a peer may wait before it is dialled. */
  readonly patienceMs: () => number;
  /** Whether a peer is told of others: one that is known in the village, or in a large one, learns of them there. */
  readonly tellsOfOthers: (to: PeerId) => boolean;
}

/** Our record is renewed long before it expires, so that a peer always holds a good one. */
const RENEW_MS = RECORD_LIFETIME_MS / 3;

export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #book = new RecordBook();
  /** How far the book was when each peer was introduced that has not introduced itself yet. */
  readonly #marks = new Map<PeerId, number>();
  readonly #timer: Timer;
  #own: PeerRecord;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#own = this.#signOwn();
    this.#timer = scheduleEvery(options.clock, RENEW_MS, () => this.renew());
  }

  /** Introduces ourselves and whom we know to a peer that has just connected. */
  introduce(to: PeerId): void {
    this.#marks.set(to, this.#book.mark);
    this.#options.node.send(to, "PEER_INTRODUCTION", {
      record: this.#own.signed,
      peers: this.#options.tellsOfOthers(to) ? this.#recordsFor(to) : [],
    });
  }

  /**
   * Takes an introduction or announcement that `from` sent from `host`. Throws `FieldError` when it is
   * malformed as a whole; single bad records are passed over.
   */
  receive(from: PeerId, host: string, envelope: Envelope): void {
    const fields = Fields.of(envelope.data, "data");
    const records = fields.list("peers", { maxItems: MAX_RECORDS_SENT, absent: [] });
    const own = fields.raw("record");
    if (own !== undefined && !this.#learn(own, host, from)) {
      throw new FieldError(
        "invalid_field",
        "data.record",
        "it is not the sender's own valid record",
      );
    }
    for (const record of records) this.#learn(record, host, undefined);
    if (own !== undefined) this.#tellMeanwhile(from);
  }

  /**
   * Tells a peer that has introduced itself of those who did so since we introduced it: of two newcomers at one
   * moment neither was known yet when the other was told.
   */
  #tellMeanwhile(to: PeerId): void {
    const mark = this.#marks.get(to);
    this.#marks.delete(to);
    const peers = mark === undefined ? [] : this.#recordsFor(to, mark);
    if (peers.length > 0) this.#options.node.send(to, "PEER_INTRODUCTION", { peers });
  }

  #recordsFor(to: PeerId, after = 0): readonly JsonObject[] {
    const wallMs = this.#options.clock.wallMs();
    const records = this.#book.list({ wallMs, except: to, limit: MAX_RECORDS_SENT, after });
    return records.map(({ signed }) => signed);
  }

  /** Takes a record that came to `host`, by another way than a session. */
  learn(value: unknown, host: string): void {
    this.#learn(value, host, undefined);
  }

  /** Signs our record anew and tells everybody. */
  renew(): void {
    this.#own = this.#signOwn();
    this.#options.node.broadcast("PEER_ANNOUNCEMENT", { record: this.#own.signed });
  }

  /** Our own record and the latest of others, as they were signed. */
  records(): readonly JsonObject[] {
    return [this.#own.signed, ...this.#recordsFor(this.#options.identity.id)];
  }

  /** The session with `id` is over. */
  part(id: PeerId): void {
    this.#marks.delete(id);
  }

  /** Tells nobody of `id` any more. */
  forget(id: PeerId): void {
    this.#book.forget(id);
  }

  close(): void {
    this.#timer.cancel();
  }

  /** Keeps a record, and the wish to dial its owner. `false` when it is not valid. */
  #learn(value: unknown, host: string, owner: PeerId | undefined): boolean {
    const { verify, clock, plan, identity } = this.#options;
    if (owner === undefined && this.#book.holds(value)) return true;
    const record = readRecord(value, verify, clock.wallMs());
    if (!record || (owner !== undefined && record.id !== owner)) return false;
    if (record.id === identity.id || !this.#book.keep(record)) return true;
    const dueMs = clock.now() + this.#options.patienceMs();
    plan.wantPeer(record.id, reachableFrom(host, record.addresses), dueMs);
    return true;
  }

  #signOwn(): PeerRecord {
    const { identity, addresses, clock } = this.#options;
    return signRecord(identity.id, addresses(), identity.signing, clock.wallMs());
  }
}
