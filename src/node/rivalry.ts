/**
 * One identity on two devices, most likely a copied disk: each takes over the other's sessions, for ever. After a
 * few times the one that is there stays, and the other is told, so that its owner can mend it.
 *
 * A device that moves also takes over its own session from another host, but once, and seldom while the old one
 * still speaks.
 */

import type { PeerId } from "../base/peer_id.ts";

/** Takeovers in a row that are taken for a device that moves. */
const MAX_TAKEOVERS = 3;
/** Takeovers further apart than this are not in a row. */
const ROW_MS = 30_000;
/** Peers remembered; past it the one that came first goes. */
const MAX_PEERS = 256;

export class Rivalry {
  readonly #rows = new Map<PeerId, { readonly count: number; readonly atMs: number }>();

  /** Peers remembered. */
  get size(): number {
    return this.#rows.size;
  }

  /**
   * Counts that a session with `id` that lives is about to be taken over from another host; `true` when that has
   * happened too often in a row.
   */
  isRivalled(id: PeerId, nowMs: number): boolean {
    const row = this.#rows.get(id);
    const count = row && nowMs - row.atMs < ROW_MS ? row.count + 1 : 1;
    this.#rows.delete(id);
    this.#rows.set(id, { count, atMs: nowMs });
    if (this.#rows.size > MAX_PEERS) {
      const [oldest] = this.#rows.keys();
      if (oldest !== undefined) this.#rows.delete(oldest);
    }
    return count > MAX_TAKEOVERS;
  }
}
