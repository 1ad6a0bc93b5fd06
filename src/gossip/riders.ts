/**
 * Riders: messages that can wait until something else goes the same way, mostly the next probe.
 */

import type { Bytes } from "../base/bytes.ts";
import type { PeerId } from "../base/peer_id.ts";

/** About two rounds of probes among 16 neighbours; after that a rider goes alone. */
export const RIDE_MS = 20_000;
/** For one neighbour; the oldest gives up its place, for what rides is repeated. */
export const MAX_RIDERS = 64;

const NONE: readonly Bytes[] = Object.freeze([]);

export class Riders {
  readonly #waiting = new Map<PeerId, Bytes[]>();
  #dueMs = Infinity;

  /** When those that still wait must go. */
  get dueMs(): number {
    return this.#dueMs;
  }

  add(to: PeerId, message: Bytes, nowMs: number): void {
    const riders = this.#waiting.get(to) ?? [];
    if (riders.length >= MAX_RIDERS) riders.shift();
    riders.push(message);
    this.#waiting.set(to, riders);
    this.#dueMs = Math.min(this.#dueMs, nowMs + RIDE_MS);
  }

  /** Those that wait to go to `to`. */
  take(to: PeerId): readonly Bytes[] {
    if (this.#waiting.size === 0) return NONE;
    const riders = this.#waiting.get(to);
    if (!riders) return NONE;
    this.drop(to);
    return riders;
  }

  takeAll(): readonly (readonly [to: PeerId, message: Bytes])[] {
    const all = [...this.#waiting].flatMap(([to, riders]) =>
      riders.map((message) => [to, message] as const)
    );
    this.#waiting.clear();
    this.#dueMs = Infinity;
    return all;
  }

  /** A session is over. */
  drop(to: PeerId): void {
    this.#waiting.delete(to);
    if (this.#waiting.size === 0) this.#dueMs = Infinity;
  }
}
