/**
 * Metrics of what happens at the sockets: connections, frames, handshakes, sessions, discovery, files.
 */

import type { Agent } from "../agent/agent.ts";
import { counter, gauge, histogram } from "./metric_family.ts";
import type { MetricFamily } from "./prometheus_text.ts";

/** Reasons that get a series of their own; there are some sixty codes, and never this many at once. */
const MAX_REASONS = 96;
const REASON = /^[a-z][a-z0-9_]{0,47}$/;
/** The reject that is a connection turned away; it is told of with the connections. */
const FULL = "too_many_connections";

export function nodeMetrics(agent: Agent): readonly MetricFamily[] {
  return [
    ...connectionMetrics(agent),
    ...trafficMetrics(agent),
    ...sessionMetrics(agent),
    ...discoveryMetrics(agent),
    ...fileMetrics(agent),
  ];
}

function connectionMetrics({ node }: Agent): readonly MetricFamily[] {
  const { counters } = node;
  return [
    gauge("hamlet_connections_open", "Open TCP connections.", node.connections),
    gauge(
      "hamlet_connections_unauthenticated",
      "Accepted connections that have not authenticated.",
      node.guests,
    ),
    counter(
      "hamlet_connections_accepted_total",
      "Connections accepted.",
      counters.connectionsAccepted,
    ),
    counter("hamlet_connections_dialled_total", "Addresses dialled.", counters.dials),
    counter("hamlet_connections_refused_total", "Connections turned away, by reason.", {
      label: "reason",
      of: { [FULL]: counters.rejected.get(FULL) ?? 0 },
    }),
    counter(
      "hamlet_connections_evicted_total",
      "Strangers' connections that made way for others, by reason.",
      {
        label: "reason",
        of: {
          too_many_connections: counters.connectionsEvictedWhenFull,
          too_many_strangers: counters.connectionsEvicted - counters.connectionsEvictedWhenFull,
        },
      },
    ),
  ];
}

function trafficMetrics({ node: { tally, counters } }: Agent): readonly MetricFamily[] {
  return [
    counter("hamlet_frames_received_total", "Frames received, by path.", {
      label: "path",
      of: {
        json: tally.framesJson,
        handshake: tally.framesHandshake,
        sealed: tally.framesSealed,
        foreign: tally.framesForeign,
        malformed: tally.framesMalformed,
      },
    }),
    counter("hamlet_receive_bytes_total", "Bytes received over TCP.", tally.bytesReceived),
    counter("hamlet_transmit_bytes_total", "Bytes sent over TCP.", tally.bytesSent),
    counter("hamlet_rejects_total", "Refusals and closings for cause, by reason.", {
      label: "reason",
      of: boundedReasons(counters.rejected),
    }),
  ];
}

function sessionMetrics({ node }: Agent): readonly MetricFamily[] {
  const { counters, tally } = node;
  return [
    gauge("hamlet_sessions", "Peers with a sealed session.", node.connected.length),
    counter("hamlet_sessions_opened_total", "Sealed sessions opened.", counters.sessionsOpened),
    gauge("hamlet_streams_open", "Open streams, all sessions together.", node.streams),
    counter("hamlet_handshakes_total", "Noise handshakes, by outcome.", {
      label: "outcome",
      of: {
        ok: tally.handshakesSucceeded,
        failed: tally.handshakesFailed,
        abandoned: tally.handshakesAbandoned,
      },
    }),
    histogram(
      "hamlet_handshake_duration_seconds",
      "From the first frame of a handshake to its last, of those that opened a session.",
      tally.handshakeSeconds.reading,
    ),
    counter("hamlet_envelopes_total", "Envelopes of all sessions, by what became of them.", {
      label: "outcome",
      of: {
        sent: counters.envelopesSent,
        received: counters.envelopesReceived,
        dropped: counters.envelopesDropped,
      },
    }),
  ];
}

function discoveryMetrics({ node, requests, registry, whereabouts }: Agent) {
  const authenticated = registry.authenticated().length;
  const { targets, inFlight } = whereabouts.dials;
  const { counters } = registry;
  return [
    counter(
      "hamlet_discoveries_total",
      "Peers that told of themselves.",
      node.counters.discoveries,
    ),
    counter("hamlet_discovery_requests_total", "JSON discovery requests, by what became of them.", {
      label: "outcome",
      of: { allowed: requests.allowed, refused: requests.refused, dropped: requests.dropped },
    }),
    gauge("hamlet_dial_targets", "Peers and addresses that the dial plan looks after.", targets),
    gauge("hamlet_dials_in_flight", "Dials under way.", inFlight),
    gauge("hamlet_registry_peers", "Known peers, by how sure they are.", {
      label: "kind",
      of: { authenticated, unverified: registry.size - authenticated },
    }),
    counter(
      "hamlet_registry_removals_total",
      "Peers forgotten for want of room or news, by reason.",
      {
        label: "reason",
        of: {
          unverified_full: counters.unverifiedEvicted,
          unverified_of_address_full: counters.unverifiedEvictedOfHost,
          unverified_expired: counters.unverifiedExpired,
          unmet_full: counters.unmetEvicted,
          unmet_of_address_full: counters.unmetEvictedOfHost,
          authenticated_full: counters.authenticatedEvicted,
        },
      },
    ),
    counter(
      "hamlet_registry_refusals_total",
      "Messages that could not change an entry, by reason.",
      {
        label: "reason",
        of: { name_taken: counters.namesRefused, replay: counters.replaysRefused },
      },
    ),
  ];
}

function fileMetrics({ transfers: { sent, received } }: Agent): readonly MetricFamily[] {
  const both = (help: string, name: string, key: keyof typeof sent) =>
    counter(name, help, {
      label: "direction",
      of: { sent: sent[key], received: received[key] },
    });
  return [
    gauge("hamlet_file_transfers_active", "Files under way.", {
      label: "direction",
      of: { sent: sent.active, received: received.active },
    }),
    both("Files sent or received whole.", "hamlet_file_transfers_completed_total", "completed"),
    both(
      "Attempts at a file that were refused or broken off.",
      "hamlet_file_transfers_failed_total",
      "failed",
    ),
    both("Sizes of the completed files.", "hamlet_file_transfer_bytes_total", "completedBytes"),
  ];
}

/** Codes are ours; that they stay few and harmless is seen to here all the same. */
function boundedReasons(rejected: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  const of: Record<string, number> = Object.create(null);
  for (const [code, count] of rejected) {
    if (code === FULL) continue;
    const isOwn = REASON.test(code) && (code in of || Object.keys(of).length < MAX_REASONS);
    const reason = isOwn ? code : "other";
    of[reason] = (of[reason] ?? 0) + count;
  }
  return of;
}
