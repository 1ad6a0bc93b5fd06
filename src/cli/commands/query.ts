/** `hamlet query` */

import { systemClock } from "../../base/clock.ts";
import { ControlClient, ControlClientError } from "../../control/client.ts";
import type { AnswerEvent, QueryDoneEvent, QueryEvent } from "../../control/query_events.ts";
import { MAX_TIMEOUT_S } from "../../control/village_routes.ts";
import { DEFAULT_CAPABILITIES, writeCapabilities } from "../../discovery/capabilities.ts";
import { FilterError, parseFilter } from "../../gossip/filter.ts";
import type { CommandContext } from "../commands.ts";
import { readStateDir, systemSurroundings } from "../config.ts";
import { nearest } from "../nearest.ts";
import { readData, readName } from "../operands.ts";
import { printable } from "../progress.ts";
import { parseDuration } from "../quantities.ts";
import { untilInterrupted } from "../signals.ts";
import { EXIT, UsageError } from "../usage_error.ts";

/** How a query went, as `--json` prints it. */
export interface QueryResult {
  readonly name: string;
  readonly answers: readonly Omit<AnswerEvent, "event">[];
  /** Members that it was for, as far as was known here. */
  readonly asked: number;
  readonly seconds: number;
  /** Whether Ctrl-C ended it. */
  readonly interrupted: boolean;
}

/** What members say of themselves; their signature says who they are. */
const FILTER_KEYS: readonly string[] = Object.freeze(
  Object.keys(writeCapabilities(DEFAULT_CAPABILITIES, "")).filter((key) => key !== "device_id"),
);
/** Of a filter, how much is shown from where it goes wrong. */
const EXCERPT_LENGTH = 24;

export async function run({ flags, write }: CommandContext): Promise<number> {
  const [name = "", given] = flags.positional;
  readName(name);
  const where = readFilter(flags.text("where") ?? "");
  const timeout_s = parseDuration("--timeout", flags.text("timeout") ?? "5s", {
    min: 1,
    max: MAX_TIMEOUT_S,
  });
  const data = await readData(given, Deno.stdin.readable);
  const client = await ControlClient.open(readStateDir(flags, systemSurroundings()));
  const isJson = flags.has("json");
  const stop = new AbortController();
  const release = untilInterrupted(() => stop.abort());
  try {
    const { signal } = stop;
    const events = client.query({ name, where, data, timeout_s }, { signal });
    const result = await gather(name, events, {
      signal,
      onAnswer: (answer) => isJson || write(renderAnswer(answer)),
    });
    write(isJson ? JSON.stringify(result, null, 2) + "\n" : renderSummary(result));
    return EXIT.ok;
  } finally {
    release();
  }
}

/** Reads `--where`. Throws {@link UsageError}, saying where it goes wrong, and which key was meant. */
export function readFilter(where: string): string {
  if (where === "") return where;
  try {
    parseFilter(where, { keys: FILTER_KEYS, nearest });
    return where;
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    const rest = printable(where.slice(error.position, error.position + EXCERPT_LENGTH));
    const isCut = where.length > error.position + EXCERPT_LENGTH;
    const place = rest ? `, before "${rest}${isCut ? "\u2026" : ""}"` : ", its end";
    throw new UsageError(`${error.message}${place}`, { cause: error });
  }
}

/** Takes in answers until the query is over or `signal` ends it. Throws `CodedError`. */
export async function gather(
  name: string,
  events: AsyncIterable<QueryEvent>,
  { signal, onAnswer }: {
    readonly signal: AbortSignal;
    readonly onAnswer: (answer: AnswerEvent) => void;
  },
): Promise<QueryResult> {
  const startMs = systemClock.now();
  const answers: Omit<AnswerEvent, "event">[] = [];
  let asked = 0;
  let done: QueryDoneEvent | undefined;
  try {
    for await (const event of events) {
      if (event.event === "asked") asked = event.asked;
      else if (event.event === "done") done = event;
      else {
        const { event: _, ...answer } = event;
        answers.push(answer);
        onAnswer(event);
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  if (!done && !signal.aborted) {
    throw new ControlClientError("cut_short", "Cannot hear more answers: the agent has ended");
  }
  return {
    name,
    answers,
    asked: Math.max(done?.asked ?? asked, answers.length),
    seconds: done?.seconds ?? Math.round(systemClock.now() - startMs) / 1000,
    interrupted: !done,
  };
}

/** Who, and what; of more than one line, each below the first is set in. */
export function renderAnswer({ name, short_id, text }: AnswerEvent): string {
  const [first = "", ...more] = text.split(/\r?\n/).map(printable);
  return [`${printable(name ?? short_id)}: ${first}`, ...more.map((line) => `  ${line}`)]
    .map((line) => line.trimEnd() + "\n").join("");
}

/** How many answered, and what to do where nobody did. */
export function renderSummary({ name, answers, asked, seconds, interrupted }: QueryResult): string {
  const { length } = answers;
  const count = length === 1 ? "1 answer" : `${length || "No"} answers`;
  const members = `${asked} member${asked === 1 ? "" : "s"} asked`;
  const end = interrupted ? ", then stopped" : "";
  return `${count} of ${members} in ${seconds.toFixed(1)} s${end}\n` +
    (length > 0 || interrupted ? "" : hintFor(name, asked));
}

function hintFor(name: string, asked: number): string {
  if (asked === 0) return "No member that this is for is known here; see: hamlet members\n";
  return `A member answers what a command on it waits for: hamlet on ${name} -- COMMAND\n`;
}
