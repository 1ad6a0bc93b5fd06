/** What the simulator drives: the part of `Gossip` that it needs, so that its own tests can drive less. */

import type { Gossip, GossipOptions } from "../../src/gossip/gossip.ts";
import type { IdCodec } from "../../src/gossip/id_codec.ts";

export type Protocol = Pick<
  Gossip,
  | "deadlineMs"
  | "connected"
  | "disconnected"
  | "dialFailed"
  | "receive"
  | "tick"
  | "leave"
  | "sleep"
  | "wake"
  | "forget"
>;

export type ProtocolOptions = GossipOptions & { readonly ids: IdCodec };

/** Makes a node's protocol; `nowMs` is the node's own time. */
export type CreateProtocol = (options: ProtocolOptions, nowMs: number) => Protocol;
