/**
 * Failure detection: SWIM's probes (Das, Gupta, Motivala 2002, section 3.1) with Lifeguard's nacks.
 *
 * ```
 *  round --ping--> waiting --timeout--> ask k others --end of the period--> failed: the member is suspected
 *                     +------anything heard from it, or a helper's ack------> well
 * ```
 *
 * Probes go to neighbours, the one for longest unprobed first, where a probe counts for both ends: a crash is noticed by
 * whoever's turn is next instead of by chance. Three more reasons to probe, besides the round: a session
 * was lost; another suspects a neighbour of ours, who can then hear of it and refute at once; or a member that nobody
 * may have a session with, so that nobody would miss it, could not be dialled.
 */

import type { PeerId } from "../base/peer_id.ts";
import { type Random, shuffled } from "../base/random.ts";
import type { Awareness } from "./awareness.ts";
import { Errands } from "./errands.ts";
import type { MemberTable } from "./member_table.ts";
import type { Neighbour } from "./neighbour.ts";
import { INDIRECT_PROBES, type ProbeProfile, profileOf } from "./probe_profile.ts";

export interface ProberHost {
  /** Ours, now. */
  readonly profile: () => ProbeProfile;
  readonly table: MemberTable;
  readonly awareness: Awareness;
  readonly random: Random;
  readonly neighbours: ReadonlyMap<PeerId, Neighbour>;
  sendPing(to: PeerId, seq: number): void;
  sendAsk(to: PeerId, seq: number, about: PeerId): void;
  sendAck(to: PeerId, seq: number): void;
  sendNack(to: PeerId, seq: number): void;
  /** Wants a session, to see whether one can be had. */
  dial(id: PeerId): void;
  /** A probe of `id` failed. */
  onFailed(id: PeerId, nowMs: number): void;
}

interface Probe {
  readonly seq: number;
  /** The round's, which tells of our own health too. */
  readonly isRound: boolean;
  /** When others are asked; Infinity once they were. */
  helpAtMs: number;
  endMs: number;
  /** Helpers that were asked, and those of them that have not said that they could not tell. */
  asked: ReadonlySet<PeerId>;
  readonly silent: Set<PeerId>;
  /** Whether our own dial has failed, or none is made. */
  isDialled: boolean;
}

/** The share of a timeout after which a helper says that it could not tell (memberlist's). */
const NACK_SHARE = 0.8;
/** Who was heard this much of an interval ago need not be asked. */
const FRESH_SHARE = 0.5;

/** A timer later than this means a machine that has no time for us. */
const LATE_MS = 200;

const NOBODY: ReadonlySet<PeerId> = new Set();

export class Prober {
  readonly #host: ProberHost;
  readonly #probes = new Map<PeerId, Probe>();
  readonly #errands: Errands;
  /** Since the start, on our own behalf. */
  readonly counters = { begun: 0, failed: 0 };
  #seq = 0;
  #nextRoundMs: number;

  constructor(host: ProberHost, nowMs: number) {
    this.#host = host;
    const { sendAck, sendNack } = host;
    this.#errands = new Errands({ sendAck, sendNack });
    // Members that start together do not probe together.
    this.#nextRoundMs = nowMs + host.random.next() * host.profile().intervalMs;
  }

  /** Probes and errands under way. */
  get size(): number {
    return this.#probes.size + this.#errands.size;
  }

  get deadlineMs(): number {
    let deadlineMs = Math.min(this.#nextRoundMs, this.#errands.deadlineMs);
    for (const { helpAtMs, endMs } of this.#probes.values()) {
      deadlineMs = Math.min(deadlineMs, helpAtMs, endMs);
    }
    return deadlineMs;
  }

  tick(nowMs: number): void {
    for (const [id, probe] of this.#probes) this.#step(id, probe, nowMs);
    this.#errands.tick(nowMs);
    if (nowMs < this.#nextRoundMs) return;
    const { profile, awareness } = this.#host;
    this.#nextRoundMs = nowMs + profile().intervalMs * awareness.factor;
    const target = this.#nextTarget(nowMs);
    if (target !== undefined) this.#ping(target, nowMs, true);
  }

  /** A neighbour answers our ping `seq` itself: the round trip, ms, if that is the one it owed us. */
  roundTripMs(id: PeerId, seq: number, nowMs: number): number | undefined {
    const neighbour = this.#host.neighbours.get(id);
    if (neighbour?.ping?.seq !== seq) return undefined;
    const { sentMs } = neighbour.ping;
    neighbour.ping = undefined;
    return nowMs - sentMs;
  }

  /** Something came from `id`: it lives. */
  heard(id: PeerId): void {
    const probe = this.#probes.get(id);
    if (probe) this.#succeed(id, probe);
    this.#errands.answer(id, true);
  }

  /** A helper answers for the member that probe `seq` is about. */
  acked(helper: PeerId, seq: number): void {
    for (const [id, probe] of this.#probes) {
      if (probe.seq === seq && probe.asked.has(helper)) this.#succeed(id, probe);
    }
  }

  /** A helper could not tell. */
  nacked(helper: PeerId, seq: number, nowMs: number): void {
    for (const [id, probe] of this.#probes) {
      if (probe.seq !== seq || !probe.silent.delete(helper)) continue;
      this.#endIfHopeless(id, probe, nowMs);
    }
  }

  /** Somebody suspects a neighbour of ours: it is asked at once. */
  verify(id: PeerId, nowMs: number): void {
    if (!this.#probes.has(id) && this.#host.neighbours.has(id)) this.#ping(id, nowMs, false);
  }

  /** A session was lost: we dial, and others are asked, at once. */
  lost(id: PeerId, nowMs: number): void {
    const isRound = this.#probes.get(id)?.isRound ?? false;
    const probe = this.#begin(id, nowMs, isRound);
    probe.isDialled = false;
    this.#host.dial(id);
    this.#askOthers(id, probe);
    this.#endIfHopeless(id, probe, nowMs);
  }

  /** A member that should be there could not be dialled: others are asked whether they can. */
  doubt(id: PeerId, nowMs: number): void {
    if (this.#probes.has(id) || this.#host.neighbours.has(id)) return;
    const probe = this.#begin(id, nowMs, false);
    this.#askOthers(id, probe);
    this.#endIfHopeless(id, probe, nowMs);
  }

  /** No session with `id` could be had. */
  dialFailed(id: PeerId, nowMs: number): void {
    this.#errands.answer(id, false);
    const probe = this.#probes.get(id);
    if (!probe) return;
    probe.isDialled = true;
    this.#endIfHopeless(id, probe, nowMs);
  }

  /** Takes `asker`'s question whether `id` is there. */
  help(asker: PeerId, seq: number, id: PeerId, nowMs: number): void {
    const { neighbours, table } = this.#host;
    if (!table.record(id)) return;
    const nackAtMs = nowMs + NACK_SHARE * this.#patience(id).timeoutMs;
    if (!this.#errands.add(id, { asker, seq, nackAtMs })) return;
    if (neighbours.has(id)) this.#host.sendPing(id, this.#nextSeq());
    else this.#host.dial(id);
  }

  /** Forgets a probe of `id`: it is gone, or needs none. */
  drop(id: PeerId): void {
    this.#probes.delete(id);
  }

  /** We could not listen for a while: nobody is blamed for what was not heard. */
  restart(nowMs: number): void {
    this.#probes.clear();
    this.#nextRoundMs = nowMs + this.#host.random.next() * this.#host.profile().intervalMs;
  }

  /** The living neighbour that was unprobed for longest, if that is long enough. */
  #nextTarget(nowMs: number): PeerId | undefined {
    const { neighbours, table, profile } = this.#host;
    let target: PeerId | undefined;
    let oldestMs = nowMs - FRESH_SHARE * profile().intervalMs;
    for (const [id, { probedMs }] of neighbours) {
      if (probedMs > oldestMs || this.#probes.has(id)) continue;
      const state = table.stateOf(id);
      if (state !== "alive" && state !== "suspect") continue;
      target = id;
      oldestMs = probedMs;
    }
    return target;
  }

  #ping(id: PeerId, nowMs: number, isRound: boolean): void {
    const { seq } = this.#begin(id, nowMs, isRound);
    const neighbour = this.#host.neighbours.get(id);
    if (neighbour) {
      neighbour.probedMs = nowMs;
      neighbour.ping = { seq, sentMs: nowMs };
    }
    this.#host.sendPing(id, seq);
  }

  #begin(id: PeerId, nowMs: number, isRound: boolean): Probe {
    const { timeoutMs, intervalMs } = this.#patience(id);
    const { factor } = this.#host.awareness;
    const probe: Probe = {
      seq: this.#nextSeq(),
      isRound,
      helpAtMs: nowMs + timeoutMs * factor,
      endMs: nowMs + intervalMs * factor,
      asked: NOBODY,
      silent: new Set(),
      isDialled: true,
    };
    this.#probes.set(id, probe);
    this.counters.begun++;
    return probe;
  }

  #step(id: PeerId, probe: Probe, nowMs: number): void {
    const isOver = nowMs >= probe.endMs;
    if (isOver && nowMs - probe.endMs > LATE_MS) this.#excuse(id, probe, nowMs);
    else if (isOver) this.#fail(id, probe, nowMs);
    else if (nowMs >= probe.helpAtMs) this.#askOthers(id, probe);
  }

  /** We look so late that the answer may have come and not have been read: the slow one is us. */
  #excuse(id: PeerId, probe: Probe, nowMs: number): void {
    probe.endMs = nowMs + this.#patience(id).timeoutMs;
    this.#host.awareness.adjust(1);
    if (probe.helpAtMs <= nowMs) this.#askOthers(id, probe);
  }

  #askOthers(id: PeerId, probe: Probe): void {
    const { neighbours, table, random } = this.#host;
    probe.helpAtMs = Infinity;
    const others = [...neighbours.keys()].filter((other) =>
      other !== id && table.stateOf(other) === "alive"
    );
    probe.asked = new Set(shuffled(random, others).slice(0, INDIRECT_PROBES));
    for (const helper of probe.asked) {
      probe.silent.add(helper);
      this.#host.sendAsk(helper, probe.seq, id);
    }
  }

  /** Nothing is waited for that cannot come: nobody has a session with it, and nobody gets one. */
  #endIfHopeless(id: PeerId, probe: Probe, nowMs: number): void {
    const isConnected = this.#host.neighbours.has(id);
    if (!isConnected && probe.isDialled && probe.silent.size === 0) this.#fail(id, probe, nowMs);
  }

  #succeed(id: PeerId, probe: Probe): void {
    this.#probes.delete(id);
    if (probe.isRound) this.#host.awareness.adjust(-1);
  }

  #fail(id: PeerId, probe: Probe, nowMs: number): void {
    this.#probes.delete(id);
    this.counters.failed++;
    // Helpers that could not tell at least answered; those that did not point to our own link.
    const missed = probe.asked.size > 0 ? probe.silent.size : 1;
    if (probe.isRound) this.#host.awareness.adjust(missed);
    this.#host.onFailed(id, nowMs);
  }

  /** The more patient of what we and the member are due. */
  #patience(id: PeerId): { readonly timeoutMs: number; readonly intervalMs: number } {
    const { table } = this.#host;
    const profile = this.#host.profile();
    const its = profileOf(table.record(id)?.pace ?? "lan");
    return its.timeoutMs > profile.timeoutMs ? its : profile;
  }

  #nextSeq(): number {
    return this.#seq = (this.#seq + 1) >>> 0;
  }
}
