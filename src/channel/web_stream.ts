/**
 * A stream as web streams. Nothing is read ahead and nothing is queued twice: the reader's pace is the
 * credit that the peer gets, and a write that waits for credit is a write that waits.
 */

import type { Bytes } from "../base/bytes.ts";
import type { MuxStream } from "./mux_stream.ts";

/** What a reader or a writer that gives up tells the peer. */
export const CANCELLED = "cancelled";

/**
 * What the peer sends. Errors with `StreamError`. Cancelling calls `onCancel`, which by default resets the
 * stream, both ways, unless the peer has sent everything.
 */
export function readableOf(
  stream: MuxStream,
  onCancel: () => void = () => stream.stopReading(CANCELLED),
): ReadableStream<Bytes> {
  return new ReadableStream<Bytes>({
    pull(controller) {
      return stream.read().then((bytes) => {
        if (bytes) controller.enqueue(bytes);
        else controller.close();
      });
    },
    cancel: onCancel,
  }, { highWaterMark: 0 });
}

/**
 * What we send; closing ends our direction, aborting resets the stream. Writes take any length and are done
 * when the bytes are the writer's again. `signal` aborts it.
 */
export function writableOf(stream: MuxStream, signal?: AbortSignal): WritableStream<Bytes> {
  if (signal?.aborted) stream.reset(CANCELLED);
  const abort = () => stream.reset(CANCELLED);
  signal?.addEventListener("abort", abort, { once: true });
  const release = () => signal?.removeEventListener("abort", abort);
  return new WritableStream<Bytes>({
    start(controller) {
      // Not `abort`: that is only called once a write that waits for credit is done.
      controller.signal.addEventListener("abort", abort, { once: true });
      stream.closed.then(release, (error) => {
        release();
        controller.error(error);
      });
    },
    write: (bytes) => stream.write(bytes),
    close: () => stream.end(),
  });
}
