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
}

export const DEFAULT_REGISTRY: RegistryOptions = Object.freeze({
  maxUnverified: 1_024,
  maxUnverifiedPerHost: 16,
  unverifiedExpiryMs: 120_000,
  maxAuthenticated: 131_072,
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
   * belongs to an authenticated peer or to ourselves.
   */
  learnUnverified(news: UnverifiedNews, nowMs: number): UnverifiedPeer | undefined {
    if (news.id === this.#self || this.#authenticated.has(news.id)) return undefined;
    const known = this.#unverified.get(news.id);
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
    let ofHost = 0;
    let oldestOfHost: string | undefined;
    for (const [id, peer] of this.#unverified) {
      if (peer.host !== host) continue;
      oldestOfHost ??= id;
      ofHost++;
    }
    if (oldestOfHost !== undefined && ofHost >= maxUnverifiedPerHost) {
      this.#unverified.delete(oldestOfHost);
    } else if (this.#unverified.size >= maxUnverified) {
      const [oldest] = this.#unverified.keys();
      if (oldest !== undefined) this.#unverified.delete(oldest);
    }
  }

  #evictAuthenticated(keep: string): void {
    for (const [id, peer] of this.#authenticated) {
      if (peer.isConnected || id === keep) continue;
      this.#authenticated.delete(id);
      return;
    }
  }
}
