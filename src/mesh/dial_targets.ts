/**
 * What the dial plan dials, bounded: others may make up any number of peers and places.
 *
 * | kind    | what it is                               | at most | past it                                   |
 * |---------|------------------------------------------|---------|-------------------------------------------|
 * | `given` | an address that the owner named          | -       | -                                         |
 * | `peer`  | an id and its addresses, met or heard of | 4,096   | the one unmet that was heard of longest   |
 * |         |                                          |         | ago goes, but for members of our network; |
 * |         |                                          |         | with none, the new is not taken           |
 * | `found` | an address whose owner is not known yet  | 256     | likewise the oldest that never answered   |
 */

import type { PeerId } from "../base/peer_id.ts";
import { type Address, formatAddress } from "../net/address.ts";
import type { Approach } from "../node/conversation_events.ts";
import { DialPaths } from "./dial_paths.ts";

export interface DialTargetLimits {
  readonly maxPeers: number;
  readonly maxFound: number;
}

/** One thing to dial. */
export interface Target {
  readonly kind: "given" | "peer" | "found";
  /** The peer's id, or the address as text. */
  readonly key: string;
  /** Whom to expect; `undefined` for an address whose owner is not known yet. */
  readonly id: PeerId | undefined;
  readonly approach: Exclude<Approach, "ask">;
}

/** A target and what came of it so far. */
export interface DialEntry {
  readonly target: Target;
  readonly paths: DialPaths;
  /** Whether we have been there: the peer was met, somebody answered at the address. */
  isProven: boolean;
  /** Whether it is a member of our network, met or not: nobody can make one up. */
  isMember: boolean;
  /** Whether there is news of it that has not been tried. */
  isFresh: boolean;
  /** When we last had news of it. */
  heardMs: number;
  isUrgent: boolean;
  isInFlight: boolean;
  /** Its addresses follow each other at a distance, too. */
  notBeforeMs: number;
}

export class DialTargets {
  readonly #limits: DialTargetLimits;
  readonly #given = new Map<string, DialEntry>();
  /** Those heard of longest ago first. */
  readonly #peers = new Map<string, DialEntry>();
  /** The oldest first. */
  readonly #found = new Map<string, DialEntry>();

  constructor(limits: DialTargetLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#given.size + this.#peers.size + this.#found.size;
  }

  get(kind: Target["kind"], key: string): DialEntry | undefined {
    return this.#all(kind).get(key);
  }

  /** Whether it is a target's address: a given or found one, or one at which a peer has answered. */
  hasAddress(key: string): boolean {
    if (this.#given.has(key) || this.#found.has(key)) return true;
    for (const { paths } of this.#peers.values()) if (paths.isProved(key)) return true;
    return false;
  }

  /** The targets of a kind. */
  of(kind: Target["kind"]): Iterable<DialEntry> {
    return this.#all(kind).values();
  }

  /** Adds a given address, which need not be found any more. */
  addGiven(address: Address, nowMs: number): void {
    const key = formatAddress(address);
    this.#found.delete(key);
    const target: Target = { kind: "given", key, id: undefined, approach: "ask_then_seal" };
    this.#given.set(key, entryOf(target, address, nowMs));
  }

  /** Adds a peer without addresses; `undefined` when there is no room. */
  addPeer(id: PeerId): DialEntry | undefined {
    if (!makeRoom(this.#peers, this.#limits.maxPeers)) return undefined;
    const entry = entryOf({ kind: "peer", key: id, id, approach: "seal" });
    this.#peers.set(id, entry);
    return entry;
  }

  /** Adds a found address; `undefined` when there is no room. */
  addFound(
    address: Address,
    approach: Target["approach"],
    nowMs: number,
  ): DialEntry | undefined {
    if (!makeRoom(this.#found, this.#limits.maxFound)) return undefined;
    const key = formatAddress(address);
    const entry = entryOf({ kind: "found", key, id: undefined, approach }, address, nowMs);
    this.#found.set(key, entry);
    return entry;
  }

  /** There is news of a peer: it is the last to make way. */
  hear(entry: DialEntry, nowMs: number): void {
    entry.isFresh = true;
    entry.heardMs = nowMs;
    if (entry.target.kind !== "peer") return;
    this.#peers.delete(entry.target.key);
    this.#peers.set(entry.target.key, entry);
  }

  drop(kind: Target["kind"], key: string): void {
    this.#all(kind).delete(key);
  }

  #all(kind: Target["kind"]): Map<string, DialEntry> {
    switch (kind) {
      case "given":
        return this.#given;
      case "peer":
        return this.#peers;
      case "found":
        return this.#found;
    }
  }
}

function entryOf(target: Target, address?: Address, nowMs = 0): DialEntry {
  const paths = new DialPaths();
  if (address) paths.add([address], nowMs, { isHearsay: false });
  return {
    target,
    paths,
    isProven: false,
    isMember: false,
    isFresh: false,
    heardMs: -Infinity,
    isUrgent: false,
    isInFlight: false,
    notBeforeMs: -Infinity,
  };
}

/** Whether one more fits; the first makes way that was never proven and is no member. */
function makeRoom(entries: Map<string, DialEntry>, max: number): boolean {
  if (entries.size < max) return true;
  for (const [key, { isProven, isMember }] of entries) {
    if (!isProven && !isMember) return entries.delete(key);
  }
  return false;
}
