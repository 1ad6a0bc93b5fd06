/**
 * Riders: messages that can wait until something else goes the same way, mostly the next probe.
 */

import type { Bytes } from "../base/bytes.ts";
import type { PeerId } from "../base/peer_id.ts";
import { EVENT_KINDS } from "./event_message.ts";

/** A round of probes among 30 neighbours; after that a rider goes alone. */
export const RIDE_MS = 30_000;
/** For one neighbour; the oldest gives up its place, for what rides is repeated. */
export const MAX_RIDERS = 64;

const NONE: readonly Bytes[] = Object.freeze([]);

/** What waits for one neighbour. */
interface Carriage {
  readonly dueMs: number;
  readonly messages: Bytes[];
}

export class Riders {
  readonly #waiting = new Map<PeerId, Carriage>();
  #dueMs = Infinity;

  /** When the first of those that still wait must go; never too late. */
  get dueMs(): number {
    return this.#dueMs;
  }

  /** Takes a message to `to`. Of events only our own record rides: a newer one takes the place of the last. */
  add(to: PeerId, message: Bytes, nowMs: number): void {
    const carriage = this.#waiting.get(to) ?? { dueMs: nowMs + RIDE_MS, messages: [] };
    const { messages } = carriage;
    const isRecord = message[0] === EVENT_KINDS.event;
    const last = isRecord ? messages.findIndex(([kind]) => kind === EVENT_KINDS.event) : -1;
    if (last >= 0) messages[last] = message;
    else if (messages.push(message) > MAX_RIDERS) messages.shift();
    this.#waiting.set(to, carriage);
    this.#dueMs = Math.min(this.#dueMs, carriage.dueMs);
  }

  /** Those that wait to go to `to`. */
  take(to: PeerId): readonly Bytes[] {
    if (this.#waiting.size === 0) return NONE;
    const carriage = this.#waiting.get(to);
    if (!carriage) return NONE;
    this.drop(to);
    return carriage.messages;
  }

  /** Those that have waited long enough. */
  takeDue(nowMs: number): readonly (readonly [to: PeerId, message: Bytes])[] {
    const due: (readonly [PeerId, Bytes])[] = [];
    this.#dueMs = Infinity;
    for (const [to, { dueMs, messages }] of this.#waiting) {
      if (dueMs <= nowMs) {
        this.#waiting.delete(to);
        for (const message of messages) due.push([to, message]);
      } else this.#dueMs = Math.min(this.#dueMs, dueMs);
    }
    return due;
  }

  /** A session is over. */
  drop(to: PeerId): void {
    this.#waiting.delete(to);
    if (this.#waiting.size === 0) this.#dueMs = Infinity;
  }
}
