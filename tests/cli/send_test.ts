/** What people and scripts see of `hamlet send`, and which failures end it. */

import { assertEquals, assertRejects } from "@std/assert";
import { ManualClock } from "../../src/base/clock.ts";
import { CodedError } from "../../src/base/errors.ts";
import {
  findSendable,
  renderDone,
  renderFailure,
  type Sendable,
  sendFiles,
  type SendFilesOptions,
} from "../../src/cli/commands/send.ts";
import { ProgressDisplay } from "../../src/cli/progress.ts";
import { UsageError } from "../../src/cli/usage_error.ts";
import type { DoneEvent, FailedEvent, SendEvent } from "../../src/control/send_events.ts";

const PURE = { permissions: "none" } as const;

const SHA256 = "3f".repeat(32);
const DONE: DoneEvent = {
  event: "done",
  name: "holiday.mp4",
  size: 1_500_000_000,
  sha256: SHA256,
  saved_as: "holiday (2).mp4",
  resumed_from: 0,
  seconds: 12,
  node_id: "k5w2rq7a".padEnd(52, "a"),
};
const PROGRESS: SendEvent = {
  event: "progress",
  state: "sending",
  sent: 50,
  size: 100,
  resumed_from: 0,
};

function failed(code: string, message = `Cannot send: ${code}`): FailedEvent {
  return { event: "failed", code, message };
}

function sendable(name: string): Sendable {
  return { file: `./${name}`, path: `/home/u/${name}`, name, size: 100 };
}

/** Sends files named by the events (or the error) that answer them; tells what was asked and reported. */
async function send(
  answers: Readonly<Record<string, readonly SendEvent[] | Error>>,
  more: Partial<SendFilesOptions> & { readonly onProgress?: () => void } = {},
) {
  const asked: string[] = [];
  const reported: string[] = [];
  const results = await sendFiles({
    sender: {
      async *send(peer, path) {
        asked.push(`${peer} ${path}`);
        const answer = answers[path.replace("/home/u/", "")] ?? [];
        if (answer instanceof Error) throw answer;
        for (const event of answer) {
          if (event.event === "progress") more.onProgress?.();
          yield await Promise.resolve(event);
        }
      },
    },
    peer: "k5w",
    files: Object.keys(answers).map(sendable),
    signal: new AbortController().signal,
    onResult: ({ name }, { event }) => reported.push(`${name} ${event}`),
    ...more,
  });
  return { asked, reported, results };
}

Deno.test("renderDone() says what was sent, how fast and where it is", PURE, () => {
  assertEquals(
    renderDone(DONE),
    'holiday.mp4: 1.5 GB in 12 s (125 MB/s), saved as "holiday (2).mp4" by k5w2rq7a, ' +
      `sha256 ${SHA256}\n`,
  );
});

Deno.test("renderDone() counts only what was sent this time", PURE, () => {
  const cases: readonly (readonly [Partial<DoneEvent>, string])[] = [
    [{ resumed_from: 500_000_000 }, "1.5 GB, the last 1 GB in 12 s (83.3 MB/s)"],
    [{ resumed_from: 1_500_000_000 }, "1.5 GB, all of it there already"],
    [{ size: 2_000, seconds: 0.5 }, "2 kB in under 1 s (4 kB/s)"],
    [{ size: 2_000, seconds: 0 }, "2 kB in under 1 s"],
    [{ size: 0, seconds: 1 }, "0 B in 1 s"],
    [{ seconds: 3_725 }, "1.5 GB in 1 h 02 min (403 kB/s)"],
  ];
  for (const [changes, effort] of cases) {
    const line = renderDone({ ...DONE, ...changes });
    assertEquals(line.split(", saved as ")[0], `holiday.mp4: ${effort}`);
  }
});

Deno.test("renderDone() lets no name forge a line", PURE, () => {
  const line = renderDone({
    ...DONE,
    name: "a\n\x1b[2Jb",
    saved_as: 'x" by somebody, sha256 0\r\u202e',
  });
  assertEquals(
    line,
    "a??[2Jb: 1.5 GB in 12 s (125 MB/s), " +
      String.raw`saved as "x\" by somebody, sha256 0??" by k5w2rq7a, ` + `sha256 ${SHA256}\n`,
  );
});

Deno.test("renderFailure() names the file, unless it is not the file's failure", PURE, () => {
  const cases: readonly (readonly [FailedEvent, string])[] = [
    [failed("refused", "Cannot send: the peer refused"), "a: Cannot send: the peer refused"],
    [failed("refused", "a\x1b[2J\nb"), "a: a?[2J?b"],
    [failed("unknown_peer", "Cannot find it"), "Cannot find it"],
    [failed("not_running", "Cannot reach it"), "Cannot reach it"],
  ];
  for (const [event, text] of cases) assertEquals(renderFailure("a", event), `hamlet: ${text}\n`);
});

Deno.test("sendFiles() sends one after another and gives a result for each", PURE, async () => {
  const { asked, reported, results } = await send({
    a: [PROGRESS, DONE],
    b: [failed("refused")],
    c: [PROGRESS, PROGRESS, { ...DONE, name: "c" }],
  });
  assertEquals(asked, ["k5w /home/u/a", "k5w /home/u/b", "k5w /home/u/c"]);
  assertEquals(reported, ["a done", "b failed", "c done"]);
  assertEquals(results, [
    { file: "./a", ...DONE },
    { file: "./b", ...failed("refused") },
    { file: "./c", ...DONE, name: "c" },
  ]);
});

Deno.test("sendFiles() takes a coded error for the file's failure", PURE, async () => {
  const { results } = await send({
    a: new CodedError("too_large", "Cannot send: too large"),
    b: [DONE],
  });
  assertEquals(results, [
    { file: "./a", ...failed("too_large", "Cannot send: too large") },
    { file: "./b", ...DONE },
  ]);
});

Deno.test("sendFiles() takes an answer that ends too soon for a failure", PURE, async () => {
  const { results } = await send({ a: [PROGRESS], b: [] });
  for (const result of results) assertEquals("code" in result && result.code, "cut_short");
});

Deno.test("sendFiles() stops at what every file would meet", PURE, async () => {
  for (const code of ["unknown_peer", "ambiguous_peer", "unverified_peer", "not_running"]) {
    for (const answer of [[failed(code)], new CodedError(code, `Cannot send: ${code}`)]) {
      const { asked, reported, results } = await send({ a: [DONE], b: answer, c: [DONE], d: [] });
      assertEquals(asked.length, 2);
      assertEquals(reported, ["a done", "b failed"]);
      assertEquals(results, [
        { file: "./a", ...DONE },
        { file: "./b", ...failed(code) },
        { file: "./c", ...failed(code) },
        { file: "./d", ...failed(code) },
      ]);
    }
  }
});

Deno.test("sendFiles() ends when interrupted, whatever the answer is then", PURE, async () => {
  const message = "run the same command again to go on where it stopped";
  for (const rest of [[], [failed("cancelled")], [PROGRESS]]) {
    const stop = new AbortController();
    const { asked, reported, results } = await send({
      a: [DONE],
      b: [PROGRESS, ...rest],
      c: [DONE],
    }, {
      signal: stop.signal,
      onProgress: () => stop.abort(),
    });
    assertEquals([asked.length, reported], [2, ["a done", "b failed"]]);
    assertEquals(results.slice(1), [
      { file: "./b", ...failed("interrupted", message) },
      { file: "./c", ...failed("interrupted", message) },
    ]);
  }
  assertEquals(
    renderFailure("b", failed("interrupted", message)),
    "interrupted: run the same command again to go on where it stopped\n",
  );
});

Deno.test("sendFiles() keeps a file that was done just when it was interrupted", PURE, async () => {
  const stop = new AbortController();
  const { results } = await send({ a: [PROGRESS, DONE] }, {
    signal: stop.signal,
    onProgress: () => stop.abort(),
  });
  assertEquals(results, [{ file: "./a", ...DONE }]);
});

Deno.test(
  "sendFiles() takes the error of an interrupted request for the interruption",
  PURE,
  async () => {
    const stop = new AbortController();
    const { results } = await send({ a: [DONE] }, {
      signal: stop.signal,
      sender: {
        // deno-lint-ignore require-yield
        async *send() {
          stop.abort();
          throw await Promise.resolve(new DOMException("aborted", "AbortError"));
        },
      },
    });
    assertEquals(results.map((result) => "code" in result && result.code), ["interrupted"]);
  },
);

Deno.test("sendFiles() lets a defect through, with its display closed", PURE, async () => {
  const clock = new ManualClock();
  await assertRejects(
    () =>
      send({ a: new TypeError("a defect") }, {
        openDisplay: ({ name, size }) =>
          new ProgressDisplay({ name, size, peer: "k5w", clock, columns: () => 80, write() {} }),
      }),
    TypeError,
    "a defect",
  );
  assertEquals(clock.pending, 0);
});

Deno.test("sendFiles() shows each file's progress until it ends", PURE, async () => {
  const clock = new ManualClock();
  const written: string[] = [];
  const write = (text: string) => written.push(text);
  await send({ a: [PROGRESS, DONE], b: [failed("refused")] }, {
    openDisplay: ({ name, size }) =>
      new ProgressDisplay({ name, size, peer: "k5w", clock, columns: undefined, write }),
  });
  assertEquals(written, ["a: 100 B to k5w\n", "a: 50 %\n", "a: 100 %\n", "b: 100 B to k5w\n"]);
});

Deno.test("findSendable() finds regular files, through symbolic links too", async () => {
  const directory = await Deno.realPath(await Deno.makeTempDir());
  try {
    const path = `${directory}/v3.mp4`;
    await Deno.writeTextFile(path, "12345");
    await Deno.symlink(path, `${directory}/latest.mp4`);
    for (const name of ["v3.mp4", "latest.mp4"]) {
      const file = `${directory}/./${name}`;
      assertEquals(await findSendable(file), { file, path, name: "v3.mp4", size: 5 });
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("findSendable() says why it refuses", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const cases = [
      [directory, "it is a directory; pack it first, e.g. with tar"],
      [`${directory}/missing`, "there is no such file"],
      ["", "there is no such file"],
      ...(Deno.build.os === "windows" ? [] : [["/dev/null", "it is not a regular file"] as const]),
    ] as const;
    for (const [operand, reason] of cases) {
      const error = await assertRejects(() => findSendable(operand), UsageError);
      assertEquals(error.message, `Cannot send "${operand}": ${reason}`);
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
