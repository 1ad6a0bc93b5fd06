/**
 * The agent: the composition root. It wires the node to the registry, the recruiter and the device, and is
 * what `hamlet up` runs.
 *
 * Events come up from the node; {@link Agent} turns each into news for the registry and wishes for the
 * dial plan. Commands come down from the control API.
 */

import { type Clock, scheduleEvery, type Timer } from "../base/clock.ts";
import { calmLog } from "../base/calm_log.ts";
import { FieldError, Fields } from "../base/guards.ts";
import type { Log } from "../base/log.ts";
import { type PeerId, shortId } from "../base/peer_id.ts";
import type { Random } from "../base/random.ts";
import { CRITICAL } from "../channel/scheduler.ts";
import type { TransferOutcome } from "../channel/transfer.ts";
import { readCapabilities, writeBriefly, writeCapabilities } from "../discovery/capabilities.ts";
import type { SelfDescription } from "../discovery/message.ts";
import type { RateLimitCounters, RateLimitOptions } from "../discovery/rate_limit.ts";
import type { LegacyPolicy } from "../discovery/responder.ts";
import type { LidState } from "../host/lid.ts";
import { NO_WORK } from "../host/capabilities.ts";
import type { HostReading } from "../host/reading.ts";
import { reachableFrom } from "../mesh/peer_record.ts";
import type { Urgency } from "../gossip/own_capabilities.ts";
import type { KnownPeer } from "../mesh/peer_store.ts";
import { Registry, type RegistryOptions } from "../mesh/registry.ts";
import { selectForEvolution, type Selection } from "../mesh/selection.ts";
import { type Address, formatAddress, mergeAddresses } from "../net/address.ts";
import type { Dialer, Listener } from "../net/stream.ts";
import type { Identity } from "../node/identity.ts";
import { LocalNode } from "../node/local_node.ts";
import { Node } from "../node/node.ts";
import type { NodeEvent } from "../node/node_events.ts";
import { type Bandwidth, Shaper } from "../node/shaper.ts";
import type { Backend } from "../noise/backend.ts";
import type { Inbox } from "../store/inbox.ts";
import { isTrustCode, TrustError } from "../trust/certificate.ts";
import type { Membership, Standing } from "../trust/membership.ts";
import { Credentials } from "./credentials.ts";
import { type AgentWork, Evolution } from "./evolution.ts";
import { FILE_PUT, FileReceiver, refuseFiles } from "./file_receiver.ts";
import { FileSender, type SendFileOptions } from "./file_sender.ts";
import { Gatekeeper, type GatekeeperOptions } from "./gatekeeper.ts";
import { LidWatch } from "./lid_watch.ts";
import { newTransferCounters, type TransferCounters } from "./transfer_counters.ts";
import { VillageNews } from "./village_news.ts";
import { Villager } from "./villager.ts";
import { Vitals } from "./vitals.ts";
import { watchForWake } from "./wake_watch.ts";
import { Whereabouts } from "./whereabouts.ts";

export interface AgentOptions {
  readonly identity: Identity;
  readonly backend: Backend;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly dialer: Dialer;
  readonly listener: Listener;
  /** Where `listener` can be reached; asked anew each time, for interfaces come and go. */
  readonly addresses: () => readonly Address[];
  readonly measure: () => Promise<HostReading>;
  /** Of a laptop; absent, nothing is watched. */
  readonly readLid?: () => Promise<LidState | undefined>;
  readonly legacy: LegacyPolicy;
  /** Our network; without one, any authenticated key may take part. */
  readonly trust?: AgentTrust | undefined;
  /** Whether members are told of each other's addresses; they are by default. */
  readonly hasExchange?: boolean;
  /** Bounds on what strangers may ask, and on how many are remembered. */
  readonly rateLimit?: RateLimitOptions;
  readonly registry?: RegistryOptions;
  /** The owner's limits on traffic, over all sessions. */
  readonly bandwidth?: Bandwidth;
  readonly maxConnections?: number | undefined;
  /** Where files from peers go; absent, none are taken. */
  readonly inbox?: Inbox | undefined;
  /** What its owner allows of work; absent, jobs are not understood. */
  readonly work?: AgentWork;
  /** Addresses to dial for ever. */
  readonly peers: readonly Address[];
  /** Peers of earlier runs. */
  readonly known: readonly Pick<KnownPeer, "id" | "addresses">[];
}

/** The network that an agent belongs to, and where it is kept. */
export type AgentTrust = Pick<GatekeeperOptions, "membership" | "invitations" | "save">;

/** A session's peer: where it is, and as what it takes part. */
interface Visitor {
  readonly host: string;
  readonly standing: Standing;
}

const EXPIRE_MS = 5_000;

export class Agent {
  readonly identity: Identity;
  readonly registry: Registry;
  readonly node: Node;
  readonly whereabouts: Whereabouts;
  readonly villager: Villager;
  /** Jobs of the village; `undefined` where there is no work. */
  readonly evolution: Evolution | undefined;
  readonly startedAtMs: number;
  /** Told when a session has ended without a goodbye. */
  onLost: (() => void) | undefined;
  /** Told when the network has another secret. */
  onSecret: (() => void) | undefined;
  readonly #options: AgentOptions;
  readonly #wallOriginMs: number;
  readonly #local: LocalNode;
  readonly #strangersLog: Log;
  readonly #gatekeeper: Gatekeeper | undefined;
  readonly #credentials: Credentials | undefined;
  readonly #files: FileSender;
  readonly #receiver: FileReceiver | undefined;
  readonly #shaper: Shaper;
  readonly #expiry: Timer;
  readonly #wakeWatch: Timer;
  readonly #lidWatch: LidWatch | undefined;
  readonly #vitals: Vitals;
  readonly #visitors = new Map<PeerId, Visitor>();

  private constructor(options: AgentOptions, first: HostReading) {
    const { identity, backend, clock, random, log, legacy } = options;
    this.#options = options;
    this.identity = identity;
    this.startedAtMs = clock.wallMs();
    this.#wallOriginMs = clock.wallMs() - clock.now();
    this.registry = new Registry(identity.id, options.registry);
    const { trust } = options;
    const local = this.#local = new LocalNode({
      hasGossip: true,
      membership: trust?.membership,
      ...(options.rateLimit && { rateLimit: options.rateLimit }),
      ...(trust && { invitationKeyOf: (id) => trust.invitations.keyOf(id, clock.wallMs()) }),
      identity,
      primitives: backend.primitives,
      clock,
      legacy,
      describe: () => this.#describe(),
      addresses: options.addresses,
    });
    this.#strangersLog = calmLog(log, clock);
    this.#shaper = new Shaper(clock, options.bandwidth ?? {});
    this.node = new Node({
      local,
      clock,
      log: this.#strangersLog,
      shaper: this.#shaper,
      maxConnections: options.maxConnections,
      dialer: options.dialer,
      onEvent: (event) => this.#onEvent(event),
    });
    this.#vitals = new Vitals({
      clock,
      measure: options.measure,
      ...(options.work && { workload: () => this.evolution?.workload ?? NO_WORK }),
      onMeasured: () => {
        this.villager.review();
        this.evolution?.observe(this.#vitals.reading);
      },
      tell: (_, urgency) => this.#tellStatus(urgency),
    }, first);
    const news = new VillageNews({
      registry: this.registry,
      members: () => this.villager.gossip.members,
      nowMs: () => clock.now(),
      log,
    });
    this.villager = new Villager({
      identity,
      node: this.node,
      clock,
      random,
      log,
      membership: trust?.membership,
      verify: backend.primitives.verify,
      addresses: options.addresses,
      reading: () => this.#vitals.reading,
      dial: (id, addresses) => this.whereabouts.seek(id, addresses),
      onEvent: (event) => news.take(event),
      onStranger: (id, from) => this.#credentials?.miss(id, from),
    });
    this.whereabouts = new Whereabouts({
      village: this.villager,
      identity,
      node: this.node,
      registry: this.registry,
      membership: trust?.membership,
      hasExchange: options.hasExchange ?? true,
      addresses: options.addresses,
      verify: backend.primitives.verify,
      clock,
      random,
      log,
    });
    this.#gatekeeper = trust && new Gatekeeper({
      ...trust,
      id: identity.id,
      node: this.node,
      clock,
      log,
      addresses: options.addresses,
      records: () => this.whereabouts.records(),
      onExpelled: (id) => {
        this.registry.forget(id);
        this.villager.forget(id);
      },
      onSecret: () => this.onSecret?.(),
    });
    this.#credentials = trust && new Credentials({
      membership: trust.membership,
      node: this.node,
      clock,
      log,
      learn: (certificates) => this.gatekeeper.learn(certificates),
      onLearnt: (from) => this.villager.compare(from),
    });
    this.evolution = options.work && new Evolution({
      ...options.work,
      identity,
      crypto: backend.primitives,
      node: this.node,
      villager: this.villager,
      membership: trust?.membership,
      clock,
      random,
      log,
      dial: (id) => this.villager.seek(id, this.registry.get(id)?.addresses ?? []),
      select: () => this.selectForEvolution(),
      alive: () => this.#alive(),
      measure: () => this.#vitals.measure(),
      onWorkload: () => this.#vitals.review(),
    });
    const { createSha256 } = backend.primitives;
    this.#files = new FileSender({ node: this.node, clock, createSha256 });
    if (options.inbox) {
      const receiver = new FileReceiver({ inbox: options.inbox, createSha256, log });
      this.#receiver = receiver;
      this.node.handle(FILE_PUT, (request, from) => receiver.receive(request, from));
    } else this.node.handle(FILE_PUT, refuseFiles);
    this.#wakeWatch = watchForWake(clock, (sleptMs) => this.#onWake(sleptMs));
    const { readLid } = options;
    this.#lidWatch = readLid && new LidWatch({
      clock,
      read: readLid,
      onSleep: () => this.villager.sleep(),
      onWake: () => this.villager.wake(),
    });
    this.#expiry = scheduleEvery(clock, EXPIRE_MS, () => this.#expire());
  }

  /** Starts an agent that serves and dials until it is closed. */
  static async start(options: AgentOptions): Promise<Agent> {
    const agent = new Agent(options, await options.measure());
    agent.#open();
    return agent;
  }

  /** What this device says of itself now. */
  get capabilities() {
    return this.#vitals.capabilities;
  }

  get listenAddress(): Address {
    return this.#options.listener.address;
  }

  /** Where others can dial us. */
  get addresses(): readonly Address[] {
    return this.#options.addresses();
  }

  /** The wall time, Unix ms, of an instant of the monotonic clock; the same at every call. */
  wallMsAt(monotonicMs: number): number {
    return Math.round(this.#wallOriginMs + monotonicMs);
  }

  /** What the limit on discovery requests has done. */
  get requests(): RateLimitCounters {
    return this.#local.responder.rateLimit;
  }

  /** Files sent and received since the start. */
  get transfers(): { readonly sent: TransferCounters; readonly received: TransferCounters } {
    const received = this.#receiver?.counters ?? newTransferCounters();
    return { sent: { ...this.#files.counters }, received: { ...received } };
  }

  /** Peers fit for evolution, best first, and why the others are not. */
  selectForEvolution(): Selection {
    return selectForEvolution(this.registry.peers());
  }

  /** Round trip to a connected peer, ms. Rejects with `RequestError`. */
  async ping(id: PeerId, timeoutMs = 5_000): Promise<number> {
    const { clock } = this.#options;
    const startMs = clock.now();
    const data = { ping_time: clock.wallMs() / 1000 };
    await this.node.ask(id, "PING", data, { timeoutMs, priority: CRITICAL });
    const latencyMs = clock.now() - startMs;
    this.node.tally.pingSeconds.observe(latencyMs / 1000);
    this.registry.amend(id, { latencyMs });
    return latencyMs;
  }

  /** Our network, unless any key may take part and there is none. */
  get membership(): Membership | undefined {
    return this.#options.trust?.membership;
  }

  /** Who decides who belongs. Throws {@link TrustError} where there is no network. */
  get gatekeeper(): Gatekeeper {
    if (this.#gatekeeper) return this.#gatekeeper;
    throw new TrustError("not_authorized", "Cannot do it: this agent belongs to no network");
  }

  /** As what a connected peer takes part. */
  standingOf(id: PeerId): Standing | undefined {
    return this.#visitors.get(id)?.standing;
  }

  /** Sends a file to a peer; see {@link FileSender.send}. */
  sendFile(options: SendFileOptions): Promise<TransferOutcome & { readonly resumedFrom: number }> {
    return this.#files.send(options);
  }

  /** Says goodbye and frees everything. Idempotent. */
  async close(): Promise<void> {
    this.#expiry.cancel();
    this.#wakeWatch.cancel();
    this.#lidWatch?.close();
    this.#files.close();
    this.#vitals.close();
    if (this.evolution) await this.evolution.close();
    const dialling = this.whereabouts.close();
    this.villager.close();
    await this.node.close();
    this.#shaper.close();
    await Promise.all([dialling, this.#gatekeeper?.close(), this.#credentials?.close()]);
  }

  #open(): void {
    this.evolution?.observe(this.#vitals.reading);
    this.#vitals.review();
    void this.evolution?.start();
    this.#declare("now");
    const { listener, peers, known } = this.#options;
    this.node.listen(listener);
    this.whereabouts.start(peers, known);
  }

  /** Peers with whom a session is or can be had. */
  #alive(): ReadonlySet<PeerId> {
    const alive = this.registry.authenticated().filter((peer) => peer.isConnected || peer.isAlive);
    return new Set(alive.map(({ id }) => id));
  }

  #onWake(sleptMs: number): void {
    this.#options.log("info", "woke up", { slept_s: Math.round(sleptMs / 1000) });
    this.whereabouts.recheck();
    this.villager.wake();
  }

  #onEvent(event: NodeEvent): void {
    switch (event.type) {
      case "peer_discovered":
        return this.#onDiscovered(event);
      case "session_opened":
        return this.#onOpened(event);
      case "session_closed":
        return this.#onClosed(event.id, event.code);
      case "gossip":
        return this.villager.receive(event.from, event.message);
      case "envelope":
        return this.#onEnvelope(event);
      case "undelivered":
        return this.#options.log("warn", "message undelivered", {
          peer: shortId(event.to),
          type: event.envelope.type,
        });
    }
  }

  #onDiscovered({ peer, host, port }: NodeEvent & { type: "peer_discovered" }): void {
    const { clock } = this.#options;
    const address = port === undefined ? undefined : { host, port };
    const isNew = this.registry.get(peer.id) === undefined;
    if (peer.trust === "unverified") {
      const { id, capabilities } = peer;
      if (!this.registry.learnUnverified({ id, host, address, capabilities }, clock.now())) return;
    } else {
      const { capabilities, signedAtMs } = peer;
      const addresses = address ? [address] : [];
      const id = peer.id as PeerId;
      const news = { id, capabilities, addresses, signedAtMs, host };
      const known = this.registry.learn(news, clock.now());
      if (!known) return;
      // Whom we have met we find where we met it; a signed message may have been sent on by another.
      const isMet = known.connectedAtMs !== null;
      // Whoever asks in JSON mostly seals the same connection next.
      if (peer.speaksSealed && !isMet) this.whereabouts.hear(id, addresses, { graceMs: 500 });
    }
    if (isNew) {
      const where = address && formatAddress(address);
      const { id, trust } = peer;
      this.#strangersLog("info", "peer discovered", { peer: shortId(id), trust, address: where });
    }
  }

  #onOpened({ peer, remote }: NodeEvent & { type: "session_opened" }): void {
    const { clock, log } = this.#options;
    const { id, introduction } = peer;
    const [first] = introduction.listen;
    // Seen from here it is at this host, whatever it believes of itself.
    const observed = first ? [{ host: remote.host, port: first.port }] : [];
    const addresses = mergeAddresses(observed, reachableFrom(remote.host, introduction.listen));
    const { capabilities } = introduction;
    this.registry.learn({ id, capabilities, addresses, isConnected: true }, clock.now());
    this.#visitors.set(id, { host: remote.host, standing: peer.standing });
    // What is known of revocations first: it must not be too late.
    this.#gatekeeper?.welcome(id, peer.standing);
    this.villager.meet(peer);
    this.whereabouts.meet(id, addresses);
    log("info", "peer connected", {
      peer: shortId(id),
      address: formatAddress(remote),
      dialled: peer.isDialer,
    });
  }

  #onClosed(id: PeerId, code: string): void {
    this.registry.amend(id, { isConnected: false });
    this.#visitors.delete(id);
    // Who said goodbye knows where we are; whoever just vanished is looked for.
    const isMissed = this.villager.part(id, code);
    if (isTrustCode(code)) {
      this.registry.amend(id, { isAlive: false });
      this.whereabouts.shun(id, code);
    } else if (!isMissed) this.whereabouts.letGo(id);
    else {
      this.whereabouts.lose(id);
      this.onLost?.();
    }
    const level = isTrustCode(code) ? "warn" : "info";
    this.#options.log(level, "peer disconnected", { peer: shortId(id), code });
  }

  #onEnvelope({ from, envelope }: NodeEvent & { type: "envelope" }): void {
    try {
      switch (envelope.type) {
        case "PEER_INTRODUCTION":
        case "PEER_ANNOUNCEMENT":
          return this.whereabouts.takeIntroduction(
            from,
            this.#visitors.get(from)?.host ?? "",
            envelope,
          );
        case "NETWORK_STATE":
          if (this.standingOf(from)?.kind !== "member") return;
          return this.#gatekeeper?.receive(Fields.of(envelope.data, "data"));
        case "RESOURCE_STATUS":
        case "HEARTBEAT":
          return this.#onStatus(from, Fields.of(envelope.data, "data"));
        case "ERROR":
          return this.#onRefusal(from, envelope.data["revocation"]);
        case "PONG":
        case "PEER_GOODBYE":
          return;
        default:
          if (this.evolution?.takes(from, envelope)) return;
          this.node.send(from, "ERROR", {
            code: "unsupported_type",
            message: `Cannot handle ${envelope.type}: it is not understood yet`,
          }, { correlationId: envelope.messageId });
      }
    } catch (error) {
      if (!(error instanceof FieldError)) throw error;
      this.#options.log("warn", "message refused", { peer: shortId(from), reason: error.message });
    }
  }

  /** A member says that we were removed, and shows it: we may have been away. */
  #onRefusal(from: PeerId, revocation: unknown): void {
    if (revocation === undefined || this.standingOf(from)?.kind !== "member") return;
    this.#gatekeeper?.receive(Fields.of({ revocations: [revocation] }, "data"));
  }

  #onStatus(from: PeerId, fields: Fields): void {
    const { clock } = this.#options;
    const capabilities = fields.has("capabilities")
      ? readCapabilities(fields.object("capabilities"), { withLoad: true })
      : undefined;
    this.registry.learn({ id: from, capabilities }, clock.now());
  }

  /** Tells the village how this device is doing, and by themselves those who speak no gossip. */
  #tellStatus(urgency: Urgency): void {
    this.#declare(urgency);
    const { neighbours } = this.villager.gossip;
    const others = this.node.connected.filter((id) => !neighbours.has(id));
    this.node.broadcast("RESOURCE_STATUS", this.#status(), {}, others);
  }

  /** Tells the village what this device can do. */
  #declare(urgency: Urgency): void {
    const whole = JSON.stringify(this.#status().capabilities);
    const record = JSON.stringify(writeBriefly(this.capabilities));
    this.villager.setCapabilities(record, { whole, urgency });
  }

  #status() {
    return { capabilities: writeCapabilities(this.capabilities, this.identity.id) };
  }

  #describe(): SelfDescription {
    const { capabilities } = this;
    return {
      id: this.identity.id,
      listenPort: this.listenAddress.port,
      capabilities,
      status: capabilities.availableForEvolution ? "active" : "resource_constrained",
    };
  }

  #expire(): void {
    for (const id of this.registry.expire(this.#options.clock.now())) {
      this.#strangersLog("info", "peer expired", { peer: shortId(id) });
    }
  }
}
