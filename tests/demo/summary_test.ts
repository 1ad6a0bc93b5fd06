import { assertEquals } from "@std/assert";
import {
  countSessions,
  type DemoSummary,
  expectedSessions,
  isAgentComplete,
  isComplete,
  summarise,
} from "../../src/demo/summary.ts";
import {
  agentId,
  completeAgent,
  completeVillage,
  LAST_READY_MS,
  legacySight,
  othersOf,
  sight,
  STARTING,
  withAgent,
  withLegacy,
} from "./samples.ts";

/** The times of a summary in pairs: shorter to compare. */
function timesOf(summary: DemoSummary) {
  return {
    discovery_ms: { p50: summary.discovery_ms_p50, max: summary.discovery_ms },
    mesh_ms: { p50: summary.mesh_ms_p50, max: summary.mesh_ms },
  };
}

Deno.test("summarise() gives exactly the documented keys", { permissions: "none" }, () => {
  assertEquals(Object.keys(summarise(completeVillage(3, 1), 0)), [
    "nodes",
    "legacy",
    "sessions_expected",
    "sessions_formed",
    "success_rate",
    "legacy_registered_us",
    "legacy_registered",
    "discovery_ms",
    "discovery_ms_p50",
    "mesh_ms",
    "mesh_ms_p50",
    "evolution_candidates_min",
    "overhead_percent",
    "rss_mb_p50",
    "rss_mb_max",
    "ok",
  ]);
});

Deno.test("summarise() of a complete village is all there is", { permissions: "none" }, () => {
  assertEquals(summarise(completeVillage(4, 2), 0.1234), {
    nodes: 4,
    legacy: 2,
    sessions_expected: 6,
    sessions_formed: 6,
    success_rate: 100,
    legacy_registered_us: 2,
    legacy_registered: 2,
    discovery_ms: 10,
    discovery_ms_p50: 10,
    mesh_ms: 20,
    mesh_ms_p50: 20,
    evolution_candidates_min: 3,
    overhead_percent: 0.12,
    rss_mb_p50: 62,
    rss_mb_max: 63,
    ok: true,
  });
});

Deno.test("expectedSessions() counts the pairs", { permissions: "none" }, () => {
  for (const nodes of [1, 2, 3, 10, 30]) {
    let pairs = 0;
    for (let a = 0; a < nodes; a++) for (let b = a + 1; b < nodes; b++) pairs++;
    assertEquals(expectedSessions(nodes), pairs);
  }
});

Deno.test("countSessions() counts a session that both ends report", { permissions: "none" }, () => {
  const whole = completeVillage(4, 0);
  // Agent 1 has lost agent 2, which has not noticed.
  const oneSided = withAgent(whole, 1, {
    peers: othersOf(1, 4).map((id) => id === agentId(2) ? sight(id, 10, null) : sight(id)),
  });
  assertEquals(countSessions(oneSided.agents), 5);
  assertEquals(summarise(oneSided, 0).success_rate, 83.33);
  assertEquals(isComplete(oneSided), false);
});

Deno.test("countSessions() does not count who is not of the village", {
  permissions: "none",
}, () => {
  const whole = completeVillage(3, 0);
  const stranger = sight("stranger");
  const myself = sight(agentId(0));
  const crowded = withAgent(whole, 0, {
    peers: [...othersOf(0, 3).map((id) => sight(id)), stranger, myself],
  });
  assertEquals(countSessions(crowded.agents), 3);
});

Deno.test("countSessions() does not count unverified peers", { permissions: "none" }, () => {
  const village = withAgent(completeVillage(2, 0), 0, {
    peers: [{ ...sight(agentId(1)), isAuthenticated: false }],
  });
  assertEquals(countSessions(village.agents), 0);
});

Deno.test("summarise() rounds the success rate down, so that 100 means all", {
  permissions: "none",
}, () => {
  // 1 of 19,900 sessions is missing: 99.9949... %.
  const village = withAgent(completeVillage(200, 0), 7, {
    peers: othersOf(7, 200).slice(1).map((id) => sight(id)),
  });
  assertEquals(summarise(village, 0).success_rate, 99.99);
});

Deno.test("summarise() takes times from the agents' own stamps, per agent", {
  permissions: "none",
}, () => {
  const times = [[5, 30], [40, 50], [20, 80]] as const;
  let village = completeVillage(3, 0);
  for (const [index, [seenMs, connectedMs]] of times.entries()) {
    const [first = "", second = ""] = othersOf(index, 3);
    const peers = [sight(first, seenMs, connectedMs), sight(second, seenMs - 1, connectedMs - 1)];
    village = withAgent(village, index, { peers });
  }
  const { discovery_ms, mesh_ms } = timesOf(summarise(village, 0));
  assertEquals(discovery_ms, { p50: 20, max: 40 });
  assertEquals(mesh_ms, { p50: 50, max: 80 });
});

Deno.test("summarise() counts what was there before the last agent was ready as 0", {
  permissions: "none",
}, () => {
  let village = completeVillage(3, 0);
  for (const index of [0, 1, 2]) {
    const peers = othersOf(index, 3).map((id) => sight(id, -500, -400));
    village = withAgent(village, index, { peers });
  }
  const { discovery_ms, mesh_ms } = timesOf(summarise(village, 0));
  assertEquals([discovery_ms, mesh_ms], [{ p50: 0, max: 0 }, { p50: 0, max: 0 }]);
});

Deno.test("summarise() has no time for what was not reached", { permissions: "none" }, () => {
  const lonely = { peers: [] };
  const one = withAgent(completeVillage(5, 0), 4, lonely);
  assertEquals(timesOf(summarise(one, 0)).mesh_ms, { p50: 20, max: null });
  const most = [1, 2, 3].reduce((village, i) => withAgent(village, i, lonely), one);
  assertEquals(timesOf(summarise(most, 0)).mesh_ms, { p50: null, max: null });
});

Deno.test("summarise() of a village that never started is all zeros", {
  permissions: "none",
}, () => {
  const village = { elapsedMs: 0, agents: [STARTING, STARTING], legacy: [] };
  const summary = summarise(village, 0);
  assertEquals(summary.sessions_formed, 0);
  assertEquals(summary.success_rate, 0);
  assertEquals(timesOf(summary).discovery_ms, { p50: null, max: null });
  assertEquals([summary.rss_mb_p50, summary.rss_mb_max], [null, null]);
  assertEquals(summary.ok, false);
  assertEquals(JSON.parse(JSON.stringify(summary)), summary);
});

Deno.test("summarise() counts old nodes each way", { permissions: "none" }, () => {
  const whole = completeVillage(3, 3);
  // One knows only another agent than the one it asked; one is known to no agent.
  const mistaken = withLegacy(whole, 1, { registered: [agentId(1)] });
  const peers = [
    ...othersOf(0, 3).map((id) => sight(id)),
    legacySight("legacy-0"),
    legacySight("legacy-1"),
  ];
  const summary = summarise(withAgent(mistaken, 0, { peers }), 0);
  assertEquals([summary.legacy_registered_us, summary.legacy_registered], [2, 2]);
  assertEquals(summary.ok, false);
});

Deno.test("summarise() gives the fewest candidates, old nodes and strangers not counted", {
  permissions: "none",
}, () => {
  const whole = completeVillage(12, 1);
  assertEquals(summarise(whole, 0).evolution_candidates_min, 11);
  const candidates = [...othersOf(3, 12).slice(0, 7), "legacy-0", "stranger"];
  const summary = summarise(withAgent(whole, 3, { candidates }), 0);
  assertEquals([summary.evolution_candidates_min, summary.ok], [7, false]);
});

Deno.test("isComplete() is false when a process is gone", { permissions: "none" }, () => {
  const whole = completeVillage(3, 1);
  assertEquals(isComplete(whole), true);
  assertEquals(isComplete(withAgent(whole, 2, { failure: "it ended with code 1" })), false);
  assertEquals(isComplete(withLegacy(whole, 0, { failure: "it ended with code 1" })), false);
});

Deno.test("isAgentComplete() wants every session and every candidate", {
  permissions: "none",
}, () => {
  const ids = new Set([0, 1, 2].map(agentId));
  const agent = completeAgent(1, 3);
  assertEquals(isAgentComplete(agent, ids, 3), true);
  assertEquals(isAgentComplete(agent, ids, 4), false);
  assertEquals(isAgentComplete({ ...agent, candidates: undefined }, ids, 3), false);
  assertEquals(isAgentComplete({ ...agent, candidates: [agentId(0)] }, ids, 3), false);
  const lost = [sight(agentId(0)), sight(agentId(2), 1, null)];
  assertEquals(isAgentComplete({ ...agent, peers: lost }, ids, 3), false);
});

Deno.test("summarise() measures from the slowest agent", { permissions: "none" }, () => {
  const late = withAgent(completeVillage(3, 0), 0, { readyUnixMs: LAST_READY_MS + 15 });
  assertEquals(timesOf(summarise(late, 0)).mesh_ms, { p50: 5, max: 5 });
});
