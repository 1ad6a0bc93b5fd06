/**
 * The neighbourhood: with whom we keep a session.
 *
 * With everybody in a village of up to 32; in a larger one with {@link wantedDegree} members picked at random. The
 * idea is HyParView's (Leitao, Pereira, Rodrigues 2007): an active view of sessions, and a passive view to fill it from,
 * which here is the member table, for everybody is known. A graph of that many random links stays connected when
 * half of its members vanish, and its diameter grows with log N.
 *
 * | degree                     | what is done                                                          |
 * |----------------------------|-----------------------------------------------------------------------|
 * | below what is wanted       | members are dialled at random                                         |
 * | up to a quarter above      | nothing: who dials is let in                                          |
 * | more                       | a neighbour that has more than it wants itself is let go              |
 *
 * Members that are dead, not those that left, are dialled now and then: so two halves of a split village meet again.
 */

import type { PeerId } from "../base/peer_id.ts";
import type { Random } from "../base/random.ts";
import type { MemberRecord } from "./member_record.ts";
import type { MemberTable } from "./member_table.ts";
import type { Neighbour } from "./neighbour.ts";

export interface NeighbourhoodHost {
  readonly id: PeerId;
  readonly table: MemberTable;
  readonly random: Random;
  readonly neighbours: ReadonlyMap<PeerId, Neighbour>;
  dial(record: MemberRecord): void;
  hangUp(id: PeerId): void;
}

/** Up to so many members everybody has a session with everybody. */
export const MAX_FULL_MESH = 32;
const MIN_DEGREE = 16;
/** Above what is wanted, before anybody is let go. */
const SLACK = 0.25;
const TICK_MS = 1_000;
/** Dials for the neighbourhood at once. */
const MAX_PENDING = 8;
/** Up to so many members the mesh is woven soon. */
export const EAGER_MEMBERS = 12;
/** A mesh waits until nobody has come for this long. */
const FORMING_MS = 1_500;
/** One of few members waits for so many times what a new neighbour takes to say a word, but at least for this. */
const FORMING_ANSWERS = 4;
const FORMING_FEW_MS = 150;
/** A newcomer is often one of many, and must listen meanwhile. */
const MAX_PENDING_OF_NEWCOMER = 4;
/** A dial that was neither answered nor refused is forgotten. */
const PENDING_MS = 10_000;
/** A newcomer dials whomever it learns of; the others leave it this long to do so, or both would. */
const NEWCOMER_MS = 5_000;
const GRACE_MS = 3_000;
/** A session this young may still be needed for what it was opened for. */
const YOUNG_MS = 10_000;
/** How often one of the dead is dialled, while deaths are recent and later. */
const REVIVE_MS = 5_000;
const REVIVE_LATER_MS = 60_000;
const RECENT_DEATH_MS = 900_000;

/** How many sessions each of `members` keeps. */
export function wantedDegree(members: number): number {
  if (members <= MAX_FULL_MESH) return Math.max(0, members - 1);
  return Math.max(MIN_DEGREE, Math.ceil(3 * Math.log2(members)));
}

export class Neighbourhood {
  readonly #host: NeighbourhoodHost;
  readonly #startMs: number;
  readonly #pending = new Map<PeerId, number>();
  #nextMs: number;
  #reviveMs: number;
  #lackingSinceMs = Infinity;
  #members = 0;
  #grownMs = -Infinity;
  #slowestAnswerMs = 0;

  constructor(host: NeighbourhoodHost, nowMs: number) {
    this.#host = host;
    this.#startMs = nowMs;
    this.#nextMs = nowMs + host.random.next() * TICK_MS;
    this.#reviveMs = nowMs + REVIVE_MS * (0.5 + host.random.next());
  }

  get deadlineMs(): number {
    return this.#nextMs;
  }

  /** Looks at once, rather than at the next tick: there are members to meet. */
  hurry(nowMs: number): void {
    if (nowMs - this.#startMs < NEWCOMER_MS) this.#nextMs = Math.min(this.#nextMs, nowMs + 50);
  }

  /**
   * Whether a village that will have a mesh is still growing: as many handshakes as that takes would keep newcomers from
   * learning who is there.
   */
  isForming(nowMs: number): boolean {
    const { awake } = this.#host.table;
    if (awake > this.#members) this.#grownMs = nowMs;
    this.#members = awake;
    const formingMs = awake <= EAGER_MEMBERS ? this.#formingFewMs : FORMING_MS;
    return awake <= MAX_FULL_MESH && nowMs - this.#grownMs < formingMs;
  }

  /** A new neighbour has said its first word. It takes long where many start on few processors, and more will come. */
  answered(delayMs: number): void {
    this.#slowestAnswerMs = Math.max(this.#slowestAnswerMs, delayMs);
  }

  settled(id: PeerId): void {
    this.#pending.delete(id);
  }

  tick(nowMs: number): void {
    if (nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + TICK_MS;
    for (const [id, sinceMs] of this.#pending) {
      if (nowMs - sinceMs > PENDING_MS) this.#pending.delete(id);
    }
    const { neighbours, table } = this.#host;
    const members = table.awake;
    const wanted = wantedDegree(members);
    const lacking = wanted - neighbours.size - this.#pending.size;
    if (this.isForming(nowMs)) {
      this.#lackingSinceMs = nowMs;
      this.#nextMs = nowMs + FORMING_FEW_MS;
    } else if (lacking > 0) this.#meet(lacking, nowMs);
    else this.#lackingSinceMs = Infinity;
    if (members > MAX_FULL_MESH) this.#letGo(wanted, nowMs);
    if (nowMs >= this.#reviveMs) this.#revive(nowMs);
  }

  get #formingFewMs(): number {
    const patientMs = FORMING_ANSWERS * this.#slowestAnswerMs;
    return Math.min(FORMING_MS, Math.max(FORMING_FEW_MS, patientMs));
  }

  #meet(lacking: number, nowMs: number): void {
    this.#lackingSinceMs = Math.min(this.#lackingSinceMs, nowMs);
    const isNew = nowMs - this.#startMs < NEWCOMER_MS;
    const { table, random, neighbours, id } = this.#host;
    const { awake } = table;
    // Some dozen that start together first learn of each other, as many handshakes as a mesh takes would delay that; and
    // then each pair has one that dials first.
    const isSomeDozen = awake > EAGER_MEMBERS && awake <= MAX_FULL_MESH;
    const isNewcomer = isNew && !isSomeDozen;
    const isGrace = !isNewcomer && nowMs - this.#lackingSinceMs < GRACE_MS;
    if (isGrace && !isSomeDozen) return;
    const atOnce = isNewcomer ? MAX_PENDING_OF_NEWCOMER : MAX_PENDING;
    const room = Math.min(lacking, atOnce - this.#pending.size);
    const picked = table.sample(
      room,
      random,
      (record) =>
        record.id !== id && table.stateOf(record.id) === "alive" && record.addresses.length > 0 &&
        !neighbours.has(record.id) && !this.#pending.has(record.id) &&
        !(isGrace && record.id < id),
    );
    for (const record of picked) this.#dial(record, nowMs);
    if (picked.length > 0 && (isNewcomer || isGrace)) this.#nextMs = nowMs + TICK_MS / 4;
  }

  #letGo(wanted: number, nowMs: number): void {
    const { neighbours, random } = this.#host;
    if (neighbours.size <= wanted * (1 + SLACK)) return;
    const surplus: PeerId[] = [];
    let staying = 0;
    for (const [id, { degree, sinceMs, isParting }] of neighbours) {
      if (isParting) continue;
      staying++;
      if (degree > wanted && nowMs - sinceMs > YOUNG_MS) surplus.push(id);
    }
    // Those on their way out take a moment, in which nobody goes in their stead.
    if (staying <= wanted * (1 + SLACK)) return;
    const id = surplus[Math.floor(random.next() * surplus.length)];
    if (id !== undefined) this.#host.hangUp(id);
  }

  #revive(nowMs: number): void {
    const { table, random, id: ownId } = this.#host;
    let picked: PeerId | undefined;
    let seen = 0;
    let isRecent = false;
    for (const [id, { state, sinceMs }] of table.gone()) {
      if (state !== "dead" || id === ownId) continue;
      isRecent ||= nowMs - sinceMs < RECENT_DEATH_MS;
      if (this.#pending.has(id)) continue;
      if (random.next() * ++seen < 1) picked = id;
    }
    this.#reviveMs = nowMs + (isRecent ? REVIVE_MS : REVIVE_LATER_MS) * (0.5 + random.next());
    const record = picked !== undefined ? table.record(picked) : undefined;
    if (record && record.addresses.length > 0) this.#dial(record, nowMs);
  }

  #dial(record: MemberRecord, nowMs: number): void {
    this.#pending.set(record.id, nowMs);
    this.#host.dial(record);
  }
}
