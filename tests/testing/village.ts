/** Nodes on one in-memory network, under one clock that moves when told to. */

import { ManualClock } from "../../src/base/clock.ts";
import { type Random, seededRandom } from "../../src/base/random.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import type { Address } from "../../src/net/address.ts";
import { MemoryNetwork, type MemoryNetworkOptions } from "../../src/net/memory.ts";
import type { Identity } from "../../src/node/identity.ts";
import type { LocalNodeOptions } from "../../src/node/local_node.ts";
import { Node } from "../../src/node/node.ts";
import type { DialOutcome, NodeEvent } from "../../src/node/node_events.ts";
import { localNode } from "./identities.ts";

/** A node, where it lives and what it told. */
export interface Villager {
  readonly node: Node;
  readonly identity: Identity;
  readonly id: PeerId;
  readonly address: Address;
  readonly events: NodeEvent[];
  /** Levels and names of what was logged at `warn` and above. */
  readonly alarms: string[];
}

export class Village {
  readonly clock = new ManualClock();
  readonly random: Random;
  readonly network: MemoryNetwork;
  readonly #villagers: Villager[] = [];

  constructor(seed = 1, options: Partial<MemoryNetworkOptions> = {}) {
    this.random = seededRandom(seed);
    this.network = new MemoryNetwork(this.clock, this.random, options);
  }

  /** Adds a node that listens on `host`. */
  add(
    identity: Identity,
    host: string,
    options: Partial<Omit<LocalNodeOptions, "identity" | "primitives">> = {},
  ): Villager {
    const events: NodeEvent[] = [];
    const alarms: string[] = [];
    const address = { host, port: 9000 };
    const node = new Node({
      local: localNode(identity, { clock: this.clock, addresses: () => [address], ...options }),
      dialer: this.network.dialerFrom(host),
      clock: this.clock,
      log: (level, event) => {
        if (level === "warn" || level === "error") alarms.push(`${level} ${event}`);
      },
      onEvent: (event) => events.push(event),
    });
    node.listen(this.network.listen(address));
    const villager = { node, identity, id: identity.id, address, events, alarms };
    this.#villagers.push(villager);
    return villager;
  }

  /** Dials and lets time pass until the outcome is known. */
  async join(from: Villager, to: Villager, approach: "ask" | "ask_then_seal" | "seal" = "seal") {
    const whom = approach === "seal" ? { expected: to.id } : {};
    return await this.until(from.node.dial(to.address, { approach, ...whom }));
  }

  /** Lets time pass until `promise` settles. */
  async until<T>(promise: Promise<T>, limitMs = 20_000): Promise<T> {
    let isSettled = false;
    const settled = promise.finally(() => isSettled = true);
    settled.catch(() => {});
    for (let ms = 0; ms < limitMs && !isSettled; ms += 10) await this.clock.run(10, 10);
    if (!isSettled) throw new Error(`Cannot wait longer: nothing came of it in ${limitMs} ms`);
    return await settled;
  }

  /** Closes every node; resolves when all are gone. */
  async close(): Promise<void> {
    await this.until(Promise.all(this.#villagers.map(({ node }) => node.close())));
  }
}

/** The kinds of a villager's events about sessions, in order. */
export function sessionEvents({ events }: Villager): readonly string[] {
  return events.filter(({ type }) => type.startsWith("session_")).map((event) =>
    event.type === "session_closed" ? `closed ${event.code}` : "opened"
  );
}

/** Whether we dialled the session that opened last with `id`. */
export function isLastDialOurs(villager: Villager, id: PeerId): boolean | undefined {
  const opened = villager.events.findLast((event) =>
    event.type === "session_opened" && event.peer.id === id
  );
  return opened?.type === "session_opened" ? opened.peer.isDialer : undefined;
}

/** A dial's outcome as one word. */
export function outcomeWord(outcome: DialOutcome): string {
  return outcome.type === "failed" ? outcome.code : outcome.type;
}
