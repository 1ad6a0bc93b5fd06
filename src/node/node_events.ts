/**
 * What a node tells the agent: events as they happen, counts since the start, the outcome of a dial.
 */

import type { Bytes } from "../base/bytes.ts";
import type { PeerId } from "../base/peer_id.ts";
import type { DiscoveredPeer } from "../discovery/message.ts";
import type { Address } from "../net/address.ts";
import type { SealedPeer } from "./conversation_events.ts";
import type { Envelope } from "./envelope.ts";
import type { EnvelopeCounters } from "./session.ts";

/** What happened, for the agent. */
export type NodeEvent =
  | {
    readonly type: "peer_discovered";
    readonly peer: DiscoveredPeer;
    /** Where it listens, as far as known; the host is the one that it spoke from. */
    readonly host: string;
    readonly port: number | undefined;
  }
  | {
    readonly type: "session_opened";
    readonly peer: SealedPeer;
    readonly remote: Address;
  }
  | { readonly type: "session_closed"; readonly id: PeerId; readonly code: string }
  | { readonly type: "gossip"; readonly from: PeerId; readonly message: Bytes }
  | { readonly type: "envelope"; readonly from: PeerId; readonly envelope: Envelope }
  | { readonly type: "undelivered"; readonly to: PeerId; readonly envelope: Envelope };

/** Everything counted since the start. */
export interface NodeCounters extends EnvelopeCounters {
  connectionsAccepted: number;
  /** Strangers that made way for others, and of those the ones that went because every place was taken. */
  connectionsEvicted: number;
  connectionsEvictedWhenFull: number;
  dials: number;
  discoveries: number;
  sessionsOpened: number;
  /** Messages of the village, and their bytes. */
  gossipReceived: number;
  gossipSent: number;
  gossipBytesReceived: number;
  gossipBytesSent: number;
  /** Refusals and closings for cause, by code. */
  readonly rejected: Map<string, number>;
}

/** What became of a dial. */
export type DialOutcome =
  | { readonly type: "session"; readonly id: PeerId }
  /** It answered JSON discovery and speaks nothing more. */
  | { readonly type: "answered"; readonly id: string }
  | { readonly type: "failed"; readonly code: string; readonly reason?: string | undefined };
