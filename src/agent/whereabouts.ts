/**
 * Where the others are: what came of every way of finding them, whom we tell of it, and who is dialled for it.
 *
 * Known and given peers come with the start, news from sessions (peer exchange) and from the scouts. All of it
 * ends in one dial plan, so that no way of finding others can cause more dials than the plan allows.
 */

import type { Clock } from "../base/clock.ts";
import type { JsonObject } from "../base/guards.ts";
import type { Log } from "../base/log.ts";
import type { PeerId } from "../base/peer_id.ts";
import type { Random } from "../base/random.ts";
import type { VerifySignature } from "../discovery/signature.ts";
import { DialPlan, type DialStats } from "../mesh/dial_plan.ts";
import { type PeerRecord, signRecord } from "../mesh/peer_record.ts";
import type { KnownPeer } from "../mesh/peer_store.ts";
import type { Registry } from "../mesh/registry.ts";
import type { Address } from "../net/address.ts";
import type { Envelope } from "../node/envelope.ts";
import type { Identity } from "../node/identity.ts";
import type { Node } from "../node/node.ts";
import type { DialOutcome } from "../node/node_events.ts";
import type { Membership } from "../trust/membership.ts";
import { Exchange } from "./exchange.ts";
import { Recruiter } from "./recruiter.ts";

export interface WhereaboutsOptions {
  readonly identity: Identity;
  readonly node: Node;
  readonly registry: Registry;
  readonly membership: Membership | undefined;
  /** Whether members tell each other of others. */
  readonly hasExchange: boolean;
  /** What the village has to say about dials. */
  readonly village: {
    /** How long a dial for the sake of the mesh may wait. */
    readonly patienceMs: number;
    /** Whether the village holds a peer for alive. */
    knows(id: PeerId): boolean;
    /** Whether a peer must be told of the others to meet them. */
    leavesUntold(id: PeerId): boolean;
    wants(id: PeerId): boolean;
    settle(id: PeerId, outcome: DialOutcome): void;
  };
  /** Where we can be reached; asked anew each time. */
  readonly addresses: () => readonly Address[];
  readonly verify: VerifySignature;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** After a sleep or a change of network: how long a peer may take for a sign of life before it is dialled. */
const PROBE_MS = 3_000;
/** Refusals remembered; others may make up peers. */
const MAX_REFUSALS = 256;

export class Whereabouts {
  readonly #options: WhereaboutsOptions;
  readonly #plan: DialPlan;
  readonly #exchange: Exchange;
  readonly #recruiter: Recruiter;
  /** Why the last session with somebody was not to be. */
  readonly #refusals = new Map<PeerId, string>();

  constructor(options: WhereaboutsOptions) {
    const { node, clock, log } = options;
    this.#options = options;
    const plan = this.#plan = new DialPlan(options.random);
    const { village } = options;
    this.#exchange = new Exchange({
      ...options,
      plan,
      tellsOfOthers: (id) => village.leavesUntold(id),
      patienceMs: () => village.patienceMs,
    });
    this.#recruiter = new Recruiter({
      plan,
      node,
      clock,
      log,
      wants: (id) => village.wants(id),
      knows: (id) => village.knows(id),
      onSettled: (id, outcome) => village.settle(id, outcome),
    });
  }

  /** Dials the addresses given, and whom we knew before. */
  start(given: readonly Address[], known: readonly Pick<KnownPeer, "id" | "addresses">[]): void {
    const nowMs = this.#options.clock.now();
    for (const address of given) this.#plan.wantAddress(address, nowMs);
    for (const { id, addresses } of known) {
      if (id !== this.#ownId) this.#plan.wantPeer(id, addresses, nowMs, { isMet: true });
    }
    this.#recruiter.dialDue();
  }

  /** Whom we belong with and should have a session with, but have not: members, or in an open village whoever we have met. */
  get missing(): readonly PeerId[] {
    const { membership, registry, node } = this.#options;
    const ids = membership && !membership.isOpen
      ? membership.memberIds()
      : registry.authenticated().flatMap(({ id, connectedAtMs }) =>
        connectedAtMs === null ? [] : id
      );
    const { village } = this.#options;
    return ids.filter((id) => id !== this.#ownId && !node.isConnected(id) && village.wants(id));
  }

  /** Why the last session with a peer ended, if one of the two would not have the other. */
  refusalOf(id: PeerId): string | undefined {
    return this.#refusals.get(id);
  }

  /** The ways to a peer, and when each is dialled next, ms from now. */
  pathsTo(id: PeerId) {
    const nowMs = this.#options.clock.now();
    return this.#plan.pathsTo(id).map(({ address, failures, failedBy, isRefused, dueMs }) => ({
      address,
      failures,
      failedBy,
      isRefused,
      dueInMs: Math.max(0, dueMs - nowMs),
    }));
  }

  /** How many are dialled, and how often. */
  get dials(): DialStats {
    return this.#plan.stats(this.#options.clock.now());
  }

  /** Takes somebody's word that a peer is there: unless it comes by itself in `graceMs`, it is dialled, to see. */
  hear(id: PeerId, addresses: readonly Address[], { graceMs = 0 } = {}): void {
    const { node, membership, clock } = this.#options;
    if (id === this.#ownId || node.isConnected(id)) return;
    const isMember = membership?.isMember(id) ?? false;
    this.#plan.wantPeer(id, addresses, clock.now() + graceMs, { isMember });
    if (graceMs === 0) this.#recruiter.dialDue();
  }

  /** Dials a member before all others: the village wants a session with it now. */
  seek(id: PeerId, addresses: readonly Address[]): void {
    const { clock } = this.#options;
    this.#plan.wantPeer(id, addresses, clock.now(), { isMember: true });
    this.#plan.prefer(id, clock.now());
    this.#recruiter.dialDue();
  }

  /** Takes an address where somebody may be found. */
  tryAddress(address: Address, approach: "ask_then_seal" | "seal"): void {
    if (this.isOccupied(address)) return;
    this.#plan.findAddress(address, this.#options.clock.now(), { approach });
    this.#recruiter.dialDue();
  }

  /** Whether a connected peer or a live old node is known to be there. */
  isOccupied({ host, port }: Address): boolean {
    return this.#options.registry.peers().some((peer) =>
      (peer.trust === "unverified" || peer.isConnected) &&
      peer.addresses.some((address) => address.host === host && address.port === port)
    );
  }

  /** Takes a peer record that came by another way than a session. */
  learnRecord(value: unknown): void {
    this.#exchange.learn(value, this.#options.addresses()[0]?.host ?? "");
    this.#recruiter.dialDue();
  }

  /** Our own record, with at most so many addresses. */
  signRecord(maxAddresses: number): PeerRecord {
    const { identity, clock, addresses } = this.#options;
    const told = addresses().slice(0, maxAddresses);
    return signRecord(identity.id, told, identity.signing, clock.wallMs());
  }

  /** Our own record and the latest of others, as they were signed. */
  records(): readonly JsonObject[] {
    return this.#exchange.records();
  }

  /** A peer is here, and can be found at `addresses`: it is introduced to the others we know. */
  meet(id: PeerId, addresses: readonly Address[]): void {
    this.#plan.wantPeer(id, addresses, this.#options.clock.now(), { isMet: true });
    if (this.#options.hasExchange) this.#exchange.introduce(id);
  }

  /** Takes what a connected peer tells of others; `host` is where it is. Throws `FieldError`. */
  takeIntroduction(from: PeerId, host: string, envelope: Envelope): void {
    if (!this.#options.hasExchange) return;
    this.#exchange.receive(from, host, envelope);
    this.#recruiter.dialDue();
  }

  /** A session has ended without a goodbye: its peer is dialled before all others. */
  lose(id: PeerId): void {
    this.#refusals.delete(id);
    this.#exchange.part(id);
    this.#plan.prefer(id, this.#options.clock.now());
  }

  /** A peer left us, and knows where we are. */
  letGo(id: PeerId): void {
    this.#refusals.delete(id);
    this.#exchange.part(id);
    this.#plan.forgetPeer(id);
  }

  /** A peer does not want us, or we do not want it, for `code`: it is neither dialled nor passed on for a while. */
  shun(id: PeerId, code: string): void {
    this.#refusals.delete(id);
    this.#refusals.set(id, code);
    const [first] = this.#refusals.keys();
    if (this.#refusals.size > MAX_REFUSALS && first !== undefined) this.#refusals.delete(first);
    this.#exchange.part(id);
    this.#plan.shun(id, this.#options.clock.now());
    this.#exchange.forget(id);
  }

  /** Nobody can say what became of our sessions meanwhile: every peer is asked, and every target dialled. */
  recheck(): void {
    this.#options.node.probe(PROBE_MS);
    this.#plan.retryAll(this.#options.clock.now());
    this.#recruiter.dialDue();
  }

  /** Our addresses are others now: peers are told, and everything is rechecked. */
  onNetworkChange(): void {
    this.#exchange.renew();
    this.recheck();
  }

  /** Dials no more; resolves when the dials under way are settled. */
  async close(): Promise<void> {
    this.#exchange.close();
    await this.#recruiter.close();
  }

  get #ownId(): PeerId {
    return this.#options.identity.id;
  }
}
