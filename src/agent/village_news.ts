/**
 * What gossip tells becomes news for the registry: members that live may be given work, with a session or without.
 */

import { FieldError, Fields } from "../base/guards.ts";
import type { Log } from "../base/log.ts";
import { type PeerId, shortId } from "../base/peer_id.ts";
import { readCapabilities } from "../discovery/capabilities.ts";
import type { Gossip, GossipEvent } from "../gossip/gossip.ts";
import type { MemberChange } from "../gossip/swim.ts";
import type { Registry } from "../mesh/registry.ts";

export interface VillageNewsOptions {
  readonly registry: Registry;
  readonly members: () => Gossip["members"];
  readonly nowMs: () => number;
  readonly log: Log;
}

export class VillageNews {
  readonly #options: VillageNewsOptions;

  constructor(options: VillageNewsOptions) {
    this.#options = options;
  }

  take(event: GossipEvent): void {
    const { log } = this.#options;
    switch (event.type) {
      case "member":
        return this.#takeChange(event.member);
      case "capabilities":
        return this.#takeCapabilities(event.id, event.record);
      case "event":
        return log("info", "event", {
          name: event.event.name,
          from: shortId(event.event.origin),
        });
      case "query":
        return log("debug", "query", { name: event.query.name });
    }
  }

  #takeChange({ id, change }: MemberChange): void {
    const { registry, log } = this.#options;
    registry.amend(id, { isAlive: change === "alive" || change === "joined" });
    log(change === "reaped" ? "debug" : "info", `member ${change}`, { peer: shortId(id) });
  }

  /** A member says what it can do, by way of others. */
  #takeCapabilities(id: PeerId, record: string | undefined): void {
    const { registry, members, nowMs, log } = this.#options;
    if (record === undefined) return registry.amend(id, { isAlive: false });
    try {
      const capabilities = readCapabilities(Fields.of(JSON.parse(record)), { withLoad: true });
      const addresses = members().record(id)?.addresses ?? [];
      const isAlive = members().stateOf(id) === "alive";
      registry.learn({ id, capabilities, addresses, isAlive }, nowMs());
    } catch (error) {
      if (!(error instanceof FieldError)) throw error;
      log("debug", "record refused", { peer: shortId(id), reason: error.message });
    }
  }
}
