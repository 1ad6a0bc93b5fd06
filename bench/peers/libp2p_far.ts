/**
 * The far process of the js-libp2p contender: serves `/sink/1`, `/echo/1` and `/request/1`, prints its
 * address as one line of JSON, and exits when its standard input ends.
 */

import type { Stream } from "@libp2p/interface";
import {
  ECHO_PROTOCOL,
  MAX_STREAMS,
  REQUEST_PROTOCOL,
  ROUND_BYTES,
  ROUND_DONE,
  SINK_PROTOCOL,
  startNode,
} from "./libp2p_node.ts";
import { drained } from "./libp2p_stream.ts";

const LISTEN = "/ip4/127.0.0.1/tcp/0";

/** Counts what comes and answers each full round; a round that does not end with a write is aborted. */
function sink(stream: Stream): void {
  let received = 0;
  stream.addEventListener("message", ({ data }) => {
    received += data.byteLength;
    if (received < ROUND_BYTES) return;
    if (received > ROUND_BYTES) {
      stream.abort(new Error(`Cannot count a round: ${received} bytes exceed ${ROUND_BYTES}`));
      return;
    }
    received = 0;
    stream.send(ROUND_DONE);
  });
  closeAtEnd(stream);
}

/** Sends back what comes at once; while that has to wait, nothing more is taken. */
function echo(stream: Stream): void {
  stream.addEventListener("message", ({ data }) => {
    if (stream.send(data)) return;
    stream.pause();
    drained(stream).then(() => stream.resume()).catch(abort(stream));
  });
  closeAtEnd(stream);
}

/** Ends our side once the near side has ended its own and everything that came was taken. */
function closeAtEnd(stream: Stream): void {
  const close = () => void stream.close().catch(abort(stream));
  if (stream.readableEnded) close();
  else stream.addEventListener("end", close);
}

function abort(stream: Stream): (reason: unknown) => void {
  return (reason) => stream.abort(new Error("Cannot serve a stream", { cause: reason }));
}

async function untilEnd(input: ReadableStream<Uint8Array>): Promise<void> {
  for await (const _chunk of input);
}

if (import.meta.main) {
  const node = await startNode([LISTEN]);
  const limits = { maxInboundStreams: MAX_STREAMS };
  await node.handle(SINK_PROTOCOL, sink, limits);
  await node.handle(ECHO_PROTOCOL, echo, limits);
  await node.handle(REQUEST_PROTOCOL, echo, limits);
  const [address] = node.getMultiaddrs();
  if (!address) throw new Error("Cannot serve: the node listens nowhere");
  console.log(JSON.stringify({ address: address.toString() }));
  await untilEnd(Deno.stdin.readable);
  await node.stop();
  Deno.exit(0);
}
