/**
 * Membership: SWIM with Lifeguard's refinements, over sessions.
 *
 * `prober.ts` says who does not answer, `doubts.ts` what we believe of it, `dissemination.ts` spreads the news,
 * `anti_entropy.ts` catches who missed it, `own_record.ts` is our own word, with which we refute that we are gone. Here
 * they meet: messages come in, and records are believed or not.
 */

import { type ByteReader, ByteReaderError } from "../base/byte_reader.ts";
import type { Bytes } from "../base/bytes.ts";
import { Histogram, type HistogramReading, LATENCY_BOUNDS_S } from "../base/histogram.ts";
import type { PeerId } from "../base/peer_id.ts";
import type { Random } from "../base/random.ts";
import type { MessageSigner, VerifySignature } from "../discovery/signature.ts";
import type { Address } from "../net/address.ts";
import { AntiEntropy } from "./anti_entropy.ts";
import { Awareness } from "./awareness.ts";
import { Dissemination } from "./dissemination.ts";
import { Doubts } from "./doubts.ts";
import { ID_BYTES, type IdCodec } from "./id_codec.ts";
import {
  isGenuine,
  type MemberRecord,
  type RecordReader,
  type RecordStatus,
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
  readRumours,
} from "./message.ts";
import type { Neighbour } from "./neighbour.ts";
import { MAX_FULL_MESH } from "./neighbourhood.ts";
import { OwnRecord } from "./own_record.ts";
import type { ProbeProfile } from "./probe_profile.ts";
import { Prober } from "./prober.ts";

/** What became of a member, as we see it. */
export interface MemberChange {
  readonly id: PeerId;
  readonly incarnation: number;
  /** `joined` and `alive` differ in whether we knew it before; `reaped` is forgotten. */
  readonly change: "joined" | MemberState | "reaped";
}

/** What failure detection did since the start. */
export interface SwimCounters {
  /** Members that we asked for a sign of life, or looked for, and those that gave none. */
  readonly probes: number;
  readonly probesFailed: number;
  /** Members that became suspect, and dead, as we see it; by our own probes or on others' word. */
  readonly suspicions: number;
  readonly deaths: number;
  /** What we took back that was said of us. */
  readonly refutations: number;
  /** From a ping to its answer, of neighbours. */
  readonly roundTripSeconds: HistogramReading;
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
  /** Sends what can wait until something else goes the same way. */
  sendLater(to: PeerId, message: Bytes): void;
  dial(record: MemberRecord): void;
  hangUp(id: PeerId): void;
  onChange(change: MemberChange): void;
}

/** How long news of a neighbour that passed on a forged record are not checked: signatures are what costs. */
const DEAF_MS = 1_000;

/** The local health multiplier to begin with: who has just started, perhaps with many others, accuses slowly. */
const HUMILITY = 3;
const NEWCOMER_MS = 10_000;

export class Swim {
  readonly table = new MemberTable();
  readonly awareness = new Awareness();
  readonly #host: SwimHost;
  readonly #prober: Prober;
  readonly #antiEntropy: AntiEntropy;
  readonly #rumours: Dissemination;
  readonly #own: OwnRecord;
  readonly #doubts: Doubts;
  readonly #judged = { suspicions: 0, deaths: 0, refutations: 0 };
  readonly #roundTripSeconds = new Histogram(LATENCY_BOUNDS_S);

  constructor(host: SwimHost, nowMs: number) {
    this.#host = host;
    this.#own = new OwnRecord(host);
    this.awareness.adjust(HUMILITY);
    this.table.accept(this.own, nowMs);
    const { neighbours, random, profile, ids, id, readRecord } = host;
    this.#rumours = new Dissemination({
      ids,
      random,
      neighbours,
      members: () => this.table.living,
      send: (to, message) => host.send(to, message, false),
    });
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
      onFailed: (other, atMs) => this.#doubts.accuse(other, atMs),
    }, nowMs);
    this.#antiEntropy = new AntiEntropy({
      id,
      table: this.table,
      random,
      neighbours,
      ids,
      readRecord,
      send: (to, message) => host.send(to, message, false),
      sendLater: (to, message) => host.sendLater(to, message),
      dial: (record) => host.dial(record),
      // What a newcomer learns by comparison is old news to the others.
      onRecord: (record, from, atMs) => this.#learn(record, from, atMs, atMs - nowMs < NEWCOMER_MS),
      onGoneElsewhere: (other, incarnation, from, atMs) =>
        this.#onGoneElsewhere(other, incarnation, from, atMs),
      abilityOf: (other, atMs) => host.abilityOf(other, atMs),
      onAbility: (record, atMs) => host.onAbility(record, atMs),
    }, nowMs);
    this.#doubts = new Doubts({
      id,
      table: this.table,
      neighbours,
      verify: (other, atMs) => this.#prober.verify(other, atMs),
      onNews: (claim, isFirst, atMs) => this.#onNews(claim, isFirst, atMs),
    }, nowMs);
  }

  /** What we say of ourselves. */
  get own(): MemberRecord {
    return this.#own.record;
  }

  /** As they stand now. */
  get counters(): SwimCounters {
    const { begun, failed } = this.#prober.counters;
    return {
      ...this.#judged,
      probes: begun,
      probesFailed: failed,
      roundTripSeconds: this.#roundTripSeconds.reading,
    };
  }

  /** Rumours, probes and errands that wait. */
  get queued(): number {
    return this.#rumours.size + this.#prober.size;
  }

  get deadlineMs(): number {
    return Math.min(
      this.#prober.deadlineMs,
      this.#antiEntropy.deadlineMs,
      this.#rumours.deadlineMs,
      this.#own.deadlineMs,
      this.#doubts.deadlineMs,
    );
  }

  tick(nowMs: number): void {
    this.#prober.tick(nowMs);
    this.#antiEntropy.tick(nowMs);
    for (const id of this.#doubts.tick(nowMs)) {
      this.#host.onChange({ id, incarnation: 0, change: "reaped" });
    }
    if (nowMs >= this.#own.deadlineMs) this.#refute(nowMs);
    this.#rumours.tick(nowMs);
  }

  /** A session with a member is there. */
  connected(id: PeerId, nowMs: number, isDialer: boolean): void {
    this.#prober.heard(id);
    this.#tell(id, this.own, false);
    this.#rumours.met(nowMs);
    this.#antiEntropy.connected(id, nowMs, isDialer || this.table.isGone(id));
  }

  /** A session has ended that neither side wanted to end. */
  lost(id: PeerId, nowMs: number): void {
    const state = this.table.stateOf(id);
    if (state === "alive" || state === "suspect") this.#prober.lost(id, nowMs);
  }

  dialFailed(id: PeerId, nowMs: number): void {
    this.#prober.dialFailed(id, nowMs);
    // Whoever has no session with anybody is missed by nobody, but for those that want to compare tables with it.
    const isAmiss = this.#antiEntropy.dialFailed(id, nowMs);
    if (isAmiss && this.table.stateOf(id) === "alive") this.#prober.doubt(id, nowMs);
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
        if (neighbour) {
          neighbour.degree = degree;
          neighbour.probedMs = nowMs;
        }
        this.#receiveRumours(from, reader, nowMs);
        if (kind === KINDS.ping) return this.#sendProbe("ack", from, seq);
        return this.#onAck(from, seq, nowMs);
      }
      case KINDS.ask: {
        const seq = reader.u32();
        const about = this.#host.ids.read(reader.view(ID_BYTES));
        reader.end();
        if (about === this.#host.id) return this.#sendProbe("ack", from, seq);
        return this.#prober.help(from, seq, about, nowMs);
      }
      case KINDS.nack: {
        const seq = reader.u32();
        reader.end();
        return this.#prober.nacked(from, seq, nowMs);
      }
      case KINDS.rumours:
        return this.#receiveRumours(from, reader, nowMs);
      case KINDS.digest:
        return this.#antiEntropy.receiveDigest(from, reader, nowMs);
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
    this.#raise(0, status, nowMs);
    for (const id of this.#host.neighbours.keys()) this.#tell(id, this.own, true);
  }

  /** Our addresses, or our pace, may be others now: the village is told if they are. */
  review(nowMs: number): void {
    if (this.#own.isOutdated) this.declare(this.own.status, nowMs);
  }

  /** Compares our table with a neighbour's, and with others' until one believes the same. */
  compare(id: PeerId, nowMs: number): void {
    this.#antiEntropy.compare(id, nowMs);
    this.#antiEntropy.beRestless(nowMs);
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
    this.#doubts.restart(nowMs);
  }

  /** Takes records without looking at their signatures: for simulators that begin with a village. */
  preload(records: Iterable<MemberRecord>, nowMs: number): void {
    for (const record of records) {
      if (this.table.isNews(record)) this.table.accept(record, nowMs);
    }
  }

  #onAck(from: PeerId, seq: number, nowMs: number): void {
    const roundTripMs = this.#prober.roundTripMs(from, seq, nowMs);
    if (roundTripMs !== undefined) this.#roundTripSeconds.observe(roundTripMs / 1000);
    this.#prober.acked(from, seq);
  }

  #receiveRumours(from: PeerId, reader: ByteReader, nowMs: number): void {
    if (reader.left === 0) return;
    readRumours(reader, this.#host, (rumour) => {
      if (rumour.kind === "record") this.#learn(rumour.record, from, nowMs);
      else this.#onClaim(rumour, from, nowMs);
    });
  }

  #learn(record: MemberRecord, from: PeerId, nowMs: number, isOld = false): void {
    const { id, incarnation } = record;
    if (id === this.#host.id) return this.#onOwnRecord(record, from, nowMs);
    const known = this.table.record(id);
    if (!this.table.isNews(record)) {
      // It was restarted, and does not know yet what it said in its former life.
      if (from === id && known !== undefined && !isSame(known, record)) {
        this.#tell(id, known, false);
      }
      return;
    }
    if (!this.#host.belongs(id)) return this.#host.onStranger(id, from);
    if (!this.#isBelievable(record, from, nowMs)) return;
    const was = this.table.stateOf(id);
    if (!this.table.accept(record, nowMs)) return;
    this.#antiEntropy.changed(nowMs);
    // A new word is no answer: whom we cannot reach, we go on looking for.
    if (record.status !== "alive") this.#prober.drop(id);
    // In a small village whoever is met first tells all, and is told of all: one message each, and rumours for those
    // that it does not reach.
    const isMetFirst = was === undefined && from === id && this.table.awake <= MAX_FULL_MESH;
    if (isMetFirst) {
      this.#antiEntropy.introduce(id, nowMs);
      this.#rumours.announce(id, { kind: "record", record }, nowMs);
    }
    // Whoever comes later compares tables: while the teller is our only neighbour, there is nobody to tell.
    const { neighbours } = this.#host;
    if (neighbours.size > 1 || !neighbours.has(from)) {
      this.#rumours.spread(id, { kind: "record", record }, nowMs, isOld || isMetFirst);
    }
    const change = was === undefined && record.status === "alive" ? "joined" : record.status;
    if (was !== change) this.#host.onChange({ id, incarnation, change });
  }

  /** What others hold of us from a former life, or nearly: our word must be newer. */
  #onOwnRecord(record: MemberRecord, from: PeerId, nowMs: number): void {
    const { incarnation } = record;
    if (incarnation < this.own.incarnation || isSame(record, this.own)) return;
    if (this.#isBelievable(record, from, nowMs)) this.#raise(incarnation, this.own.status, nowMs);
  }

  /** Whether its member signed `record`; who passes on others is not listened to for a while. */
  #isBelievable(record: MemberRecord, from: PeerId, nowMs: number): boolean {
    const { verify, ids, neighbours } = this.#host;
    const neighbour = neighbours.get(from);
    if (!neighbour || nowMs - neighbour.forgedMs < DEAF_MS) return false;
    if (isGenuine(record, verify, ids)) return true;
    neighbour.forgedMs = nowMs;
    return false;
  }

  #onClaim(claim: Claim, from: PeerId, nowMs: number): void {
    if (claim.id !== this.#host.id) return this.#doubts.onClaim(claim, nowMs);
    // Who missed our refutation hears it now.
    if (claim.incarnation < this.own.incarnation) return this.#tell(from, this.own, true);
    this.#own.accuse(claim.incarnation, nowMs);
    if (nowMs >= this.#own.deadlineMs) this.#refute(nowMs);
  }

  /** The table of `from` says that a member is gone. */
  #onGoneElsewhere(id: PeerId, incarnation: number, from: PeerId, nowMs: number): void {
    if (id !== this.#host.id) return this.#doubts.onGoneElsewhere(id, incarnation, from, nowMs);
    this.#onClaim({ kind: "dead", id, incarnation, accuser: from }, from, nowMs);
  }

  /** A member is suspected, by another too, or dead. */
  #onNews(claim: Claim, isFirst: boolean, nowMs: number): void {
    const { kind, id, incarnation } = claim;
    this.#rumours.spread(id, claim, nowMs);
    if (isFirst) {
      this.#judged[kind === "suspect" ? "suspicions" : "deaths"]++;
      this.#host.onChange({ id, incarnation, change: kind });
    }
    if (kind === "suspect") return;
    this.#antiEntropy.changed(nowMs);
    this.#prober.drop(id);
    if (this.#host.neighbours.has(id)) this.#host.hangUp(id);
  }

  #refute(nowMs: number): void {
    this.#judged.refutations++;
    this.awareness.adjust(1);
    this.#raise(0, "alive", nowMs);
  }

  /** Says something new of ourselves, above whatever was said before. */
  #raise(above: number, status: RecordStatus, nowMs: number): void {
    if (!this.#own.raise(above, status, nowMs)) return;
    this.table.accept(this.own, nowMs);
    this.#rumours.spread(this.own.id, { kind: "record", record: this.own }, nowMs);
  }

  #tell(to: PeerId, record: MemberRecord, isUrgent: boolean): void {
    const rumour = encodeRumour({ kind: "record", record }, this.#host.ids);
    this.#host.send(to, encodeRumours([rumour]), isUrgent);
  }

  #sendProbe(kind: "ping" | "ack", to: PeerId, seq: number): void {
    const { neighbours, ids } = this.#host;
    const rumours = this.#rumours.piggyback();
    const suspicion = kind === "ping" ? this.table.suspicion(to) : undefined;
    if (suspicion) {
      // Lifeguard's buddy system: whoever probes a suspect tells it, so that it can refute.
      const { incarnation } = suspicion;
      const claim = { kind: "suspect", id: to, incarnation, accuser: this.#host.id } as const;
      rumours.push(encodeRumour(claim, ids));
    }
    this.#host.send(to, encodeProbe(kind, { seq, degree: neighbours.size, rumours }), true);
  }
}

function isSame(a: MemberRecord, b: MemberRecord): boolean {
  if (a === b) return true;
  if (a.incarnation !== b.incarnation || a.bytes.length !== b.bytes.length) return false;
  return a.bytes.every((byte, at) => byte === b.bytes[at]);
}
