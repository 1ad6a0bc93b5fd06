/** A host with its identity, its clock and, while it is up, its agent. */

import { Agent } from "../../../src/agent/agent.ts";
import type { Clock } from "../../../src/base/clock.ts";
import type { LogFields, LogLevel } from "../../../src/base/log.ts";
import type { PeerId } from "../../../src/base/peer_id.ts";
import { seededRandom } from "../../../src/base/random.ts";
import type { GossipEvent } from "../../../src/gossip/gossip.ts";
import type { Address } from "../../../src/net/address.ts";
import type { MemoryNetwork } from "../../../src/net/memory.ts";
import type { Identity } from "../../../src/node/identity.ts";
import type { Backend } from "../../../src/noise/backend.ts";
import { InvitationBook } from "../../../src/trust/invitation.ts";
import type { Membership } from "../../../src/trust/membership.ts";
import { IDLE } from "../../testing/agents.ts";
import { mixSeeds } from "../sim_identity.ts";
import type { HostClock } from "./host_clock.ts";
import { HostNetwork, type OnRead } from "./host_network.ts";

/** Who hears of what agents do. */
export interface SealedOwner {
  readonly seed: number;
  readonly time: Clock;
  readonly network: MemoryNetwork;
  readonly backend: Backend;
  onRead: OnRead;
  onEvent(node: SealedNode, event: GossipEvent): void;
  onLog(node: SealedNode, level: LogLevel, event: string, fields: LogFields): void;
}

export interface SealedNodeOptions {
  readonly index: number;
  readonly identity: Identity;
  readonly address: Address;
  readonly clock: HostClock;
  /** Its place in a closed network; what it has learnt of it outlives a restart, as on a disk. */
  readonly membership: Membership | undefined;
}

/** How an agent can end without a goodbye: its process does, and the host says so; or the power fails. */
export type CrashKind = "process" | "power";

/** How long the word that it will sleep has for leaving. */
const SLEEP_WORD_MS = 100;

export class SealedNode {
  readonly index: number;
  readonly identity: Identity;
  readonly address: Address;
  readonly clock: HostClock;
  readonly membership: Membership | undefined;
  readonly #owner: SealedOwner;
  /** How often it was started. */
  life = 0;
  /** Since when, by the world's time, it is up and awake. */
  upSinceMs = Infinity;
  /** In which part of a split network it is. */
  group = 0;
  /** Since when it is revoked, by the world's time. */
  revokedMs = Infinity;
  #agent: Agent | undefined;
  #sockets: HostNetwork | undefined;
  readonly #endings = new Set<Promise<void>>();

  constructor(options: SealedNodeOptions, owner: SealedOwner) {
    this.index = options.index;
    this.identity = options.identity;
    this.address = options.address;
    this.clock = options.clock;
    this.membership = options.membership;
    this.#owner = owner;
  }

  get id(): PeerId {
    return this.identity.id;
  }

  /** Whether its agent runs and is awake. */
  get isUp(): boolean {
    return this.#agent !== undefined && !this.clock.isAsleep;
  }

  get isAsleep(): boolean {
    return this.clock.isAsleep;
  }

  get isRevoked(): boolean {
    return this.revokedMs !== Infinity;
  }

  /** Throws `RangeError` while it is down. */
  get agent(): Agent {
    if (this.#agent) return this.#agent;
    throw new RangeError(`Cannot ask node ${this.index}: it is down`);
  }

  /** Connections that it has open. */
  get sockets(): number {
    return this.#sockets?.size ?? 0;
  }

  async start(peers: readonly Address[]): Promise<void> {
    if (this.#agent) throw new RangeError(`Cannot start node ${this.index}: it is up`);
    const owner = this.#owner;
    const { network, backend, seed, time } = owner;
    network.plug(this.address.host);
    const life = ++this.life;
    const isOurs = () => this.life === life;
    const sockets = new HostNetwork(network, this.address, (from, to, bytes) => {
      if (isOurs()) owner.onRead(from, to, bytes);
    });
    const { membership } = this;
    const trust = membership && {
      membership,
      invitations: new InvitationBook(),
      save: () => Promise.resolve(),
    };
    this.#sockets = sockets;
    this.#agent = await Agent.start({
      identity: this.identity,
      backend,
      clock: this.clock,
      random: seededRandom(mixSeeds(mixSeeds(seed, this.index), life)),
      log: (level, event, fields = {}) => {
        if (isOurs()) owner.onLog(this, level, event, fields);
      },
      dialer: sockets.dialer,
      listener: sockets.listener,
      addresses: () => [this.address],
      measure: () => Promise.resolve(IDLE),
      legacy: "off",
      ...trust && { trust },
      peers,
      known: [],
    });
    this.#agent.villager.watch((event) => {
      if (isOurs() && this.#agent) owner.onEvent(this, event);
    });
    this.upSinceMs = time.now();
  }

  /** Ends without a word. */
  crash(kind: CrashKind): void {
    const { network } = this.#owner;
    if (kind === "power") network.unplug(this.address.host);
    else network.breakLinks(this.address.host);
    this.#sockets?.kill();
    this.#end();
  }

  /** Says goodbye and ends; it can come back. */
  leave(): void {
    this.#end();
  }

  /** Says that it will sleep, and does so, cut off from the network, a moment later. */
  sleep(): void {
    this.agent.villager.sleep();
    this.upSinceMs = Infinity;
    this.#owner.time.schedule(SLEEP_WORD_MS, () => {
      this.clock.stop();
      this.#owner.network.unplug(this.address.host);
    });
  }

  wake(): void {
    this.#owner.network.plug(this.address.host);
    this.clock.resume();
    this.upSinceMs = this.#owner.time.now();
  }

  /** Resolves when every agent that ended here is gone. */
  async ended(): Promise<void> {
    await Promise.all(this.#endings);
  }

  #end(): void {
    const { agent } = this;
    this.#agent = undefined;
    this.upSinceMs = Infinity;
    const ending = agent.close().finally(() => this.#endings.delete(ending));
    this.#endings.add(ending);
  }
}
