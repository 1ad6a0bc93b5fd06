/**
 * Credentials: certificates of members that we have only heard of (PROTOCOL.md section 11).
 *
 * A session begins with 64 certificates at most, and gossip tells of everybody. Who is told of without a certificate
 * that we hold is a stranger: nothing of it is believed, but whoever told is asked for the certificate, and then
 * for everything once more.
 */

import type { Clock, Timer } from "../base/clock.ts";
import { CodedError, describeError } from "../base/errors.ts";
import { FieldError, Fields, type JsonObject } from "../base/guards.ts";
import type { Log } from "../base/log.ts";
import { parsePeerId, type PeerId, shortId } from "../base/peer_id.ts";
import { type IncomingRequest, type OutgoingReply, Refusal } from "../channel/responder.ts";
import type { Node } from "../node/node.ts";
import type { Membership } from "../trust/membership.ts";
import { MAX_ENTRIES } from "./network_state.ts";

export interface CredentialsOptions {
  readonly membership: Membership;
  readonly node: Node;
  readonly clock: Clock;
  readonly log: Log;
  /** Keeps the certificates that hold. */
  readonly learn: (certificates: readonly unknown[]) => void;
  /** There is reason to hear again what `from`, or others, tell. */
  readonly onLearnt: (from: PeerId) => void;
}

/** A member's request for certificates of others, by id. */
export const CERTIFICATES = "CERTIFICATES";

/** News of strangers is gathered for this long. */
const GATHER_MS = 100;
const DEADLINE_MS = 10_000;
/** Strangers to be asked about; one more is not noted, and comes again with the next comparison. */
const MAX_STRANGERS = 1_024;
/** About whom nobody knew better is not asked again so soon. */
const REST_MS = 30_000;

/** Of one request: the reply has room for as many admins, who signed them. */
const MAX_IDS = MAX_ENTRIES / 2;

export class Credentials {
  readonly #options: CredentialsOptions;
  /** Who told of each, and not before when it may be asked about. */
  readonly #strangers = new Map<PeerId, { readonly from: PeerId; readonly notBeforeMs: number }>();
  #timer: Timer | undefined;
  #asking: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: CredentialsOptions) {
    this.#options = options;
    options.node.handle(CERTIFICATES, (request, from) => this.#answer(request, from));
  }

  /** Notes that `from` tells of somebody whose certificate we do not have. */
  miss(id: PeerId, from: PeerId): void {
    const known = this.#strangers.get(id);
    const nowMs = this.#options.clock.now();
    if (known && known.notBeforeMs > nowMs) return;
    if (!known && this.#strangers.size >= MAX_STRANGERS && !this.#forgetOne(nowMs)) return;
    this.#strangers.set(id, { from, notBeforeMs: 0 });
    this.#askSoon();
  }

  /** Resolves when nothing is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#asking;
  }

  #askSoon(): void {
    if (this.#timer || this.#asking || this.#isClosed) return;
    this.#timer = this.#options.clock.schedule(GATHER_MS, () => {
      this.#timer = undefined;
      this.#asking = this.#askAll().finally(() => this.#asking = undefined);
    });
  }

  async #askAll(): Promise<void> {
    for (let batch = this.#nextBatch(); batch && !this.#isClosed; batch = this.#nextBatch()) {
      await this.#ask(batch.from, batch.ids);
    }
  }

  /** Those that the first of them was told of by the same member. */
  #nextBatch(): { readonly from: PeerId; readonly ids: readonly PeerId[] } | undefined {
    const restMs = this.#options.clock.now() + REST_MS;
    const ids: PeerId[] = [];
    let from: PeerId | undefined;
    const tellers = this.#forgetMembers();
    tellers.forEach((teller) => this.#options.onLearnt(teller));
    for (const [id, stranger] of this.#strangers) {
      if (stranger.notBeforeMs > 0) continue;
      from ??= stranger.from;
      if (stranger.from !== from || ids.length >= MAX_IDS) continue;
      ids.push(id);
      this.#strangers.set(id, { from, notBeforeMs: restMs });
    }
    return from && { from, ids };
  }

  /** Drops those who are strangers no more, whoever told; returns who told of them, and was not believed. */
  #forgetMembers(): ReadonlySet<PeerId> {
    const tellers = new Set<PeerId>();
    for (const [id, { from }] of this.#strangers) {
      if (!this.#options.membership.isMember(id)) continue;
      this.#strangers.delete(id);
      tellers.add(from);
    }
    return tellers;
  }

  async #ask(from: PeerId, ids: readonly PeerId[]): Promise<void> {
    const { node, learn, onLearnt, log } = this.#options;
    try {
      const reply = await node.request(from, CERTIFICATES, { ids }, { deadlineMs: DEADLINE_MS });
      const certificates = Fields.of(reply.data).list("certificates", { maxItems: MAX_ENTRIES });
      learn(certificates);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      // Others know them too, and are asked when they tell.
      for (const id of ids) this.#strangers.delete(id);
      if (!this.#isClosed) onLearnt(from);
      log("debug", "certificates not learnt", {
        from: shortId(from),
        reason: describeError(error),
      });
    }
  }

  #answer(request: IncomingRequest, from: PeerId): OutgoingReply {
    const { membership } = this.#options;
    if (!membership.isMember(from)) {
      throw new Refusal("not_a_member", "Cannot tell: you show no certificate of this network");
    }
    return { data: { certificates: this.#certificatesOf(readIds(request.data)) } };
  }

  /** Admins first, for without the one that signed it a certificate proves nothing. */
  #certificatesOf(ids: readonly PeerId[]): readonly JsonObject[] {
    const { roster } = this.#options.membership;
    const issuers = new Set<JsonObject>();
    const leaves = new Set<JsonObject>();
    for (const id of ids) {
      const leaf = roster.get(id);
      const chain = leaf && roster.chainOf(leaf);
      if (!chain) continue;
      if (chain[1]) issuers.add(chain[1].signed);
      leaves.add(chain[0].signed);
    }
    return [...issuers, ...leaves].slice(0, MAX_ENTRIES);
  }

  #forgetOne(nowMs: number): boolean {
    for (const [id, { notBeforeMs }] of this.#strangers) {
      if (notBeforeMs === 0 || notBeforeMs > nowMs) continue;
      return this.#strangers.delete(id);
    }
    return false;
  }
}

/** Throws {@link Refusal} when the request is malformed. */
function readIds(data: JsonObject): readonly PeerId[] {
  try {
    const ids = Fields.of(data, "data").list("ids", { maxItems: MAX_IDS });
    return ids.flatMap((id) => typeof id === "string" ? parsePeerId(id) ?? [] : []);
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    throw new Refusal(error.code, error.message, { cause: error });
  }
}
