/**
 * Doubts: what a member makes of what is said against others, and of its own failed probes.
 *
 * ```
 *            a word, or our probe failed             no refutation in time
 *   alive ------------------------------> suspect --------------------------> dead
 *     ^ refuted: a newer record               |  "dead", and our probe failed    ^
 *     +---------------------------------------+----------------------------------+
 * ```
 *
 * What we can see for ourselves counts for more than any word: a neighbour that others hold for dead is asked, and one
 * that answers is not buried, but told again, so that it can refute (Lifeguard's buddy system, the other way round).
 */

import type { PeerId } from "../base/peer_id.ts";
import type { MemberTable } from "./member_table.ts";
import type { Claim } from "./message.ts";
import type { Neighbour } from "./neighbour.ts";

export interface DoubtsHost {
  readonly id: PeerId;
  readonly table: MemberTable;
  readonly neighbours: ReadonlyMap<PeerId, Neighbour>;
  /** Asks a neighbour at once. */
  verify(id: PeerId, nowMs: number): void;
  /** What we believe of a member is another thing now, and others are to be told. */
  onNews(claim: Claim, isFirst: boolean, nowMs: number): void;
}

const REAP_MS = 60_000;

export class Doubts {
  readonly #host: DoubtsHost;
  /** At the latest when one of the suspected counts as dead. */
  #burialDueMs = Infinity;
  #reapDueMs: number;

  constructor(host: DoubtsHost, nowMs: number) {
    this.#host = host;
    this.#reapDueMs = nowMs + REAP_MS;
  }

  get deadlineMs(): number {
    return Math.min(this.#burialDueMs, this.#reapDueMs);
  }

  /** Takes a word on another member. */
  onClaim(claim: Claim, nowMs: number): void {
    const { id, incarnation, accuser } = claim;
    const { table, neighbours, id: ownId } = this.#host;
    // What we said ourselves we know already; and who has announced its sleep is not missed.
    if (accuser === ownId || table.stateOf(id) === "asleep") return;
    const isUnasked = !table.suspicion(id)?.isAccusedBy(ownId);
    const isToVerify = neighbours.has(id) && (isUnasked || this.#isHeard(id));
    if (claim.kind === "dead" && !isToVerify) return this.#bury(claim, nowMs);
    this.#suspect({ ...claim, kind: "suspect" }, nowMs);
    const suspicion = table.suspicion(id);
    if (claim.kind === "dead" && suspicion?.incarnation === incarnation) {
      suspicion.isDeclared = true;
    }
  }

  /** The table of `from` says that another member is gone. */
  onGoneElsewhere(id: PeerId, incarnation: number, from: PeerId, nowMs: number): void {
    // It has slept for longer than we know: nobody would ever forget it, if newcomers began to count anew.
    const isOverslept = this.#host.table.stateOf(id) === "asleep";
    if (isOverslept) this.#bury({ kind: "dead", id, incarnation, accuser: from }, nowMs);
    else this.onClaim({ kind: "suspect", id, incarnation, accuser: from }, nowMs);
  }

  /** We could not reach a member. */
  accuse(id: PeerId, nowMs: number): void {
    const { table, id: accuser } = this.#host;
    const record = table.record(id);
    if (!record) return;
    const { incarnation } = record;
    const isDeclared = table.suspicion(id)?.isDeclared ?? false;
    if (isDeclared) this.#bury({ kind: "dead", id, incarnation, accuser }, nowMs);
    else this.#suspect({ kind: "suspect", id, incarnation, accuser }, nowMs);
  }

  /** We could not listen for a while: every suspicion begins anew. */
  restart(nowMs: number): void {
    for (const [, suspicion] of this.#host.table.suspects()) {
      suspicion.restart(nowMs);
      this.#burialDueMs = Math.min(this.#burialDueMs, suspicion.deadlineMs);
    }
  }

  /** Buries whose time is up; returns those that are forgotten, having been gone for long. */
  tick(nowMs: number): readonly PeerId[] {
    if (nowMs >= this.#burialDueMs) this.#buryOverdue(nowMs);
    if (nowMs < this.#reapDueMs) return NOBODY;
    this.#reapDueMs = nowMs + REAP_MS;
    const { table, id: accuser } = this.#host;
    for (const id of table.overslept(nowMs)) {
      const record = table.record(id);
      if (!record || id === accuser) continue;
      this.#bury({ kind: "dead", id, incarnation: record.incarnation, accuser }, nowMs);
    }
    return table.reap(nowMs);
  }

  #suspect(claim: Claim, nowMs: number): void {
    const { id, incarnation, accuser } = claim;
    const { table, verify, onNews, id: ownId } = this.#host;
    const wasSuspected = table.suspicion(id) !== undefined;
    if (!table.suspect(id, incarnation, accuser, nowMs)) return;
    const { deadlineMs = Infinity } = table.suspicion(id) ?? {};
    this.#burialDueMs = Math.min(this.#burialDueMs, deadlineMs);
    onNews(claim, !wasSuspected, nowMs);
    if (!wasSuspected && accuser !== ownId) verify(id, nowMs);
  }

  #bury(claim: Claim, nowMs: number): void {
    const { table, onNews } = this.#host;
    if (table.bury(claim.id, claim.incarnation, nowMs)) onNews(claim, true, nowMs);
  }

  #buryOverdue(nowMs: number): void {
    const { table, verify, id: accuser } = this.#host;
    const overdue: Claim[] = [];
    this.#burialDueMs = Infinity;
    for (const [id, suspicion] of table.suspects()) {
      if (suspicion.deadlineMs <= nowMs && this.#isHeard(id)) {
        // It cannot have been told of what is said of it: a ping tells it again.
        suspicion.restart(nowMs);
        verify(id, nowMs);
      }
      const { deadlineMs, incarnation } = suspicion;
      if (deadlineMs > nowMs) this.#burialDueMs = Math.min(this.#burialDueMs, deadlineMs);
      else overdue.push({ kind: "dead", id, incarnation, accuser });
    }
    for (const claim of overdue) this.#bury(claim, nowMs);
  }

  /** Whether a neighbour has said anything since it is suspected. */
  #isHeard(id: PeerId): boolean {
    const { table, neighbours } = this.#host;
    const sinceMs = table.suspicion(id)?.sinceMs ?? Infinity;
    return (neighbours.get(id)?.heardMs ?? -Infinity) > sinceMs;
  }
}

const NOBODY: readonly PeerId[] = Object.freeze([]);
