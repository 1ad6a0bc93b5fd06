/**
 * Metrics of the village as this device sees it: members, probes, events, candidates for work.
 */

import type { Agent } from "../agent/agent.ts";
import type { Unfitness } from "../mesh/selection.ts";
import { gossipView } from "./gossip_views.ts";
import { counter, gauge, histogram } from "./metric_family.ts";
import type { MetricFamily } from "./prometheus_text.ts";

export function villageMetrics(agent: Agent): readonly MetricFamily[] {
  return [
    ...membershipMetrics(agent),
    ...gossipMetrics(agent),
    ...selectionMetrics(agent),
  ];
}

function membershipMetrics(agent: Agent): readonly MetricFamily[] {
  const { members, sessions, health_multiplier: healthMultiplier } = gossipView(agent);
  const { probes, probesFailed, suspicions, deaths, refutations, roundTripSeconds } =
    agent.villager.gossip.swimCounters;
  return [
    gauge("hamlet_members", "Members of the village, this device included, by state.", {
      label: "state",
      of: members,
    }),
    gauge("hamlet_gossip_neighbours", "Members with a session for gossip.", sessions.kept),
    gauge(
      "hamlet_gossip_health_multiplier",
      "Lifeguard's local health: 0 is well, up to 8 where this device may be the slow one.",
      healthMultiplier,
    ),
    counter("hamlet_gossip_probes_total", "Probes of members begun.", probes),
    counter("hamlet_gossip_probes_failed_total", "Probes that nobody answered.", probesFailed),
    counter("hamlet_gossip_suspicions_total", "Members that became suspect.", suspicions),
    counter("hamlet_gossip_deaths_total", "Members that were declared dead.", deaths),
    counter(
      "hamlet_gossip_refutations_total",
      "Times this device took back that it is gone.",
      refutations,
    ),
    histogram("hamlet_round_trip_seconds", "Round trips over sessions, by what was asked.", {
      label: "kind",
      of: { probe: roundTripSeconds, ping: agent.node.tally.pingSeconds.reading },
    }),
  ];
}

function gossipMetrics(agent: Agent): readonly MetricFamily[] {
  const { messages, bytes, events, queued } = gossipView(agent);
  return [
    counter("hamlet_gossip_messages_total", "Messages of the village, by direction.", {
      label: "direction",
      of: messages,
    }),
    counter("hamlet_gossip_bytes_total", "Bytes of those messages, by direction.", {
      label: "direction",
      of: bytes,
    }),
    gauge("hamlet_gossip_queued", "Rumours, probes and errands that wait.", queued),
    counter(
      "hamlet_events_total",
      "Events, queries and capability records that neighbours passed on, by what became of them.",
      {
        label: "outcome",
        of: {
          told: events.told,
          duplicate: events.duplicates,
          unbelievable: events.unbelievable,
          too_fast: events.too_fast,
        },
      },
    ),
  ];
}

function selectionMetrics(agent: Agent): readonly MetricFamily[] {
  const { candidates, leftOut } = agent.selectForEvolution();
  const of: Record<Unfitness, number> = {
    unverified: 0,
    not_connected: 0,
    cannot_evolve: 0,
    not_available: 0,
    loaded: 0,
    too_hot: 0,
    battery_low: 0,
  };
  for (const { reason } of leftOut) of[reason]++;
  return [
    gauge("hamlet_candidates", "Peers fit for evolution.", candidates.length),
    gauge("hamlet_candidates_left_out", "Peers that are not, by reason.", { label: "reason", of }),
  ];
}
