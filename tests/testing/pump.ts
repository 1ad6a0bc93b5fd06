/** Two sans-IO conversations and what each of them told its owner; bytes move when a test says so. */

import { type Bytes, concatBytes, decodeUtf8, encodeUtf8 } from "../../src/base/bytes.ts";
import { type Random, randomBelow } from "../../src/base/random.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import type { DiscoveredPeer } from "../../src/discovery/message.ts";
import { Conversation } from "../../src/node/conversation.ts";
import type { Approach, SealedPeer } from "../../src/node/conversation_events.ts";
import type { LocalNode } from "../../src/node/local_node.ts";
import { encodeFrame, FrameDecoder } from "../../src/wire/frame.ts";

export interface PartyOptions {
  readonly local: LocalNode;
  /** Absent for a listener. */
  readonly approach?: Approach;
  readonly expected?: PeerId;
  readonly remoteHost?: string;
  readonly nowMs?: number;
}

/** One side of a conversation. */
export class Party {
  readonly conversation: Conversation;
  readonly discovered: DiscoveredPeer[] = [];
  readonly sealed: SealedPeer[] = [];
  readonly messages: string[] = [];
  readonly refused: string[] = [];
  readonly closed: string[] = [];
  /** Streams that the peer opened and nobody has accepted. */
  incoming = 0;
  /** Times it was told that there is output which no input caused. */
  wakes = 0;

  constructor(options: PartyOptions) {
    this.conversation = new Conversation({
      local: options.local,
      remoteHost: options.remoteHost ?? "192.168.1.7",
      nowMs: options.nowMs ?? 0,
      approach: options.approach,
      expected: options.expected,
      events: {
        onDiscovered: (peer) => this.discovered.push(peer),
        onSealed: (peer) => this.sealed.push(peer),
        onMessage: (body) => this.messages.push(decodeUtf8(body)),
        onIncoming: () => this.incoming++,
        onOutput: () => this.wakes++,
        onRefused: (code) => this.refused.push(code),
        onClosed: (code) => this.closed.push(code),
      },
    });
  }

  /** Everything that wants to leave, copied. */
  take(nowMs = 0): Bytes {
    const { conversation } = this;
    const taken: Bytes[] = [];
    while (conversation.prepare(nowMs)) taken.push(conversation.outlet.take().slice());
    return concatBytes(...taken);
  }

  /** Feeds `bytes` in pieces of at most `nextSize()`. */
  feed(bytes: Uint8Array, options: { nextSize?: () => number; nowMs?: number } = {}): void {
    const { nextSize = () => Infinity, nowMs = 0 } = options;
    for (let fed = 0; fed < bytes.length && !this.conversation.isClosed;) {
      const space = this.conversation.space();
      const piece = bytes.subarray(fed, fed + Math.min(space.length, nextSize()));
      space.set(piece);
      this.conversation.receive(piece.length, nowMs);
      fed += piece.length;
    }
  }

  /** Feeds one frame around `payload`. */
  frame(payload: Uint8Array, nowMs = 0): void {
    this.feed(encodeFrame(payload), { nowMs });
  }

  /** Feeds one JSON frame. */
  json(value: unknown, nowMs = 0): void {
    this.frame(encodeUtf8(JSON.stringify(value)), nowMs);
  }

  say(text: string): void {
    this.conversation.mux?.sendMessage(encodeUtf8(text));
  }
}

/** Moves bytes both ways until neither side has any. Returns how many went each way. */
export function pump(
  a: Party,
  b: Party,
  options: { nextSize?: () => number; nowMs?: number } = {},
): { readonly fromA: number; readonly fromB: number } {
  let [fromA, fromB] = [0, 0];
  for (;;) {
    const forth = a.take();
    b.feed(forth, options);
    const back = b.take();
    a.feed(back, options);
    if (forth.length === 0 && back.length === 0) return { fromA, fromB };
    fromA += forth.length;
    fromB += back.length;
  }
}

/** Sizes of 1 to `most`, drawn from `random`. */
export function randomSizes(random: Random, most: number): () => number {
  return () => 1 + randomBelow(random, most);
}

/** The JSON frames in `bytes`, parsed. */
export function jsonFrames(bytes: Bytes): readonly Record<string, unknown>[] {
  return framesIn(bytes).map((payload) => JSON.parse(decodeUtf8(payload)));
}

/** The payloads of the frames in `bytes`. */
export function framesIn(bytes: Bytes): readonly Bytes[] {
  const decoder = new FrameDecoder();
  const frames: Bytes[] = [];
  for (let fed = 0; fed < bytes.length;) {
    const space = decoder.space();
    const piece = bytes.subarray(fed, fed + space.length);
    space.set(piece);
    decoder.commit(piece.length);
    fed += piece.length;
    while (decoder.next()) frames.push(decoder.payload.slice());
  }
  return frames;
}

/** Several frames in one byte string. */
export function framed(...payloads: readonly Uint8Array[]): Bytes {
  return concatBytes(...payloads.map(encodeFrame));
}
