/**
 * Events that neighbours have announced and that have not come: whom to ask for each, and when.
 *
 * ```
 * announced --> waiting --(due)--> asked --(no answer)--> asked of the next, 8 times --> forgotten
 *                  +-------------------+--(it came)--> taken
 * ```
 *
 * How long an event is waited for tells how sure we are that it will not come by itself (the two timeouts of
 * Plumtree, section 3.6, and one more):
 *
 * | what we know                                            | wait                                           |
 * |---------------------------------------------------------|------------------------------------------------|
 * | an eager neighbour announced it, and it was lost; or holds it, and another is nearer to the origin | {@link LATE_WAIT_MS} |
 * | we have eager neighbours, none of them announced it      | {@link GRAFT_WAIT_MS}, and a random part of {@link STAGGER_MS}, the less the more eager neighbours |
 * | we have none, or have just lost one                      | {@link FIRST_GRAFT_WAIT_MS}                    |
 * | we have asked                                            | {@link RETRY_MS}                               |
 *
 * The stagger is for a large part of the tree that was cut off: whoever has most to pass on asks first, and
 * the others then get it from there.
 *
 * Bounds: 1,024 events, 256 of them on one neighbour's word; 8 announcers of each.
 */

import type { PeerId } from "../base/peer_id.ts";
import type { Random } from "../base/random.ts";
import type { Announcement } from "./event_message.ts";

export const LATE_WAIT_MS = 40;
export const GRAFT_WAIT_MS = 300;
export const STAGGER_MS = 1_000;
export const FIRST_GRAFT_WAIT_MS = 20;
export const RETRY_MS = 500;
export const MAX_MISSING = 1_024;
export const MAX_MISSING_OF_NEIGHBOUR = 256;
export const MAX_ANNOUNCERS = 8;
export const MAX_REQUESTS = 8;

/** What the tree knows of its links. */
export interface TreeLinks {
  readonly eager: ReadonlySet<PeerId>;
  /** Whether events can be expected to come by themselves. */
  readonly isRooted: boolean;
}

export interface Announcer {
  readonly id: PeerId;
  readonly hops: number;
  /** It is deep down the tree and sends this to nobody who does not ask. */
  readonly isHeld: boolean;
  requests: number;
}

export interface MissingEvent {
  readonly tag: number;
  readonly heardMs: number;
  readonly announcers: Announcer[];
  /** Whether an eager neighbour has it: the tree is whole. */
  isOnTree: boolean;
  /** Whether it was asked of a neighbour that was not eager. */
  isDetour: boolean;
}

interface Entry extends MissingEvent {
  /** The neighbour that it is counted for. */
  readonly claimant: PeerId;
  readonly chance: number;
  /** Since when it could have been here by way of the tree, or nearer than by it; `Infinity` before. */
  lateMs: number;
  /** Hops at which an eager neighbour holds it. */
  heldHops: number;
  requests: number;
  askedMs: number;
}

export class MissingEvents {
  readonly #links: TreeLinks;
  readonly #random: Random;
  readonly #entries = new Map<number, Entry>();
  readonly #claims = new Map<PeerId, number>();
  #dueMs = Infinity;

  constructor(links: TreeLinks, random: Random) {
    this.#links = links;
    this.#random = random;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** When {@link due} may have something to tell; never later than it has. */
  get dueMs(): number {
    return this.#dueMs;
  }

  /** `from` has an event that is not here. */
  hear(from: PeerId, { tag, hops, isHeld }: Announcement, nowMs: number): void {
    const entry = this.#entries.get(tag) ?? this.#open(tag, from, nowMs);
    if (!entry) return;
    const { announcers } = entry;
    if (announcers.length < MAX_ANNOUNCERS && !announcers.some(({ id }) => id === from)) {
      announcers.push({ id: from, hops, isHeld, requests: 0 });
    }
    const isEager = this.#links.eager.has(from);
    if (isEager) entry.isOnTree = true;
    if (isEager && isHeld) entry.heldHops = Math.min(entry.heldHops, hops);
    if ((isEager && !isHeld) || this.#isNearer(entry)) {
      entry.lateMs = Math.min(entry.lateMs, nowMs);
    }
    this.#dueMs = Math.min(this.#dueMs, this.#dueOf(entry));
  }

  /** It came, or is not wanted any more. */
  take(tag: number): MissingEvent | undefined {
    const entry = this.#entries.get(tag);
    if (!entry) return undefined;
    this.#entries.delete(tag);
    if (this.#entries.size === 0) this.#dueMs = Infinity;
    const claims = (this.#claims.get(entry.claimant) ?? 0) - 1;
    if (claims > 0) this.#claims.set(entry.claimant, claims);
    else this.#claims.delete(entry.claimant);
    return entry;
  }

  /** A neighbour is gone: what it was asked for is due at once. */
  remove(id: PeerId, nowMs: number): void {
    for (const entry of this.#entries.values()) {
      const at = entry.announcers.findIndex((announcer) => announcer.id === id);
      const [gone] = at < 0 ? [] : entry.announcers.splice(at, 1);
      if (gone && gone.requests > 0) entry.askedMs = -Infinity;
    }
    if (this.#entries.size > 0) this.#dueMs = nowMs;
  }

  /**
   * What is to be asked for now, and of whom; each counts as asked. Links that change between two of them
   * change when the rest is due.
   */
  *due(nowMs: number): Generator<[MissingEvent, Announcer]> {
    this.#dueMs = Infinity;
    for (const entry of this.#entries.values()) {
      if (this.#dueOf(entry) <= nowMs) {
        const best = entry.requests < MAX_REQUESTS ? this.#best(entry) : undefined;
        if (!best) {
          this.take(entry.tag);
          continue;
        }
        best.requests++;
        entry.requests++;
        entry.askedMs = nowMs;
        if (!this.#links.eager.has(best.id)) entry.isDetour = true;
        yield [entry, best];
      }
      this.#dueMs = Math.min(this.#dueMs, this.#dueOf(entry));
    }
  }

  #open(tag: number, claimant: PeerId, nowMs: number): Entry | undefined {
    const claims = this.#claims.get(claimant) ?? 0;
    if (this.#entries.size >= MAX_MISSING || claims >= MAX_MISSING_OF_NEIGHBOUR) return undefined;
    this.#claims.set(claimant, claims + 1);
    const entry: Entry = {
      tag,
      claimant,
      heardMs: nowMs,
      announcers: [],
      isOnTree: false,
      isDetour: false,
      heldHops: Infinity,
      chance: this.#random.next(),
      lateMs: Infinity,
      requests: 0,
      askedMs: -Infinity,
    };
    this.#entries.set(tag, entry);
    return entry;
  }

  /** Whether somebody is nearer to the origin than the eager neighbour that holds it. */
  #isNearer({ announcers, heldHops }: Entry): boolean {
    return heldHops < Infinity && announcers.some(({ hops }) => hops < heldHops);
  }

  #dueOf({ requests, askedMs, heardMs, lateMs, chance }: Entry): number {
    if (requests > 0) return askedMs + RETRY_MS;
    const { eager, isRooted } = this.#links;
    if (!isRooted) return heardMs + FIRST_GRAFT_WAIT_MS;
    const waitMs = GRAFT_WAIT_MS + chance * STAGGER_MS / eager.size;
    return Math.min(heardMs + waitMs, lateMs + LATE_WAIT_MS);
  }

  /** Asked least often, then one that should have sent it, then the fewest hops away, then the first. */
  #best({ announcers }: Entry): Announcer | undefined {
    let best: Announcer | undefined;
    let bestCost = Infinity;
    for (const announcer of announcers) {
      const { id, hops, isHeld, requests } = announcer;
      const isLate = this.#links.eager.has(id) && !isHeld;
      const cost = requests * 1_000 + (isLate ? 0 : 100) + hops;
      if (cost < bestCost) [best, bestCost] = [announcer, cost];
    }
    return best;
  }
}
