/**
 * What a conversation tells its owner, and in which words.
 */

import type { Bytes } from "../base/bytes.ts";
import type { PeerId } from "../base/peer_id.ts";
import type { Mux } from "../channel/mux.ts";
import type { DiscoveredPeer } from "../discovery/message.ts";
import type { Standing } from "../trust/membership.ts";
import type { Introduction } from "./introduction.ts";

/** How a dialer begins: ask in JSON and stop there, ask and upgrade, or seal at once. */
export type Approach = "ask" | "ask_then_seal" | "seal";

/** Why a conversation ended. Stable: logs, counters and tests branch on it. */
export type CloseCode = string;

/** The peer at the other end of a sealed session. */
export interface SealedPeer {
  readonly id: PeerId;
  readonly introduction: Introduction;
  readonly standing: Standing;
  /** What both sides can speak. */
  readonly features: readonly string[];
  /** Whether we dialled. */
  readonly isDialer: boolean;
}

/** What a conversation tells its owner, at once and in order. */
export interface ConversationEvents {
  onDiscovered(peer: DiscoveredPeer): void;
  /** The session is open; `mux` is the way to its streams and messages. */
  onSealed(peer: SealedPeer, mux: Mux): void;
  /** A message of the session; `body` is the receiver's to keep. */
  onMessage(body: Bytes): void;
  /** What the village says; `body` is the receiver's to keep. */
  onGossip?(body: Bytes): void;
  /** The peer opened a stream. */
  onIncoming(): void;
  /** There is something to send that no input caused. */
  onOutput(): void;
  /** Input that was refused without ending the conversation. */
  onRefused(code: string): void;
  /** `reason` says it in words, where there is more to say than the code. */
  onClosed(code: CloseCode, reason: string | undefined): void;
}
