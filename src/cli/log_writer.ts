/**
 * Log events as lines on standard error: one human line each, or one JSON object.
 */

import type { Clock } from "../base/clock.ts";
import { type Log, LOG_LEVELS, type LogFields, type LogLevel } from "../base/log.ts";

export interface LogWriterOptions {
  readonly form: "text" | "json";
  readonly level: LogLevel;
  readonly clock: Clock;
  readonly write: (line: string) => void;
}

/** A log that writes events of `level` and above. */
export function createLog({ form, level, clock, write }: LogWriterOptions): Log {
  const least = LOG_LEVELS.indexOf(level);
  const line = form === "json" ? jsonLine : textLine;
  return (eventLevel, event, fields = {}) => {
    if (LOG_LEVELS.indexOf(eventLevel) < least) return;
    write(line(new Date(clock.wallMs()), eventLevel, event, fields) + "\n");
  };
}

function jsonLine(time: Date, level: LogLevel, event: string, fields: LogFields): string {
  return escaped(JSON.stringify({ time: time.toISOString(), level, event, ...fields }));
}

function textLine(time: Date, level: LogLevel, event: string, fields: LogFields): string {
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()]
    .map((part) => String(part).padStart(2, "0")).join(":");
  const pairs = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null)
    .map(([key, value]) => `${key}=${quoted(String(value))}`);
  return [clock, level.padEnd(5), event, ...pairs].join(" ");
}

function quoted(value: string): string {
  return /^[\w.:[\]/@+-]+$/.test(value) ? value : escaped(JSON.stringify(value));
}

/** Escapes what JSON leaves as it is but a terminal obeys or a reader does not see. */
function escaped(json: string): string {
  return json.replace(
    /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu,
    (letter) => `\\u{${letter.codePointAt(0)?.toString(16)}}`,
  );
}
