/**
 * How long a member stays suspected before it is declared dead (Lifeguard section IV-B, LHA-Suspicion).
 *
 * ```
 * min = alpha * max(1, log10 N) * probe interval         max = beta * min
 * timeout = max - (max - min) * log(C + 1) / log(K + 1)  after C confirmations by others, at least min
 * ```
 *
 * Whoever suspects alone may be the one who is cut off, and waits long; each independent accuser shortens the wait.
 */

import type { PeerId } from "../base/peer_id.ts";

/**
 * Lifeguard's alpha is 5 and memberlist's 4. Here it is 3: those who have a session with a suspect ask it at once,
 * so that what the longer wait is for, the suspect hearing of it and answering, takes one round trip.
 */
export const SUSPICION_ALPHA = 3;
/** Lifeguard's beta. */
export const SUSPICION_BETA = 6;
/** Lifeguard's K: accusers beyond the first after which the wait is shortest. */
export const SUSPICION_CONFIRMATIONS = 3;

/** The shortest wait in a village of `members` for a member probed every `intervalMs`. */
export function minSuspicionMs(members: number, intervalMs: number): number {
  return SUSPICION_ALPHA * Math.max(1, Math.log10(Math.max(1, members))) * intervalMs;
}

/** The wait after `confirmed` accusers beyond the first, of `expected`. */
export function suspicionMs(minMs: number, confirmed: number, expected: number): number {
  if (expected <= 0) return minMs;
  const maxMs = SUSPICION_BETA * minMs;
  const share = Math.log(confirmed + 1) / Math.log(expected + 1);
  return Math.max(minMs, maxMs - (maxMs - minMs) * share);
}

/** One member under suspicion. */
export class Suspicion {
  readonly incarnation: number;
  /** Whether others hold it for dead: one failed probe of ours, and so do we. */
  isDeclared = false;
  #sinceMs: number;
  readonly #minMs: number;
  readonly #expected: number;
  readonly #accusers = new Set<PeerId>();

  /** `members` counts the living, the suspect and ourselves included. */
  constructor(suspect: {
    readonly incarnation: number;
    readonly accuser: PeerId;
    readonly members: number;
    readonly intervalMs: number;
    readonly nowMs: number;
  }) {
    this.incarnation = suspect.incarnation;
    this.#sinceMs = suspect.nowMs;
    this.#minMs = minSuspicionMs(suspect.members, suspect.intervalMs);
    // In a village of three there is one other who could confirm: waiting for three would be waiting in vain.
    const others = suspect.members - 2;
    this.#expected = others < SUSPICION_CONFIRMATIONS ? 0 : SUSPICION_CONFIRMATIONS;
    this.#accusers.add(suspect.accuser);
  }

  /** When the suspect counts as dead. */
  get deadlineMs(): number {
    const confirmed = Math.min(this.#accusers.size - 1, this.#expected);
    return this.#sinceMs + suspicionMs(this.#minMs, confirmed, this.#expected);
  }

  /** Since when it is suspected, or we wait anew. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  isAccusedBy(id: PeerId): boolean {
    return this.#accusers.has(id);
  }

  /** Waits from now on: we could not have heard the suspect refute. */
  restart(nowMs: number): void {
    this.#sinceMs = nowMs;
  }

  /** Takes another's word; `true` when it shortens the wait, and is worth passing on. */
  confirm(accuser: PeerId): boolean {
    if (this.#accusers.size > this.#expected || this.#accusers.has(accuser)) return false;
    this.#accusers.add(accuser);
    return true;
  }
}
