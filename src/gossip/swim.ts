/**
 * Membership: SWIM with Lifeguard's refinements, over sessions.
 *
 * `prober.ts` says who does not answer, `suspicion.ts` for how long that is only a suspicion, `rumour_queue.ts` spreads
 * the news, `anti_entropy.ts` catches who missed it; here is what a member makes of all that. Whoever hears that it is
 * suspected or dead refutes: it signs itself anew, with a higher incarnation.
 */

import { type ByteReader, ByteReaderError } from "../base/byte_reader.ts";
import type { Bytes } from "../base/bytes.ts";
import type { PeerId } from "../base/peer_id.ts";
import { type Random, shuffled } from "../base/random.ts";
import type { MessageSigner, VerifySignature } from "../discovery/signature.ts";
import { type Address, formatAddress } from "../net/address.ts";
import { AntiEntropy } from "./anti_entropy.ts";
import { Awareness } from "./awareness.ts";
import { ID_BYTES, type IdCodec } from "./id_codec.ts";
import {
  isGenuine,
  MAX_INCARNATION,
  type MemberRecord,
  type RecordReader,
  type RecordStatus,
  signMemberRecord,
} from "./member_record.ts";
import { type MemberState, MemberTable } from "./member_table.ts";
import {
  type Claim,
  encodeAsk,
  encodeNack,
  encodeProbe,
  encodeRumour,
  encodeRumours,
  KINDS,
  MAX_MESSAGE_BYTES,
  readRumours,
  type Rumour,
} from "./message.ts";
import type { Neighbour } from "./neighbour.ts";
import type { ProbeProfile } from "./probe_profile.ts";
import { Prober } from "./prober.ts";
import { RumourQueue, tellingsOf } from "./rumour_queue.ts";

/** What became of a member, as we see it. */
export interface MemberChange {
  readonly id: PeerId;
  readonly incarnation: number;
  /** `joined` and `alive` differ in whether we knew it before; `reaped` is forgotten. */
  readonly change: "joined" | MemberState | "reaped";
}

export interface SwimHost {
  readonly id: PeerId;
  readonly signer: MessageSigner;
  readonly verify: VerifySignature;
  readonly ids: IdCodec;
  readonly readRecord: RecordReader;
  readonly random: Random;
  readonly profile: () => ProbeProfile;
  readonly neighbours: ReadonlyMap<PeerId, Neighbour>;
  addresses(): readonly Address[];
  belongs(id: PeerId): boolean;
  /** A member tells of another that does not belong, as far as we know. */
  onStranger(id: PeerId, from: PeerId): void;
  /** The capability record of a member, as it was signed, if we have one. */
  abilityOf(id: PeerId, nowMs: number): Bytes | undefined;
  /** A member passes on a capability record. Throws when it is malformed. */
  onAbility(record: Bytes, nowMs: number): void;
  send(to: PeerId, message: Bytes, isUrgent: boolean): void;
  dial(record: MemberRecord): void;
  hangUp(id: PeerId): void;
  onChange(change: MemberChange): void;
}

/** memberlist's GossipInterval and GossipNodes. */
const RUMOUR_MS = 200;
const RUMOUR_FANOUT = 3;
/** What a probe carries of rumours. */
const PIGGYBACK_BYTES = 512;
/** The first of a new queue waits this long for company. */
const GATHER_MS = 10;
const REAP_MS = 60_000;

export class Swim {
  readonly table = new MemberTable();
  readonly awareness = new Awareness();
  readonly #host: SwimHost;
  readonly #prober: Prober;
  readonly #antiEntropy: AntiEntropy;
  readonly #rumours = new RumourQueue();
  #own: MemberRecord;
  #rumourDueMs = Infinity;
  #toldMs = -Infinity;
  /** At the latest when one of the suspected counts as dead. */
  #burialDueMs = Infinity;
  #reapDueMs: number;

  constructor(host: SwimHost, nowMs: number) {
    this.#host = host;
    this.#own = this.#sign(0, "alive");
    this.table.accept(this.#own, nowMs);
    const { neighbours, random, profile, ids, id, readRecord } = host;
    const dial = (other: PeerId) => {
      const record = this.table.record(other);
      if (record) host.dial(record);
    };
    this.#prober = new Prober({
      profile,
      table: this.table,
      awareness: this.awareness,
      random,
      neighbours,
      sendPing: (to, seq) => this.#sendProbe("ping", to, seq),
      sendAck: (to, seq) => this.#sendProbe("ack", to, seq),
      sendAsk: (to, seq, about) => host.send(to, encodeAsk(seq, about, ids), true),
      sendNack: (to, seq) => host.send(to, encodeNack(seq), true),
      dial,
      onFailed: (other, atMs) => this.#accuse(other, atMs),
    }, nowMs);
    this.#antiEntropy = new AntiEntropy({
      id,
      table: this.table,
      random,
      neighbours,
      ids,
      readRecord,
      send: (to, message) => host.send(to, message, false),
      dial: (record) => host.dial(record),
      onRecord: (record, from, atMs) => this.#learn(record, from, atMs),
      onDoubt: (other, incarnation, from, atMs) =>
        this.#onClaim({ kind: "suspect", id: other, incarnation, accuser: from }, atMs),
      abilityOf: (other, atMs) => host.abilityOf(other, atMs),
      onAbility: (record, atMs) => host.onAbility(record, atMs),
    }, nowMs);
    this.#reapDueMs = nowMs + REAP_MS;
  }

  /** What we say of ourselves. */
  get own(): MemberRecord {
    return this.#own;
  }

  /** Rumours, probes and errands that wait. */
  get queued(): number {
    return this.#rumours.size + this.#prober.size;
  }

  get deadlineMs(): number {
    return Math.min(
      this.#prober.deadlineMs,
      this.#antiEntropy.deadlineMs,
      this.#rumourDueMs,
      this.#burialDueMs,
      this.#reapDueMs,
    );
  }

  tick(nowMs: number): void {
    this.#prober.tick(nowMs);
    this.#antiEntropy.tick(nowMs);
    if (nowMs >= this.#burialDueMs) this.#buryOverdue(nowMs);
    if (nowMs >= this.#rumourDueMs) this.#tellRumours(nowMs);
    if (nowMs >= this.#reapDueMs) this.#reap(nowMs);
  }

  /** A session with a member is there. */
  connected(id: PeerId, nowMs: number, isDialer: boolean): void {
    this.#prober.heard(id);
    const own = encodeRumour({ kind: "record", record: this.#own }, this.#host.ids);
    this.#host.send(id, encodeRumours([own]), false);
    this.#antiEntropy.connected(id, nowMs, isDialer || this.table.isGone(id));
  }

  /** A session has ended that neither side wanted to end. */
  lost(id: PeerId, nowMs: number): void {
    const state = this.table.stateOf(id);
    if (state === "alive" || state === "suspect") this.#prober.lost(id, nowMs);
  }

  dialFailed(id: PeerId, nowMs: number): void {
    this.#prober.dialFailed(id, nowMs);
  }

  heard(id: PeerId): void {
    this.#prober.heard(id);
  }

  /** Takes the rest of a message of `kind`. Throws {@link ByteReaderError}. */
  receive(from: PeerId, kind: number, reader: ByteReader, nowMs: number): void {
    switch (kind) {
      case KINDS.ping:
      case KINDS.ack: {
        const seq = reader.u32();
        const degree = reader.u16();
        const neighbour = this.#host.neighbours.get(from);
        if (neighbour) neighbour.degree = degree;
        this.#receiveRumours(from, reader, nowMs);
        if (kind === KINDS.ping) return this.#sendProbe("ack", from, seq);
        return this.#prober.acked(seq);
      }
      case KINDS.ask: {
        const seq = reader.u32();
        const about = this.#host.ids.read(reader.view(ID_BYTES));
        reader.end();
        return this.#prober.help(from, seq, about, nowMs);
      }
      case KINDS.nack: {
        const seq = reader.u32();
        reader.end();
        return this.#prober.nacked(seq, nowMs);
      }
      case KINDS.rumours:
        return this.#receiveRumours(from, reader, nowMs);
      case KINDS.digest:
        return this.#antiEntropy.receiveDigest(from, reader);
      case KINDS.summary:
        return this.#antiEntropy.receiveSummary(from, reader, nowMs);
      case KINDS.want:
        return this.#antiEntropy.receiveWant(from, reader, nowMs);
      case KINDS.records:
        return this.#antiEntropy.receiveRecords(from, reader, nowMs);
      case KINDS.abilities:
        return this.#antiEntropy.receiveAbilities(reader, nowMs);
      default:
        throw new ByteReaderError("malformed", `Cannot read gossip: kind ${kind} is not known`);
    }
  }

  /** Says something new of ourselves, to every neighbour at once. */
  declare(status: RecordStatus, nowMs: number): void {
    this.#raise(this.#own.incarnation + 1, status, nowMs);
    const rumour = encodeRumour({ kind: "record", record: this.#own }, this.#host.ids);
    const message = encodeRumours([rumour]);
    for (const id of this.#host.neighbours.keys()) this.#host.send(id, message, true);
  }

  /** Our addresses, or our pace, may be others now: the village is told if they are. */
  review(nowMs: number): void {
    const now = this.#sign(this.#own.incarnation, this.#own.status);
    if (describe(now) !== describe(this.#own)) this.declare(this.#own.status, nowMs);
  }

  /** Compares our table with a neighbour's. */
  compare(id: PeerId): void {
    this.#antiEntropy.compare(id);
  }

  /** Forgets a member that does not belong to us any more. */
  forget(id: PeerId): void {
    if (!this.table.record(id)) return;
    this.#prober.drop(id);
    this.#rumours.drop(id);
    this.table.forget(id);
  }

  /** We could not listen for a while: all waiting begins anew. */
  resume(nowMs: number): void {
    this.#prober.restart(nowMs);
    for (const [, suspicion] of this.table.suspects()) {
      suspicion.restart(nowMs);
      this.#burialDueMs = Math.min(this.#burialDueMs, suspicion.deadlineMs);
    }
  }

  /** Takes records without looking at their signatures: for simulators that begin with a village. */
  preload(records: Iterable<MemberRecord>, nowMs: number): void {
    for (const record of records) {
      if (this.table.isNews(record)) this.table.accept(record, nowMs);
    }
  }

  #receiveRumours(from: PeerId, reader: ByteReader, nowMs: number): void {
    if (reader.left === 0) return;
    readRumours(reader, this.#host, (rumour) => {
      if (rumour.kind === "record") this.#learn(rumour.record, from, nowMs);
      else this.#onClaim(rumour, nowMs);
    });
  }

  #learn(record: MemberRecord, from: PeerId, nowMs: number): void {
    const { id, incarnation } = record;
    if (id === this.#host.id) return this.#onOwnRecord(record, nowMs);
    const known = this.table.record(id);
    if (!this.table.isNews(record)) {
      // It was restarted, and does not know yet what it said in its former life.
      const isOther = from === id && known !== undefined && !isSame(known, record);
      if (isOther) this.#tell(id, { kind: "record", record: known });
      return;
    }
    if (!this.#host.belongs(id)) return this.#host.onStranger(id, from);
    const { verify, ids } = this.#host;
    if (!isGenuine(record, verify, ids)) return;
    const was = this.table.stateOf(id);
    if (!this.table.accept(record, nowMs)) return;
    this.#antiEntropy.changed(nowMs);
    this.#prober.drop(id);
    this.#spread(id, { kind: "record", record }, nowMs);
    const change = was === undefined ? "joined" : record.status;
    if (was !== change) this.#host.onChange({ id, incarnation, change });
  }

  /** What others hold of us from a former life, or nearly: our word must be newer. */
  #onOwnRecord(record: MemberRecord, nowMs: number): void {
    const { incarnation } = record;
    if (incarnation < this.#own.incarnation || isSame(record, this.#own)) return;
    const { verify, ids } = this.#host;
    if (!isGenuine(record, verify, ids)) return;
    this.#raise(incarnation + 1, this.#own.status, nowMs);
  }

  #onClaim(claim: Claim, nowMs: number): void {
    const { id, incarnation } = claim;
    if (id === this.#host.id) {
      // Who has left, or sleeps, has said so itself.
      if (incarnation !== this.#own.incarnation || this.#own.status !== "alive") return;
      this.awareness.adjust(1);
      return this.#raise(incarnation + 1, "alive", nowMs);
    }
    // A neighbour we ask ourselves, before we believe that it is dead.
    const isToVerify = this.#host.neighbours.has(id) &&
      !this.table.suspicion(id)?.isAccusedBy(this.#host.id);
    if (claim.kind === "dead" && !isToVerify) return this.#bury(claim, nowMs);
    this.#suspect({ ...claim, kind: "suspect" }, nowMs);
    const suspicion = this.table.suspicion(id);
    if (claim.kind === "dead" && suspicion) suspicion.isDeclared = true;
  }

  /** We could not reach a member. */
  #accuse(id: PeerId, nowMs: number): void {
    const record = this.table.record(id);
    if (!record) return;
    const { incarnation } = record;
    const accuser = this.#host.id;
    const isDeclared = this.table.suspicion(id)?.isDeclared ?? false;
    if (isDeclared) this.#bury({ kind: "dead", id, incarnation, accuser }, nowMs);
    else this.#suspect({ kind: "suspect", id, incarnation, accuser }, nowMs);
  }

  #suspect(claim: Claim, nowMs: number): void {
    const { id, incarnation, accuser } = claim;
    const was = this.table.stateOf(id);
    if (!this.table.suspect(id, incarnation, accuser, nowMs)) return;
    const { deadlineMs = Infinity } = this.table.suspicion(id) ?? {};
    this.#burialDueMs = Math.min(this.#burialDueMs, deadlineMs);
    this.#spread(id, claim, nowMs);
    if (was === "suspect") return;
    this.#host.onChange({ id, incarnation, change: "suspect" });
    if (accuser !== this.#host.id) this.#prober.verify(id, nowMs);
  }

  #bury(claim: Claim, nowMs: number): void {
    const { id, incarnation } = claim;
    if (!this.table.bury(id, incarnation, nowMs)) return;
    this.#antiEntropy.changed(nowMs);
    this.#prober.drop(id);
    this.#spread(id, claim, nowMs);
    this.#host.onChange({ id, incarnation, change: "dead" });
    if (this.#host.neighbours.has(id)) this.#host.hangUp(id);
  }

  #buryOverdue(nowMs: number): void {
    const overdue: Claim[] = [];
    this.#burialDueMs = Infinity;
    for (const [id, { deadlineMs, incarnation }] of this.table.suspects()) {
      if (deadlineMs > nowMs) this.#burialDueMs = Math.min(this.#burialDueMs, deadlineMs);
      else overdue.push({ kind: "dead", id, incarnation, accuser: this.#host.id });
    }
    for (const claim of overdue) this.#bury(claim, nowMs);
  }

  #reap(nowMs: number): void {
    this.#reapDueMs = nowMs + REAP_MS;
    for (const id of this.table.reap(nowMs)) {
      this.#host.onChange({ id, incarnation: 0, change: "reaped" });
    }
  }

  /** Signs ourselves anew, above whatever was said before. */
  #raise(incarnation: number, status: RecordStatus, nowMs: number): void {
    this.#own = this.#sign(Math.min(incarnation, MAX_INCARNATION), status);
    if (this.table.isNews(this.#own)) this.table.accept(this.#own, nowMs);
    this.#spread(this.#own.id, { kind: "record", record: this.#own }, nowMs);
  }

  #sign(incarnation: number, status: RecordStatus): MemberRecord {
    const { id, signer, ids } = this.#host;
    const { pace } = this.#host.profile();
    const addresses = this.#host.addresses();
    return signMemberRecord({ id, incarnation, status, pace, addresses }, signer, ids);
  }

  #spread(id: PeerId, rumour: Rumour, nowMs: number): void {
    this.#rumours.add(id, encodeRumour(rumour, this.#host.ids));
    if (this.#rumourDueMs !== Infinity) return;
    this.#rumourDueMs = Math.max(nowMs + GATHER_MS, this.#toldMs + RUMOUR_MS);
  }

  #tellRumours(nowMs: number): void {
    const { neighbours, random } = this.#host;
    this.#toldMs = nowMs;
    for (const id of pick([...neighbours.keys()], RUMOUR_FANOUT, random)) {
      const rumours = this.#takeRumours(MAX_MESSAGE_BYTES);
      if (rumours.length > 0) this.#host.send(id, encodeRumours(rumours), false);
    }
    this.#rumourDueMs = this.#rumours.size > 0 ? nowMs + RUMOUR_MS : Infinity;
  }

  #tell(to: PeerId, rumour: Rumour): void {
    this.#host.send(to, encodeRumours([encodeRumour(rumour, this.#host.ids)]), false);
  }

  #sendProbe(kind: "ping" | "ack", to: PeerId, seq: number): void {
    const { neighbours, ids } = this.#host;
    const rumours = [...this.#takeRumours(PIGGYBACK_BYTES)];
    const suspicion = kind === "ping" ? this.table.suspicion(to) : undefined;
    if (suspicion) {
      // Lifeguard's buddy system: whoever probes a suspect tells it, so that it can refute.
      const { incarnation } = suspicion;
      const claim = { kind: "suspect", id: to, incarnation, accuser: this.#host.id } as const;
      rumours.push(encodeRumour(claim, ids));
    }
    this.#host.send(to, encodeProbe(kind, { seq, degree: neighbours.size, rumours }), true);
  }

  #takeRumours(maxBytes: number): readonly Bytes[] {
    if (this.#rumours.size === 0) return [];
    return this.#rumours.take(maxBytes, tellingsOf(this.table.living));
  }
}

function describe({ pace, addresses }: MemberRecord): string {
  return [pace, ...addresses.map(formatAddress)].join();
}

function isSame(a: MemberRecord, b: MemberRecord): boolean {
  if (a.incarnation !== b.incarnation || a.bytes.length !== b.bytes.length) return false;
  return a.bytes.every((byte, at) => byte === b.bytes[at]);
}

function pick<T>(items: T[], count: number, random: Random): readonly T[] {
  return items.length <= count ? items : shuffled(random, items).slice(0, count);
}
