import { assertEquals, assertMatch } from "@std/assert";
import { ManualClock } from "../../src/base/clock.ts";
import { LOG_LEVELS, type LogFields, type LogLevel } from "../../src/base/log.ts";
import { createLog } from "../../src/cli/log_writer.ts";

const PURE = { permissions: "none" } as const;
const CLOCK = new ManualClock(Date.UTC(2025, 5, 15, 15, 6, 40, 7));

function lines(
  form: "text" | "json",
  level: LogLevel,
  events: readonly (readonly [LogLevel, string, LogFields?])[],
): readonly string[] {
  const written: string[] = [];
  const log = createLog({ form, level, clock: CLOCK, write: (line) => written.push(line) });
  for (const [eventLevel, event, fields] of events) log(eventLevel, event, fields);
  return written;
}

/** One text line without its time. */
function text(fields: LogFields): string {
  const [line = ""] = lines("text", "debug", [["info", "peer connected", fields]]);
  return line.replace(/^\d\d:\d\d:\d\d /, "");
}

Deno.test("createLog() writes a line a person can read", PURE, () => {
  const [line = ""] = lines("text", "info", [["warn", "port taken", { port: 9000, trying: 9001 }]]);
  const local = new Date(CLOCK.wallMs());
  const time = [local.getHours(), local.getMinutes(), local.getSeconds()]
    .map((part) => String(part).padStart(2, "0")).join(":");
  assertEquals(line, `${time} warn  port taken port=9000 trying=9001\n`);
  assertEquals(text({}), "info  peer connected\n");
});

Deno.test("createLog() writes one JSON object a line", PURE, () => {
  const fields = { peer: "abc", dialled: true, port: 1, none: null, absent: undefined };
  const [line = ""] = lines("json", "info", [["info", "peer connected", fields]]);
  assertMatch(line, /^[^\n]+\n$/);
  assertEquals(JSON.parse(line), {
    time: "2025-06-15T15:06:40.007Z",
    level: "info",
    event: "peer connected",
    peer: "abc",
    dialled: true,
    port: 1,
    none: null,
  });
});

Deno.test("createLog() writes its level and above", PURE, () => {
  const events = LOG_LEVELS.map((level) => [level, level] as const);
  for (const [index, level] of LOG_LEVELS.entries()) {
    for (const form of ["text", "json"] as const) {
      assertEquals(lines(form, level, events).length, LOG_LEVELS.length - index);
    }
  }
});

Deno.test(
  "createLog() leaves out fields that are absent and quotes what is not plain",
  PURE,
  () => {
    const cases: readonly (readonly [LogFields, string])[] = [
      [{ a: undefined, b: null, c: false, d: 0, e: "" }, 'c=false d=0 e=""'],
      [{ address: "[fe80::1]:9000" }, "address=[fe80::1]:9000"],
      [{ path: "/a/b-c_d.json" }, "path=/a/b-c_d.json"],
      [{ reason: "two words" }, 'reason="two words"'],
      [{ reason: 'say "x"' }, 'reason="say \\"x\\""'],
      [{ reason: "a=b" }, 'reason="a=b"'],
      [{ reason: "back\\slash" }, 'reason="back\\\\slash"'],
    ];
    for (const [fields, expected] of cases) {
      assertEquals(text(fields), `info  peer connected ${expected}\n`);
    }
  },
);

Deno.test("createLog() lets no hostile value begin a line or steer a terminal", PURE, () => {
  const hostile = [
    "a\nINFO forged",
    "a\r\nforged",
    "\r",
    "\n",
    "a\n",
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\0\b\v\f",
    "\ud800",
  ];
  for (const value of hostile) {
    for (const form of ["text", "json"] as const) {
      const [line = "", ...more] = lines(form, "info", [["info", "event", { value }]]);
      assertEquals(more, []);
      // deno-lint-ignore no-control-regex -- it is what must not be there
      assertMatch(line, /^[^\x00-\x1f]+\n$/);
      const shown = form === "json" ? JSON.parse(line).value : line.slice(line.indexOf("=") + 1);
      assertEquals(form === "json" ? shown : JSON.parse(shown), value);
    }
  }
});

Deno.test("createLog() escapes the controls above U+001F", PURE, () => {
  for (const value of ["\x7f", "\x85", "\x9b2J", "\u2028", "\u2029", "\u202e"]) {
    assertEquals(/[\x7f-\x9f\u2028\u2029\u202e]/.test(text({ value })), false, escape(value));
  }
});
