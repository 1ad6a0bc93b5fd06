import { assert, assertEquals } from "@std/assert";
import { bar, progressOf, redraw, renderProgress, renderTable } from "../../src/demo/view.ts";
import { completeVillage, STARTING, withAgent, withLegacy } from "./samples.ts";

const WIDE = { columns: 100, rows: 50 };
const FULL = "█".repeat(20);

Deno.test("renderTable() of a complete village", { permissions: "none" }, () => {
  assertEquals(renderTable(completeVillage(3, 1), WIDE), [
    "3 agents and 1 old node on this machine",
    "",
    "agent           sealed sessions                candidates     memory",
    `  1 agent0aa    ${FULL}     2/2          2/2      60 MB`,
    `  2 agent1aa    ${FULL}     2/2          2/2      61 MB`,
    `  3 agent2aa    ${FULL}     2/2          2/2      62 MB`,
    "old 1           knows us, we know it",
    "",
    `${FULL}  1.2 s: 3 of 3 sessions, old nodes: 1 of 1 know us, we know 1`,
  ]);
});

Deno.test("renderTable() shows what is not known yet as -", { permissions: "none" }, () => {
  const agents = [
    { ...STARTING, id: "abcdefghijkl", readyUnixMs: 1, sessions: 1 },
    STARTING,
    { ...STARTING, failure: "it ended with code 1" },
  ];
  const lines = renderTable({ elapsedMs: 0, agents, legacy: [] }, WIDE);
  assertEquals(lines.slice(3, 6), [
    `  1 abcdefgh    ${"█".repeat(10)}${"░".repeat(10)}     1/2            -          -`,
    "  2 -           starting",
    "  3 -           it ended with code 1",
  ]);
});

Deno.test("renderTable() says which way an old node is missing", { permissions: "none" }, () => {
  const whole = completeVillage(2, 3);
  const village = withLegacy(
    withLegacy(withLegacy(whole, 0, { registered: [] }), 1, { id: "unheard-of" }),
    2,
    { failure: "it ended with code 2" },
  );
  assertEquals(renderTable(village, WIDE).slice(5, 8), [
    "old 1           does not know us yet, we know it",
    "old 2           knows us, we do not know it yet",
    "old 3           it ended with code 2",
  ]);
});

Deno.test("renderTable() fits every terminal", { permissions: "none" }, () => {
  for (const nodes of [2, 10, 30, 200]) {
    for (const rows of [10, 12, 24, 40]) {
      for (const columns of [20, 80]) {
        const lines = renderTable(completeVillage(nodes, 2), { columns, rows });
        assert(lines.length < rows, `${lines.length} lines in ${rows} rows`);
        assert(lines.every((line) => line.length <= columns));
      }
    }
  }
});

Deno.test("renderTable() counts the agents that have no room", { permissions: "none" }, () => {
  const village = withAgent(completeVillage(30, 0), 29, { sessions: 28 });
  // 24 rows less 6: 17 agents and the line about the other 13.
  const lines = renderTable(village, { columns: 80, rows: 24 });
  assertEquals(lines[20], "    and 13 more, 12 of them with all their sessions");
  assertEquals(lines.filter((line) => line.includes("agent")).length, 17 + 2);
});

Deno.test("renderTable() and renderProgress() write no terminal codes", {
  permissions: "none",
}, () => {
  const village = completeVillage(5, 1);
  const text = [...renderTable(village, WIDE), renderProgress(village)].join("");
  assertEquals(text.includes("\x1b"), false);
});

Deno.test("renderProgress() says how many are ready, then how many are connected", {
  permissions: "none",
}, () => {
  const whole = completeVillage(3, 0);
  const starting = { ...withAgent(whole, 1, { readyUnixMs: undefined }), elapsedMs: 999 };
  assertEquals(renderProgress(starting), "1.0 s: starting, 2 of 3 agents ready");
  // One of two ends has not reported the last session: 5 of 6 ends are 2 whole sessions.
  const almost = withAgent(whole, 0, { sessions: 1 });
  assertEquals(renderProgress(almost), "1.2 s: 2 of 3 sessions");
  const busy = withAgent(whole, 0, { candidates: [] });
  assertEquals(renderProgress(busy), "1.2 s: 3 of 3 sessions, 1 agent with too few candidates");
});

Deno.test("progressOf() is 1 only when everything is done", { permissions: "none" }, () => {
  const whole = completeVillage(4, 2);
  assertEquals(progressOf(whole), 1);
  // 6 sessions and 2 x 2 registrations; one registration is missing.
  assertEquals(progressOf(withLegacy(whole, 0, { registered: [] })), 9 / 10);
  assertEquals(progressOf(withAgent(whole, 0, { sessions: 1 })), 9 / 10);
  assertEquals(progressOf({ elapsedMs: 0, agents: [STARTING, STARTING], legacy: [] }), 0);
});

Deno.test("bar() is full only at 1 and never leaves its cells", { permissions: "none" }, () => {
  for (
    const [share, expected] of [
      [-1, "░░░░"],
      [0, "░░░░"],
      [0.24, "░░░░"],
      [0.25, "█░░░"],
      [0.999, "███░"],
      [1, "████"],
      [7, "████"],
    ] as const
  ) assertEquals(bar(share, 4), expected);
});

Deno.test("redraw() goes up over what it drew and clears what is left", {
  permissions: "none",
}, () => {
  assertEquals(redraw(["a", "b"], 0), "\ra\x1b[K\nb\x1b[K\n\x1b[J");
  assertEquals(redraw(["a"], 2), "\x1b[2A\ra\x1b[K\n\x1b[J");
});
