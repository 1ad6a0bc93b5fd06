/**
 * Since when each member is in the state that gossip sees it in: the member table remembers that only of the gone.
 */

import type { Agent } from "../agent/agent.ts";
import type { Clock } from "../base/clock.ts";
import type { PeerId } from "../base/peer_id.ts";
import { MAX_MEMBERS, type MemberState } from "../gossip/member_table.ts";

interface Entry {
  readonly state: MemberState;
  readonly sinceMs: number;
}

export class MemberHistory {
  readonly #agent: Agent;
  readonly #clock: Clock;
  readonly #entries = new Map<PeerId, Entry>();
  readonly #release: () => void;

  /** Watches from now on; who is known already counts as seen now. */
  constructor(agent: Agent, clock: Clock) {
    this.#agent = agent;
    this.#clock = clock;
    for (const { id } of agent.villager.gossip.members.records()) this.note(id);
    this.#release = agent.villager.watch((event) => {
      if (event.type === "member") this.note(event.member.id);
    });
  }

  /** How many members are remembered. */
  get size(): number {
    return this.#entries.size;
  }

  /** Looks at a member whose state may be another. */
  note(id: PeerId): void {
    const state = this.#members.stateOf(id);
    if (state === undefined) return void this.#entries.delete(id);
    if (this.#entries.get(id)?.state === state) return;
    if (this.#entries.size >= MAX_MEMBERS) this.#prune();
    this.#entries.set(id, { state, sinceMs: this.#clock.now() });
  }

  /** Since when a member is in its present state, monotonic ms; `undefined` if that was not seen. */
  sinceMs(id: PeerId): number | undefined {
    const goneSinceMs = this.#members.goneSinceMs(id);
    if (goneSinceMs !== undefined) return goneSinceMs;
    const entry = this.#entries.get(id);
    return entry?.state === this.#members.stateOf(id) ? entry?.sinceMs : undefined;
  }

  close(): void {
    this.#release();
  }

  get #members() {
    return this.#agent.villager.gossip.members;
  }

  /** Who was revoked is forgotten without a word. */
  #prune(): void {
    for (const id of this.#entries.keys()) if (!this.#members.record(id)) this.#entries.delete(id);
  }
}
