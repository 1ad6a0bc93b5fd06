/**
 * The member table: everybody we know of, and what we believe of each.
 *
 * ```
 *          record: alive            suspicion times out
 *   (none) --------------> alive <----------> suspect ------> dead --24 h--> (none)
 *                          ^ | |  a newer record                |
 *            asleep <------+ | +--------------> left --24 h--> (none)
 * ```
 *
 * A record is believed when its incarnation is higher than that of the one we hold: only its owner could sign it.
 * A claim by others, that a member is suspected or dead, counts only against the very incarnation that we hold,
 * so that no claim can run ahead of what the owner has said.
 */

import { readU32 } from "../base/bytes.ts";
import type { PeerId } from "../base/peer_id.ts";
import type { Random } from "../base/random.ts";
import { ID_BYTES } from "./id_codec.ts";
import type { MemberRecord } from "./member_record.ts";
import { Suspicion } from "./suspicion.ts";
import { profileOf } from "./probe_profile.ts";

/** What we believe of a member. */
export type MemberState = "alive" | "suspect" | "dead" | "asleep" | "left";

/** Two sums over everybody who is not gone; equal at both sides when both believe the same of all. */
export interface TableSums {
  readonly low: number;
  readonly high: number;
}

/** Far above any village; it bounds what a member can make us hold by inventing others. */
export const MAX_MEMBERS = 16_384;
/** How long it is remembered that a member is dead or has left. */
export const GONE_MS = 24 * 3_600_000;
/** Where the id stands in a record. */
const ID_OFFSET = 1;

interface Departure {
  readonly state: "dead" | "left";
  readonly sinceMs: number;
}

export class MemberTable {
  readonly #records = new Map<PeerId, MemberRecord>();
  readonly #suspicions = new Map<PeerId, Suspicion>();
  readonly #gone = new Map<PeerId, Departure>();
  #low = 0;
  #high = 0;
  /** Since when each member sleeps, monotonic ms. */
  readonly #asleep = new Map<PeerId, number>();

  /** Everybody, the dead and departed included. */
  get size(): number {
    return this.#records.size;
  }

  /** Members that are not gone; those asleep included. */
  get living(): number {
    return this.#records.size - this.#gone.size;
  }

  /** Members that should answer. */
  get awake(): number {
    return this.living - this.#asleep.size;
  }

  /** Those of them that nobody suspects. */
  get alive(): number {
    return this.awake - this.#suspicions.size;
  }

  get sums(): TableSums {
    return { low: this.#low, high: this.#high };
  }

  record(id: PeerId): MemberRecord | undefined {
    return this.#records.get(id);
  }

  /** `undefined` of whom we do not know. */
  stateOf(id: PeerId): MemberState | undefined {
    const gone = this.#gone.get(id);
    if (gone) return gone.state;
    if (this.#suspicions.has(id)) return "suspect";
    const record = this.#records.get(id);
    return record?.status === "asleep" ? "asleep" : record && "alive";
  }

  isGone(id: PeerId): boolean {
    return this.#gone.has(id);
  }

  /** Since when a member is dead or has left, monotonic ms. */
  goneSinceMs(id: PeerId): number | undefined {
    return this.#gone.get(id)?.sinceMs;
  }

  suspicion(id: PeerId): Suspicion | undefined {
    return this.#suspicions.get(id);
  }

  /** Everybody's record, in the order in which they came. */
  records(): IterableIterator<MemberRecord> {
    return this.#records.values();
  }

  suspects(): IterableIterator<[PeerId, Suspicion]> {
    return this.#suspicions.entries();
  }

  /** Who is dead or has left. */
  gone(): IterableIterator<[PeerId, Departure]> {
    return this.#gone.entries();
  }

  /** Whether `record` says more than what we hold: worth the price of checking its signature. */
  isNews(record: MemberRecord): boolean {
    const known = this.#records.get(record.id);
    if (known) return record.incarnation > known.incarnation;
    // Of whom we never knew we need not know that it has left.
    return record.status !== "left";
  }

  /**
   * Believes a genuine record that {@link isNews}. `false` when there is no room for another member: one that is gone
   * makes room, a living one never.
   */
  accept(record: MemberRecord, nowMs: number): boolean {
    const { id } = record;
    const known = this.#records.get(id);
    if (!known && this.#records.size >= MAX_MEMBERS && !this.#evict()) return false;
    if (known) this.#uncount(known);
    this.#suspicions.delete(id);
    this.#records.set(id, record);
    // Set anew, so that those gone for longest stay first.
    this.#gone.delete(id);
    if (record.status === "left") this.#gone.set(id, { state: "left", sinceMs: nowMs });
    this.#count(record, nowMs);
    return true;
  }

  /** Begins to suspect a living member, or takes another accuser's word; `true` when that is news. */
  suspect(id: PeerId, incarnation: number, accuser: PeerId, nowMs: number): boolean {
    const record = this.#records.get(id);
    if (!record || record.incarnation !== incarnation || this.#gone.has(id)) return false;
    // Who has announced its sleep does not answer, and is not missed.
    if (record.status !== "alive") return false;
    const known = this.#suspicions.get(id);
    // Of somebody nobody knows, or of the suspect itself, it is no other's word.
    if (known) return accuser !== id && this.#records.has(accuser) && known.confirm(accuser);
    const { intervalMs } = profileOf(record.pace);
    const members = this.living;
    this.#suspicions.set(
      id,
      new Suspicion({ incarnation, accuser, members, intervalMs, nowMs }),
    );
    return true;
  }

  /** Takes a member for dead, one that sleeps too; `true` when that is news. */
  bury(id: PeerId, incarnation: number, nowMs: number): boolean {
    const record = this.#records.get(id);
    if (!record || record.incarnation !== incarnation || this.#gone.has(id)) return false;
    this.#uncount(record);
    this.#suspicions.delete(id);
    this.#gone.set(id, { state: "dead", sinceMs: nowMs });
    return true;
  }

  /** Forgets a member as if it had never been. */
  forget(id: PeerId): void {
    const record = this.#records.get(id);
    if (!record) return;
    this.#uncount(record);
    this.#records.delete(id);
    this.#suspicions.delete(id);
    this.#gone.delete(id);
  }

  /** Who has slept for {@link GONE_MS}: not even they are kept for ever. */
  overslept(nowMs: number): readonly PeerId[] {
    const ids: PeerId[] = [];
    for (const [id, sinceMs] of this.#asleep) if (nowMs - sinceMs >= GONE_MS) ids.push(id);
    return ids;
  }

  /** Forgets who has been gone for {@link GONE_MS}, and returns them. */
  reap(nowMs: number): readonly PeerId[] {
    const reaped: PeerId[] = [];
    for (const [id, { sinceMs }] of this.#gone) {
      if (nowMs - sinceMs >= GONE_MS) reaped.push(id);
    }
    reaped.forEach((id) => this.forget(id));
    return reaped;
  }

  /** Up to `count` of the living among those that `fits`, each as likely as any other. */
  sample(
    count: number,
    random: Random,
    fits: (record: MemberRecord) => boolean,
  ): readonly MemberRecord[] {
    const picked: MemberRecord[] = [];
    if (count <= 0) return picked;
    let seen = 0;
    // Reservoir sampling (Vitter 1985, algorithm R): one pass, and no list of everybody.
    for (const record of this.#records.values()) {
      if (this.#gone.has(record.id) || !fits(record)) continue;
      seen++;
      if (picked.length < count) picked.push(record);
      else {
        const place = Math.floor(random.next() * seen);
        if (place < count) picked[place] = record;
      }
    }
    return picked;
  }

  /** The one that is gone for longest makes room. */
  #evict(): boolean {
    const [oldest] = this.#gone.keys();
    if (oldest === undefined) return false;
    this.forget(oldest);
    return true;
  }

  #count(record: MemberRecord, nowMs: number): void {
    if (this.#gone.has(record.id)) return;
    if (record.status === "asleep") this.#asleep.set(record.id, nowMs);
    this.#weigh(record, 1);
  }

  #uncount(record: MemberRecord): void {
    if (this.#gone.has(record.id)) return;
    this.#asleep.delete(record.id);
    this.#weigh(record, -1);
  }

  /**
   * Ids are keys, as good as random numbers: sums of incarnations weighted by them (Carter and Wegman's multilinear
   * hashing) tell two tables apart but for one time in 2^64.
   */
  #weigh({ bytes, incarnation }: MemberRecord, sign: 1 | -1): void {
    const factor = Math.imul(incarnation + 1, sign);
    this.#low = (this.#low + Math.imul(readU32(bytes, ID_OFFSET), factor)) | 0;
    this.#high = (this.#high + Math.imul(readU32(bytes, ID_OFFSET + ID_BYTES / 2), factor)) | 0;
  }
}
