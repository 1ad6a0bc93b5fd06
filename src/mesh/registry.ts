/**
 * The registry: every peer we know, bounded, and what may change it (PROTOCOL.md section 3).
 *
 * Unverified peers expire after 120 s of silence, at most 1,024 of them and 16 a host, the oldest evicted.
 * Authenticated peers are kept, connected ones always; past their cap the one silent for longest goes.
 */

import type { PeerId } from "../base/peer_id.ts";
import { type Capabilities, DEFAULT_CAPABILITIES } from "../discovery/capabilities.ts";
import type { Address } from "../net/address.ts";
import {
  type AuthenticatedNews,
  type AuthenticatedPeer,
  mergeAuthenticated,
  type Peer,
  type UnverifiedPeer,
} from "./peer.ts";

/** Each at least 1. */
export interface RegistryOptions {
  readonly maxUnverified: number;
  readonly maxUnverifiedPerHost: number;
  /** Silence after which an unverified peer goes, ms. */
  readonly unverifiedExpiryMs: number;
  /** Authenticated peers remembered; far above any village, it only bounds what identities cost us. */
  readonly maxAuthenticated: number;
  /** Of those, the ones that signed a message but never had a session: keys are cheap to make. */
  readonly maxUnmet: number;
  readonly maxUnmetPerHost: number;
}

export const DEFAULT_REGISTRY: RegistryOptions = Object.freeze({
  maxUnverified: 1_024,
  maxUnverifiedPerHost: 16,
  unverifiedExpiryMs: 120_000,
  maxAuthenticated: 131_072,
  maxUnmet: 4_096,
  maxUnmetPerHost: 16,
});

/** What the bounds and the merge rules did since the start. */
export interface RegistryCounters {
  /** Evicted because there were `maxUnverified`. */
  readonly unverifiedEvicted: number;
  /** Evicted because its host had `maxUnverifiedPerHost`. */
  readonly unverifiedEvictedOfHost: number;
  /** Dropped after `unverifiedExpiryMs` of silence. */
  readonly unverifiedExpired: number;
  /** Evicted because there were `maxUnmet`. */
  readonly unmetEvicted: number;
  /** Evicted because its host had `maxUnmetPerHost`. */
  readonly unmetEvictedOfHost: number;
  /** Evicted because there were `maxAuthenticated`. */
  readonly authenticatedEvicted: number;
  /** Unsigned messages under a name that is somebody else's. */
  readonly namesRefused: number;
  /** Signed messages no newer than one already accepted. */
  readonly replaysRefused: number;
}

/** What an unsigned message tells. */
export interface UnverifiedNews {
  readonly id: string;
  readonly host: string;
  readonly address: Address | undefined;
  readonly capabilities: Capabilities;
}

export class Registry {
  readonly #counters = {
    unverifiedEvicted: 0,
    unverifiedEvictedOfHost: 0,
    unverifiedExpired: 0,
    unmetEvicted: 0,
    unmetEvictedOfHost: 0,
    authenticatedEvicted: 0,
    namesRefused: 0,
    replaysRefused: 0,
  };
  readonly #options: RegistryOptions;
  readonly #self: PeerId;
  /** Both maps are in order of last news: the first is the oldest. */
  readonly #authenticated = new Map<string, AuthenticatedPeer>();
  readonly #unverified = new Map<string, UnverifiedPeer>();
  /** Authenticated peers that never had a session, and the host that each was heard from. */
  readonly #unmet = new Map<string, { readonly host: string }>();

  /** `self` is never registered. */
  constructor(self: PeerId, options: RegistryOptions = DEFAULT_REGISTRY) {
    this.#self = self;
    this.#options = options;
  }

  /** As they stand now. */
  get counters(): RegistryCounters {
    return { ...this.#counters };
  }

  get size(): number {
    return this.#authenticated.size + this.#unverified.size;
  }

  /** Every peer, authenticated ones first. */
  peers(): readonly Peer[] {
    return [...this.#authenticated.values(), ...this.#unverified.values()];
  }

  authenticated(): readonly AuthenticatedPeer[] {
    return [...this.#authenticated.values()];
  }

  get(id: string): Peer | undefined {
    return this.#authenticated.get(id) ?? this.#unverified.get(id);
  }

  /**
   * Registers what a peer that proved its key tells. Returns its record, or `undefined` for ourselves and
   * for a replay.
   */
  learn(news: AuthenticatedNews, nowMs: number): AuthenticatedPeer | undefined {
    if (news.id === this.#self) return undefined;
    const known = this.#authenticated.get(news.id);
    const merged = mergeAuthenticated(known, news, DEFAULT_CAPABILITIES, nowMs);
    if (!merged) {
      this.#counters.replaysRefused++;
      return undefined;
    }
    // Whoever said this name without proof loses it to the one who proved it.
    this.#unverified.delete(news.id);
    this.#authenticated.delete(news.id);
    this.#authenticated.set(news.id, merged);
    this.#noteMeeting(merged, news.host);
    if (this.#authenticated.size > this.#options.maxAuthenticated) {
      this.#evictAuthenticated(news.id);
    }
    return merged;
  }

  /** Changes fields of a registered authenticated peer that are no news of it. */
  amend(
    id: PeerId,
    change: Partial<Pick<AuthenticatedPeer, "isConnected" | "isAlive" | "latencyMs">>,
  ): void {
    const known = this.#authenticated.get(id);
    if (known) this.#authenticated.set(id, Object.freeze({ ...known, ...change }));
  }

  /**
   * Registers what an unsigned message tells. Returns `undefined`, and changes nothing, when the name
   * belongs to an authenticated peer, to ourselves, or to an old node heard from another host.
   */
  learnUnverified(news: UnverifiedNews, nowMs: number): UnverifiedPeer | undefined {
    const known = this.#unverified.get(news.id);
    if (this.#isTaken(news, known, nowMs)) {
      this.#counters.namesRefused++;
      return undefined;
    }
    this.#unverified.delete(news.id);
    this.#makeRoom(news.host);
    const peer: UnverifiedPeer = Object.freeze({
      trust: "unverified",
      id: news.id,
      host: news.host,
      capabilities: news.capabilities,
      addresses: news.address ? [news.address] : [],
      firstSeenMs: known?.firstSeenMs ?? nowMs,
      lastSeenMs: nowMs,
      latencyMs: null,
    });
    this.#unverified.set(news.id, peer);
    return peer;
  }

  /** Drops whatever is known of `id`. */
  forget(id: PeerId): void {
    this.#authenticated.delete(id);
    this.#unmet.delete(id);
  }

  /** Drops the unverified peers that have been silent too long; returns their ids. */
  expire(nowMs: number): readonly string[] {
    const dropped: string[] = [];
    for (const [id, peer] of this.#unverified) {
      if (nowMs - peer.lastSeenMs <= this.#options.unverifiedExpiryMs) break;
      this.#unverified.delete(id);
      this.#counters.unverifiedExpired++;
      dropped.push(id);
    }
    return dropped;
  }

  /** Whether the name is ours, an authenticated peer's, or a live old node's on another host. */
  #isTaken(news: UnverifiedNews, known: UnverifiedPeer | undefined, nowMs: number): boolean {
    if (news.id === this.#self || this.#authenticated.has(news.id)) return true;
    if (!known || known.host === news.host) return false;
    return nowMs - known.lastSeenMs <= this.#options.unverifiedExpiryMs;
  }

  #makeRoom(host: string): void {
    const { maxUnverified, maxUnverifiedPerHost } = this.#options;
    const evicted = oneToEvict(this.#unverified, host, maxUnverified, maxUnverifiedPerHost);
    if (!evicted) return;
    this.#unverified.delete(evicted.id);
    if (evicted.isOfHost) this.#counters.unverifiedEvictedOfHost++;
    else this.#counters.unverifiedEvicted++;
  }

  /** Keeps count of the peers that only ever signed messages, and evicts the oldest past the caps. */
  #noteMeeting(peer: AuthenticatedPeer, host: string | undefined): void {
    this.#unmet.delete(peer.id);
    if (peer.connectedAtMs !== null || host === undefined) return;
    const { maxUnmet, maxUnmetPerHost } = this.#options;
    const evicted = oneToEvict(this.#unmet, host, maxUnmet, maxUnmetPerHost);
    this.#unmet.set(peer.id, { host });
    if (!evicted) return;
    this.#unmet.delete(evicted.id);
    this.#authenticated.delete(evicted.id);
    if (evicted.isOfHost) this.#counters.unmetEvictedOfHost++;
    else this.#counters.unmetEvicted++;
  }

  #evictAuthenticated(keep: string): void {
    for (const [id, peer] of this.#authenticated) {
      if (peer.isConnected || id === keep) continue;
      this.#authenticated.delete(id);
      this.#unmet.delete(id);
      this.#counters.authenticatedEvicted++;
      return;
    }
  }
}

/**
 * The entry that must go before one more from `host` is added: the oldest of its host (`isOfHost`), or of
 * all.
 */
function oneToEvict(
  entries: ReadonlyMap<string, { readonly host: string }>,
  host: string,
  max: number,
  maxPerHost: number,
): { readonly id: string; readonly isOfHost: boolean } | undefined {
  let ofHost = 0;
  let oldestOfHost: string | undefined;
  for (const [id, entry] of entries) {
    if (entry.host !== host) continue;
    oldestOfHost ??= id;
    ofHost++;
  }
  if (oldestOfHost !== undefined && ofHost >= maxPerHost) {
    return { id: oldestOfHost, isOfHost: true };
  }
  if (entries.size < max) return undefined;
  const [oldest] = entries.keys();
  return oldest === undefined ? undefined : { id: oldest, isOfHost: false };
}
