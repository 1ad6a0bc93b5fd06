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

export interface RegistryOptions {
  readonly maxUnverified: number;
  readonly maxUnverifiedPerHost: number;
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

/** What an unsigned message tells. */
export interface UnverifiedNews {
  readonly id: string;
  readonly host: string;
  readonly address: Address | undefined;
  readonly capabilities: Capabilities;
}

export class Registry {
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
    if (!merged) return undefined;
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
  amend(id: PeerId, change: Partial<Pick<AuthenticatedPeer, "isConnected" | "latencyMs">>): void {
    const known = this.#authenticated.get(id);
    if (known) this.#authenticated.set(id, Object.freeze({ ...known, ...change }));
  }

  /**
   * Registers what an unsigned message tells. Returns `undefined`, and changes nothing, when the name
   * belongs to an authenticated peer, to ourselves, or to an old node heard from another host.
   */
  learnUnverified(news: UnverifiedNews, nowMs: number): UnverifiedPeer | undefined {
    if (news.id === this.#self || this.#authenticated.has(news.id)) return undefined;
    const known = this.#unverified.get(news.id);
    const isHeld = known && nowMs - known.lastSeenMs <= this.#options.unverifiedExpiryMs;
    if (isHeld && known.host !== news.host) return undefined;
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

  /** Drops the unverified peers that have been silent too long; returns their ids. */
  expire(nowMs: number): readonly string[] {
    const dropped: string[] = [];
    for (const [id, peer] of this.#unverified) {
      if (nowMs - peer.lastSeenMs <= this.#options.unverifiedExpiryMs) break;
      this.#unverified.delete(id);
      dropped.push(id);
    }
    return dropped;
  }

  #makeRoom(host: string): void {
    const { maxUnverified, maxUnverifiedPerHost } = this.#options;
    const id = oneToEvict(this.#unverified, host, maxUnverified, maxUnverifiedPerHost);
    if (id !== undefined) this.#unverified.delete(id);
  }

  /** Keeps count of the peers that only ever signed messages, and evicts the oldest past the caps. */
  #noteMeeting(peer: AuthenticatedPeer, host: string | undefined): void {
    this.#unmet.delete(peer.id);
    if (peer.connectedAtMs !== null || host === undefined) return;
    const { maxUnmet, maxUnmetPerHost } = this.#options;
    const evicted = oneToEvict(this.#unmet, host, maxUnmet, maxUnmetPerHost);
    this.#unmet.set(peer.id, { host });
    if (evicted === undefined) return;
    this.#unmet.delete(evicted);
    this.#authenticated.delete(evicted);
  }

  #evictAuthenticated(keep: string): void {
    for (const [id, peer] of this.#authenticated) {
      if (peer.isConnected || id === keep) continue;
      this.#authenticated.delete(id);
      this.#unmet.delete(id);
      return;
    }
  }
}

/** The entry that must go before one more from `host` is added: the oldest of its host, or of all. */
function oneToEvict(
  entries: ReadonlyMap<string, { readonly host: string }>,
  host: string,
  max: number,
  maxPerHost: number,
): string | undefined {
  let ofHost = 0;
  let oldestOfHost: string | undefined;
  for (const [id, entry] of entries) {
    if (entry.host !== host) continue;
    oldestOfHost ??= id;
    ofHost++;
  }
  if (ofHost >= maxPerHost) return oldestOfHost;
  if (entries.size < max) return undefined;
  const [oldest] = entries.keys();
  return oldest;
}
