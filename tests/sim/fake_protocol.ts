/** A protocol that counts: enough to test the world with, and to see what the world itself costs. */

import { type Bytes, readU32, writeU32 } from "../../src/base/bytes.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import type { PartingCause } from "../../src/gossip/gossip.ts";
import type { Protocol, ProtocolOptions } from "./protocol.ts";

const ASK = 1;
const ANSWER = 2;

/** Asks everybody in session once each period, and answers who asks. */
export class FakeProtocol implements Protocol {
  deadlineMs: number;
  /** What happened to it, in words. */
  readonly notes: string[] = [];
  readonly peers = new Set<PeerId>();
  highest = 0;
  readonly #options: ProtocolOptions;
  readonly #periodMs: number;
  #count = 0;

  constructor(options: ProtocolOptions, nowMs: number, periodMs = 1_000) {
    this.#options = options;
    this.#periodMs = periodMs;
    this.deadlineMs = nowMs + options.random.next() * periodMs;
  }

  connected(id: PeerId, _nowMs: number, isDialer: boolean): void {
    this.notes.push(isDialer ? "dialled" : "accepted");
    this.peers.add(id);
  }

  disconnected(id: PeerId, cause: PartingCause): void {
    this.notes.push(cause);
    this.peers.delete(id);
  }

  dialFailed(): void {
    this.notes.push("failed");
  }

  receive(from: PeerId, message: Bytes): void {
    const { outlet } = this.#options;
    this.highest = Math.max(this.highest, readU32(message, 1));
    if (message[0] === ASK) outlet.send(from, fakeMessage(ANSWER, this.highest), false);
  }

  tick(nowMs: number): void {
    this.deadlineMs = nowMs + this.#periodMs;
    this.highest = Math.max(this.highest, ++this.#count);
    for (const id of this.peers) this.ask(id);
  }

  ask(id: PeerId): void {
    this.#options.outlet.send(id, fakeMessage(ASK, this.highest), false);
  }

  leave(): void {
    this.notes.push("leaves");
  }

  sleep(): void {
    this.notes.push("sleeps");
  }

  wake(): void {
    this.notes.push("wakes");
  }

  forget(): void {
    this.notes.push("forgets");
  }

  /** As a protocol that wants a session would. */
  dial(id: PeerId, host: string): void {
    this.#options.outlet.dial(id, [{ host, port: 9000 }]);
  }

  hangUp(id: PeerId): void {
    this.#options.outlet.hangUp(id);
  }

  emit(change: "alive" | "dead", id: PeerId, incarnation: number): void {
    this.#options.outlet.onEvent({ type: "member", member: { id, incarnation, change } });
  }
}

function fakeMessage(kind: number, value: number): Bytes {
  const message = new Uint8Array(64);
  message[0] = kind;
  writeU32(message, 1, value);
  return message;
}
