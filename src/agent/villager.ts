/**
 * The villager: gossip (`gossip/gossip.ts`) over the node's sessions, on the device's clock.
 *
 * Sessions, messages and time go in; what gossip wants, messages, dials and the end of a session, goes to the node and
 * to the dial plan. In a village of up to 32 everybody is dialled anyway; in a larger one {@link Villager.wants} says
 * whom the dial plan may dial.
 */

import { Alarm } from "../base/alarm.ts";
import { ByteReaderError } from "../base/byte_reader.ts";
import type { Bytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { type PeerId, shortId } from "../base/peer_id.ts";
import type { Random } from "../base/random.ts";
import { CRITICAL, NORMAL } from "../channel/scheduler.ts";
import type { VerifySignature } from "../discovery/signature.ts";
import { EventError } from "../gossip/event.ts";
import { Gossip, type GossipEvent, type PartingCause } from "../gossip/gossip.ts";
import { EAGER_MEMBERS, MAX_FULL_MESH } from "../gossip/neighbourhood.ts";
import type { Urgency } from "../gossip/own_capabilities.ts";
import { LAN_PROFILE, type ProbeProfile, WAN_PROFILE } from "../gossip/probe_profile.ts";
import type { OwnQuery, QueryHandle, ReceivedQuery } from "../gossip/events.ts";
import type { HostReading } from "../host/reading.ts";
import type { Address } from "../net/address.ts";
import type { SealedPeer } from "../node/conversation_events.ts";
import type { Identity } from "../node/identity.ts";
import { GOSSIP } from "../node/introduction.ts";
import type { Node } from "../node/node.ts";
import type { DialOutcome } from "../node/node_events.ts";
import { isTrustCode } from "../trust/certificate.ts";
import type { Membership } from "../trust/membership.ts";

export interface VillagerOptions {
  readonly identity: Identity;
  readonly node: Pick<Node, "gossip" | "disconnect" | "isConnected">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly membership: Membership | undefined;
  readonly verify: VerifySignature;
  /** Where we can be reached. */
  readonly addresses: () => readonly Address[];
  /** The latest measurement of this device. */
  readonly reading: () => HostReading;
  /** Dials a member before all others. */
  readonly dial: (id: PeerId, addresses: readonly Address[]) => void;
  readonly onEvent: (event: GossipEvent) => void;
  /** A member tells of one whose certificate we do not have. */
  readonly onStranger: (id: PeerId, from: PeerId) => void;
}

/** The code under which a session ends that is one too many. */
export const SURPLUS = "surplus";
/** With fewer sessions than this, any peer that the dial plan knows is welcome. */
const LONELY = 3;

/** A dial that has time waits for this long, and up to so long a member. */
const PATIENCE_MS = 1_500;
const PATIENCE_A_MEMBER_MS = 60;

/** How patient others must be with a device: on battery and abroad, more. */
export function profileFor({ onMains, networkType }: HostReading): ProbeProfile {
  return onMains === false || networkType === "cellular" ? WAN_PROFILE : LAN_PROFILE;
}

export class Villager {
  readonly gossip: Gossip;
  readonly #options: VillagerOptions;
  readonly #wanted = new Set<PeerId>();
  readonly #listeners = new Set<(event: GossipEvent) => void>();
  readonly #alarm: Alarm;
  #isClosed = false;

  constructor(options: VillagerOptions) {
    this.#options = options;
    const { identity, node, clock, random, membership, verify, addresses } = options;
    this.#alarm = new Alarm(clock, () => this.#enter((nowMs) => this.gossip.tick(nowMs)));
    this.gossip = new Gossip({
      id: identity.id,
      signer: identity.signing,
      verify,
      random,
      addresses,
      profile: () => profileFor(options.reading()),
      belongs: (id) => !membership || membership.isOpen || membership.isMember(id),
      outlet: {
        send: (to, message, isUrgent) => node.gossip(to, message, isUrgent ? CRITICAL : NORMAL),
        dial: (to, where) => this.#dial(to, where),
        hangUp: (id) => node.disconnect(id, SURPLUS),
        onEvent: (event) => this.#onEvent(event),
        onStranger: (id, from) => options.onStranger(id, from),
      },
    }, clock.now());
    this.#arm();
  }

  /** Whether everybody keeps a session with everybody. */
  get isFullMesh(): boolean {
    return this.gossip.members.awake <= MAX_FULL_MESH;
  }

  /**
   * How long a dial for the sake of the mesh may wait: nothing among a dozen. Where many start together, everybody should
   * know of everybody before each is busy with as many handshakes.
   */
  get patienceMs(): number {
    const { awake } = this.gossip.members;
    if (awake <= EAGER_MEMBERS) return 0;
    return PATIENCE_MS + this.#options.random.next() * awake * PATIENCE_A_MEMBER_MS;
  }

  /** Whether the village holds `id` for alive. */
  knows(id: PeerId): boolean {
    return this.gossip.members.stateOf(id) === "alive";
  }

  /**
   * Whether a peer must be told of the others to meet them. A neighbour learns of them from gossip, but a few meet at once;
   * in a large village nobody meets everybody.
   */
  leavesUntold(id: PeerId): boolean {
    const learnsHere = this.gossip.neighbours.has(id) && this.gossip.members.awake > EAGER_MEMBERS;
    return this.isFullMesh && !this.knows(id) && !learnsHere;
  }

  /** Whether the dial plan may dial `id` now: it is wanted, a small village has formed, or we are nearly alone. */
  wants(id: PeerId): boolean {
    if (this.#wanted.has(id)) return true;
    const { size } = this.gossip.neighbours;
    if (this.gossip.isForming(this.#options.clock.now())) return size === 0;
    return this.isFullMesh || size < LONELY;
  }

  /** A session has begun. */
  meet({ id, features, isDialer }: SealedPeer): void {
    this.#wanted.delete(id);
    if (!features.includes(GOSSIP)) return;
    this.#enter((nowMs) => this.gossip.connected(id, nowMs, isDialer));
  }

  /** A session has ended; whether its peer is to be dialled again. */
  part(id: PeerId, code: string): boolean {
    const cause = this.#causeOf(id, code);
    this.#enter((nowMs) => this.gossip.disconnected(id, cause, nowMs));
    // One of us does not belong to the other's network: what became of it there is not for us to say.
    if (isTrustCode(code)) this.forget(id);
    return cause === "lost" && this.#misses(id);
  }

  /** A dial has come to an end. */
  settle(id: PeerId, outcome: DialOutcome): void {
    if (outcome.type !== "failed" || this.#options.node.isConnected(id)) return;
    this.#wanted.delete(id);
    this.#enter((nowMs) => this.gossip.dialFailed(id, nowMs));
  }

  receive(from: PeerId, message: Bytes): void {
    try {
      this.#enter((nowMs) => this.gossip.receive(from, message, nowMs));
    } catch (error) {
      if (!(error instanceof ByteReaderError || error instanceof EventError)) throw error;
      this.#options.log("warn", "gossip refused", { peer: shortId(from), reason: error.message });
      this.#options.node.disconnect(from, "malformed_gossip");
    }
  }

  /** Tells everybody; see {@link Gossip.broadcast}. */
  broadcast(name: string, data: string): void {
    this.#enter((nowMs) => this.gossip.broadcast(name, data, nowMs));
  }

  /** Asks everybody; see {@link Gossip.query}. */
  query(query: OwnQuery): QueryHandle {
    const handle = this.gossip.query(query, this.#options.clock.now());
    this.#arm();
    return handle;
  }

  /** Answers a query that was received; `false` when it is over or was answered. Throws `RangeError`. */
  respond(query: ReceivedQuery, text: string): boolean {
    const isTaken = query.respond(text, this.#options.clock.now());
    this.#arm();
    return isTaken;
  }

  /** Says what we can do; see {@link Gossip.setCapabilities}. */
  setCapabilities(
    record: string,
    options: { readonly whole: string; readonly urgency: Urgency },
  ): void {
    this.#enter(() => this.gossip.setCapabilities(record, options));
  }

  /** Tells `listener` of everything that happens in the village until the returned function is called. */
  watch(listener: (event: GossipEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** There is work with a member: it is dialled, whatever sessions the mesh needs. */
  seek(id: PeerId, addresses: readonly Address[]): void {
    this.#dial(id, addresses);
  }

  /** Says that we will not answer for a while. */
  sleep(): void {
    this.#enter((nowMs) => this.gossip.sleep(nowMs));
  }

  /** Says that we are back. */
  wake(): void {
    this.#enter((nowMs) => this.gossip.wake(nowMs));
  }

  /** What we say of ourselves may have changed: addresses, mains. */
  review(): void {
    this.#enter((nowMs) => this.gossip.review(nowMs));
  }

  /** Hears from a neighbour once more all that it knows and we do not. */
  compare(id: PeerId): void {
    this.#enter((nowMs) => this.gossip.compare(id, nowMs));
  }

  /** A member is none any more. */
  forget(id: PeerId): void {
    this.#enter(() => this.gossip.forget(id));
  }

  /** Says that we leave, and does nothing more. */
  close(): void {
    if (this.#isClosed) return;
    this.#enter((nowMs) => this.gossip.leave(nowMs));
    this.#isClosed = true;
    this.#alarm.cancel();
  }

  /** Whether a session that was lost is to be dialled again. */
  #misses(id: PeerId): boolean {
    return this.isFullMesh || this.#wanted.has(id);
  }

  #causeOf(id: PeerId, code: string): PartingCause {
    const isParting = this.gossip.neighbours.get(id)?.isParting ?? false;
    if (isParting || code === SURPLUS || isTrustCode(code)) return "surplus";
    return code === "goodbye" ? "goodbye" : "lost";
  }

  #dial(id: PeerId, addresses: readonly Address[]): void {
    if (this.#isClosed || this.#options.node.isConnected(id)) return;
    this.#wanted.add(id);
    this.#options.dial(id, addresses);
  }

  #onEvent(event: GossipEvent): void {
    this.#options.onEvent(event);
    for (const listener of this.#listeners) listener(event);
  }

  /** Runs what concerns gossip, and sees to the timer afterwards. */
  #enter(act: (nowMs: number) => void): void {
    if (this.#isClosed) return;
    try {
      act(this.#options.clock.now());
    } finally {
      // What was good of a malformed message may have given us something to do.
      this.#arm();
    }
  }

  #arm(): void {
    if (!this.#isClosed) this.#alarm.set(this.gossip.deadlineMs);
  }
}
