/**
 * Errands: others' questions whether a member is there (SWIM's ping-req), which we try to answer.
 *
 * Each is answered once, by an ack when the member is heard, by a nack when it cannot be reached, or in time for the
 * asker to know that we at least are there (Lifeguard's nack). What others can make us do is bounded: one errand for
 * each asker and member, however often it asks.
 */

import type { PeerId } from "../base/peer_id.ts";

export interface ErrandsHost {
  sendAck(to: PeerId, seq: number): void;
  sendNack(to: PeerId, seq: number): void;
}

export interface Errand {
  readonly asker: PeerId;
  /** The asker's number for it. */
  readonly seq: number;
  /** When we say that we could not tell. */
  readonly nackAtMs: number;
}

/** Under way at once; one more is not taken, and its asker hears nothing. */
export const MAX_ERRANDS = 256;
/** Of one asker's: a member that loses half of its sessions at once asks some dozen things. */
export const MAX_ERRANDS_OF_ONE = 32;

export class Errands {
  readonly #host: ErrandsHost;
  /** By the member that they are about, and the asker. */
  readonly #errands = new Map<PeerId, Map<PeerId, Errand>>();
  #size = 0;

  constructor(host: ErrandsHost) {
    this.#host = host;
  }

  get size(): number {
    return this.#size;
  }

  get deadlineMs(): number {
    let deadlineMs = Infinity;
    if (this.#size === 0) return deadlineMs;
    for (const errands of this.#errands.values()) {
      for (const { nackAtMs } of errands.values()) deadlineMs = Math.min(deadlineMs, nackAtMs);
    }
    return deadlineMs;
  }

  /** Takes an errand about `id`; whether anything is to be done for it that is not done already. */
  add(id: PeerId, errand: Errand): boolean {
    const { asker } = errand;
    const errands = this.#errands.get(id) ?? new Map<PeerId, Errand>();
    const isKnown = errands.has(asker);
    if (!isKnown && (this.#size >= MAX_ERRANDS || this.#countOf(asker) >= MAX_ERRANDS_OF_ONE)) {
      return false;
    }
    errands.set(asker, errand);
    this.#errands.set(id, errands);
    if (!isKnown) this.#size++;
    return !isKnown;
  }

  /** `id` was heard, or cannot be reached. */
  answer(id: PeerId, isThere: boolean): void {
    if (this.#size === 0) return;
    const errands = this.#errands.get(id);
    if (!errands) return;
    this.#errands.delete(id);
    this.#size -= errands.size;
    for (const { asker, seq } of errands.values()) {
      if (isThere) this.#host.sendAck(asker, seq);
      else this.#host.sendNack(asker, seq);
    }
  }

  /** Says of those that took too long that we could not tell. */
  tick(nowMs: number): void {
    if (this.#size === 0) return;
    for (const [id, errands] of this.#errands) {
      for (const { asker, seq, nackAtMs } of errands.values()) {
        if (nackAtMs > nowMs) continue;
        errands.delete(asker);
        this.#size--;
        this.#host.sendNack(asker, seq);
      }
      if (errands.size === 0) this.#errands.delete(id);
    }
  }

  #countOf(asker: PeerId): number {
    if (this.#size < MAX_ERRANDS_OF_ONE) return 0;
    let count = 0;
    for (const errands of this.#errands.values()) if (errands.has(asker)) count++;
    return count;
  }
}
