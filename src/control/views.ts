/**
 * What the control API shows: plain JSON objects, snake_case, the same that `--json` prints.
 */

import type { Clock } from "../base/clock.ts";
import type { JsonObject } from "../base/guards.ts";
import { shortId } from "../base/peer_id.ts";
import type { Agent } from "../agent/agent.ts";
import { writeCapabilities } from "../discovery/capabilities.ts";
import type { LegacyPolicy } from "../discovery/responder.ts";
import type { Peer } from "../mesh/peer.ts";
import { formatAddress } from "../net/address.ts";
import type { Bandwidth } from "../node/shaper.ts";
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
  /** Whether any authenticated key may join. */
  readonly open: boolean;
  readonly crypto: Backend["report"];
  readonly peers: { authenticated: number; connected: number; unverified: number };
  readonly connections: { guests: number; accepted: number; evicted: number; dialled: number };
  /** Open streams, all sessions together. */
  readonly streams: number;
  /** The owner's; `null` is no limit, or no inbox. */
  readonly limits: {
    readonly max_up_bps: number | null;
    readonly max_down_bps: number | null;
    readonly max_connections: number;
    readonly max_file_bytes: number;
  };
  readonly inbox: string | null;
  readonly discoveries: number;
  readonly sessions_opened: number;
  readonly envelopes: { received: number; sent: number; dropped: number };
  /** Refusals and closings for cause, by code. */
  readonly rejected: Readonly<Record<string, number>>;
  readonly memory: { rss_mb: number; heap_mb: number };
  readonly capabilities: JsonObject;
}

export interface PeerView {
  readonly node_id: string;
  readonly short_id: string;
  readonly trust: Peer["trust"];
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
    open: true,
    crypto: setting.backend.report,
    peers: {
      authenticated: authenticated.length,
      connected,
      unverified: agent.registry.size - authenticated.length,
    },
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
    },
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
