import { assertEquals, assertThrows } from "@std/assert";
import { FieldError } from "../../src/base/guards.ts";
import { parseQueryEvent } from "../../src/control/query_events.ts";
import { parseVillageEvent } from "../../src/control/village_events.ts";

const PURE = { permissions: "none" } as const;
const ID = "k5w2rq7a".padEnd(52, "a");
const TOLD = {
  name: "lights",
  data: "off\n\x1b[2J",
  origin: ID,
  origin_name: "desk",
  received_unix_ms: 1_800_000_000_000,
};
const EVENT = { kind: "event", ...TOLD };
const QUERY = { kind: "query", id: "00000000002a", ...TOLD, origin_name: null };
const MEMBER = { kind: "member", ...TOLD, name: "member-dead", data: "", incarnation: 7 };
const ENDED = { kind: "ended", code: "too_slow", message: "256 lines were not read" };

const ASKED = { event: "asked", asked: 3 };
const ANSWER = {
  event: "answer",
  node_id: ID,
  short_id: "k5w2rq7a",
  name: null,
  text: "up\n3 days",
  seconds: 0.25,
};
const DONE = { event: "done", answers: 1, asked: 3, seconds: 5 };

/** Each line, and the parser that it is for. */
const LINES: readonly (readonly [(line: string) => unknown, readonly object[]])[] = [
  [parseVillageEvent, [EVENT, QUERY, MEMBER, ENDED]],
  [parseQueryEvent, [ASKED, ANSWER, DONE]],
];

Deno.test(
  "parseVillageEvent(), parseQueryEvent() read each kind, and nothing that is no part of it",
  PURE,
  () => {
    for (const [parse, lines] of LINES) {
      for (const line of lines) {
        assertEquals<unknown>(parse(JSON.stringify({ ...line, more: 1 })), line);
      }
    }
  },
);

Deno.test(
  "parseVillageEvent(), parseQueryEvent() name the field that is not as it should be",
  PURE,
  () => {
    for (const [parse, lines] of LINES) {
      for (const line of lines) {
        for (const field of Object.keys(line).filter((key) => !/^(origin_)?name$/.test(key))) {
          const bad = JSON.stringify({ ...line, [field]: ["x"] });
          assertEquals(assertThrows(() => parse(bad), FieldError).field, `answer.${field}`);
        }
      }
    }
    const long = { ...ANSWER, text: "x".repeat(1_025) };
    assertThrows(() => parseQueryEvent(JSON.stringify(long)), FieldError, "answer.text");
    const longer = { ...EVENT, data: "x".repeat(4_097) };
    assertThrows(() => parseVillageEvent(JSON.stringify(longer)), FieldError, "answer.data");
  },
);

Deno.test(
  "parseVillageEvent(), parseQueryEvent() refuse a line that is no JSON object",
  PURE,
  () => {
    for (const [parse] of LINES) {
      for (
        const line of ["", "{", "[]", "null", "1", '"done"', JSON.stringify(EVENT).slice(0, -1)]
      ) {
        assertEquals(assertThrows(() => parse(line), FieldError).field, "answer");
      }
    }
  },
);
