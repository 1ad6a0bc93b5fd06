/**
 * What the device's owner allows of work, and how that is read from text: `--work`, `--work-cpu`, `--work-memory`,
 * `--work-battery`, `--work-hours` and `--worker`.
 */

import { isPrintable } from "../../base/guards.ts";
import { splitCommandLine } from "./command_line.ts";

/** `off`: never. `idle`: while nobody else uses the device. `on`: beside whatever else it does. */
export const WORK_MODES = ["off", "idle", "on"] as const;
export type WorkMode = typeof WORK_MODES[number];

/** A span of the day, in minutes after midnight, local time; it may begin in the evening and end in the morning. */
export interface WorkHours {
  readonly fromMinute: number;
  readonly toMinute: number;
}

/** A program that the owner lets jobs use by its name. */
export interface NamedCommand {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

export interface WorkSettings {
  readonly mode: WorkMode;
  /** Share of all processors together, 1 to 100. */
  readonly cpuPercent: number;
  /** For all workers together, in MiB. */
  readonly memoryMb: number;
  readonly onBattery: boolean;
  /** When nightly jobs may run. */
  readonly hours: WorkHours;
  readonly commands: readonly NamedCommand[];
}

/**
 * Half of the processors leaves the device quick and, without a fan, cool; a GiB is four workers of the usual 256
 * MiB.
 */
export const DEFAULT_WORK: WorkSettings = Object.freeze({
  mode: "idle",
  cpuPercent: 50,
  memoryMb: 1_024,
  onBattery: false,
  hours: Object.freeze({ fromMinute: 22 * 60, toMinute: 6 * 60 }),
  commands: Object.freeze([]),
});

/** Of a command's name, as jobs write it. */
export const COMMAND_NAME = /^[a-z0-9][a-z0-9_.-]{0,63}$/;
const HOURS = /^([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-4]):([0-5]\d)$/;
const MINUTES_PER_DAY = 1_440;
const MAX_COMMAND_LENGTH = 4_096;

/** `22:00-06:00`; `undefined` where it is none. The whole day is `0:00-24:00`. */
export function parseHours(text: string): WorkHours | undefined {
  const [, fromHour, fromMinute, toHour, toMinute] = (HOURS.exec(text) ?? []).map(Number);
  if (fromHour === undefined || toHour === undefined) return undefined;
  const from = fromHour * 60 + (fromMinute ?? 0);
  const to = toHour * 60 + (toMinute ?? 0);
  if (to > MINUTES_PER_DAY || from === to) return undefined;
  return { fromMinute: from, toMinute: to };
}

/** Whether `minute` of the day lies within `hours`. */
export function isWithin({ fromMinute, toMinute }: WorkHours, minute: number): boolean {
  return fromMinute < toMinute
    ? minute >= fromMinute && minute < toMinute
    : minute >= fromMinute || minute < toMinute;
}

/**
 * `NAME=COMMAND`, the command as a line of words or as a JSON array of them. Throws `TypeError` that says what is
 * wrong, e.g. `it has no name`.
 */
export function parseNamedCommand(text: string): NamedCommand {
  const at = text.indexOf("=");
  const name = text.slice(0, Math.max(0, at)).trim();
  if (at < 0) throw new TypeError("there is no = behind the name");
  if (!COMMAND_NAME.test(name)) {
    throw new TypeError("a name has 1 to 64 of a-z, 0-9, dot, dash and underscore");
  }
  const line = text.slice(at + 1).trim();
  if (line.length > MAX_COMMAND_LENGTH || !isPrintable(line)) {
    throw new TypeError(`a command has at most ${MAX_COMMAND_LENGTH} printable characters`);
  }
  const [program, ...args] = line.startsWith("[") ? readArray(line) : splitCommandLine(line);
  if (!program) throw new TypeError("there is no program behind the =");
  return { name, command: [program, ...args] };
}

function readArray(line: string): readonly string[] {
  let words: unknown;
  try {
    words = JSON.parse(line);
  } catch {
    words = undefined;
  }
  if (Array.isArray(words) && words.every((word) => typeof word === "string")) return words;
  throw new TypeError("what begins with [ is a JSON array of words");
}
