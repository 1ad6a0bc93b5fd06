/**
 * What the control API shows: plain JSON objects, snake_case, the same that `--json` prints.
 */

import type { Clock } from "../base/clock.ts";
import type { JsonObject } from "../base/guards.ts";
import { type PeerId, shortId } from "../base/peer_id.ts";
import type { Agent } from "../agent/agent.ts";
import type { ScoutsStatus } from "../agent/scouts.ts";
import { writeCapabilities } from "../discovery/capabilities.ts";
import type { RateLimitOptions } from "../discovery/rate_limit.ts";
import type { LegacyPolicy } from "../discovery/responder.ts";
import type { RegistryOptions } from "../mesh/registry.ts";
import type { Peer } from "../mesh/peer.ts";
import { formatAddress } from "../net/address.ts";
import { type GossipView, gossipView } from "./gossip_views.ts";
import { type NetworkView, networkView } from "./network_views.ts";
import type { Bandwidth } from "../node/shaper.ts";
import type { Role } from "../trust/certificate.ts";
import type { Backend } from "../noise/backend.ts";

export interface StatusView {
  readonly version: string;
  readonly node_id: string;
  readonly short_id: string;
  readonly pid: number;
  readonly state_dir: string;
  readonly uptime_s: number;
  readonly started_unix_ms: number;
  readonly listen: string;
  readonly addresses: readonly string[];
  readonly legacy: LegacyPolicy;
  /** Whether any authenticated key may take part. */
  readonly open: boolean;
  /** `null` where there is none: then it is open. */
  readonly network: NetworkView | null;
  readonly crypto: Backend["report"];
  /** How others are found; `null` where no scouts were sent. */
  readonly discovery: ScoutsStatus | null;
  /** Targets to dial, dials under way, dials of the last 10 s. */
  readonly dials: { targets: number; in_flight: number; last_10_s: number };
  readonly peers: { authenticated: number; connected: number; unverified: number };
  readonly gossip: GossipView;
  readonly connections: { guests: number; accepted: number; evicted: number; dialled: number };
  /** Open streams, all sessions together. */
  readonly streams: number;
  /** The owner's; `null` is no limit, or no inbox. */
  readonly limits: {
    readonly max_up_bps: number | null;
    readonly max_down_bps: number | null;
    readonly max_connections: number;
    readonly max_file_bytes: number;
    readonly requests_per_s: number;
    readonly request_burst: number;
    readonly max_unverified: number;
    readonly max_unverified_per_address: number;
  };
  /** What the limits on strangers did since the start. */
  readonly limited: LimitCounters;
  readonly inbox: string | null;
  readonly discoveries: number;
  readonly sessions_opened: number;
  readonly envelopes: { received: number; sent: number; dropped: number };
  /** Refusals and closings for cause, by code. */
  readonly rejected: Readonly<Record<string, number>>;
  readonly memory: { rss_mb: number; heap_mb: number };
  readonly capabilities: JsonObject;
}

/** Since the start. */
export interface LimitCounters {
  readonly requests_allowed: number;
  /** Told off, once in a row. */
  readonly requests_refused: number;
  /** Not even answered. */
  readonly requests_dropped: number;
  readonly addresses_tracked: number;
  readonly unverified_evicted: number;
  readonly unverified_evicted_of_address: number;
  readonly unverified_expired: number;
  readonly unmet_evicted: number;
  readonly authenticated_evicted: number;
  /** Unsigned messages under somebody else's name. */
  readonly names_refused: number;
  readonly replays_refused: number;
}

export interface PeerView {
  readonly node_id: string;
  readonly short_id: string;
  readonly trust: Peer["trust"];
  /** What its people call it, and its role; `null` unless it is a member of our network. */
  readonly name: string | null;
  readonly role: Role | null;
  readonly connected: boolean;
  readonly addresses: readonly string[];
  /** Seconds since it was last heard. */
  readonly last_seen_s: number;
  readonly latency_ms: number | null;
  readonly first_seen_unix_ms: number;
  readonly connected_unix_ms: number | null;
  readonly capabilities: JsonObject;
}

export interface CandidatesView {
  readonly candidates: readonly {
    readonly node_id: string;
    readonly short_id: string;
    readonly priority: number;
    readonly capabilities: JsonObject;
  }[];
  readonly left_out: readonly {
    readonly node_id: string;
    readonly short_id: string;
    readonly reason: string;
  }[];
}

export interface PingView {
  readonly node_id: string;
  readonly short_id: string;
  readonly rtt_ms: number;
}

/** What of the agent's setting only its owner knows. */
export interface Setting {
  readonly version: string;
  readonly stateDir: string;
  readonly legacy: LegacyPolicy;
  readonly backend: Backend;
  readonly clock: Clock;
  readonly limits: OwnersLimits;
  readonly rateLimit: RateLimitOptions;
  readonly registry: RegistryOptions;
  readonly scouts?: { readonly status: ScoutsStatus } | undefined;
}

/** What the device's owner allows. */
export interface OwnersLimits {
  readonly bandwidth: Bandwidth;
  readonly maxConnections: number;
  readonly maxFileBytes: number;
  readonly inboxDir: string | undefined;
}

export function statusView(agent: Agent, setting: Setting): StatusView {
  const { counters, guests } = agent.node;
  const authenticated = agent.registry.authenticated();
  const memory = Deno.memoryUsage();
  const connected = authenticated.filter(({ isConnected }) => isConnected).length;
  return {
    version: setting.version,
    node_id: agent.identity.id,
    short_id: shortId(agent.identity.id),
    pid: Deno.pid,
    state_dir: setting.stateDir,
    uptime_s: Math.round((setting.clock.wallMs() - agent.startedAtMs) / 1000),
    started_unix_ms: Math.round(agent.startedAtMs),
    listen: formatAddress(agent.listenAddress),
    addresses: agent.addresses.map(formatAddress),
    legacy: setting.legacy,
    open: agent.membership?.isOpen ?? true,
    network: agent.membership ? networkView(agent.membership) : null,
    crypto: setting.backend.report,
    discovery: setting.scouts?.status ?? null,
    dials: dialsView(agent),
    peers: {
      authenticated: authenticated.length,
      connected,
      unverified: agent.registry.size - authenticated.length,
    },
    gossip: gossipView(agent),
    connections: {
      guests,
      accepted: counters.connectionsAccepted,
      evicted: counters.connectionsEvicted,
      dialled: counters.dials,
    },
    streams: agent.node.streams,
    limits: {
      max_up_bps: bitsPerSecond(setting.limits.bandwidth.up),
      max_down_bps: bitsPerSecond(setting.limits.bandwidth.down),
      max_connections: setting.limits.maxConnections,
      max_file_bytes: setting.limits.maxFileBytes,
      requests_per_s: setting.rateLimit.perSecond,
      request_burst: setting.rateLimit.burst,
      max_unverified: setting.registry.maxUnverified,
      max_unverified_per_address: setting.registry.maxUnverifiedPerHost,
    },
    limited: limitCounters(agent),
    inbox: setting.limits.inboxDir ?? null,
    discoveries: counters.discoveries,
    sessions_opened: counters.sessionsOpened,
    envelopes: {
      received: counters.envelopesReceived,
      sent: counters.envelopesSent,
      dropped: counters.envelopesDropped,
    },
    rejected: Object.fromEntries(counters.rejected),
    memory: { rss_mb: megabytes(memory.rss), heap_mb: megabytes(memory.heapUsed) },
    capabilities: writeCapabilities(agent.capabilities, agent.identity.id),
  };
}

/** Every peer: connected first, then the latest heard. */
export function peerViews(agent: Agent, clock: Clock): readonly PeerView[] {
  const nowMs = clock.now();
  return agent.registry.peers().map((peer) => ({
    node_id: peer.id,
    short_id: shortId(peer.id),
    trust: peer.trust,
    ...membershipView(agent, peer),
    connected: isConnected(peer),
    addresses: peer.addresses.map(formatAddress),
    last_seen_s: Math.round((nowMs - lastHeardMs(agent, peer)) / 100) / 10,
    latency_ms: peer.latencyMs === null ? null : Math.round(peer.latencyMs * 1000) / 1000,
    first_seen_unix_ms: agent.wallMsAt(peer.firstSeenMs),
    connected_unix_ms: peer.trust === "authenticated" && isConnected(peer) &&
        peer.connectedAtMs !== null
      ? agent.wallMsAt(peer.connectedAtMs)
      : null,
    capabilities: writeCapabilities(peer.capabilities, peer.id),
  })).sort((a, b) =>
    Number(b.connected) - Number(a.connected) || a.last_seen_s - b.last_seen_s ||
    (a.node_id < b.node_id ? -1 : 1)
  );
}

export function candidatesView(agent: Agent): CandidatesView {
  const { candidates, leftOut } = agent.selectForEvolution();
  return {
    candidates: candidates.map(({ peer, priority }) => ({
      node_id: peer.id,
      short_id: shortId(peer.id),
      priority: Math.round(priority * 1000) / 1000,
      capabilities: writeCapabilities(peer.capabilities, peer.id),
    })),
    left_out: leftOut.map(({ peer, reason }) => ({
      node_id: peer.id,
      short_id: shortId(peer.id),
      reason,
    })),
  };
}

function dialsView(agent: Agent): StatusView["dials"] {
  const { targets, inFlight, recentDials } = agent.whereabouts.dials;
  return { targets, in_flight: inFlight, last_10_s: recentDials };
}

function limitCounters(agent: Agent): LimitCounters {
  const { requests } = agent;
  const { counters } = agent.registry;
  return {
    requests_allowed: requests.allowed,
    requests_refused: requests.refused,
    requests_dropped: requests.dropped,
    addresses_tracked: requests.addresses,
    unverified_evicted: counters.unverifiedEvicted,
    unverified_evicted_of_address: counters.unverifiedEvictedOfHost,
    unverified_expired: counters.unverifiedExpired,
    unmet_evicted: counters.unmetEvicted + counters.unmetEvictedOfHost,
    authenticated_evicted: counters.authenticatedEvicted,
    names_refused: counters.namesRefused,
    replays_refused: counters.replaysRefused,
  };
}

function membershipView({ membership }: Agent, { id }: Peer): Pick<PeerView, "name" | "role"> {
  const certificate = membership?.roster.get(id as PeerId);
  if (!certificate || !membership?.isMember(certificate.id)) return { name: null, role: null };
  const { name, role } = certificate;
  return { name, role };
}

function isConnected(peer: Peer): boolean {
  return peer.trust === "authenticated" && peer.isConnected;
}

/** Any record of a session counts as hearing the peer, not only those that bring news. */
function lastHeardMs(agent: Agent, peer: Peer): number {
  const heard = peer.trust === "authenticated" ? agent.node.lastReceivedMs(peer.id) : undefined;
  return Math.max(peer.lastSeenMs, heard ?? 0);
}

function bitsPerSecond(bytesPerSecond: number | undefined): number | null {
  return bytesPerSecond === undefined ? null : bytesPerSecond * 8;
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 104_857.6) / 10;
}
