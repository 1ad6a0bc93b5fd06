import { assertEquals, assertThrows } from "@std/assert";
import { FieldError } from "../../src/base/guards.ts";
import { parseSendEvent, type SendEvent } from "../../src/control/send_events.ts";

const PURE = { permissions: "none" } as const;

const PROGRESS = { event: "progress", state: "sending", sent: 5, size: 10, resumed_from: 2 };
const DONE = {
  event: "done",
  name: "holiday.mp4",
  size: 10,
  sha256: "3f".repeat(32),
  saved_as: "holiday (2).mp4",
  resumed_from: 2,
  seconds: 0.25,
  node_id: "k5w2rq7a".padEnd(52, "a"),
};
const FAILED = { event: "failed", code: "peer_gone", message: "Cannot send: the session is gone" };

function parse(value: unknown): SendEvent {
  return parseSendEvent(JSON.stringify(value));
}

Deno.test("parseSendEvent() reads each kind, and nothing that is no part of it", PURE, () => {
  for (const event of [PROGRESS, DONE, FAILED]) {
    assertEquals<unknown>(parse({ ...event, more: 1 }), event);
  }
  for (const state of ["checking", "sending", "waiting", "verifying"]) {
    assertEquals<unknown>(parse({ ...PROGRESS, state }), { ...PROGRESS, state });
  }
});

Deno.test("parseSendEvent() names the field that is missing", PURE, () => {
  for (const event of [PROGRESS, DONE, FAILED]) {
    for (const field of Object.keys(event)) {
      const error = assertThrows(() => parse({ ...event, [field]: undefined }), FieldError);
      assertEquals([error.code, error.field], ["missing_field", `answer.${field}`]);
    }
  }
});

Deno.test("parseSendEvent() refuses wrong types and values out of range", PURE, () => {
  const cases: readonly (readonly [string, object, unknown])[] = [
    ["event", PROGRESS, "paused"],
    ["state", PROGRESS, "sleeping"],
    ["sent", PROGRESS, "5"],
    ["sent", PROGRESS, -1],
    ["size", PROGRESS, 0.5],
    ["resumed_from", PROGRESS, 2 ** 53],
    ["sha256", DONE, "3f".repeat(31)],
    ["saved_as", DONE, "a\x1b[2Jb"],
    ["seconds", DONE, null],
    ["node_id", DONE, 1],
    ["code", FAILED, ""],
    ["message", FAILED, ["x"]],
  ];
  for (const [field, event, value] of cases) {
    const error = assertThrows(() => parse({ ...event, [field]: value }), FieldError);
    assertEquals([error.code, error.field], ["invalid_field", `answer.${field}`]);
  }
});

Deno.test("parseSendEvent() refuses a line that is no JSON object", PURE, () => {
  for (const line of ["", "{", "[]", "null", "1", '"done"', JSON.stringify(DONE).slice(0, -1)]) {
    const error = assertThrows(() => parseSendEvent(line), FieldError);
    assertEquals([error.code, error.field], ["invalid_field", "answer"]);
  }
});
