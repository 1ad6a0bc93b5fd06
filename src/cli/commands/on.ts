/** `hamlet on` */

import { pause, systemClock } from "../../base/clock.ts";
import { FieldError } from "../../base/guards.ts";
import type { Log } from "../../base/log.ts";
import { ControlClient, ControlClientError } from "../../control/client.ts";
import type { CommandContext } from "../commands.ts";
import { readStateDir, systemSurroundings } from "../config.ts";
import { Handler } from "../handler.ts";
import { createLog } from "../log_writer.ts";
import { readAwaited } from "../operands.ts";
import { printable } from "../progress.ts";
import { parseDuration } from "../quantities.ts";
import { untilInterrupted } from "../signals.ts";
import { EXIT, UsageError } from "../usage_error.ts";

/** What is waited for, and what is done then. */
interface Watch {
  readonly stateDir: string;
  readonly name: string;
  /** As it was typed. */
  readonly command: string;
  readonly handler: Handler;
  readonly isOnce: boolean;
  readonly log: Log;
  readonly signal: AbortSignal;
}

const TIMEOUT_S = Object.freeze({ min: 1, max: 86_400 });
/** How often an agent that has gone is looked for. */
const LOOK_MS = 1_000;

export async function run({ flags }: CommandContext): Promise<number> {
  const [awaited = "", program = "", ...args] = flags.positional;
  const name = readAwaited(awaited);
  const timeoutS = parseDuration("--timeout", flags.text("timeout") ?? "60s", TIMEOUT_S);
  await checkProgram(program);
  const stateDir = readStateDir(flags, systemSurroundings());
  const isOnce = flags.has("once");
  const log = createLog({ form: "text", level: "info", clock: systemClock, write: writeLog });
  const stop = new AbortController();
  const release = untilInterrupted(() => stop.abort());
  const handler = new Handler({
    command: [program, ...args],
    timeoutMs: timeoutS * 1_000,
    clock: systemClock,
    log,
    signal: stop.signal,
  });
  try {
    const command = [program, ...args].join(" ");
    await watch({ stateDir, name, command, handler, isOnce, log, signal: stop.signal });
    await handler.idle();
  } finally {
    release();
  }
  return isOnce && handler.failures > 0 ? EXIT.failed : EXIT.ok;
}

/** Hands over what happens until it is told to stop; an agent that goes away is waited for, once it was there. */
async function watch(options: Watch): Promise<void> {
  const { stateDir, name, command, log, signal } = options;
  let wasThere = false;
  let isThere = false;
  const onOpen = () => {
    if (wasThere) log("info", "agent is back", { name });
    else log("info", "waiting", { name, command, then: "Ctrl-C ends it" });
    wasThere = isThere = true;
  };
  while (!signal.aborted) {
    let reason = "the agent is gone";
    try {
      const client = await ControlClient.open(stateDir);
      const end = await hear(client, options, onOpen);
      if (end === "done") return;
      reason = end?.message ?? reason;
    } catch (error) {
      if (signal.aborted) return;
      const isGone = error instanceof FieldError ||
        (error instanceof ControlClientError && error.code === "not_running");
      if (!isGone || !wasThere) throw error;
    }
    if (signal.aborted) return;
    if (isThere) log("warn", "not told any more; looking for the agent", { name, reason });
    isThere = false;
    await pause(systemClock, LOOK_MS, signal);
  }
}

/** Hands over what happens; resolves with how it ended, `undefined` where the agent is simply gone. */
async function hear(
  client: ControlClient,
  { name, handler, isOnce, signal }: Watch,
  onOpen: () => void,
): Promise<{ readonly message: string } | "done" | undefined> {
  for await (const event of client.events(name, { signal, onOpen })) {
    if (event.kind === "ended") return event;
    handler.handle(event, (id, text) => client.answer(id, text));
    if (isOnce) return "done";
  }
  return undefined;
}

/** Throws {@link UsageError} unless there is such a command: better now than at the first event. */
async function checkProgram(program: string): Promise<void> {
  // What counts as one there is a long story.
  if (Deno.build.os === "windows") return;
  const places = program.includes("/")
    ? [program]
    : (Deno.env.get("PATH") ?? "").split(":").map((place) => `${place || "."}/${program}`);
  for (const place of places) {
    const found = await Deno.stat(place).catch(() => undefined);
    if (found?.isFile && ((found.mode ?? 0) & 0o111) !== 0) return;
  }
  const reason = program.includes("/") ? "no such program" : "no such program in PATH";
  throw new UsageError(`Cannot run "${printable(program)}": ${reason}`);
}

function writeLog(line: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(line));
}
