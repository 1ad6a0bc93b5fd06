/**
 * The js-libp2p contender's node, the same on both sides: TCP, Noise and Yamux.
 *
 * Transport, cipher and windows are the packages' own defaults: no-delay on both ends; WebAssembly
 * ChaCha20-Poly1305 below 1,200 bytes and the runtime's above; windows that start at 256 KiB and double up
 * to 16 MiB, which larger or fixed windows do not beat. Two things differ. The connection monitor is off,
 * because its ping would fall into a measurement. And more streams may be open at once, because the
 * defaults would bound what can be in flight.
 */

import type { Libp2p } from "@libp2p/interface";
import { noise } from "@libp2p/noise";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { createLibp2p } from "libp2p";

/** One byte back for each `ROUND_BYTES` that came. */
export const SINK_PROTOCOL = "/sink/1";
/** Everything back, as it comes. */
export const ECHO_PROTOCOL = "/echo/1";
/** Everything back, then the end: one stream is one request. */
export const REQUEST_PROTOCOL = "/request/1";

/** Bytes of one write of a round. */
export const WRITE_BYTES = 65_536;
/** Writes of one round. */
export const ROUND_WRITES = 1_024;
/** Bytes after which the far side answers. */
export const ROUND_BYTES = ROUND_WRITES * WRITE_BYTES;
/** What the far side answers to a round. */
export const ROUND_DONE = Uint8Array.of(1);

/** Requests that may be in flight. */
export const MAX_IN_FLIGHT = 1_000;
/**
 * Streams that may be open at once, per connection and per protocol: under load the far side still holds
 * streams that the near side has closed, up to as many again.
 */
export const MAX_STREAMS = 4 * MAX_IN_FLIGHT;

/** Starts a node that listens at `listen`; with none it only dials. */
export function startNode(listen: readonly string[]): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen: [...listen] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ maxInboundStreams: MAX_STREAMS, maxOutboundStreams: MAX_STREAMS })],
    connectionMonitor: { enabled: false },
  });
}
