/**
 * The answer to `POST /v1/send`: newline-delimited JSON, progress until the one line that ends it.
 *
 * ```
 * progress* -- done | failed
 * ```
 */

import { fieldsOfLine } from "./json_line.ts";

/** What a transfer is doing. */
export type SendState = "checking" | "sending" | "waiting" | "verifying";

/** One line of the answer to `POST /v1/send`, newline-delimited JSON. */
export type SendEvent =
  | {
    readonly event: "progress";
    readonly state: SendState;
    /** How far into the file it is, bytes, `resumed_from` included. */
    readonly sent: number;
    readonly size: number;
    /** Bytes that the peer had from an earlier attempt. */
    readonly resumed_from: number;
  }
  | {
    readonly event: "done";
    readonly name: string;
    readonly size: number;
    /** 64 hexadecimal digits. */
    readonly sha256: string;
    /** The file's name at the peer, which may have had one of that name. */
    readonly saved_as: string;
    readonly resumed_from: number;
    /** How long it took, without earlier attempts. */
    readonly seconds: number;
    /** Who has it now. */
    readonly node_id: string;
  }
  | { readonly event: "failed"; readonly code: string; readonly message: string };

export type ProgressEvent = Extract<SendEvent, { event: "progress" }>;
export type DoneEvent = Extract<SendEvent, { event: "done" }>;
export type FailedEvent = Extract<SendEvent, { event: "failed" }>;

const STATES: readonly SendState[] = Object.freeze([
  "checking",
  "sending",
  "waiting",
  "verifying",
]);
const COUNT = Object.freeze({ min: 0, max: Number.MAX_SAFE_INTEGER });
const TEXT = Object.freeze({ maxLength: 4_096 });
const SHA256_HEX = Object.freeze({ minLength: 64, maxLength: 64 });

/** Reads one line. Throws `FieldError` when it is not a {@link SendEvent}. */
export function parseSendEvent(line: string): SendEvent {
  const fields = fieldsOfLine(line);
  const event = fields.oneOf("event", ["progress", "done", "failed"]);
  switch (event) {
    case "progress":
      return {
        event,
        state: fields.oneOf("state", STATES),
        sent: fields.integer("sent", COUNT),
        size: fields.integer("size", COUNT),
        resumed_from: fields.integer("resumed_from", COUNT),
      };
    case "done":
      return {
        event,
        name: fields.text("name", TEXT),
        size: fields.integer("size", COUNT),
        sha256: fields.text("sha256", SHA256_HEX),
        saved_as: fields.text("saved_as", TEXT),
        resumed_from: fields.integer("resumed_from", COUNT),
        seconds: fields.number("seconds", COUNT),
        node_id: fields.text("node_id", TEXT),
      };
    case "failed":
      return { event, code: fields.text("code", TEXT), message: fields.text("message", TEXT) };
  }
}
