/**
 * The answer to `GET /v1/events`: newline-delimited JSON, one line for each thing that the village tells or asks.
 *
 * ```
 * (event | query | member)* -- ended
 * ```
 */

import { FieldError, type Fields } from "../base/guards.ts";
import { MAX_DATA_BYTES } from "../gossip/event.ts";
import type { MemberChange } from "../gossip/swim.ts";
import { fieldsOfLine } from "./json_line.ts";

/** What every line but the last says. */
interface Told {
  readonly name: string;
  readonly data: string;
  /** Whose it is, or whom it is about. */
  readonly origin: string;
  /** What its people call it; `null` where no certificate says so. */
  readonly origin_name: string | null;
  readonly received_unix_ms: number;
}

export type ToldEvent = Told & { readonly kind: "event" };
/** To be answered with `POST /v1/answer` and its id, or not. */
export type ToldQuery = Told & { readonly kind: "query"; readonly id: string };
/** `name` is one of {@link MEMBER_CHANGES}; `data` is empty. */
export type ToldChange = Told & { readonly kind: "member"; readonly incarnation: number };

/** What a handler is for. */
export type Happening = ToldEvent | ToldQuery | ToldChange;

/** One line of the answer to `GET /v1/events`. */
export type VillageEvent = Happening | {
  readonly kind: "ended";
  readonly code: "too_slow" | "stopped";
  readonly message: string;
};

/** Names that begin like this are of member changes, and of no event. */
export const MEMBER_PREFIX = "member-";

export const MEMBER_CHANGES: readonly `member-${MemberChange["change"]}`[] = Object.freeze([
  "member-joined",
  "member-alive",
  "member-suspect",
  "member-dead",
  "member-asleep",
  "member-left",
  "member-reaped",
]);

const NAME = Object.freeze({ maxLength: 64 });
const ID = Object.freeze({ maxLength: 128 });
const TEXT = Object.freeze({ maxLength: 4_096 });
const COUNT = Object.freeze({ min: 0, max: Number.MAX_SAFE_INTEGER });

/** Reads one line. Throws {@link FieldError} when it is not a {@link VillageEvent}. */
export function parseVillageEvent(line: string): VillageEvent {
  const fields = fieldsOfLine(line);
  const kind = fields.oneOf("kind", ["event", "query", "member", "ended"]);
  switch (kind) {
    case "event":
      return { kind, ...readTold(fields) };
    case "query":
      return { kind, id: fields.text("id", ID), ...readTold(fields) };
    case "member":
      return { kind, ...readTold(fields), incarnation: fields.integer("incarnation", COUNT) };
    case "ended":
      return {
        kind,
        code: fields.oneOf("code", ["too_slow", "stopped"]),
        message: fields.text("message", TEXT),
      };
  }
}

function readTold(fields: Fields): Told {
  const data = fields.raw("data");
  // Any text that others choose, control characters and all.
  if (typeof data !== "string" || data.length > MAX_DATA_BYTES) {
    throw new FieldError("invalid_field", "answer.data", "expected text");
  }
  return {
    name: fields.text("name", NAME),
    data,
    origin: fields.text("origin", ID),
    origin_name: fields.textOrNull("origin_name", TEXT),
    received_unix_ms: fields.integer("received_unix_ms", COUNT),
  };
}
