/**
 * The demo's result: from the last sample to figures and a verdict. Pure.
 *
 * A session counts when both of its ends report it. Times run from the moment at which the last process
 * was ready to the moment that the agents themselves recorded, so they do not depend on how often the demo
 * looks; what happened earlier counts as 0.
 */

import type { AgentSample, PeerSight, VillageSample } from "./sample.ts";

/** Over all agents, ms. `null` when too few of them got there. */
interface Spread {
  readonly p50: number | null;
  readonly max: number | null;
}

/** What `--json` prints. */
export interface DemoSummary {
  readonly nodes: number;
  readonly legacy: number;
  /** N (N - 1) / 2. */
  readonly sessions_expected: number;
  readonly sessions_formed: number;
  /** Percent, rounded down: 100 means every one. */
  readonly success_rate: number;
  /** Old nodes that registered the agent they asked. */
  readonly legacy_registered_us: number;
  /** Old nodes that an agent registered. */
  readonly legacy_registered: number;
  /** Until every agent had registered all others; `null` when some never did. */
  readonly discovery_ms: number | null;
  /** The same, until half of them had. */
  readonly discovery_ms_p50: number | null;
  /** Until every agent had a session with all others; `null` when some never did. */
  readonly mesh_ms: number | null;
  readonly mesh_ms_p50: number | null;
  /** Of all agents, the fewest agents that one would choose evolution partners from. */
  readonly evolution_candidates_min: number;
  /** What recognising the protocol adds to reading a message, percent. */
  readonly overhead_percent: number;
  readonly rss_mb_p50: number | null;
  readonly rss_mb_max: number | null;
  /** Whether everything is complete. */
  readonly ok: boolean;
}

/** The figures of `sample`. */
export function summarise(sample: VillageSample, overheadPercent: number): DemoSummary {
  const { agents, legacy } = sample;
  const ids = idsOf(agents);
  const expected = expectedSessions(agents.length);
  const formed = countSessions(agents);
  const lastReadyMs = Math.max(...agents.map((agent) => agent.readyUnixMs ?? Infinity));
  const discovery = spreadOf(sample, lastReadyMs, (peer) => peer.firstSeenUnixMs);
  const mesh = spreadOf(sample, lastReadyMs, (peer) => peer.connectedUnixMs);
  const rss = agents.flatMap((agent) => agent.rssMb ?? []);
  return {
    nodes: agents.length,
    legacy: legacy.length,
    sessions_expected: expected,
    sessions_formed: formed,
    success_rate: expected === 0 ? 100 : Math.floor(formed * 10_000 / expected) / 100,
    legacy_registered_us: countRegisteredUs(sample),
    legacy_registered: countRegistered(sample),
    discovery_ms: discovery.max,
    discovery_ms_p50: discovery.p50,
    mesh_ms: mesh.max,
    mesh_ms_p50: mesh.p50,
    evolution_candidates_min: Math.min(...agents.map((agent) => countCandidates(agent, ids))),
    overhead_percent: round(overheadPercent, 2),
    rss_mb_p50: rss.length === 0 ? null : round(middle(rss), 1),
    rss_mb_max: rss.length === 0 ? null : round(Math.max(...rss), 1),
    ok: isComplete(sample),
  };
}

/** Whether nothing is missing. */
export function isComplete(sample: VillageSample): boolean {
  const { agents, legacy } = sample;
  const ids = idsOf(agents);
  return agents.every((agent) => countCandidates(agent, ids) === agents.length - 1) &&
    [...agents, ...legacy].every((process) => process.failure === undefined) &&
    countSessions(agents) === expectedSessions(agents.length) &&
    countRegisteredUs(sample) === legacy.length &&
    countRegistered(sample) === legacy.length;
}

/** Whether one agent of `nodes`, those with `ids` among them, has all its sessions and candidates. */
export function isAgentComplete(
  agent: AgentSample,
  ids: ReadonlySet<string>,
  nodes: number,
): boolean {
  return sessionsOf(agent, ids).length === nodes - 1 &&
    countCandidates(agent, ids) === nodes - 1;
}

/** The ids of the agents that have said theirs. */
export function idsOf(agents: readonly AgentSample[]): ReadonlySet<string> {
  return new Set(agents.flatMap(({ id }) => id ?? []));
}

/** Sessions of a full mesh. */
export function expectedSessions(nodes: number): number {
  return nodes * (nodes - 1) / 2;
}

/** Sessions that both ends report. */
export function countSessions(agents: readonly AgentSample[]): number {
  const ids = idsOf(agents);
  const ends = new Set<string>();
  let formed = 0;
  for (const agent of agents) {
    for (const peer of sessionsOf(agent, ids)) {
      if (ends.has(`${peer.id} ${agent.id}`)) formed++;
      ends.add(`${agent.id} ${peer.id}`);
    }
  }
  return formed;
}

/** Candidates of `agent` among the agents with `ids`; 0 before it was asked. */
export function countCandidates(agent: AgentSample, ids: ReadonlySet<string>): number {
  return new Set(agent.candidates?.filter((id) => id !== agent.id && ids.has(id))).size;
}

/** Old nodes that registered the agent they asked: the first one. */
export function countRegisteredUs({ agents, legacy }: VillageSample): number {
  const asked = agents[0]?.id;
  return legacy.filter(({ registered }) => asked !== undefined && registered.includes(asked))
    .length;
}

/** Old nodes that at least one agent registered. */
export function countRegistered({ agents, legacy }: VillageSample): number {
  const known = new Set(agents.flatMap(({ peers }) => peers?.map(({ id }) => id) ?? []));
  return legacy.filter(({ id }) => id !== undefined && known.has(id)).length;
}

/** What `agent` says of those with `ids` that it has a sealed session with. */
function sessionsOf(agent: AgentSample, ids: ReadonlySet<string>): readonly PeerSight[] {
  return sightsOf(agent, ids).filter((peer) => peer.isAuthenticated && peer.isConnected);
}

function sightsOf(agent: AgentSample, ids: ReadonlySet<string>): readonly PeerSight[] {
  return agent.peers?.filter(({ id }) => id !== agent.id && ids.has(id)) ?? [];
}

/** How long each agent took until it had `stampOf` for every other one. */
function spreadOf(
  { agents }: VillageSample,
  sinceMs: number,
  stampOf: (peer: PeerSight) => number | null,
): Spread {
  const ids = idsOf(agents);
  const tookMs = agents.map((agent) => {
    const stamps = sightsOf(agent, ids).flatMap((peer) => stampOf(peer) ?? []);
    if (stamps.length < agents.length - 1) return Infinity;
    return Math.max(0, ...stamps.map((stamp) => stamp - sinceMs));
  });
  return { p50: finite(middle(tookMs)), max: finite(Math.max(...tookMs)) };
}

/** The median; of an even number the upper one, so that half of the village is no slower. */
function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Infinity;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? round(value, 1) : null;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
