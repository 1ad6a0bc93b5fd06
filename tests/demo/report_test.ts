import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { findProblems, renderSummary } from "../../src/demo/report.ts";
import { summarise } from "../../src/demo/summary.ts";
import { agentId, completeVillage, othersOf, sight, STARTING, withAgent } from "./samples.ts";
import { withLegacy } from "./samples.ts";

Deno.test("renderSummary() says every figure in words", { permissions: "none" }, () => {
  assertEquals(renderSummary(summarise(completeVillage(10, 2), 0.21), []), [
    "The village is complete.",
    "",
    "  Peer connection success rate      100 %, 45 of 45 sealed sessions",
    "  Discovery protocol compatibility  2 of 2 old nodes registered us, we registered 2 of 2",
    "  Time to full discovery            10 ms (p50), 10 ms (max), after the last agent was ready",
    "  Time to full mesh                 20 ms (p50), 20 ms (max), after the last agent was ready",
    "  Evolution candidates              9 of 9 at every agent",
    "  Protocol overhead                 0.21 % of reading a message",
    "  Memory per agent                  65 MB (p50), 69 MB (max)",
  ]);
});

Deno.test("renderSummary() says that a village is not complete, and why", {
  permissions: "none",
}, () => {
  const village = { elapsedMs: 0, agents: [STARTING, STARTING], legacy: [] };
  const text = renderSummary(summarise(village, 0), ["Because.", "Do this."]).join("\n");
  assert(text.startsWith("The village is NOT complete.\n"));
  assertStringIncludes(text, "no old nodes were asked for");
  assertStringIncludes(text, "Time to full mesh                 not reached\n");
  assertStringIncludes(text, "Memory per agent                  not known");
  assert(text.endsWith("\n\n  Because.\n  Do this."));
});

Deno.test("renderSummary() does not say that every agent has the fewest candidates", {
  permissions: "none",
}, () => {
  const village = withAgent(completeVillage(3, 0), 1, { candidates: [agentId(0)] });
  const text = renderSummary(summarise(village, 0), []).join("\n");
  assertStringIncludes(text, "Evolution candidates              at least 1 of 2 at every agent");
});

Deno.test("findProblems() finds none in a complete village", { permissions: "none" }, () => {
  assertEquals(findProblems(completeVillage(10, 2)), []);
});

Deno.test("findProblems() names the agents that lack sessions", { permissions: "none" }, () => {
  const village = withAgent(completeVillage(4, 0), 2, {
    sessions: 1,
    peers: [sight(agentId(0))],
  });
  assertEquals(findProblems(village), [
    "2 of 6 sessions did not form.",
    "Agent 3 (agent2aa) has 1 of 3 sessions.",
    "Try again with --seconds 300 to give it more time, or with fewer agents: --nodes 2.",
  ]);
});

Deno.test("findProblems() gives the reasons why agents are no candidates", {
  permissions: "none",
}, () => {
  const village = withAgent(completeVillage(4, 0), 0, {
    candidates: othersOf(0, 4).slice(1),
    leftOut: [
      { id: agentId(1), reason: "too_hot" },
      { id: "legacy-0", reason: "unverified" },
    ],
  });
  assertEquals(
    findProblems(village)[0],
    "Agent 1 (agent0aa) has 2 of 3 evolution candidates, the others are too_hot.",
  );
});

Deno.test("findProblems() says what to do where agents are busy", { permissions: "none" }, () => {
  const village = withAgent(completeVillage(4, 0), 0, {
    candidates: othersOf(0, 4).slice(1),
    leftOut: [{ id: agentId(1), reason: "not_available" }],
  });
  assertEquals(
    findProblems(village).at(-1),
    "This machine is busy (processor above 95 % or memory above 90 %): end other programs, " +
      "or try fewer agents: --nodes 2.",
  );
});

Deno.test("findProblems() says what old nodes got instead of us", { permissions: "none" }, () => {
  const village = withLegacy(completeVillage(2, 2), 1, {
    id: "unheard-of",
    registered: [],
    unanswered: "no_sender_id",
  });
  assertEquals(findProblems(village).slice(0, 2), [
    "Old node 2 did not register us: no_sender_id.",
    "No agent registered old node 2.",
  ]);
});

Deno.test("findProblems() tells how a process ended, and not what follows from it", {
  permissions: "none",
}, () => {
  const failure = "it ended with code 1: no space left";
  const lost = withAgent(completeVillage(4, 0), 1, { failure, sessions: 0, peers: [] });
  assertEquals(findProblems(lost), [
    `Agent 2 is gone: ${failure}.`,
    "Try fewer agents, --nodes 2, or start one alone to see what it says: hamlet up.",
  ]);
});

Deno.test(
  "findProblems() counts the processes that were not ready",
  { permissions: "none" },
  () => {
    const village = withLegacy(withAgent(completeVillage(4, 2), 1, STARTING), 0, { id: undefined });
    assertEquals(findProblems(village).slice(0, 2), [
      "1 of 4 agents did not get ready in time.",
      "1 of 2 old nodes did not get ready in time.",
    ]);
  },
);

Deno.test("findProblems() counts what it does not list", { permissions: "none" }, () => {
  const agents = Array.from({ length: 12 }, () => ({ ...STARTING, failure: "it ended" }));
  const problems = findProblems({ elapsedMs: 0, agents, legacy: [] });
  assertEquals(problems.filter((problem) => problem.includes("is gone")).length, 5);
  assert(problems.includes("And 7 more like these."));
});

Deno.test("findProblems() does not advise more time when it was interrupted", {
  permissions: "none",
}, () => {
  const village = { elapsedMs: 0, agents: [STARTING, STARTING], legacy: [] };
  assertEquals(findProblems(village, true).at(-1), "It was interrupted: let it run to its end.");
});
