/**
 * When to dial whom: every target we want a session with, each with a back-off of its own (1 s to 60 s, with
 * jitter), for ever.
 *
 * Sans-IO: {@link DialPlan.due} says what to dial now, {@link DialPlan.settle} takes the outcome. A target is
 * an address someone gave (`--peer`) or a peer by id with the addresses known of it; the latter is dropped
 * when nobody wants it any more.
 */

import type { Random } from "../base/random.ts";
import type { PeerId } from "../base/peer_id.ts";
import { type Address, formatAddress } from "../net/address.ts";

export interface DialPlanOptions {
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  /** Dials under way at once. */
  readonly maxInFlight: number;
  /** Peers remembered for dialling; given addresses do not count. */
  readonly maxPeers: number;
}

export const DEFAULT_DIAL_PLAN: DialPlanOptions = Object.freeze({
  minBackoffMs: 1_000,
  maxBackoffMs: 60_000,
  maxInFlight: 16,
  maxPeers: 4_096,
});

/** One thing to dial. */
export interface Target {
  readonly key: string;
  /** Whom to expect; `undefined` for an address whose owner is not known yet. */
  readonly id: PeerId | undefined;
  readonly addresses: readonly Address[];
}

interface Entry {
  target: Target;
  failures: number;
  dueMs: number;
  isInFlight: boolean;
  nextAddress: number;
}

export class DialPlan {
  readonly #options: DialPlanOptions;
  readonly #random: Random;
  readonly #entries = new Map<string, Entry>();
  #inFlight = 0;
  #peers = 0;

  constructor(random: Random, options: DialPlanOptions = DEFAULT_DIAL_PLAN) {
    this.#random = random;
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Wants an address for ever, whoever answers. */
  wantAddress(address: Address, nowMs: number): void {
    const key = formatAddress(address);
    if (this.#entries.has(key)) return;
    this.#add({ key, id: undefined, addresses: [address] }, nowMs);
  }

  /** Wants a peer at its `addresses`, newest first. New addresses reset its back-off. */
  wantPeer(id: PeerId, addresses: readonly Address[], nowMs: number): void {
    if (addresses.length === 0) return;
    const entry = this.#entries.get(id);
    const target = { key: id, id, addresses };
    if (!entry) {
      if (this.#peers >= this.#options.maxPeers) return;
      this.#peers++;
      return this.#add(target, nowMs);
    }
    const isNews = addresses.some((address) => !includes(entry.target.addresses, address));
    entry.target = target;
    if (!isNews) return;
    entry.failures = 0;
    entry.dueMs = Math.min(entry.dueMs, nowMs);
  }

  /** Stops dialling a peer. */
  forgetPeer(id: PeerId): void {
    if (this.#entries.delete(id)) this.#peers--;
  }

  /** What to dial at `nowMs`, each marked as under way, among those that `isWanted`. */
  due(
    nowMs: number,
    isWanted: (target: Target) => boolean,
  ): readonly { readonly target: Target; readonly address: Address }[] {
    const dials: { target: Target; address: Address }[] = [];
    for (const entry of this.#entries.values()) {
      if (this.#inFlight >= this.#options.maxInFlight) break;
      if (entry.isInFlight || entry.dueMs > nowMs || !isWanted(entry.target)) continue;
      const { addresses } = entry.target;
      const address = addresses[entry.nextAddress % addresses.length];
      if (!address) continue;
      entry.isInFlight = true;
      this.#inFlight++;
      dials.push({ target: entry.target, address });
    }
    return dials;
  }

  /** Takes the outcome of a dial that `due` gave. */
  settle(key: string, hasSucceeded: boolean, nowMs: number): void {
    this.#inFlight--;
    const entry = this.#entries.get(key);
    if (!entry) return;
    entry.isInFlight = false;
    if (hasSucceeded) {
      entry.failures = 0;
      entry.dueMs = nowMs + this.#backoff(0);
      return;
    }
    entry.nextAddress++;
    const hasTriedAll = entry.nextAddress % entry.target.addresses.length === 0;
    if (!hasTriedAll) entry.dueMs = nowMs;
    else entry.dueMs = nowMs + this.#backoff(entry.failures++);
  }

  #add(target: Target, nowMs: number): void {
    this.#entries.set(target.key, {
      target,
      failures: 0,
      dueMs: nowMs,
      isInFlight: false,
      nextAddress: 0,
    });
  }

  /** Doubles from the least to the most, then a quarter is added or taken at random. */
  #backoff(failures: number): number {
    const { minBackoffMs, maxBackoffMs } = this.#options;
    const base = Math.min(maxBackoffMs, minBackoffMs * 2 ** Math.min(failures, 16));
    return Math.min(maxBackoffMs, base * (0.75 + this.#random.next() * 0.5));
  }
}

function includes(addresses: readonly Address[], wanted: Address): boolean {
  return addresses.some(({ host, port }) => host === wanted.host && port === wanted.port);
}
