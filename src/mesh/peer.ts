/**
 * A peer as the registry knows it, and the rules by which what we learn of it is merged.
 *
 * Two kinds never mix: an *authenticated* peer has proved its key, an *unverified* one only said a name.
 * What an unverified message claims never touches an authenticated record. Records are immutable.
 */

import type { PeerId } from "../base/peer_id.ts";
import type { Capabilities } from "../discovery/capabilities.ts";
import { type Address, mergeAddresses } from "../net/address.ts";

interface PeerCommon {
  readonly capabilities: Capabilities;
  /** Where it can be dialled, best first. */
  readonly addresses: readonly Address[];
  /** When we first heard of it, by our monotonic clock, ms. */
  readonly firstSeenMs: number;
  /** When we last heard it ourselves, by our monotonic clock, ms; never what it claims. */
  readonly lastSeenMs: number;
  /** Last round trip, ms; `null` before the first. */
  readonly latencyMs: number | null;
}

/** A peer that proved its key. */
export interface AuthenticatedPeer extends PeerCommon {
  readonly trust: "authenticated";
  readonly id: PeerId;
  readonly isConnected: boolean;
  /** Whether the village holds it for alive, and a session with it can be had. */
  readonly isAlive: boolean;
  /** When its present or last session began, by our monotonic clock; `null` before the first. */
  readonly connectedAtMs: number | null;
  /** When it last signed something that we accepted, by its clock, Unix ms: older is a replay. */
  readonly signedAtMs: number;
  /** Our opinion of it, 0..1; 0.5 to begin with. */
  readonly trustScore: number;
}

/** A peer that speaks only unsigned JSON. */
export interface UnverifiedPeer extends PeerCommon {
  readonly trust: "unverified";
  /** Whatever it calls itself. */
  readonly id: string;
  /** The address it spoke from, for the cap per host. */
  readonly host: string;
}

export type Peer = AuthenticatedPeer | UnverifiedPeer;

/** What an authenticated message tells. */
export interface AuthenticatedNews {
  readonly id: PeerId;
  readonly capabilities?: Capabilities | undefined;
  readonly addresses?: readonly Address[];
  /** 0 for news from inside a session, which cannot be replayed. */
  readonly signedAtMs?: number;
  readonly latencyMs?: number;
  readonly isConnected?: boolean;
  readonly isAlive?: boolean;
  /** The host that a signed message came from, for the cap on peers never met. */
  readonly host?: string;
}

/**
 * What `news` at `nowMs` makes of `known`. `undefined` when it is a signed message no newer than one
 * already accepted: a replay, which must change nothing.
 */
export function mergeAuthenticated(
  known: AuthenticatedPeer | undefined,
  news: AuthenticatedNews,
  fallback: Capabilities,
  nowMs: number,
): AuthenticatedPeer | undefined {
  const signedAtMs = news.signedAtMs ?? 0;
  if (known && signedAtMs > 0 && signedAtMs <= known.signedAtMs) return undefined;
  return Object.freeze({
    trust: "authenticated",
    id: news.id,
    capabilities: news.capabilities ?? known?.capabilities ?? fallback,
    addresses: rankAddresses(news, known),
    firstSeenMs: known?.firstSeenMs ?? nowMs,
    lastSeenMs: nowMs,
    connectedAtMs: news.isConnected ? nowMs : known?.connectedAtMs ?? null,
    latencyMs: news.latencyMs ?? known?.latencyMs ?? null,
    isConnected: news.isConnected ?? known?.isConnected ?? false,
    isAlive: news.isAlive ?? known?.isAlive ?? false,
    signedAtMs: Math.max(signedAtMs, known?.signedAtMs ?? 0),
    trustScore: known?.trustScore ?? 0.5,
  });
}

/** The newest addresses first; but of whom we have met only a session tells: a message may be a replay. */
function rankAddresses(
  news: AuthenticatedNews,
  known: AuthenticatedPeer | undefined,
): readonly Address[] {
  const isProved = news.isConnected || !known || known.connectedAtMs === null;
  const [told, held] = [news.addresses ?? [], known?.addresses ?? []];
  return isProved ? mergeAddresses(told, held) : held;
}
