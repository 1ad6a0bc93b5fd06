/** Villages that never ran, for the tests of what is made from them. */

import type { AgentSample, LegacySample, PeerSight, VillageSample } from "../../src/demo/sample.ts";

/** The wall time at which the slowest agent of {@link completeVillage} was ready. */
export const LAST_READY_MS = 1_750_000_000_000;

/** The id of the `index`-th agent: as long as a real one, told apart by its first characters. */
export function agentId(index: number): string {
  return `agent${index}`.padEnd(52, "a");
}

/** How an agent sees another one: met `seenMs` and connected `connectedMs` after the last was ready. */
export function sight(id: string, seenMs = 10, connectedMs: number | null = 20): PeerSight {
  return {
    id,
    isAuthenticated: true,
    isConnected: connectedMs !== null,
    firstSeenUnixMs: LAST_READY_MS + seenMs,
    connectedUnixMs: connectedMs === null ? null : LAST_READY_MS + connectedMs,
  };
}

/** An old node as an agent sees it. */
export function legacySight(id: string): PeerSight {
  return { ...sight(id, 5, null), isAuthenticated: false };
}

/** The ids of all agents of a village of `nodes` but the `index`-th. */
export function othersOf(index: number, nodes: number): string[] {
  return Array.from({ length: nodes }, (_, i) => agentId(i)).filter((id) => id !== agentId(index));
}

/** An agent that lacks nothing. */
export function completeAgent(index: number, nodes: number): AgentSample {
  const others = othersOf(index, nodes);
  return {
    id: agentId(index),
    readyUnixMs: LAST_READY_MS - (nodes - 1 - index) * 100,
    sessions: others.length,
    rssMb: 60 + index,
    peers: others.map((id) => sight(id)),
    candidates: others,
    leftOut: [],
    failure: undefined,
  };
}

/** An old node that knows the first agent. */
export function completeLegacy(index: number): LegacySample {
  return {
    id: `legacy-${index}`,
    registered: [agentId(0)],
    unanswered: undefined,
    failure: undefined,
  };
}

/** A village that lacks nothing; its first agent knows the old nodes. */
export function completeVillage(nodes: number, legacy: number): VillageSample {
  const agents = Array.from({ length: nodes }, (_, i) => completeAgent(i, nodes));
  const old = Array.from({ length: legacy }, (_, i) => completeLegacy(i));
  const [first, ...rest] = agents;
  const knowing = first
    ? [{ ...first, peers: [...first.peers ?? [], ...old.map(({ id }) => legacySight(id ?? ""))] }]
    : [];
  return { elapsedMs: 1_234, agents: [...knowing, ...rest], legacy: old };
}

/** `village` with its `index`-th agent changed. */
export function withAgent(
  village: VillageSample,
  index: number,
  change: Partial<AgentSample>,
): VillageSample {
  const agents = village.agents.map((agent, i) => i === index ? { ...agent, ...change } : agent);
  return { ...village, agents };
}

/** `village` with its `index`-th old node changed. */
export function withLegacy(
  village: VillageSample,
  index: number,
  change: Partial<LegacySample>,
): VillageSample {
  const legacy = village.legacy.map((node, i) => i === index ? { ...node, ...change } : node);
  return { ...village, legacy };
}

/** An agent whose process has only just been started. */
export const STARTING: AgentSample = {
  id: undefined,
  readyUnixMs: undefined,
  sessions: 0,
  rssMb: undefined,
  peers: undefined,
  candidates: undefined,
  leftOut: [],
  failure: undefined,
};
