/**
 * What a node counts at its sockets and in its handshakes, for the owner's metrics.
 *
 * Frames and bytes are counted on the way of every message, so they are plain fields of one object that all
 * links of a node share: an addition each, and nothing to look up.
 */

import { Histogram, LATENCY_BOUNDS_S } from "../base/histogram.ts";
import type { FramePath } from "../wire/frame.ts";

/** How a handshake ended that did not open a session, though nothing was wrong with it. */
const ABANDONED: ReadonlySet<string> = new Set(["duplicate", "shutdown", "evicted"]);

export class Tally {
  /** Frames received, by path; a connection of a foreign protocol counts as one. */
  framesJson = 0;
  framesHandshake = 0;
  framesSealed = 0;
  framesMalformed = 0;
  framesForeign = 0;
  /** Bytes of all connections, as the transport carried them. */
  bytesReceived = 0;
  bytesSent = 0;
  /** Handshakes, whichever side dialled. */
  handshakesSucceeded = 0;
  handshakesFailed = 0;
  handshakesAbandoned = 0;
  /** From our first frame, or the peer's, to the last that is received; seconds. */
  readonly handshakeSeconds = new Histogram(LATENCY_BOUNDS_S);

  /** Of pings that were asked for by name; seconds. What the village probes, it measures itself. */
  readonly pingSeconds = new Histogram(LATENCY_BOUNDS_S);

  /** A frame has come. */
  count(path: FramePath): void {
    switch (path) {
      case "sealed":
        this.framesSealed++;
        break;
      case "json":
        this.framesJson++;
        break;
      case "handshake":
        this.framesHandshake++;
        break;
      case "malformed":
        this.framesMalformed++;
    }
  }

  /** A handshake has opened a session. */
  succeed(durationMs: number): void {
    this.handshakesSucceeded++;
    this.handshakeSeconds.observe(durationMs / 1000);
  }

  /** A handshake has come to nothing; `code` is what its connection closed with. */
  fail(code: string): void {
    if (ABANDONED.has(code)) this.handshakesAbandoned++;
    else this.handshakesFailed++;
  }
}
