import { assertEquals } from "@std/assert";
import { declineOf, mostUrgent, retryAfterMs } from "../../src/agent/job_admission.ts";
import type { DeclineReason } from "../../src/work/job/messages.ts";
import type { Job, JobId, JobType } from "../../src/work/job/spec.ts";

const PURE = { permissions: "none" } as const;
const FREE = { slots: 2, duty: 1, reason: null };

function jobOf(
  id: string,
  type: JobType,
  createdUnixMs = 0,
  worker?: string,
): Pick<Job, "id" | "spec"> {
  const kind = worker === undefined
    ? { kind: "module", sha256: "", bytes: 1, language: "js" } as const
    : { kind: "command", name: worker } as const;
  // What admission looks at, and nothing else.
  const spec = { type, createdUnixMs, worker: kind } as Job["spec"];
  return { id: id as JobId, spec };
}

Deno.test("declineOf() says why a device does not take part", PURE, () => {
  const job = jobOf("a", "breakthrough");
  const state = { permit: FREE, current: [], commands: new Set<string>(), hasEnded: () => false };
  const cases: readonly (readonly [Partial<typeof state>, DeclineReason | undefined])[] = [
    [{}, undefined],
    [{ permit: { slots: 0, duty: 1, reason: "battery" } as never }, "battery"],
    [{ permit: { slots: 0, duty: 1, reason: "hot" } as never }, "hot"],
    [{ permit: { slots: 0, duty: 1, reason: "off" } as never }, "off"],
    [{ permit: { slots: 0, duty: 1, reason: "in_use" } as never }, "busy"],
    [{ permit: { slots: 0, duty: 1, reason: "hours" } as never }, "busy"],
    [{ hasEnded: () => true }, "ended"],
    [{ current: [jobOf("b", "breakthrough")] as never }, "busy"],
    [{ current: [jobOf("b", "emergency")] as never }, "busy"],
    [{ current: [jobOf("b", "nightly")] as never }, undefined],
    [{ current: Array.from({ length: 64 }, (_, n) => jobOf(`${n}`, "nightly")) as never }, "full"],
  ];
  for (const [change, decline] of cases) {
    assertEquals(declineOf(job, { ...state, ...change }), decline);
  }
  const robot = jobOf("c", "emergency", 0, "robot");
  assertEquals(declineOf(robot, state), "not_configured");
  assertEquals(declineOf(robot, { ...state, commands: new Set(["robot"]) }), undefined);
});

Deno.test("retryAfterMs() is short for what passes", PURE, () => {
  assertEquals([retryAfterMs("busy"), retryAfterMs("hot"), retryAfterMs("battery")], [
    6e4,
    6e4,
    6e4,
  ]);
  assertEquals([retryAfterMs("off"), retryAfterMs("not_configured")], [36e5, 36e5]);
});

Deno.test(
  "mostUrgent() is the emergency, then the oldest, the same whatever the order",
  PURE,
  () => {
    const [night, old, young, urgent] = [
      jobOf("n", "nightly", 1),
      jobOf("o", "breakthrough", 2),
      jobOf("y", "breakthrough", 3),
      jobOf("u", "emergency", 9),
    ].map((job) => ({ job })) as [
      { job: ReturnType<typeof jobOf> },
      ...{ job: ReturnType<typeof jobOf> }[],
    ];
    const all = [night, old, young, urgent].filter((each) => each !== undefined);
    for (const order of [all, all.toReversed()]) {
      assertEquals(mostUrgent(order), urgent);
      assertEquals(mostUrgent(order.filter((each) => each !== urgent)), old);
    }
    assertEquals(mostUrgent([night]), night);
    assertEquals(mostUrgent([]), undefined);
  },
);
