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
import { type IdCodec, PLAIN_ID_CODEC } from "./id_codec.ts";
import { type MemberRecord, readMemberRecord, type RecordReader } from "./member_record.ts";
import type { MemberTable } from "./member_table.ts";
import { FIRST_EVENT_KIND, KINDS } from "./message.ts";
import type { Neighbour } from "./neighbour.ts";
import { Neighbourhood } from "./neighbourhood.ts";
import { LAN_PROFILE, type ProbeProfile } from "./probe_profile.ts";
import { type MemberChange, Swim } from "./swim.ts";

/** What gossip tells its owner. */
export type GossipEvent = { readonly type: "member"; readonly member: MemberChange };

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

/** So late a tick means that the whole device stood still. */
const STANDSTILL_MS = 5_000;

export class Gossip {
  readonly #options: GossipOptions;
  readonly #neighbours = new Map<PeerId, Neighbour>();
  readonly #swim: Swim;
  readonly #neighbourhood: Neighbourhood;
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
      abilityOf: () => undefined,
      send: (to, message, isUrgent) => outlet.send(to, message, isUrgent),
      dial,
      hangUp,
      onChange: (member) => this.#onChange(member),
    }, nowMs);
    this.#neighbourhood = new Neighbourhood(
      { id, table: this.#swim.table, random, neighbours, dial, hangUp },
      nowMs,
    );
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

  /** What waits to be told or answered. */
  get queued(): number {
    return this.#swim.queued;
  }

  /** When {@link tick} has something to do, monotonic ms. */
  get deadlineMs(): number {
    return Math.min(this.#swim.deadlineMs, this.#neighbourhood.deadlineMs);
  }

  tick(nowMs: number): void {
    if (nowMs - this.#tickedMs > STANDSTILL_MS) this.resume(nowMs);
    this.#tickedMs = nowMs;
    this.#swim.tick(nowMs);
    this.#neighbourhood.tick(nowMs);
  }

  /** A session with a member is there; `isDialer` where we dialled it. */
  connected(id: PeerId, nowMs: number, isDialer: boolean): void {
    this.#neighbours.set(id, { sinceMs: nowMs, heardMs: nowMs, degree: 0, isParting: false });
    this.#neighbourhood.settled(id);
    this.#swim.connected(id, nowMs, isDialer);
  }

  disconnected(id: PeerId, cause: PartingCause, nowMs: number): void {
    const neighbour = this.#neighbours.get(id);
    if (!neighbour) return;
    this.#neighbours.delete(id);
    if (neighbour.isParting) return;
    if (cause !== "surplus") this.#swim.lost(id, nowMs);
  }

  dialFailed(id: PeerId, nowMs: number): void {
    this.#neighbourhood.settled(id);
    this.#swim.dialFailed(id, nowMs);
  }

  /** Takes a message of a neighbour. Throws `ByteReaderError` on a malformed one, which ends its session. */
  receive(from: PeerId, message: Bytes, nowMs: number): void {
    const neighbour = this.#neighbours.get(from);
    if (neighbour) neighbour.heardMs = nowMs;
    this.#swim.heard(from);
    const reader = new ByteReader(message);
    const kind = reader.u8();
    if (kind === KINDS.part) {
      if (neighbour) neighbour.isParting = true;
    } else if (kind < FIRST_EVENT_KIND) this.#swim.receive(from, kind, reader, nowMs);
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

  /** We could not listen for a while: nobody is blamed for it. */
  resume(nowMs: number): void {
    this.#swim.resume(nowMs);
  }

  /** Our addresses, or our pace, may have changed. */
  review(nowMs: number): void {
    this.#swim.review(nowMs);
  }

  /** Compares all that is known with a neighbour. */
  compare(id: PeerId): void {
    this.#swim.compare(id);
  }

  /** A member does not belong to us any more. */
  forget(id: PeerId): void {
    this.#swim.forget(id);
  }

  /** Takes records without looking at their signatures: for simulators that begin with a village. */
  preload(records: Iterable<MemberRecord>, nowMs: number): void {
    this.#swim.preload(records, nowMs);
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
