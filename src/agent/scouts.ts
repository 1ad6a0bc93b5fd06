/**
 * The scouts: every way of finding others without being told, each switchable, all at once.
 *
 * ```
 * mDNS --a service--+
 * DHT --an address--+--> the dial plan: a hint, tried once in a while, believed when a session proves it
 * LAN sweep --------+
 * network watch --> everything is asked and dialled anew
 * ```
 *
 * What known peers and other members tell comes by `peer_memory.ts` and `exchange.ts`. The code of a scout is
 * loaded when it is sent out: an agent on a small board pays for those it uses.
 */

import { isIPv4 } from "node:net";
import type { Clock, Timer } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { systemRandom } from "../base/random.ts";
import type { FoundService } from "../discovery/dns_sd_browser.ts";
import { type Address, scopeOf } from "../net/address.ts";
import { interfaceAddresses } from "../net/interfaces.ts";
import { tcpDialer } from "../net/tcp.ts";
import type { Primitives } from "../noise/primitives.ts";
import { SUPPORTED_VERSIONS } from "../noise/hello.ts";
import { networkHint } from "../trust/network_id.ts";
import type { Agent } from "./agent.ts";
import type { DhtScout, DhtStatus } from "./dht.ts";
import type { MdnsCounters, MdnsScout, MdnsState } from "./mdns.ts";
import { watchNetwork } from "./network_watch.ts";
import type { Sweep, SweepStatus } from "./sweep.ts";

/** Which scouts are sent out. */
export interface ScoutSettings {
  readonly hasMdns: boolean;
  readonly hasDht: boolean;
  /** Where to enter the DHT; none is its public nodes. */
  readonly dhtBootstrap: readonly Address[];
  readonly hasSweep: boolean;
}

export interface ScoutsOptions {
  readonly agent: Agent;
  readonly settings: ScoutSettings;
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly log: Log;
}

/** How the scouts do, for people. */
export interface ScoutsStatus {
  readonly mdns: {
    readonly state: MdnsState;
    /** Why it is blocked or off. */
    readonly reason: string | null;
    readonly counters: MdnsCounters | null;
  };
  readonly dht: Omit<DhtStatus, "state"> & { readonly state: DhtStatus["state"] | "off" };
  readonly sweep: SweepStatus;
}

/** After the start, a loss or a change of network somebody missing is searched for eagerly. */
const EAGER_MS = 600_000;
/** Addresses of a record in the DHT: more would not fit. */
const DHT_RECORD_ADDRESSES = 4;
const NO_DHT = Object.freeze({ state: "off", nodes: 0, announced: 0, lookups: 0, found: 0 });
const NO_SWEEP: SweepStatus = Object.freeze({ state: "off", subnets: [], probed: 0, found: 0 });

export class Scouts {
  readonly #options: ScoutsOptions;
  readonly #watch: Timer;
  #mdns: MdnsScout | undefined;
  #sweep: Sweep | undefined;
  #dht: DhtScout | undefined;
  #eagerUntilMs: number;

  private constructor(options: ScoutsOptions) {
    const { agent, clock } = options;
    this.#options = options;
    this.#eagerUntilMs = clock.now() + EAGER_MS;
    this.#watch = watchNetwork(clock, interfaceAddresses, () => this.#onNetworkChange());
    agent.onLost = () => this.search();
    agent.onSecret = () => this.#dht?.publish();
  }

  /** Sends out the scouts that `settings` name. Never rejects: a scout that cannot leave is told. */
  static async start(options: ScoutsOptions): Promise<Scouts> {
    const { settings, agent } = options;
    const scouts = new Scouts(options);
    const isLocal = scopeOf(agent.listenAddress.host) === "loopback";
    if (settings.hasMdns && !isLocal) await scouts.#startMdns();
    if (settings.hasSweep) await scouts.#startSweep();
    if (settings.hasDht) await scouts.#startDht();
    return scouts;
  }

  get status(): ScoutsStatus {
    const mdns = this.#mdns;
    const reason = this.#options.settings.hasMdns
      ? "only this machine is served"
      : "it was switched off";
    return {
      mdns: {
        state: mdns?.state ?? "off",
        reason: mdns ? mdns.reason ?? null : reason,
        counters: mdns?.counters ?? null,
      },
      dht: this.#dht?.status ?? NO_DHT,
      sweep: this.#sweep?.status ?? NO_SWEEP,
    };
  }

  /** Somebody is missing. */
  search(): void {
    this.#eagerUntilMs = this.#options.clock.now() + EAGER_MS;
    this.#mdns?.search();
    this.#dht?.search();
  }

  /** Calls the scouts back. Idempotent. */
  async close(): Promise<void> {
    this.#watch.cancel();
    this.#options.agent.onLost = this.#options.agent.onSecret = undefined;
    await Promise.all([this.#mdns?.close(), this.#dht?.close(), this.#sweep?.close()]);
  }

  async #startMdns(): Promise<void> {
    const { agent, clock, log } = this.#options;
    const { multicastInterfaces, openMulticast } = await import("../net/multicast.ts");
    const { MdnsScout } = await import("./mdns.ts");
    const { host } = agent.listenAddress;
    const isEverywhere = scopeOf(host) === "unspecified";
    this.#mdns = new MdnsScout({
      clock,
      random: systemRandom,
      log,
      service: {
        id: agent.identity.id,
        port: agent.listenAddress.port,
        version: String(SUPPORTED_VERSIONS.max),
        hint: () => this.#hint,
      },
      interfaces: () =>
        multicastInterfaces().filter(({ address }) => isEverywhere || address === host),
      open: openMulticast,
      isSearching: () => clock.now() < this.#eagerUntilMs && agent.whereabouts.missing.length > 0,
      onFound: (found) => this.#onService(found),
    });
  }

  async #startDht(): Promise<void> {
    const { agent, settings, primitives, clock, log } = this.#options;
    const { membership } = agent;
    if (!membership) return;
    const { host, port } = agent.listenAddress;
    const { openDht } = await import("../net/dht.ts");
    const { DhtScout } = await import("./dht.ts");
    const bootstrap = settings.dhtBootstrap.length > 0 ? settings.dhtBootstrap : undefined;
    try {
      this.#dht = await DhtScout.start({
        clock,
        random: systemRandom,
        log,
        primitives,
        port,
        secrets: () => membership.secrets.all,
        id: agent.identity.id,
        addresses: () => agent.addresses,
        record: () => agent.whereabouts.signRecord(DHT_RECORD_ADDRESSES),
        wanted: () => agent.whereabouts.missing,
        // Whoever is there is told nothing before it has shown that it is one of us.
        onAddress: (address) => agent.whereabouts.tryAddress(address, "seal"),
        onRecord: (value) => agent.whereabouts.learnRecord(value),
        open: () =>
          openDht({
            // The DHT is spoken over IPv4 alone.
            host: isIPv4(host) ? host : "0.0.0.0",
            port,
            bootstrap,
            verify: primitives.verify,
            clock,
          }),
      });
    } catch (error) {
      log("warn", "DHT not joined", { reason: describeError(error) });
    }
  }

  async #startSweep(): Promise<void> {
    const { agent, clock, log } = this.#options;
    const { Sweep } = await import("./sweep.ts");
    this.#sweep = new Sweep({
      dialer: tcpDialer,
      clock,
      random: systemRandom,
      log,
      interfaces: interfaceAddresses,
      isKnown: (address) => agent.whereabouts.isOccupied(address),
      onFound: (address) => agent.whereabouts.tryAddress(address, "ask_then_seal"),
    });
  }

  get #hint(): string | undefined {
    const { membership } = this.#options.agent;
    return membership && networkHint(membership.network.id);
  }

  /** A service of another network is none of our business; one that names none may be an old node's. */
  #onService({ id, addresses, hint }: FoundService): void {
    const { agent } = this.#options;
    const isForeign = hint !== undefined && hint !== this.#hint;
    if (isForeign && !agent.membership?.isOpen) return;
    if (id) agent.whereabouts.hear(id, addresses);
    else for (const address of addresses) agent.whereabouts.tryAddress(address, "ask_then_seal");
  }

  #onNetworkChange(): void {
    const { agent, log } = this.#options;
    log("info", "network changed", {
      addresses: agent.addresses.map(({ host }) => host).join(" "),
    });
    agent.whereabouts.onNetworkChange();
    this.#mdns?.refresh();
    this.#dht?.publish();
    this.#sweep?.restart();
    this.search();
  }
}
