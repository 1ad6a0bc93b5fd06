/**
 * The answer to `POST /v1/query`: newline-delimited JSON, each member's answer as it comes.
 *
 * ```
 * asked -- answer* -- done
 * ```
 */

import { FieldError } from "../base/guards.ts";
import { MAX_ANSWER_BYTES } from "../gossip/event_message.ts";
import { fieldsOfLine } from "./json_line.ts";

export interface AnswerEvent {
  readonly event: "answer";
  readonly node_id: string;
  readonly short_id: string;
  /** What its people call it; `null` where no certificate says so. */
  readonly name: string | null;
  /** At most 1,024 bytes that the member chose. */
  readonly text: string;
  /** How long it took. */
  readonly seconds: number;
}

/** No answer comes any more: everybody has answered, or the time is up. */
export interface QueryDoneEvent {
  readonly event: "done";
  readonly answers: number;
  readonly asked: number;
  readonly seconds: number;
}

/** One line of the answer to `POST /v1/query`. */
export type QueryEvent =
  | {
    readonly event: "asked";
    /** Members that the query is for, as far as is known here. */
    readonly asked: number;
  }
  | AnswerEvent
  | QueryDoneEvent;

const COUNT = Object.freeze({ min: 0, max: Number.MAX_SAFE_INTEGER });
const ID = Object.freeze({ maxLength: 128 });
const NAME = Object.freeze({ maxLength: 4_096 });

/** Reads one line. Throws {@link FieldError} when it is not a {@link QueryEvent}. */
export function parseQueryEvent(line: string): QueryEvent {
  const fields = fieldsOfLine(line);
  const event = fields.oneOf("event", ["asked", "answer", "done"]);
  switch (event) {
    case "asked":
      return { event, asked: fields.integer("asked", COUNT) };
    case "answer":
      return {
        event,
        node_id: fields.text("node_id", ID),
        short_id: fields.text("short_id", ID),
        name: fields.textOrNull("name", NAME),
        text: readAnswer(fields.raw("text")),
        seconds: fields.number("seconds", COUNT),
      };
    case "done":
      return {
        event,
        answers: fields.integer("answers", COUNT),
        asked: fields.integer("asked", COUNT),
        seconds: fields.number("seconds", COUNT),
      };
  }
}

/** Any text that a member chose, control characters and all. */
function readAnswer(text: unknown): string {
  if (typeof text === "string" && text.length <= MAX_ANSWER_BYTES) return text;
  throw new FieldError("invalid_field", "answer.text", "expected text");
}
