/** `hamlet send` */

import { systemClock } from "../../base/clock.ts";
import { CodedError, describeError } from "../../base/errors.ts";
import { shortId } from "../../base/peer_id.ts";
import { ControlClient } from "../../control/client.ts";
import type { DoneEvent, FailedEvent, SendEvent } from "../../control/send_events.ts";
import type { CommandContext } from "../commands.ts";
import { readStateDir, systemSurroundings } from "../config.ts";
import { printable, ProgressDisplay } from "../progress.ts";
import { formatBytes, formatDuration, formatRate } from "../quantities.ts";
import { untilInterrupted } from "../signals.ts";
import { EXIT, UsageError } from "../usage_error.ts";

/** What of the control client this command uses. */
export interface Sender {
  /** The answer's events; `signal` stops the transfer. Throws {@link CodedError}. */
  send(
    peer: string,
    path: string,
    options: { readonly signal: AbortSignal },
  ): AsyncIterable<SendEvent>;
}

/** A file that can be sent. */
export interface Sendable {
  /** As it was typed. */
  readonly file: string;
  /** Absolute, without symbolic links. */
  readonly path: string;
  readonly name: string;
  readonly size: number;
}

/** How it went, as `--json` prints it. */
export type SendResult = { readonly file: string } & (DoneEvent | FailedEvent);

export interface SendFilesOptions {
  readonly sender: Sender;
  readonly peer: string;
  readonly files: readonly Sendable[];
  readonly signal: AbortSignal;
  /** Shows a file's progress until it is closed. */
  readonly openDisplay?: (file: Sendable) => ProgressDisplay;
  /** Called once for each file that was tried. */
  readonly onResult: (file: Sendable, outcome: DoneEvent | FailedEvent) => void;
}

const DEFAULT_COLUMNS = 80;

const INTERRUPTED: FailedEvent = Object.freeze({
  event: "failed",
  code: "interrupted",
  message: "run the same command again to go on where it stopped",
});
/** What is not one file's failure: the next file would meet it too. */
const LAST_CODES: readonly string[] = Object.freeze([
  "unknown_peer",
  "ambiguous_peer",
  "unverified_peer",
  "not_running",
  INTERRUPTED.code,
]);

export async function run({ flags, write }: CommandContext): Promise<number> {
  const [peer = "", ...operands] = flags.positional;
  const files: Sendable[] = [];
  for (const operand of operands) files.push(await findSendable(operand));
  const sender: Sender = await ControlClient.open(readStateDir(flags, systemSurroundings()));
  const isJson = flags.has("json");
  const columns = Deno.stderr.isTerminal() ? terminalColumns : undefined;
  const display = { peer, columns, clock: systemClock, write: writeProgress };
  const stop = new AbortController();
  const release = untilInterrupted(() => stop.abort());
  try {
    const results = await sendFiles({
      sender,
      peer,
      files,
      signal: stop.signal,
      ...(isJson ? {} : { openDisplay: (file) => new ProgressDisplay({ ...display, ...file }) }),
      onResult(file, outcome) {
        if (outcome.event === "failed") writeProgress(renderFailure(file.name, outcome));
        else if (!isJson) write(renderDone(outcome));
      },
    });
    if (isJson) write(JSON.stringify(results, null, 2) + "\n");
    return results.every(({ event }) => event === "done") ? EXIT.ok : EXIT.failed;
  } finally {
    release();
  }
}

/** Finds the file that `operand` names. Throws {@link UsageError} unless it can be sent. */
export async function findSendable(operand: string): Promise<Sendable> {
  const refusal = (reason: string) =>
    new UsageError(`Cannot send "${printable(operand)}": ${printable(reason)}`);
  let path: string;
  let found: Deno.FileInfo;
  try {
    path = await Deno.realPath(operand);
    found = await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw refusal("there is no such file");
    throw refusal(describeError(error));
  }
  if (found.isDirectory) throw refusal("it is a directory; pack it first, e.g. with tar");
  if (!found.isFile) throw refusal("it is not a regular file");
  const name = path.split(Deno.build.os === "windows" ? /[\\/]/ : "/").at(-1) ?? path;
  return { file: operand, path, name, size: found.size };
}

/**
 * Sends one file after another; resolves with a result for each. A failure that the next file would meet
 * too is the result of all that follow.
 */
export async function sendFiles(options: SendFilesOptions): Promise<readonly SendResult[]> {
  const results: SendResult[] = [];
  let last: FailedEvent | undefined;
  for (const file of options.files) {
    const outcome = last ?? await sendFile(options, file);
    results.push({ file: file.file, ...outcome });
    if (last) continue;
    options.onResult(file, outcome);
    if (outcome.event === "failed" && LAST_CODES.includes(outcome.code)) last = outcome;
  }
  return results;
}

async function sendFile(
  { sender, peer, signal, openDisplay }: SendFilesOptions,
  file: Sendable,
): Promise<DoneEvent | FailedEvent> {
  if (signal.aborted) return INTERRUPTED;
  const display = openDisplay?.(file);
  try {
    const outcome = await untilOutcome(sender.send(peer, file.path, { signal }), display);
    // What the agent says of a transfer that was stopped does not matter.
    return signal.aborted && outcome.event === "failed" ? INTERRUPTED : outcome;
  } catch (error) {
    if (signal.aborted) return INTERRUPTED;
    if (!(error instanceof CodedError)) throw error;
    return { event: "failed", code: error.code, message: error.message };
  } finally {
    display?.close();
  }
}

async function untilOutcome(
  events: AsyncIterable<SendEvent>,
  display: ProgressDisplay | undefined,
): Promise<DoneEvent | FailedEvent> {
  for await (const event of events) {
    if (event.event === "done") display?.complete();
    if (event.event !== "progress") return event;
    display?.show(event);
  }
  const message = "Cannot say how it went: the agent's answer ended too soon";
  return { event: "failed", code: "cut_short", message };
}

/** What was sent, how fast, and where it is now. */
export function renderDone(event: DoneEvent): string {
  const { name, size, saved_as, node_id, sha256 } = event;
  return `${printable(name)}: ${formatBytes(size)}${effort(event)}, ` +
    `saved as ${JSON.stringify(printable(saved_as))} by ${printable(shortId(node_id))}, ` +
    `sha256 ${printable(sha256)}\n`;
}

/** One line; a failure that is not one file's own names none. */
export function renderFailure(name: string, { code, message }: FailedEvent): string {
  if (code === INTERRUPTED.code) return `${code}: ${message}\n`;
  const subject = LAST_CODES.includes(code) ? "" : `${printable(name)}: `;
  return `hamlet: ${subject}${printable(message)}\n`;
}

/** Of a file that was resumed only the rest was sent this time. */
function effort({ size, resumed_from, seconds }: DoneEvent): string {
  const sent = size - resumed_from;
  if (sent <= 0 && size > 0) return ", all of it there already";
  const part = resumed_from > 0 ? `, the last ${formatBytes(sent)}` : "";
  const time = seconds < 1 ? "under 1 s" : formatDuration(seconds);
  const rate = seconds > 0 && sent > 0 ? ` (${formatRate(sent / seconds)})` : "";
  return `${part} in ${time}${rate}`;
}

function terminalColumns(): number {
  try {
    // Some pseudo-terminals say 0.
    return Deno.consoleSize().columns || DEFAULT_COLUMNS;
  } catch {
    // The terminal went away, or has no size.
    return DEFAULT_COLUMNS;
  }
}

function writeProgress(text: string): void {
  try {
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  } catch {
    // Progress that nobody reads any more must not end the transfer.
  }
}
