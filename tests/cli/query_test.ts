/** What people and scripts see of `hamlet event`, `hamlet query`, `hamlet sleep` and `hamlet wake`. */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { CodedError } from "../../src/base/errors.ts";
import { renderTold } from "../../src/cli/commands/event.ts";
import { gather, readFilter, renderAnswer, renderSummary } from "../../src/cli/commands/query.ts";
import { renderAsleep } from "../../src/cli/commands/sleep.ts";
import { renderAwake } from "../../src/cli/commands/wake.ts";
import { UsageError } from "../../src/cli/usage_error.ts";
import type { AnswerEvent, QueryEvent } from "../../src/control/query_events.ts";

const PURE = { permissions: "none" } as const;

const ANSWER: AnswerEvent = {
  event: "answer",
  node_id: "k5w2rq7a".padEnd(52, "a"),
  short_id: "k5w2rq7a",
  name: null,
  text: "3 days",
  seconds: 0.1,
};
const DONE: QueryEvent = { event: "done", answers: 1, asked: 3, seconds: 1.25 };

async function* eventsOf(...events: readonly (QueryEvent | Error)[]) {
  for (const event of events) {
    if (event instanceof Error) throw event;
    yield await Promise.resolve(event);
  }
}

Deno.test("readFilter() passes on what can be read", PURE, () => {
  for (const where of ["", "cpu_cores>=4 and battery_percent=null", "not device_type='phone'"]) {
    assertEquals(readFilter(where), where);
  }
});

Deno.test(
  "readFilter() says in one line where it goes wrong, and which key was meant",
  PURE,
  () => {
    const cases = [
      [
        "cpu_cores>=4 and battry_percent=null",
        "Cannot read filter: no such key (did you mean `battery_percent`?) at character 18, " +
        'before "battry_percent=null"',
      ],
      ["cpu_cores", "Cannot read filter: expected one of = != < <= > >= at character 10, its end"],
      ["cpu_cores=1 $", 'Cannot read filter: unexpected character at character 13, before "$"'],
      [
        "xyzzyplugh=1 or cpu_cores>=4",
        'Cannot read filter: no such key at character 1, before "xyzzyplugh=1 or cpu_core…"',
      ],
      ["\n\x1b=1", 'Cannot read filter: unexpected character at character 2, before "?=1"'],
    ] as const;
    for (const [where, message] of cases) {
      assertEquals(assertThrows(() => readFilter(where), UsageError).message, message);
    }
  },
);

Deno.test("renderAnswer() says who and what, and lets no answer forge a line", PURE, () => {
  const cases: readonly (readonly [Partial<AnswerEvent>, string])[] = [
    [{}, "k5w2rq7a: 3 days\n"],
    [{ name: "kitchen pi" }, "kitchen pi: 3 days\n"],
    [{ text: "" }, "k5w2rq7a:\n"],
    [{ text: "a\r\nb\nc" }, "k5w2rq7a: a\n  b\n  c\n"],
    [{ text: "\x1b[2J\u202e" }, "k5w2rq7a: ?[2J?\n"],
    [{ name: "x\ny" }, "x?y: 3 days\n"],
  ];
  for (const [changes, text] of cases) assertEquals(renderAnswer({ ...ANSWER, ...changes }), text);
});

Deno.test("renderSummary() counts, and says what to do where nobody answered", PURE, () => {
  const base = { name: "up", answers: [ANSWER], asked: 3, seconds: 1.25, interrupted: false };
  const cases = [
    [{}, "1 answer of 3 members asked in 1.3 s\n"],
    [{ answers: [ANSWER, ANSWER], asked: 2 }, "2 answers of 2 members asked in 1.3 s\n"],
    [{ interrupted: true }, "1 answer of 3 members asked in 1.3 s, then stopped\n"],
    [
      { answers: [], asked: 1 },
      "No answers of 1 member asked in 1.3 s\n" +
      "A member answers what a command on it waits for: hamlet on up -- COMMAND\n",
    ],
    [
      { answers: [], asked: 0 },
      "No answers of 0 members asked in 1.3 s\n" +
      "No member that this is for is known here; see: hamlet members\n",
    ],
  ] as const;
  for (const [changes, text] of cases) assertEquals(renderSummary({ ...base, ...changes }), text);
});

Deno.test("gather() tells of each answer, and what they come to", PURE, async () => {
  const told: string[] = [];
  const { signal } = new AbortController();
  const onAnswer = ({ text }: AnswerEvent) => told.push(text);
  const events = eventsOf({ event: "asked", asked: 3 }, ANSWER, DONE);
  const { event: _, ...answer } = ANSWER;
  assertEquals(await gather("up", events, { signal, onAnswer }), {
    name: "up",
    answers: [answer],
    asked: 3,
    seconds: 1.25,
    interrupted: false,
  });
  assertEquals(told, ["3 days"]);
});

Deno.test(
  "gather() keeps what it has when it is interrupted, and fails when the agent ends",
  PURE,
  async () => {
    const options = { onAnswer: () => {} };
    const stop = new AbortController();
    stop.abort();
    const aborted = new DOMException("The signal has been aborted", "AbortError");
    const events = eventsOf({ event: "asked", asked: 3 }, ANSWER, aborted);
    const result = await gather("up", events, { ...options, signal: stop.signal });
    assertEquals([result.answers.length, result.asked, result.interrupted], [1, 3, true]);

    const { signal } = new AbortController();
    const cut = eventsOf({ event: "asked", asked: 3 }, ANSWER);
    const error = await assertRejects(() => gather("up", cut, { ...options, signal }), CodedError);
    assertEquals(error.code, "cut_short");
  },
);

Deno.test("renderTold(), renderAsleep(), renderAwake() say whom it reached", PURE, () => {
  const told = { name: "lights", bytes: 3, members: 1 };
  assertEquals(renderTold(told), "Told 1 other member: lights\n");
  assertEquals(renderTold({ ...told, members: 12 }), "Told 12 other members: lights\n");
  const nobody = "Told nobody else: no other member is known here.\n";
  assertEquals(renderTold({ ...told, members: 0 }), nobody);
  const [, asleep] = renderAsleep({ state: "asleep", told: 2 }).split("\n");
  assertEquals(asleep, "Told 2 neighbours. When it is back: hamlet wake");
  const [, alone] = renderAsleep({ state: "asleep", told: 0 }).split("\n");
  assertEquals(alone, "Nobody was there to be told. When it is back: hamlet wake");
  const awake = renderAwake({ state: "alive", told: 1 });
  assertEquals(awake, "This device is back; told 1 neighbour.\n");
});
