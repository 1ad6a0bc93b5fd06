/**
 * The far end of the channel contender: streams that are counted, streams that are echoed, and requests,
 * each on sessions of their own port.
 */

import { type Bytes, encodeUtf8 } from "../../../src/base/bytes.ts";
import type { Mux } from "../../../src/channel/mux.ts";
import type { MuxStream } from "../../../src/channel/mux_stream.ts";
import type { IncomingRequest, OutgoingReply } from "../../../src/channel/responder.ts";
import { readableOf } from "../../../src/channel/web_stream.ts";
import type { LocalNode } from "../../../src/node/local_node.ts";
import { respondWith, serveLines } from "./line.ts";

/** Where the far ends listen. */
export interface ChannelPorts {
  readonly sink: number;
  readonly echo: number;
  readonly requests: number;
}

/** A sink answers one byte for each of these. */
export const QUOTA_BYTES = 4 * 1024 * 1024;

const DONE: Bytes = encodeUtf8("+");

/** Serves all three. */
export function serveChannel(local: LocalNode): ChannelPorts {
  return {
    sink: serveLines(local, (mux) => serveStreams(mux, sink)).port,
    echo: serveLines(local, (mux) => serveStreams(mux, echo)).port,
    requests: serveLines(local, (mux) => respondWith(mux, () => answer)).port,
  };
}

function serveStreams(mux: Mux, serve: (stream: MuxStream) => Promise<void>): () => void {
  return () => {
    for (let stream = mux.accept(); stream; stream = mux.accept()) {
      const accepted = stream;
      serve(accepted).catch(() => accepted.reset("cancelled"));
    }
  };
}

async function sink(stream: MuxStream): Promise<void> {
  let received = 0;
  for await (const bytes of readableOf(stream)) {
    received += bytes.length;
    for (; received >= QUOTA_BYTES; received -= QUOTA_BYTES) await stream.write(DONE);
  }
  stream.end();
}

async function echo(stream: MuxStream): Promise<void> {
  for (let bytes = await stream.read(); bytes; bytes = await stream.read()) {
    await stream.write(bytes);
  }
  stream.end();
}

/** Gives back what it was given; a body is read to its end first. */
function answer(request: IncomingRequest): OutgoingReply | Promise<OutgoingReply> {
  if (request.type === "ECHO") return { data: request.data };
  return drain(request);
}

async function drain(request: IncomingRequest): Promise<OutgoingReply> {
  const buffer = new Uint8Array(65_536);
  let length = 0;
  for (;;) {
    const count = await request.body.readInto(buffer);
    if (count === undefined) return { data: { length } };
    length += count;
  }
}
