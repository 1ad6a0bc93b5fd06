import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { JobMemberView, JobView } from "../../src/agent/job_views.ts";
import { ManualClock } from "../../src/base/clock.ts";
import { renderJob, renderJobs, resultText } from "../../src/cli/job_display.ts";
import { detachedText, followJob } from "../../src/cli/job_watch.ts";

const PURE = { permissions: "none" } as const;
const NASTY = "\u001b[2J\u202e" + "x".repeat(60);

function member(name: string | null, changes: Partial<JobMemberView> = {}): JobMemberView {
  return {
    node_id: `${name}-id`,
    short_id: "abcdefgh",
    name,
    this_device: false,
    state: "running",
    reason: null,
    evaluations: 1_234_567,
    share: 0.5,
    per_second: 1_234.5,
    generation: 10,
    best: -1.23456789e-11,
    trust: 0.5,
    ...changes,
  };
}

const JOB: JobView = {
  id: "abcdefghijklmnopqrstuvwxyz",
  short_id: "abcdefgh",
  name: "five squares",
  type: "breakthrough",
  state: "running",
  owner: "alice-id",
  owner_name: "alice",
  owned_here: true,
  created_unix_ms: 1_750_000_000_000,
  elapsed_s: 150,
  remaining_s: 450,
  best: 0.000123456789,
  evaluations: 2_469_134,
  per_second: 2_469,
  participants: 2,
  here: { state: "searching", reason: null },
  steward: null,
  space: { kind: "real", dims: 5, lower: [], upper: [] },
  direction: "minimize",
  target: 1e-8,
  limits: { time_s: 600, evaluations: null, evaluation_ms: 60_000, memory_mb: 256 },
  worker: { kind: "module", name: "00ff" },
  genome: null,
  found_by: null,
  members: [member("alice", { this_device: true }), member(null, { evaluations: 10, best: null })],
  declined: [{ node_id: "c", short_id: "cccccccc", name: "carol", reason: "battery" }],
  result: null,
  directory: "/state/jobs/a",
};
const RESULT: JobView["result"] = {
  state: "accepted",
  cause: "target",
  fitness: 1.5e-9,
  genome: Array.from({ length: 40 }, (_, index) => index / 7),
  evaluations: 5,
  seconds: 9,
  finder: "alice-id",
  proposer: "alice-id",
  jurors: 7,
  agreed: 6,
  self_confirmed: false,
  job: {},
  consensus: {},
};

Deno.test(
  "renderJob() shows what it is, how far, who contributes how much, and the time left",
  PURE,
  () => {
    assertEquals(
      renderJob(JOB),
      `five squares (abcdefgh): running
  minimize over 5 real numbers, breakthrough

  best         0.000123457, target 1e-8
  evaluations  2,469,134, 2,469/s, 2 taking part
  time         2 min 30 s of 10 min  [█████               ]  ETA 7 min 30 s
  here         searching

PARTICIPANT  STATE    SHARE  EVALUATIONS     /S          BEST
alice *      running   50 %       1.23 M  1,235  -1.23457e-11
abcdefgh     running   50 %           10  1,235             -

Not taking part:
  carol: it runs on battery
`,
    );
  },
);

Deno.test("renderJob() fits into 80 columns and obeys nobody's text", PURE, () => {
  const members = Array.from(
    { length: 30 },
    () => member(NASTY, { reason: NASTY, state: "paused" }),
  );
  const job: JobView = {
    ...JOB,
    name: NASTY.slice(0, 40),
    best: -1.234567891e-300,
    evaluations: 1e15,
    per_second: 123_456_789,
    members,
    limits: { ...JOB.limits, time_s: 604_799, evaluations: null },
    worker: { kind: "command", name: "robot" },
  };
  const text = renderJob(job) + renderJobs([job, job]);
  for (const line of text.split("\n")) assert(line.length <= 80, `${line.length}: ${line}`);
  assert(!text.includes("\u001b") && !text.includes("\u202e"));
  assertStringIncludes(text, "and 10 more: --json");
});

Deno.test("resultText() says what was accepted, and by whom it was measured again", PURE, () => {
  const text = resultText({ ...JOB, state: "accepted", result: RESULT });
  assertStringIncludes(
    text,
    "accepted: 1.5e-9, found by alice, measured again by 7, of whom 6 agree",
  );
  assertStringIncludes(text, "more: --json, or --result FILE");
  for (const line of text.split("\n")) assert(line.length <= 80, line);
  const alone = { ...RESULT, jurors: 0, agreed: 0, self_confirmed: true } as const;
  assertStringIncludes(resultText({ ...JOB, result: alone }), "no other device took part");
  const nothing = { ...RESULT, state: "unconfirmed", fitness: null, genome: null } as const;
  assertStringIncludes(resultText({ ...JOB, result: nothing }), "nothing was found in time");
  assertEquals(resultText(JOB), "");
});

Deno.test("renderJobs() says how to begin where there are none", PURE, () => {
  assertStringIncludes(renderJobs([]), "hamlet evolve FILE.ts");
});

Deno.test(
  "followJob() tells lines where nothing can be written over, and ends with the job",
  PURE,
  async () => {
    const clock = new ManualClock();
    let out = "";
    let looks = 0;
    const following = followJob({
      look: () =>
        Promise.resolve(++looks < 50 ? JOB : { ...JOB, state: "accepted", result: RESULT }),
      write: (text) => out += text,
      isTerminal: false,
      signal: new AbortController().signal,
      clock,
    });
    await clock.run(30_000, 100);
    assertEquals((await following).state, "accepted");
    const lines = out.trim().split("\n");
    assertEquals(lines.filter((line) => line.startsWith("running: best")).length, 3, "every 10 s");
    assertStringIncludes(out, "accepted: 1.5e-9");
  },
);

Deno.test(
  "followJob() leaves the job alone when it is interrupted, and the cursor visible",
  PURE,
  async () => {
    const clock = new ManualClock();
    const stop = new AbortController();
    let out = "";
    const following = followJob({
      look: () => Promise.resolve(JOB),
      write: (text) => out += text,
      isTerminal: true,
      signal: stop.signal,
      clock,
    });
    await clock.run(1_000, 100);
    stop.abort();
    assertEquals((await following).state, "running");
    assert(out.endsWith("\x1b[?25h"));
    assertStringIncludes(detachedText(JOB), "hamlet job stop abcdefgh");
  },
);
