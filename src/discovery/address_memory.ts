/**
 * Which addresses a source of hints has told lately, so that each is told once in a while and no more: a
 * bounded memory, from which the oldest goes first.
 */

import { type Address, formatAddress } from "../net/address.ts";

/** How long an address stays told. */
const MEMORY_MS = 600_000;
/** Addresses remembered. */
const MAX_REMEMBERED = 256;

export class AddressMemory {
  /** When each was told, oldest first. */
  readonly #toldAtMs = new Map<string, number>();

  get size(): number {
    return this.#toldAtMs.size;
  }

  /** Whether `address` was not told in the last {@link MEMORY_MS}; it counts as told from now on if so. */
  tell(address: Address, nowMs: number): boolean {
    const key = formatAddress(address);
    if (nowMs - (this.#toldAtMs.get(key) ?? -Infinity) < MEMORY_MS) return false;
    this.#toldAtMs.delete(key);
    for (const oldest of this.#toldAtMs.keys()) {
      if (this.#toldAtMs.size < MAX_REMEMBERED) break;
      this.#toldAtMs.delete(oldest);
    }
    this.#toldAtMs.set(key, nowMs);
    return true;
  }
}
