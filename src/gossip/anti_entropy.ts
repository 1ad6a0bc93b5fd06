/**
 * Anti-entropy: two members compare their tables and each sends what the other lacks (SWIM's rumours reach nearly
 * everybody; memberlist's push/pull, whose 30 s period this has, reaches the rest).
 *
 * ```
 *  A --digest----------> B      two sums: equal when both believe the same, and that is all, mostly
 *  A <----------summary- B      else 11 bytes a member, in parts
 *  A --records, want---> B      what B lacks; what A lacks
 *  A <----------records- B
 * ```
 *
 * After its first session, and after a burst of changes as when many join or a split heals, a member is restless: it compares every few seconds
 * with one neighbour after another until one believes the same.
 *
 * A newcomer compares with every neighbour it gets. So what a member costs the others does not grow with the village
 * while nothing changes, and a table is complete after the first comparison. In a small village it is told of all before it
 * has asked.
 */

import type { ByteReader } from "../base/byte_reader.ts";
import type { Bytes } from "../base/bytes.ts";
import type { PeerId } from "../base/peer_id.ts";
import { type Random, randomBelow } from "../base/random.ts";
import { Allowance } from "./allowance.ts";
import type { IdCodec } from "./id_codec.ts";
import type { MemberRecord, RecordReader } from "./member_record.ts";
import type { MemberTable } from "./member_table.ts";
import {
  encodeAbilities,
  encodeDigest,
  encodeRecords,
  encodeSummary,
  encodeWant,
  isInPart,
  MAX_MESSAGE_BYTES,
  prefixOf,
  readDigest,
  readSummary,
  readWant,
  SUMMARY_ENTRY_BYTES,
  type SummaryEntry,
} from "./message.ts";
import type { Neighbour } from "./neighbour.ts";

export interface AntiEntropyHost {
  readonly id: PeerId;
  readonly table: MemberTable;
  readonly random: Random;
  readonly neighbours: ReadonlyMap<PeerId, Neighbour>;
  readonly ids: IdCodec;
  readonly readRecord: RecordReader;
  send(to: PeerId, message: Bytes): void;
  /** Sends what can wait until something else goes the same way. */
  sendLater(to: PeerId, message: Bytes): void;
  dial(record: MemberRecord): void;
  /** A record that a member passed on. */
  onRecord(record: MemberRecord, from: PeerId, nowMs: number): void;
  /** A member holds another, or us, for gone, of the very incarnation that we hold. */
  onGoneElsewhere(id: PeerId, incarnation: number, from: PeerId, nowMs: number): void;
  /** The capability record of a member, as it was signed, if we have one. */
  abilityOf(id: PeerId, nowMs: number): Bytes | undefined;
  onAbility(record: Bytes, nowMs: number): void;
}

/** memberlist's PushPullInterval. */
const PERIOD_MS = 30_000;
/** memberlist's pushPullScaleThreshold: beyond it the period grows with log2 N. */
const SCALE_FROM = 32;
const MAX_ENTRIES = Math.floor((MAX_MESSAGE_BYTES - 4) / SUMMARY_ENTRY_BYTES);
/** How often a restless member compares, and how often before it gives up. */
const RESTLESS_MS = 2_000;
const MAX_RESTLESS = 16;
/** So many changes since the last comparison make restless; in larger villages a share of the members. */
const MIN_BURST = 3;
const BURST_SHARE = 1 / 32;
/** Looking for wanted records costs as much as sending some: a look at each member. */
const LOOKS_A_RECORD = 32;
/** How long a dialled partner is awaited. */
const PARTNER_MS = 10_000;

/** How often a member of a village of `members` compares its table with another. */
export function periodMs(members: number): number {
  return PERIOD_MS * (members <= SCALE_FROM ? 1 : 1 + Math.log2(members / SCALE_FROM));
}

export class AntiEntropy {
  readonly #host: AntiEntropyHost;
  #nextMs: number;
  #changes = 0;
  /** Comparisons left of a restless member; 0 is at rest. */
  #restless = 0;
  #hasMet = false;
  readonly #allowances = new WeakMap<Neighbour, Allowance>();
  #partner: { readonly id: PeerId; readonly untilMs: number } | undefined;

  constructor(host: AntiEntropyHost, nowMs: number) {
    this.#host = host;
    this.#nextMs = nowMs + PERIOD_MS * host.random.next();
  }

  get deadlineMs(): number {
    return this.#nextMs;
  }

  /** Compares with a random member, whoever it is: one in a while that nobody nearby has spoken to. */
  tick(nowMs: number): void {
    if (nowMs < this.#nextMs) return;
    const { table, random, neighbours, id } = this.#host;
    this.#changes = 0;
    if (this.#restless > 0) return this.#compareAgain(nowMs);
    this.#nextMs = nowMs + periodMs(table.living) * (0.75 + random.next() / 2);
    const [partner] = table.sample(
      1,
      random,
      (record) => record.id !== id && record.status === "alive",
    );
    if (!partner) return;
    if (neighbours.has(partner.id)) return this.#compareCalmly(partner.id, nowMs);
    this.#partner = { id: partner.id, untilMs: nowMs + PARTNER_MS };
    this.#host.dial(partner);
  }

  /** What we believe of a member has changed. */
  changed(nowMs: number): void {
    const burst = Math.max(MIN_BURST, this.#host.table.living * BURST_SHARE);
    if (++this.#changes >= burst && this.#restless === 0) this.beRestless(nowMs);
  }

  /** A session is there, and we dialled: the tables are compared. */
  connected(id: PeerId, nowMs: number, isDialer: boolean): void {
    const isPartner = this.#partner?.id === id && nowMs < this.#partner.untilMs;
    if (isPartner) this.#partner = undefined;
    if (!this.#hasMet) this.beRestless(nowMs);
    this.#hasMet = true;
    if (isDialer || isPartner) this.compare(id, nowMs);
  }

  /** Tells a newcomer of all others that are there: of a few, that is less work than to be asked. */
  introduce(to: PeerId, nowMs: number): void {
    const { table, id } = this.#host;
    const others: [MemberRecord, boolean][] = [];
    for (const record of table.records()) {
      if (record.id !== to && record.id !== id && !table.isGone(record.id)) {
        others.push([record, false]);
      }
    }
    if (others.length > 0) this.#sendRecords(to, others, nowMs);
  }

  /** No session with `id` could be had; whether it was to be compared with. */
  dialFailed(id: PeerId, nowMs: number): boolean {
    const isPartner = this.#partner?.id === id && nowMs < this.#partner.untilMs;
    if (isPartner) this.#partner = undefined;
    return isPartner;
  }

  /** Offers our sums to a neighbour. */
  compare(id: PeerId, nowMs: number): void {
    this.#allowanceOf(id)?.ask(nowMs);
    this.#host.send(id, encodeDigest(this.#host.table.sums, "ask"));
  }

  #compareCalmly(id: PeerId, nowMs: number): void {
    this.#allowanceOf(id)?.ask(nowMs);
    this.#host.sendLater(id, encodeDigest(this.#host.table.sums, "ask_calmly"));
  }

  /** There is more to learn than one comparison may bring. */
  beRestless(nowMs: number): void {
    this.#restless = MAX_RESTLESS;
    this.#nextMs = Math.min(this.#nextMs, nowMs + this.#soonMs());
  }

  receiveDigest(from: PeerId, reader: ByteReader, nowMs: number): void {
    const { purpose, low, high } = readDigest(reader);
    const { sums } = this.#host.table;
    const isSame = low === sums.low >>> 0 && high === sums.high >>> 0;
    if (isSame) this.#restless = 0;
    if (purpose === "same") return;
    if (!isSame) return this.#sendSummary(from, nowMs);
    const answer = encodeDigest(sums, "same");
    if (purpose === "ask") this.#host.send(from, answer);
    else this.#host.sendLater(from, answer);
  }

  receiveSummary(from: PeerId, reader: ByteReader, nowMs: number): void {
    const { bits, part, entries } = readSummary(reader);
    const allowance = this.#allowanceOf(from);
    if (!allowance?.takeAnswer(nowMs)) return;
    const { table, send } = this.#host;
    const lacked: [MemberRecord, boolean][] = [];
    const held = new Set<number>();
    const outdated = new Set<number>();
    for (const record of table.records()) {
      const prefix = prefixOf(record);
      if (!isInPart(prefix, { bits, part })) continue;
      const theirs = entries.get(prefix);
      if (theirs) (theirs.incarnation > record.incarnation ? outdated : held).add(prefix);
      if (theirs) this.#compareEntry(record, theirs, from, lacked, nowMs);
      // Whom they never knew they need not bury.
      else if (!table.isGone(record.id)) lacked.push([record, false]);
    }
    const wanted: number[] = [];
    for (const { prefix, isGone } of entries.values()) {
      if (outdated.has(prefix) || (!isGone && !held.has(prefix))) wanted.push(prefix);
    }
    this.#sendRecords(from, lacked, nowMs);
    for (let at = 0; at < wanted.length; at += MAX_ENTRIES) {
      send(from, encodeWant(wanted.slice(at, at + MAX_ENTRIES)));
    }
  }

  receiveWant(from: PeerId, reader: ByteReader, nowMs: number): void {
    const wanted = readWant(reader);
    const { table } = this.#host;
    const lookCost = 1 + Math.ceil(table.size / LOOKS_A_RECORD);
    if (!this.#allowanceOf(from)?.takeRecords(lookCost, table.size, nowMs)) return;
    const found: [MemberRecord, boolean][] = [];
    for (const record of table.records()) {
      if (!wanted.has(prefixOf(record))) continue;
      found.push([record, table.stateOf(record.id) === "dead"]);
    }
    this.#sendRecords(from, found, nowMs);
  }

  receiveRecords(from: PeerId, reader: ByteReader, nowMs: number): void {
    const { readRecord, onRecord, onGoneElsewhere } = this.#host;
    while (reader.left > 0) {
      const isDead = reader.u8() === 1;
      const record = readRecord(reader);
      onRecord(record, from, nowMs);
      if (isDead) onGoneElsewhere(record.id, record.incarnation, from, nowMs);
    }
  }

  receiveAbilities(reader: ByteReader, nowMs: number): void {
    while (reader.left > 0) this.#host.onAbility(reader.view(reader.u16()).slice(), nowMs);
  }

  #compareAgain(nowMs: number): void {
    const { neighbours, random } = this.#host;
    this.#restless--;
    const { living } = this.#host.table;
    this.#nextMs = nowMs + (this.#restless > 0 ? this.#soonMs() : periodMs(living));
    const ids = [...neighbours.keys()];
    const id = ids[randomBelow(random, ids.length)];
    if (id !== undefined) this.compare(id, nowMs);
  }

  #soonMs(): number {
    return RESTLESS_MS * (0.75 + this.#host.random.next() / 2);
  }

  #compareEntry(
    record: MemberRecord,
    theirs: SummaryEntry,
    from: PeerId,
    lacked: [MemberRecord, boolean][],
    nowMs: number,
  ): void {
    const { table, onGoneElsewhere } = this.#host;
    const isDead = table.stateOf(record.id) === "dead";
    if (theirs.incarnation < record.incarnation) lacked.push([record, isDead]);
    if (theirs.incarnation !== record.incarnation) return;
    if (isDead && !theirs.isGone) lacked.push([record, true]);
    if (!isDead && theirs.isGone) onGoneElsewhere(record.id, record.incarnation, from, nowMs);
  }

  #sendSummary(to: PeerId, nowMs: number): void {
    const { table, send } = this.#host;
    const bits = Math.max(0, Math.ceil(Math.log2(table.size / (MAX_ENTRIES / 2))));
    if (!this.#allowanceOf(to)?.takeSummary(2 ** bits, nowMs)) return;
    const parts = Array.from({ length: 2 ** bits }, (): [MemberRecord, boolean][] => []);
    for (const record of table.records()) {
      const part = Math.floor(prefixOf(record) / 2 ** (48 - bits));
      parts[part]?.push([record, table.isGone(record.id)]);
    }
    // Ids are as good as random: a part of twice the usual length does not occur, and would be a larger message.
    parts.forEach((entries, part) => send(to, encodeSummary({ bits, part }, entries)));
  }

  /** Sends records, if the member may have so many; what those members can do goes with the news that they exist. */
  #sendRecords(
    to: PeerId,
    entries: readonly (readonly [MemberRecord, boolean])[],
    nowMs: number,
  ): void {
    const { length } = entries;
    if (!this.#allowanceOf(to)?.takeRecords(length, this.#host.table.size, nowMs)) return;
    for (const message of encodeRecords(entries)) this.#host.send(to, message);
    const abilities = entries.flatMap(([{ id }]) => this.#host.abilityOf(id, nowMs) ?? []);
    for (const message of encodeAbilities(abilities)) this.#host.send(to, message);
  }

  /** It lives as long as the session; who is no neighbour gets nothing. */
  #allowanceOf(id: PeerId): Allowance | undefined {
    const neighbour = this.#host.neighbours.get(id);
    if (!neighbour) return undefined;
    const known = this.#allowances.get(neighbour);
    if (known) return known;
    const allowance = new Allowance();
    this.#allowances.set(neighbour, allowance);
    return allowance;
  }
}
