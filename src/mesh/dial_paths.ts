/**
 * The ways to one target: its addresses, each with a back-off of its own.
 *
 * What fell due first is tried first. Of those at one moment, this machine, this link and private networks go
 * before the public and names; among those where somebody answered before, the latest first; then as they
 * were given, news in front. Hearsay displaces no address that we know from the peer itself, and cannot keep
 * it from its turn: on a LAN anybody may speak in another's name.
 */

import { type Address, formatAddress, isLanHost, MAX_ADDRESSES } from "../net/address.ts";

/** One address of a target and how it has done. */
export interface DialPath {
  readonly address: Address;
  /** The address as text. */
  readonly key: string;
  readonly isLan: boolean;
  /** Whether we have it by hearsay alone. */
  isHearsay: boolean;
  /** In a row. */
  failures: number;
  dueMs: number;
  /** When it was last dialled. */
  dialledMs: number;
  /** When somebody last answered there. */
  provedMs: number;
  /** Whether its owner has refused us: then news does not make it due. */
  isRefused: boolean;
  /** Why the last dial failed; `undefined` when it did not. */
  failedBy: string | undefined;
}

/** News about an address does not have it dialled more often than this. */
const NEWS_GAP_MS = 5_000;
/** However much it is wanted, not more often than this. */
const LEAST_GAP_MS = 1_000;

export class DialPaths {
  /** In the order of trial of those due at one moment. */
  #paths: DialPath[] = [];

  get size(): number {
    return this.#paths.length;
  }

  get hasFailed(): boolean {
    return this.#paths.some(({ failures }) => failures > 0);
  }

  /** Adds those of `addresses` that are new, due at once. */
  add(
    addresses: readonly Address[],
    nowMs: number,
    { isHearsay }: { readonly isHearsay: boolean },
  ): void {
    const news: DialPath[] = [];
    for (const address of addresses) {
      const key = formatAddress(address);
      const known = this.find(key) ?? news.find((path) => path.key === key);
      if (known) known.isHearsay &&= isHearsay;
      else news.push(pathOf(address, key, nowMs, isHearsay));
    }
    if (news.length === 0) return;
    this.#paths = [...news, ...this.#paths];
    while (this.#paths.length > MAX_ADDRESSES) this.#paths.splice(this.#leastWorthy(), 1);
    this.#sort();
  }

  /** The one to dial first among those due at `nowMs`. */
  due(nowMs: number): DialPath | undefined {
    let first: DialPath | undefined;
    for (const path of this.#paths) {
      if (path.dueMs <= nowMs && (!first || path.dueMs < first.dueMs)) first = path;
    }
    return first;
  }

  find(key: string): DialPath | undefined {
    return this.#paths.find((path) => path.key === key);
  }

  /** All of them, in the order of trial. */
  all(): readonly Readonly<DialPath>[] {
    return this.#paths;
  }

  /** Whether the target has answered at this address. */
  isProved(key: string): boolean {
    return this.#paths.some((path) => path.key === key && path.provedMs > -Infinity);
  }

  remove(path: DialPath): void {
    this.#paths = this.#paths.filter((each) => each !== path);
  }

  /** Somebody answered at `path`: it goes before others like it. */
  prove(path: DialPath, nowMs: number): void {
    path.provedMs = nowMs;
    path.isHearsay = false;
    path.isRefused = false;
    this.#sort();
  }

  /** The target was heard to be alive: all are due, but for those dialled just now or refused. */
  hear(nowMs: number): void {
    this.#makeDue(nowMs, NEWS_GAP_MS);
  }

  /** The target was here just now: all are due, but for those refused. */
  hurry(nowMs: number): void {
    this.#makeDue(nowMs, LEAST_GAP_MS);
  }

  /** The target is one of us after all. */
  forgive(): void {
    for (const path of this.#paths) path.isRefused = false;
  }

  /** Starts over: nothing of what was tried counts any more. */
  reset(nowMs: number): void {
    for (const path of this.#paths) {
      path.failures = 0;
      path.isRefused = false;
      path.dueMs = Math.min(path.dueMs, nowMs);
    }
  }

  #makeDue(nowMs: number, gapMs: number): void {
    for (const path of this.#paths) {
      if (path.isRefused) continue;
      path.dueMs = Math.min(path.dueMs, Math.max(nowMs, path.dialledMs + gapMs));
    }
  }

  /** The index of the last by hearsay; without any, of the last where nobody answered yet. */
  #leastWorthy(): number {
    const heard = this.#paths.findLastIndex(({ isHearsay }) => isHearsay);
    return heard >= 0 ? heard : this.#paths.findLastIndex(({ provedMs }) => provedMs === -Infinity);
  }

  #sort(): void {
    this.#paths.sort((a, b) => {
      if (a.isLan !== b.isLan) return a.isLan ? -1 : 1;
      return a.provedMs === b.provedMs ? 0 : b.provedMs - a.provedMs;
    });
  }
}

function pathOf(address: Address, key: string, nowMs: number, isHearsay: boolean): DialPath {
  return {
    address,
    key,
    isLan: isLanHost(address.host),
    isHearsay,
    failures: 0,
    dueMs: nowMs,
    dialledMs: -Infinity,
    provedMs: -Infinity,
    isRefused: false,
    failedBy: undefined,
  };
}
