/**
 * Gossip: what a member does to be one of a village of thousands, sans-IO.
 *
 * It composes the three parts, which share their neighbours, one deadline and one way in and out: membership
 * (`swim.ts`: everybody, and who of them lives), the neighbourhood (`neighbourhood.ts`: with whom we keep a session) and
 * events (`events.ts`: what everybody is told and asked). The agent gives it sessions and time; a simulator runs
 * thousands of it.
 */

import { ByteReader } from "../base/byte_reader.ts";
import type { Bytes } from "../base/bytes.ts";
import type { PeerId } from "../base/peer_id.ts";
import type { Random } from "../base/random.ts";
import type { MessageSigner, VerifySignature } from "../discovery/signature.ts";
import type { Address } from "../net/address.ts";
import { EVENT_CLASSES, EventError, signEvent } from "./event.ts";
import { EVENT_BURST } from "./event_memory.ts";
import {
  type EventCounters,
  Events,
  type OwnQuery,
  type QueryHandle,
  type ReceivedEvent,
  type ReceivedQuery,
} from "./events.ts";
import { type IdCodec, PLAIN_ID_CODEC } from "./id_codec.ts";
import { type MemberRecord, readMemberRecord, type RecordReader } from "./member_record.ts";
import type { MemberTable } from "./member_table.ts";
import { FIRST_EVENT_KIND, KINDS } from "./message.ts";
import type { Neighbour } from "./neighbour.ts";
import { Neighbourhood } from "./neighbourhood.ts";
import { LAN_PROFILE, type ProbeProfile } from "./probe_profile.ts";
import type { Urgency } from "./own_capabilities.ts";
import { Riders } from "./riders.ts";
import { type MemberChange, Swim, type SwimCounters } from "./swim.ts";

/** What gossip tells its owner. */
export type GossipEvent =
  | { readonly type: "member"; readonly member: MemberChange }
  /** Somebody told everybody something. */
  | { readonly type: "event"; readonly event: ReceivedEvent }
  /** Somebody asked members such as we are. */
  | { readonly type: "query"; readonly query: ReceivedQuery }
  /** What a member can do; `undefined`: it has not said so for too long. */
  | { readonly type: "capabilities"; readonly id: PeerId; readonly record: string | undefined };

/** What gossip needs done. */
export interface GossipOutlet {
  /** Sends over the open session with `to`; without one nothing happens. */
  send(to: PeerId, message: Bytes, isUrgent: boolean): void;
  /** Wants a session; answered by {@link Gossip.connected} or {@link Gossip.dialFailed}. */
  dial(to: PeerId, addresses: readonly Address[]): void;
  /** Ends a session that is not needed any more, in an orderly way. */
  hangUp(id: PeerId): void;
  onEvent(event: GossipEvent): void;
  /** `from` tells of somebody who does not belong, as far as {@link GossipOptions.belongs} knows. */
  onStranger?(id: PeerId, from: PeerId): void;
}

export interface GossipOptions {
  readonly id: PeerId;
  readonly signer: MessageSigner;
  readonly verify: VerifySignature;
  readonly random: Random;
  /** Where we can be dialled; asked anew each time. */
  readonly addresses: () => readonly Address[];
  /** Whether what a member says may be believed: it belongs here, and was not revoked. */
  readonly belongs: (id: PeerId) => boolean;
  readonly outlet: GossipOutlet;
  /** Asked anew each time: a cable may be pulled. */
  readonly profile?: () => ProbeProfile;
  /** How ids and records are read; simulators share what was read before. */
  readonly ids?: IdCodec;
  readonly readRecord?: RecordReader;
}

/** Why a session has ended: by itself, because the member goes, or because there were enough. */
export type PartingCause = "lost" | "goodbye" | "surplus";

/** A new neighbour is probed as if it had last been up to this long ago. */
const FIRST_PROBE_MS = 10_000;
/** After the first session, what we said in a former life is known: every neighbour tells it. */
const SETTLE_MS = 2_000;
/** Well below what a member may send at once, so that all of it can be told. */
const MAX_HELD = EVENT_BURST / 2;
/** So late a tick means that the whole device stood still. */
const STANDSTILL_MS = 5_000;

export class Gossip {
  readonly #options: GossipOptions;
  readonly #neighbours = new Map<PeerId, Neighbour>();
  /** Those that have not said a word yet. */
  readonly #silent = new WeakSet<Neighbour>();
  readonly #swim: Swim;
  readonly #neighbourhood: Neighbourhood;
  readonly #events: Events;
  readonly #riders = new Riders();
  #capabilities = "{}";
  /** What was told before we knew what the village remembers of us: see {@link broadcast}. */
  readonly #held: { readonly name: string; readonly data: string }[] = [];
  #settledMs = Infinity;
  #isTellingHeld = false;
  #tickedMs: number;

  constructor(options: GossipOptions, nowMs: number) {
    this.#options = options;
    this.#tickedMs = nowMs;
    const { outlet, id, random } = options;
    const ids = options.ids ?? PLAIN_ID_CODEC;
    const dial = (record: MemberRecord) => outlet.dial(record.id, record.addresses);
    const hangUp = (other: PeerId) => this.#hangUp(other);
    const neighbours = this.#neighbours;
    this.#swim = new Swim({
      id,
      signer: options.signer,
      verify: options.verify,
      ids,
      readRecord: options.readRecord ?? ((reader) => readMemberRecord(reader, ids)),
      random,
      profile: options.profile ?? (() => LAN_PROFILE),
      neighbours,
      addresses: options.addresses,
      belongs: options.belongs,
      onStranger: (other, from) => outlet.onStranger?.(other, from),
      abilityOf: (other, atMs) => this.#events.capabilityRecordOf(other, atMs),
      onAbility: (record, atMs) => this.#events.learnCapabilities(record, atMs),
      send: (to, message, isUrgent) => this.#send(to, message, isUrgent),
      sendLater: (to, message) => this.#riders.add(to, message, this.#tickedMs),
      dial,
      hangUp,
      onChange: (member) => this.#onChange(member),
    }, nowMs);
    this.#neighbourhood = new Neighbourhood(
      { id, table: this.#swim.table, random, neighbours, dial, hangUp },
      nowMs,
    );
    this.#events = new Events({
      id,
      signer: options.signer,
      verify: options.verify,
      ids,
      random,
      belongs: options.belongs,
      memberCount: () => this.members.awake,
      aliveCount: () => this.members.alive,
      boot: () => this.own.incarnation,
      send: (to, message) => this.#send(to, message, false),
      sendLater: (to, message) => this.#riders.add(to, message, this.#tickedMs),
      onEvent: (event) => this.#hear(event),
      onQuery: (query) => outlet.onEvent({ type: "query", query }),
      onCapabilities: (other, record) =>
        outlet.onEvent({ type: "capabilities", id: other, record }),
      capabilities: () => this.#capabilities,
    }, nowMs);
  }

  get members(): MemberTable {
    return this.#swim.table;
  }

  /** Members that we have a session with. */
  get neighbours(): ReadonlyMap<PeerId, Neighbour> {
    return this.#neighbours;
  }

  /** What we say of ourselves. */
  get own(): MemberRecord {
    return this.#swim.own;
  }

  /** Lifeguard's local health multiplier, 0 when all is well. */
  get healthMultiplier(): number {
    return this.#swim.awareness.multiplier;
  }

  /** What became of events that neighbours sent. */
  get eventCounters(): EventCounters {
    return this.#events.counters;
  }

  /** See {@link Neighbourhood.isForming}. */
  isForming(nowMs: number): boolean {
    return this.#neighbourhood.isForming(nowMs);
  }

  /** What failure detection did since the start. */
  get swimCounters(): SwimCounters {
    return this.#swim.counters;
  }

  /** What waits to be told or answered. */
  get queued(): number {
    return this.#swim.queued;
  }

  /** When {@link tick} has something to do, monotonic ms. */
  get deadlineMs(): number {
    return Math.min(
      this.#swim.deadlineMs,
      this.#neighbourhood.deadlineMs,
      this.#events.deadlineMs,
      this.#riders.dueMs,
      this.#held.length > 0 ? this.#settledMs : Infinity,
    );
  }

  tick(nowMs: number): void {
    if (nowMs - this.#tickedMs > STANDSTILL_MS) this.resume(nowMs);
    this.#tickedMs = nowMs;
    this.#swim.tick(nowMs);
    this.#neighbourhood.tick(nowMs);
    this.#events.tick(nowMs);
    if (nowMs >= this.#settledMs) this.#tellHeld(nowMs);
    if (nowMs >= this.#riders.dueMs) {
      for (const [to, message] of this.#riders.takeDue(nowMs)) {
        this.#options.outlet.send(to, message, false);
      }
    }
  }

  /** A session with a member is there; `isDialer` where we dialled it. */
  connected(id: PeerId, nowMs: number, isDialer: boolean): void {
    if (this.#settledMs === Infinity) this.#settledMs = nowMs + SETTLE_MS;
    const neighbour: Neighbour = {
      sinceMs: nowMs,
      heardMs: nowMs,
      // Those who come at one moment are not probed in the order in which they came.
      probedMs: nowMs - this.#options.random.next() * FIRST_PROBE_MS,
      degree: 0,
      isParting: false,
      forgedMs: -Infinity,
    };
    this.#neighbours.set(id, neighbour);
    this.#silent.add(neighbour);
    this.#neighbourhood.settled(id);
    this.#swim.connected(id, nowMs, isDialer);
    this.#events.addNeighbour(id, nowMs);
  }

  disconnected(id: PeerId, cause: PartingCause, nowMs: number): void {
    const neighbour = this.#neighbours.get(id);
    if (!neighbour) return;
    this.#neighbours.delete(id);
    this.#events.removeNeighbour(id, nowMs);
    this.#riders.drop(id);
    if (neighbour.isParting) return;
    if (cause !== "surplus") this.#swim.lost(id, nowMs);
  }

  dialFailed(id: PeerId, nowMs: number): void {
    this.#neighbourhood.settled(id);
    this.#swim.dialFailed(id, nowMs);
  }

  /**
   * Takes a message of a neighbour; who is none is not heard. Throws `ByteReaderError` or `EventError` on a malformed
   * one, which ends its session.
   */
  receive(from: PeerId, message: Bytes, nowMs: number): void {
    const neighbour = this.#neighbours.get(from);
    if (!neighbour) return;
    if (this.#silent.delete(neighbour)) this.#neighbourhood.answered(nowMs - neighbour.sinceMs);
    neighbour.heardMs = nowMs;
    this.#swim.heard(from);
    const reader = new ByteReader(message);
    const kind = reader.u8();
    if (kind === KINDS.part) {
      reader.end();
      neighbour.isParting = true;
    } else if (kind >= FIRST_EVENT_KIND) this.#events.receive(from, message, nowMs);
    else this.#swim.receive(from, kind, reader, nowMs);
  }

  /** Tells the village that we leave for good, or until we come back. */
  leave(nowMs: number): void {
    this.#swim.declare("left", nowMs);
  }

  /** Tells the village that we will not answer for a while, and are not to be missed. */
  sleep(nowMs: number): void {
    this.#swim.declare("asleep", nowMs);
  }

  /** Tells the village that we are back. */
  wake(nowMs: number): void {
    if (this.own.status !== "alive") this.#swim.declare("alive", nowMs);
    this.resume(nowMs);
  }

  /**
   * Tells every member, ourselves included, at most 4,096 bytes. Throws `EventError` `too_fast`, `TypeError` or
   * `RangeError`.
   */
  broadcast(name: string, data: string, nowMs: number): void {
    if (nowMs >= this.#settledMs) {
      this.#tellHeld(nowMs);
      return this.#events.broadcast(name, data, nowMs);
    }
    // Events are numbered by the incarnation. One that was told before we know that of a former life would be taken
    // for an old one by whoever remembers that.
    const { id, signer, ids = PLAIN_ID_CODEC } = this.#options;
    signEvent(id, { seq: 1, class: EVENT_CLASSES.named, name, data }, signer, ids);
    if (this.#held.length >= MAX_HELD) {
      throw new EventError("too_fast", "Cannot broadcast: too many events before anybody is here");
    }
    this.#held.push({ name, data });
    this.#options.outlet.onEvent({ type: "event", event: { origin: id, name, data } });
  }

  /** Asks every member that matches; see {@link Events.query}. */
  query(query: OwnQuery, nowMs: number): QueryHandle {
    return this.#events.query(query, nowMs);
  }

  /**
   * Says what we can do, as a JSON object of at most 1,024 bytes: the village hears of it soon. Filters of queries are
   * matched with `whole`, which may say more.
   */
  setCapabilities(
    record: string,
    { whole = record, urgency = "now" }: {
      readonly whole?: string;
      readonly urgency?: Urgency;
    } = {},
  ): void {
    this.#capabilities = whole;
    this.#events.setCapabilities(record, urgency);
  }

  /** What a member said last of what it can do. */
  capabilitiesOf(id: PeerId): string | undefined {
    return this.#events.capabilitiesOf(id);
  }

  /** We could not listen for a while: nobody is blamed for it. */
  resume(nowMs: number): void {
    this.#swim.resume(nowMs);
  }

  /** Our addresses, or our pace, may have changed. */
  review(nowMs: number): void {
    this.#swim.review(nowMs);
  }

  /** Compares all that is known with a neighbour. */
  compare(id: PeerId, nowMs: number): void {
    this.#swim.compare(id, nowMs);
  }

  /** A member does not belong to us any more. */
  forget(id: PeerId): void {
    this.#swim.forget(id);
  }

  /** Takes records without looking at their signatures: for simulators that begin with a village. */
  preload(records: Iterable<MemberRecord>, nowMs: number): void {
    this.#swim.preload(records, nowMs);
  }

  /** Those of ours that were held were heard here when they were told. */
  #hear(event: ReceivedEvent): void {
    if (event.origin === this.#options.id && this.#isTellingHeld) return;
    this.#options.outlet.onEvent({ type: "event", event });
  }

  #tellHeld(nowMs: number): void {
    this.#isTellingHeld = true;
    try {
      for (const { name, data } of this.#held.splice(0)) {
        this.#events.broadcast(name, data, nowMs);
      }
    } finally {
      this.#isTellingHeld = false;
    }
  }

  /** What waited for something to go this way goes along: in a session that costs no packet of its own. */
  #send(to: PeerId, message: Bytes, isUrgent: boolean): void {
    const { outlet } = this.#options;
    outlet.send(to, message, isUrgent);
    for (const rider of this.#riders.take(to)) outlet.send(to, rider, false);
  }

  /** A session that simply ended would be taken for a lost one. */
  #hangUp(id: PeerId): void {
    const neighbour = this.#neighbours.get(id);
    if (!neighbour) return;
    neighbour.isParting = true;
    const { outlet } = this.#options;
    outlet.send(id, Uint8Array.of(KINDS.part), true);
    outlet.hangUp(id);
  }

  #onChange(member: MemberChange): void {
    if (member.change === "joined") this.#neighbourhood.hurry(this.#tickedMs);
    this.#options.outlet.onEvent({ type: "member", member });
  }
}
