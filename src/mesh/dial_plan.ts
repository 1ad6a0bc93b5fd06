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
import { type Address, formatAddress, mergeAddresses } from "../net/address.ts";

export interface DialPlanOptions {
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  /** Dials under way at once. */
  readonly maxInFlight: number;
  /** Peers remembered for dialling; given addresses do not count. */
  readonly maxPeers: number;
  /** Failures after which a peer that was never met is dropped: others may have made it up. */
  readonly maxFailuresUnmet: number;
}

export const DEFAULT_DIAL_PLAN: DialPlanOptions = Object.freeze({
  minBackoffMs: 1_000,
  maxBackoffMs: 60_000,
  maxInFlight: 16,
  maxPeers: 4_096,
  maxFailuresUnmet: 8,
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
  isMet: boolean;
  /** Whether new addresses came during the dial that is under way. */
  hasNews: boolean;
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
    this.#add({ key, id: undefined, addresses: [address] }, nowMs, true);
  }

  /**
   * Wants a peer at its `addresses`, newest first; those known before stay behind them. New addresses reset
   * its back-off. A peer once met is wanted for ever.
   */
  wantPeer(
    id: PeerId,
    addresses: readonly Address[],
    nowMs: number,
    { isMet = false }: { readonly isMet?: boolean } = {},
  ): void {
    if (addresses.length === 0) return;
    const entry = this.#entries.get(id);
    const target = { key: id, id, addresses };
    if (!entry) {
      if (this.#peers >= this.#options.maxPeers) return;
      this.#peers++;
      return this.#add(target, nowMs, isMet);
    }
    const isNews = addresses.some((address) => !includes(entry.target.addresses, address));
    entry.target = { ...target, addresses: mergeAddresses(addresses, entry.target.addresses) };
    entry.isMet ||= isMet;
    if (!isNews) return;
    entry.failures = 0;
    entry.nextAddress = 0;
    entry.hasNews = entry.isInFlight;
    entry.dueMs = Math.min(entry.dueMs, nowMs);
  }

  /** Makes everything due at once: the world may have changed while we could not see it. */
  retryAll(nowMs: number): void {
    for (const entry of this.#entries.values()) {
      entry.failures = 0;
      entry.dueMs = Math.min(entry.dueMs, nowMs);
    }
  }

  /** Makes a peer due before all others: it was there just now. */
  prefer(id: PeerId, nowMs: number): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    entry.dueMs = Math.min(entry.dueMs, nowMs);
    const others = [...this.#entries].filter(([key]) => key !== id);
    this.#entries.clear();
    this.#entries.set(id, entry);
    for (const [key, other] of others) this.#entries.set(key, other);
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

  /**
   * Takes the outcome of a dial that `due` gave: after a success the target is due again in `againInMs`,
   * after a failure (`undefined`) its next address is, or all of them after a back-off.
   */
  settle(key: string, nowMs: number, againInMs: number | undefined): void {
    this.#inFlight--;
    const entry = this.#entries.get(key);
    if (!entry) return;
    // Those that wait for a place go before it the next time.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    entry.isInFlight = false;
    if (againInMs !== undefined) {
      entry.failures = 0;
      entry.dueMs = nowMs + Math.max(againInMs, this.#options.minBackoffMs);
      return;
    }
    if (entry.hasNews) {
      entry.hasNews = false;
      entry.dueMs = nowMs;
      return;
    }
    entry.nextAddress++;
    const hasTriedAll = entry.nextAddress % entry.target.addresses.length === 0;
    entry.dueMs = hasTriedAll ? nowMs + this.#backoff(entry.failures++) : nowMs;
    const isHopeless = !entry.isMet && entry.failures >= this.#options.maxFailuresUnmet;
    if (isHopeless && entry.target.id) this.forgetPeer(entry.target.id);
  }

  #add(target: Target, nowMs: number, isMet: boolean): void {
    this.#entries.set(target.key, {
      target,
      failures: 0,
      dueMs: nowMs,
      isInFlight: false,
      nextAddress: 0,
      isMet,
      hasNews: false,
    });
  }

  /** Doubles from the least to the most, with up to half as much again, or a quarter less at the most. */
  #backoff(failures: number): number {
    const { minBackoffMs, maxBackoffMs } = this.#options;
    const base = minBackoffMs * 2 ** Math.min(failures, 16);
    const low = Math.min(base, maxBackoffMs * 0.75);
    const high = Math.min(base * 1.5, maxBackoffMs);
    return low + this.#random.next() * (high - low);
  }
}

function includes(addresses: readonly Address[], wanted: Address): boolean {
  return addresses.some(({ host, port }) => host === wanted.host && port === wanted.port);
}
