/**
 * `POST /v1/send {"peer", "path"}`: sends a file of this machine and answers with lines of JSON, one for
 * each step, as they happen. Closing the connection ends the transfer.
 */

import type { Agent } from "../agent/agent.ts";
import type { SendProgress } from "../agent/file_sender.ts";
import { encodeUtf8 } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { CodedError, describeError } from "../base/errors.ts";
import { type PeerId, shortId } from "../base/peer_id.ts";
import { safeFileName } from "../store/file_name.ts";
import { SourceFile } from "../store/source_file.ts";
import type { SendEvent } from "./send_events.ts";

export interface SendRouteOptions {
  readonly agent: Agent;
  readonly clock: Clock;
  readonly to: PeerId;
  readonly path: string;
}

/** Progress is told this often at most. */
const TELL_MS = 100;

/** Opens the file and answers with its sending. Rejects with `StoreError` when there is no such file. */
export async function sendResponse(options: SendRouteOptions): Promise<Response> {
  const file = await SourceFile.open(options.path);
  const stop = new AbortController();
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      const tell = (event: SendEvent) => {
        if (!stop.signal.aborted) controller.enqueue(encodeUtf8(JSON.stringify(event) + "\n"));
      };
      void sendFile(options, file, { signal: stop.signal, tell }).then(() => {
        if (!stop.signal.aborted) controller.close();
      });
    },
    cancel: () => stop.abort(),
  });
  return new Response(body, {
    headers: { "content-type": "application/x-ndjson", "cache-control": "no-store" },
  });
}

/** Sends `file`, tells of it, and closes it. Never rejects: a failure is an event too. */
async function sendFile(
  { agent, clock, to }: SendRouteOptions,
  file: SourceFile,
  { signal, tell }: { readonly signal: AbortSignal; readonly tell: (event: SendEvent) => void },
): Promise<void> {
  const startedMs = clock.now();
  try {
    const onProgress = throttled(clock, (progress) => tell(progressEvent(progress, file.size)));
    const outcome = await agent.sendFile({ to, file, signal, onProgress });
    tell({
      event: "done",
      name: safeFileName(file.name),
      size: file.size,
      sha256: outcome.sha256,
      saved_as: outcome.savedAs,
      resumed_from: outcome.resumedFrom,
      seconds: Math.round(clock.now() - startedMs) / 1000,
      node_id: to,
    });
  } catch (error) {
    const code = error instanceof CodedError ? error.code : "internal_error";
    tell({ event: "failed", code, message: `${describeError(error)} (${shortId(to)})` });
  } finally {
    file.close();
  }
}

function progressEvent(progress: SendProgress, size: number): SendEvent {
  const { state, done, resumedFrom } = progress;
  return { event: "progress", state, sent: done, size, resumed_from: resumedFrom };
}

/** Passes on a change of state at once, and the rest now and then. */
function throttled(
  clock: Clock,
  tell: (progress: SendProgress) => void,
): (progress: SendProgress) => void {
  let told: SendProgress["state"] | undefined;
  let toldAtMs = -Infinity;
  return (progress) => {
    const nowMs = clock.now();
    if (progress.state === told && nowMs - toldAtMs < TELL_MS) return;
    told = progress.state;
    toldAtMs = nowMs;
    tell(progress);
  };
}
