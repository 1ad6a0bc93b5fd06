/**
 * When to dial whom: every target we want a session with, each of its addresses with a back-off of its own.
 *
 * | target  | what it is                                | back-off       | given up                        |
 * |---------|-------------------------------------------|----------------|---------------------------------|
 * | given   | an address that the owner named           | 1 s to 60 s    | never                           |
 * | peer    | an id and its addresses, met or heard of  | 5 s to 10 min  | never met: after 8 failures     |
 * | found   | an address whose owner is not known yet   | 5 s to 10 min  | after 3 failures in a row       |
 *
 * Who is of another network is left alone for the longest back-off; unless we have met it, it is given up.
 *
 * `dial_order.ts` says what goes first of what is due, `dial_pace.ts` how fast.
 *
 * Sans-IO: {@link DialPlan.due} says what to dial now, {@link DialPlan.settle} takes the outcome.
 */

import type { PeerId } from "../base/peer_id.ts";
import type { Random } from "../base/random.ts";
import { type Address, formatAddress } from "../net/address.ts";
import type { DialOutcome } from "../node/node_events.ts";
import { isTrustCode } from "../trust/certificate.ts";
import { backoffMs, type BackoffRange } from "./backoff.ts";
import { type Candidate, candidatesOf, compareCandidates, isKnown } from "./dial_order.ts";
import { DEFAULT_DIAL_PACE, DialPace, type DialPaceOptions } from "./dial_pace.ts";
import type { DialPath } from "./dial_paths.ts";
import { type DialEntry, type DialTargetLimits, DialTargets, type Target } from "./dial_targets.ts";
import { ShunList } from "./shun_list.ts";

export interface DialPlanOptions extends DialTargetLimits {
  readonly givenBackoff: BackoffRange;
  /** Of peers and found addresses. */
  readonly backoff: BackoffRange;
  /** Failures after which an address of a peer that was never met is dropped: others may have made it up. */
  readonly maxFailuresUnmet: number;
  /** Failures in a row after which a found address is dropped. */
  readonly maxFailuresFound: number;
  readonly pace: DialPaceOptions;
}

export const DEFAULT_DIAL_PLAN: DialPlanOptions = Object.freeze({
  givenBackoff: { minMs: 1_000, maxMs: 60_000 },
  backoff: { minMs: 5_000, maxMs: 600_000 },
  maxPeers: 4_096,
  maxFound: 256,
  maxFailuresUnmet: 8,
  maxFailuresFound: 3,
  pace: DEFAULT_DIAL_PACE,
});

/** A target at one of its addresses. */
export interface Dial {
  readonly target: Target;
  readonly address: Address;
}

export interface DialStats {
  readonly targets: number;
  readonly inFlight: number;
  /** Dials begun in the last 10 s. */
  readonly recentDials: number;
}

/** Well inside the 120 s after which a silent old node expires. */
const REFRESH_MS = 45_000;
/** How long mere news does not bring back what refused us. */
const SHUN_MS = 600_000;
/** A given address whose sessions follow each other this soon is no good, and left alone for longer. */
const FLAPPING_MS = 120_000;

export class DialPlan {
  readonly #options: DialPlanOptions;
  readonly #random: Random;
  readonly #pace: DialPace;
  readonly #targets: DialTargets;
  readonly #shunned = new ShunList();

  constructor(random: Random, options: DialPlanOptions = DEFAULT_DIAL_PLAN) {
    this.#random = random;
    this.#options = options;
    this.#pace = new DialPace(options.pace);
    this.#targets = new DialTargets(options);
  }

  get size(): number {
    return this.#targets.size;
  }

  stats(nowMs: number): DialStats {
    const { inFlight } = this.#pace;
    return { targets: this.size, inFlight, recentDials: this.#pace.recent(nowMs) };
  }

  /** Wants an address for ever, whoever answers. */
  wantAddress(address: Address, nowMs: number): void {
    if (this.#targets.get("given", formatAddress(address))) return;
    this.#targets.addGiven(address, nowMs);
  }

  /**
   * Wants a peer at its `addresses`. One that was met is wanted for ever; otherwise we have just heard that
   * it is alive, which has it dialled at once, though an address that was just dialled not sooner than 5 s
   * later; a member of our network before others.
   */
  wantPeer(
    id: PeerId,
    addresses: readonly Address[],
    nowMs: number,
    { isMet = false, isMember = false }: {
      readonly isMet?: boolean;
      readonly isMember?: boolean;
    } = {},
  ): void {
    const isShunned = (key: string) => !isMet && this.#shunned.has(key, nowMs);
    if (isShunned(id)) return;
    const dialled = addresses.filter((address) => !isShunned(`${id} ${formatAddress(address)}`));
    if (dialled.length === 0) return;
    const entry = this.#targets.get("peer", id) ?? this.#targets.addPeer(id);
    if (!entry) return;
    entry.paths.add(dialled, nowMs, { isHearsay: !isMet });
    entry.isMember ||= isMember;
    if (isMet) {
      entry.isProven = true;
      return entry.paths.forgive();
    }
    entry.paths.hear(nowMs);
    this.#targets.hear(entry, nowMs);
  }

  /**
   * Wants an address that turned up, to learn who lives there: asked again every 45 s while an old node
   * answers, dropped when its owner is known.
   */
  findAddress(
    address: Address,
    nowMs: number,
    { approach }: { readonly approach: Target["approach"] },
  ): void {
    const known = this.#targets.get("found", formatAddress(address));
    // A place that answers is asked often enough.
    if (known?.paths.hasFailed) return known.paths.hear(nowMs);
    if (this.isKnown(address, nowMs)) return;
    const added = this.#targets.addFound(address, approach, nowMs);
    if (added) this.#targets.hear(added, nowMs);
  }

  /** Whether nothing is to be learnt from who lives at an address: it is dialled anyway, or in vain. */
  isKnown(address: Address, nowMs: number): boolean {
    const key = formatAddress(address);
    return this.#targets.hasAddress(key) || this.#shunned.has(key, nowMs);
  }

  /** Makes everything due at once and forgives all: the network may be another one. */
  retryAll(nowMs: number): void {
    this.#shunned.clear();
    this.#pace.makeStale();
    for (const kind of ["given", "peer", "found"] as const) {
      for (const { paths } of this.#targets.of(kind)) paths.reset(nowMs);
    }
  }

  /** Makes a peer due before all others: it was there just now. */
  prefer(id: PeerId, nowMs: number): void {
    const entry = this.#targets.get("peer", id);
    if (!entry) return;
    entry.isUrgent = true;
    entry.paths.hurry(nowMs);
  }

  /** How the ways to a peer are doing, in the order of trial. */
  pathsTo(id: PeerId): readonly Readonly<DialPath>[] {
    return this.#targets.get("peer", id)?.paths.all() ?? [];
  }

  /** Stops dialling a peer. */
  forgetPeer(id: PeerId): void {
    this.#targets.drop("peer", id);
  }

  /** Stops dialling a peer that is none of us, whatever is heard of it in the next 10 min. */
  shun(id: PeerId, nowMs: number): void {
    this.forgetPeer(id);
    this.#shunned.add(id, nowMs + SHUN_MS);
  }

  /** What to dial at `nowMs`, each marked as under way, among those that `isWanted`. */
  due(nowMs: number, isWanted: (target: Target) => boolean): readonly Dial[] {
    const dials: Dial[] = [];
    for (const { entry, path, reason } of this.#candidates(nowMs, isWanted)) {
      // Two targets may share an address: the other's dial may well answer for both.
      if (entry.isInFlight || this.#pace.isInFlight(path.key)) continue;
      if (!this.#pace.allows(reason, nowMs)) continue;
      this.#pace.begin(path.key, reason, nowMs);
      entry.isInFlight = true;
      entry.isUrgent = false;
      entry.notBeforeMs = nowMs + this.#options.pace.staggerMs;
      path.dialledMs = nowMs;
      dials.push({ target: entry.target, address: path.address });
    }
    return dials;
  }

  /** Takes the outcome of a dial that `due` gave. */
  settle({ target, address }: Dial, nowMs: number, outcome: DialOutcome): void {
    const key = formatAddress(address);
    const flight = this.#pace.end(key);
    const entry = this.#targets.get(target.kind, target.key);
    if (!flight || !entry) return;
    entry.isInFlight = false;
    const path = entry.paths.find(key);
    if (!path) return;
    if (outcome.type !== "failed") this.#succeed(entry, path, nowMs, outcome.type);
    else if (outcome.code === "duplicate") this.#succeed(entry, path, nowMs, "session");
    else if (flight === "stale") path.dueMs = nowMs;
    else this.#fail(entry, path, nowMs, outcome.code);
    entry.isFresh &&= entry.paths.due(nowMs) !== undefined;
  }

  #succeed(entry: DialEntry, path: DialPath, nowMs: number, how: "session" | "answered"): void {
    const isGiven = entry.target.kind === "given";
    const isFlapping = isGiven && how === "session" && nowMs - path.provedMs < FLAPPING_MS;
    path.failures = isFlapping ? path.failures + 1 : 0;
    path.failedBy = undefined;
    path.dueMs = nowMs + (how === "answered" ? REFRESH_MS : this.#backoff(entry, path.failures));
    entry.paths.prove(path, nowMs);
    entry.isProven = true;
    entry.isFresh = false;
    if (how === "session" && entry.target.kind === "found") {
      this.#drop(entry, path, nowMs + SHUN_MS);
    }
  }

  #fail(entry: DialEntry, path: DialPath, nowMs: number, code: string): void {
    const { kind } = entry.target;
    const isProvenPeer = kind === "peer" && entry.isProven;
    path.failedBy = code;
    path.isRefused = isTrustCode(code) || code === "self_connection";
    if (path.isRefused) {
      path.dueMs = nowMs + this.#backoff(entry, Infinity);
      if (kind !== "given" && !isProvenPeer) this.#drop(entry, path, nowMs + SHUN_MS);
      return;
    }
    path.dueMs = nowMs + this.#backoff(entry, path.failures++);
    if (kind === "given" || isProvenPeer) return;
    const { maxFailuresFound, maxFailuresUnmet, backoff } = this.#options;
    const most = kind === "found" ? maxFailuresFound : maxFailuresUnmet;
    if (path.failures >= most) this.#drop(entry, path, nowMs + backoff.minMs);
  }

  #backoff({ target }: DialEntry, failures: number): number {
    const { givenBackoff, backoff } = this.#options;
    return backoffMs(this.#random, target.kind === "given" ? givenBackoff : backoff, failures);
  }

  /** Drops an address, and its target with the last one; news does not bring it back before `untilMs`. */
  #drop({ target, paths }: DialEntry, path: DialPath, untilMs: number): void {
    this.#shunned.add(target.id ? `${target.id} ${path.key}` : path.key, untilMs);
    paths.remove(path);
    if (paths.size === 0) this.#targets.drop(target.kind, target.key);
  }

  #candidates(nowMs: number, isWanted: (target: Target) => boolean): readonly Candidate[] {
    const candidates: Candidate[] = [];
    // There may be thousands of whom we do not know, and they are looked at for each that is heard of.
    const allowsNews = this.#pace.allows("news", nowMs);
    const consider = (kind: Target["kind"]) => {
      for (const entry of this.#targets.of(kind)) {
        if (entry.isInFlight || entry.notBeforeMs > nowMs) continue;
        if (!allowsNews && kind !== "given" && !isKnown(entry)) continue;
        const path = entry.paths.due(nowMs);
        if (path && isWanted(entry.target)) candidates.push(...candidatesOf(entry, path));
      }
    };
    if (this.#pace.allows("given", nowMs)) consider("given");
    if (this.#pace.allows("member", nowMs)) {
      consider("peer");
      consider("found");
    }
    return candidates.sort(compareCandidates);
  }
}
