/** The owner's commands, run for what happens: what they read, what they answer, and how they end. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { pause, systemClock } from "../../src/base/clock.ts";
import { CodedError } from "../../src/base/errors.ts";
import type { LogFields } from "../../src/base/log.ts";
import { firstBytes, Handler, type HandlerOptions, inputOf } from "../../src/cli/handler.ts";
import type { ToldChange, ToldEvent, ToldQuery } from "../../src/control/village_events.ts";

const PURE = { permissions: "none" } as const;
const RUNS = {
  permissions: { run: true, env: true },
  ignore: Deno.build.os === "windows",
} as const;

const ORIGIN = "k5w2rq7a".padEnd(52, "a");
const TOLD = { name: "lights", data: "off", origin: ORIGIN, received_unix_ms: 1_800_000_000_000 };
const EVENT: ToldEvent = { kind: "event", ...TOLD, origin_name: "desk" };
const QUERY: ToldQuery = { kind: "query", id: "00000000002a", ...TOLD, origin_name: null };

/** A handler of a shell's script, what it logged and answered. */
function openHandler(script: string, more: Partial<HandlerOptions> = {}) {
  const lines: { readonly level: string; readonly event: string; readonly fields: LogFields }[] =
    [];
  const answers: (readonly [string, string])[] = [];
  const stop = new AbortController();
  const handler = new Handler({
    command: ["sh", "-c", script],
    timeoutMs: 10_000,
    clock: systemClock,
    log: (level, event, fields = {}) => lines.push({ level, event, fields }),
    signal: stop.signal,
    ...more,
  });
  const answer = (id: string, text: string) => Promise.resolve(answers.push([id, text]));
  return { handler, answer, lines, answers, stop };
}

/** What is answered to a query by what `script` prints. */
async function answersTo(script: string, more: Partial<HandlerOptions> = {}) {
  const { handler, answer, lines, answers } = openHandler(script, more);
  handler.handle(QUERY, answer);
  await handler.idle();
  return { lines, answers, failures: handler.failures };
}

Deno.test("inputOf() is one line of JSON, by the kind of what happened", PURE, () => {
  assertEquals(
    inputOf(EVENT),
    `{"kind":"event","name":"lights","data":"off","origin":"${ORIGIN}","origin_name":"desk",` +
      '"received_unix_ms":1800000000000}\n',
  );
  const { id: _, ...query } = QUERY;
  assertEquals(JSON.parse(inputOf(QUERY)), query);
  const member: ToldChange = { ...EVENT, kind: "member", name: "member-dead", incarnation: 3 };
  assertEquals(JSON.parse(inputOf(member)), member);
  assertEquals(inputOf({ ...EVENT, data: "a\nb" }).split("\n").length, 2);
});

Deno.test("firstBytes() keeps whole characters", PURE, () => {
  assertEquals(firstBytes("abc", 3), "abc");
  assertEquals(firstBytes("abcd", 3), "abc");
  assertEquals(firstBytes("äöü", 5), "äö");
  assertEquals(firstBytes("😀😀", 7), "😀");
});

Deno.test("Handler gives a command what happened, and its output as the answer", RUNS, async () => {
  const { answers, lines, failures } = await answersTo("echo; cat; echo; echo complaint >&2");
  const { id, ...query } = QUERY;
  const [[to, text] = [], ...more] = answers;
  assertEquals([to, JSON.parse(text ?? ""), more, failures], [id, query, [], 0]);
  assertEquals(text, text?.trim());
  const subject = { name: "lights", from: "k5w2rq7a" };
  assertEquals(lines[0], {
    level: "info",
    event: "command says",
    fields: { ...subject, text: "complaint" },
  });
  const { ms, ...fields } = lines[1]?.fields ?? {};
  assertEquals([lines[1]?.level, lines[1]?.event], ["info", "command ended"]);
  assertEquals([fields, typeof ms, lines.length], [{ ...subject, code: 0 }, "number", 2]);
});

Deno.test("Handler answers nothing where the command fails", RUNS, async () => {
  const { answers, lines, failures } = await answersTo("echo no; exit 3");
  assertEquals([answers, failures], [[], 1]);
  assertEquals([lines[0]?.level, lines[0]?.fields["code"]], ["warn", 3]);
  const none = await answersTo("", { command: ["/no/such/program"] });
  assertEquals([none.answers, none.failures, none.lines[0]?.level], [[], 1, "error"]);
});

Deno.test("Handler cuts an answer that is too long, and says so", RUNS, async () => {
  const { answers, lines } = await answersTo("head -c 200000 /dev/zero | tr '\\0' x");
  assertEquals(answers, [[QUERY.id, "x".repeat(1_024)]]);
  const cut = lines.find(({ event }) => event === "answer cut");
  assertEquals([cut?.level, cut?.fields["limit"]], ["warn", 1_024]);
});

Deno.test("Handler says when an answer came too late", RUNS, async () => {
  const { handler, lines } = openHandler("echo yes");
  const late = new CodedError("unknown_query", "Cannot answer: the query is over");
  handler.handle(QUERY, () => Promise.reject(late));
  await handler.idle();
  assertEquals(lines.at(-1)?.event, "answer not taken");
  assertEquals(handler.failures, 1);
});

Deno.test(
  "Handler takes a command that does not read, and one that leaves others behind",
  RUNS,
  async () => {
    const startMs = systemClock.now();
    const { answers } = await answersTo("exec <&-; sleep 5 & echo done");
    assertEquals(answers, [[QUERY.id, "done"]]);
    assert(systemClock.now() - startMs < 4_000, "it does not wait for them");
  },
);

Deno.test("Handler kills what takes too long, with all that it has started", RUNS, async () => {
  const { lines, answers, failures } = await answersTo("sleep 31.7 & sleep 31.7; echo late", {
    timeoutMs: 200,
  });
  assertEquals([answers, failures], [[], 1]);
  assertEquals(lines[0]?.event, "command killed: it took too long");
  assertEquals(lines[0]?.fields["limit_s"], 0.2);
  await until(async () => await countOf("sleep 31.7") === 0);
});

Deno.test("Handler runs 4 at once, keeps 64, and drops the rest with a warning", RUNS, async () => {
  const { handler, answer, lines, stop } = openHandler("exec sleep 33.3");
  for (let count = 0; count < 70; count++) handler.handle(EVENT, answer);
  assertEquals(lines.map(({ event }) => event), Array(2).fill("dropped: too many at once"));
  assertEquals(lines[0]?.level, "warn");
  try {
    // A process is there before it is the program that it will be.
    await until(async () => await countOf("sleep 33.3") === 4);
  } finally {
    stop.abort();
    await handler.idle();
  }
  await until(async () => await countOf("sleep 33.3") === 0);
  const [, , dropped, ...ends] = lines;
  assertEquals([dropped?.event, dropped?.fields["count"]], ["dropped: interrupted", 64]);
  assertEquals(ends.map(({ event }) => event), Array(4).fill("interrupted"));
  handler.handle(EVENT, answer);
  assertEquals(lines.length, 7, "nothing begins any more");
});

async function until(check: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; !await check(); turn++) {
    assert(turn < 100, "waited in vain");
    await pause(systemClock, 20);
  }
}

/** How many processes run as this. */
async function countOf(commandLine: string): Promise<number> {
  const { stdout } = await new Deno.Command("ps", { args: ["-eo", "args"] }).output();
  const text = new TextDecoder().decode(stdout);
  assertMatch(text, /\n/);
  return text.split("\n").filter((line) => line.trim() === commandLine).length;
}
