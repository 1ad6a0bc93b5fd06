/**
 * The node: listens, dials, and keeps one session per peer.
 *
 * It knows connections and who is at the other end, not what a peer is good for: it emits
 * {@link NodeEvent}s, the agent feeds them to the registry. Two sessions with one peer become one: of two
 * dials that crossed, the lower node id's wins; otherwise the newer replaces the older, whose peer has
 * evidently let it go.
 */

import type { Bytes } from "../base/bytes.ts";
import { type Clock, pause, scheduleEvery, type Timer } from "../base/clock.ts";
import { CodedError, describeError } from "../base/errors.ts";
import type { JsonObject } from "../base/guards.ts";
import type { Log } from "../base/log.ts";
import { type PeerId, shortId } from "../base/peer_id.ts";
import type { Mux } from "../channel/mux.ts";
import type { Priority } from "../channel/scheduler.ts";
import { type Reply, RequestError, type RequestOptions } from "../channel/requests.ts";
import type { IncomingRequest, OutgoingReply } from "../channel/responder.ts";
import type { Address } from "../net/address.ts";
import type { ByteStream, Dialer, Listener } from "../net/stream.ts";
import { isTrustCode, type TrustCode } from "../trust/certificate.ts";
import { Admission, type AdmissionOptions, DEFAULT_ADMISSION } from "./admission.ts";
import type { Approach, ConversationEvents, SealedPeer } from "./conversation_events.ts";
import { Delivery } from "./delivery.ts";
import type { Envelope, MessageType } from "./envelope.ts";
import { Link } from "./link.ts";
import type { LocalNode } from "./local_node.ts";
import type { DialOutcome, NodeCounters, NodeEvent } from "./node_events.ts";
import { Questions } from "./questions.ts";
import { Rivalry } from "./rivalry.ts";
import { type SendOptions, Session, type SessionOptions } from "./session.ts";
import type { Shaper } from "./shaper.ts";
import type { Tally } from "./tally.ts";

export interface NodeOptions {
  readonly local: LocalNode;
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly log: Log;
  readonly admission?: AdmissionOptions;
  /** Connections at once, in all: past it strangers go first, then newcomers are turned away. */
  readonly maxConnections?: number | undefined;
  /** Paces what flows over all links. */
  readonly shaper?: Shaper | undefined;
  readonly onEvent: (event: NodeEvent) => void;
}

/** Answers requests of one type, from any peer; see `RequestHandler`. */
export type PeerRequestHandler = (
  request: IncomingRequest,
  from: PeerId,
) => OutgoingReply | Promise<OutgoingReply>;

/** Answers what a device asks that holds an invitation and is no member yet. */
export type GuestRequestHandler = (
  request: IncomingRequest,
  guest: { readonly id: PeerId; readonly invitation: string },
) => OutgoingReply | Promise<OutgoingReply>;

export const DEFAULT_MAX_CONNECTIONS = 4_608;
const DIAL_TIMEOUT_MS = 3_000;
/** Two dials this close together crossed; further apart, the second means that the first is gone. */
const CROSSING_MS = 5_000;
/** How long a newcomer has for using its invitation. */
const GUEST_MS = 30_000;
/** Whoever was heard this recently lives. */
const ALIVE_MS = 5_000;
const RETRY_TICK_MS = 500;
const ACCEPT_PAUSE_MS = 100;
/** Codes under which a connection ends in the ordinary course of things. */
const ORDINARY_ENDS: ReadonlySet<string> = new Set([
  "answered",
  "ended_by_peer",
  "idle",
  "duplicate",
  "goodbye",
  "shutdown",
]);

interface Dial {
  readonly approach: Approach;
  readonly expected?: PeerId;
  readonly address: Address;
  readonly resolve: (outcome: DialOutcome) => void;
}

interface SealedLink {
  readonly link: Link;
  readonly mux: Mux;
  readonly peer: SealedPeer;
  readonly remote: Address;
}

export class Node {
  readonly counters: NodeCounters = {
    connectionsAccepted: 0,
    connectionsEvicted: 0,
    connectionsEvictedWhenFull: 0,
    dials: 0,
    discoveries: 0,
    sessionsOpened: 0,
    envelopesReceived: 0,
    envelopesSent: 0,
    envelopesDropped: 0,
    gossipReceived: 0,
    gossipSent: 0,
    gossipBytesReceived: 0,
    gossipBytesSent: 0,
    rejected: new Map(),
  };
  readonly #options: NodeOptions;
  readonly #admission: Admission<Link>;
  readonly #questions: Questions;
  readonly #rivalry = new Rivalry();
  readonly #handlers = new Map<string, PeerRequestHandler>();
  readonly #guestHandlers = new Map<string, GuestRequestHandler>();
  readonly #links = new Set<Link>();
  readonly #sessions = new Map<PeerId, Session>();
  readonly #listeners: Listener[] = [];
  readonly #loops: Promise<void>[] = [];
  /** Listeners whose connections are taken. */
  #accepting = 0;
  readonly #dials = new Set<Promise<DialOutcome>>();
  readonly #retryTimer: Timer;
  #isClosed = false;

  constructor(options: NodeOptions) {
    this.#options = options;
    this.#admission = new Admission(options.admission ?? DEFAULT_ADMISSION);
    this.#questions = new Questions(options.clock);
    this.#retryTimer = scheduleEvery(options.clock, RETRY_TICK_MS, () => this.#retry());
  }

  /** Ids of the peers with a session. */
  get connected(): readonly PeerId[] {
    return [...this.#sessions.keys()];
  }

  isConnected(id: PeerId): boolean {
    return this.#sessions.has(id);
  }

  /** Whether connections are taken at every listener. */
  get isServing(): boolean {
    return this.#accepting > 0 && this.#accepting === this.#listeners.length && !this.#isClosed;
  }

  /** What all connections count together. */
  get tally(): Tally {
    return this.#options.local.tally;
  }

  /** Open connections, of members and strangers, either side having dialled. */
  get connections(): number {
    return this.#links.size;
  }

  /** Connections that have not authenticated. */
  get guests(): number {
    return this.#admission.size;
  }

  /** Open streams, all sessions together. */
  get streams(): number {
    let count = 0;
    for (const { streams } of this.#sessions.values()) count += streams;
    return count;
  }

  /** When the peer was last heard, by the monotonic clock; `undefined` without a session. */
  lastReceivedMs(id: PeerId): number | undefined {
    return this.#sessions.get(id)?.link.lastReceivedMs;
  }

  /** Serves the connections of `listener` until the node closes, and closes it then. */
  listen(listener: Listener): void {
    this.#listeners.push(listener);
    this.#accepting++;
    this.#loops.push(this.#acceptLoop(listener).finally(() => this.#accepting--));
  }

  /** Dials `address` and resolves when it is known what became of it. Rejects only on a defect. */
  dial(
    address: Address,
    options: { readonly approach: Approach; readonly expected?: PeerId },
  ): Promise<DialOutcome> {
    const dial = this.#dial(address, options).finally(() => this.#dials.delete(dial));
    this.#dials.add(dial);
    return dial;
  }

  async #dial(
    address: Address,
    options: { readonly approach: Approach; readonly expected?: PeerId },
  ): Promise<DialOutcome> {
    this.counters.dials++;
    try {
      const { dialer } = this.#options;
      const stream = await dialer.dial(address, { timeoutMs: DIAL_TIMEOUT_MS });
      if (!this.#isClosed && this.#makeRoom()) {
        return await new Promise((resolve) =>
          this.#attach(stream, { ...options, address, resolve })
        );
      }
      stream.close();
      return { type: "failed", code: this.#isClosed ? "closed" : "too_many_connections" };
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      return { type: "failed", code: error.code, reason: error.message };
    }
  }

  /** Sends one message to a connected peer. Throws {@link RequestError} `not_connected`. */
  send(to: PeerId, type: MessageType, data: JsonObject, options?: SendOptions): Envelope {
    return this.#session(to).send(type, data, options);
  }

  /** Tells a connected peer what the village says; nothing happens without a session. */
  gossip(to: PeerId, message: Bytes, priority: Priority): void {
    const session = this.#sessions.get(to);
    if (!session) return;
    this.counters.gossipSent++;
    this.counters.gossipBytesSent += message.length;
    session.link.sendGossip(message, priority);
  }

  /** Sends one message to every connected peer, or to those of them named in `to`. */
  broadcast(
    type: MessageType,
    data: JsonObject,
    options?: SendOptions,
    to: Iterable<PeerId> = this.#sessions.keys(),
  ): void {
    for (const id of to) {
      const session = this.#sessions.get(id);
      if (!session) continue;
      try {
        session.send(type, data, options);
      } catch (error) {
        // One peer that acknowledges nothing must not silence us to the others.
        if (!(error instanceof CodedError)) throw error;
        this.#options.log("warn", "message not sent", { peer: shortId(session.peer.id), type });
      }
    }
  }

  /** Sends a message and resolves with the one that answers it. Rejects with {@link RequestError}. */
  ask(
    to: PeerId,
    type: MessageType,
    data: JsonObject,
    { timeoutMs, ...options }: SendOptions & { readonly timeoutMs: number },
  ): Promise<Envelope> {
    return this.#questions.ask(to, timeoutMs, () => this.send(to, type, data, options));
  }

  /**
   * Asks a connected peer, on a stream of the session, and resolves with its reply. Rejects with {@link
   * RequestError}: at once when the session ends.
   */
  async request(
    to: PeerId,
    type: string,
    data: JsonObject,
    options?: RequestOptions,
  ): Promise<Reply> {
    return await this.#session(to).request(type, data, options);
  }

  /** From here on `handler` answers requests of `type`. */
  handle(type: string, handler: PeerRequestHandler): void {
    this.#handlers.set(type, handler);
  }

  /** From here on `handler` answers requests of `type` from devices that hold an invitation. */
  handleGuests(type: string, handler: GuestRequestHandler): void {
    this.#guestHandlers.set(type, handler);
  }

  /** Asks every peer for a sign of life and ends the sessions of those that give none in `withinMs`. */
  probe(withinMs: number): void {
    for (const session of this.#sessions.values()) session.link.probe(withinMs);
  }

  /** Ends the session with `id`, if any. */
  disconnect(id: PeerId, code: string): void {
    this.#sessions.get(id)?.link.close(code);
  }

  /** Ends the session with `id`, if any, and tells it why. */
  turnAway(id: PeerId, code: TrustCode): void {
    const session = this.#sessions.get(id);
    session?.send("ERROR", { code, message: "You are not a member of this network any more" });
    session?.link.close(code);
  }

  /** Says goodbye to every peer, then frees every socket and timer. Idempotent. */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#retryTimer.cancel();
      for (const session of this.#sessions.values()) session.leave();
      this.broadcast("PEER_GOODBYE", { reason: "shutdown" }, { priority: 0 });
      for (const listener of this.#listeners) listener.close();
      for (const link of this.#links) link.close("shutdown");
      this.#questions.abandon(undefined, "the node is closing");
    }
    await Promise.all([...this.#links].map((link) => link.ended));
    await Promise.all([...this.#loops, ...this.#dials]);
  }

  async #acceptLoop(listener: Listener): Promise<void> {
    while (!this.#isClosed) {
      try {
        const stream = await listener.accept();
        if (!stream) return;
        if (this.#isClosed) return stream.close();
        this.counters.connectionsAccepted++;
        if (this.#makeRoom()) this.#attach(stream);
        else {
          stream.close();
          this.#reject("too_many_connections", stream.remote);
        }
      } catch (error) {
        // Out of file descriptors, most likely: the next accept may succeed.
        this.#options.log("warn", "accept failed", { error: describeError(error) });
        await pause(this.#options.clock, ACCEPT_PAUSE_MS);
      }
    }
  }

  /** Whether one more connection may be; the stranger that is idle for longest makes way for it. */
  #makeRoom(): boolean {
    const { maxConnections = DEFAULT_MAX_CONNECTIONS } = this.#options;
    if (this.#links.size < maxConnections) return true;
    const evicted = this.#admission.evict();
    if (!evicted) return false;
    this.counters.connectionsEvicted++;
    this.counters.connectionsEvictedWhenFull++;
    evicted.abort("evicted");
    return true;
  }

  /** Makes a link of `stream` and follows it to its end. */
  #attach(stream: ByteStream, dial?: Dial): void {
    const { local, clock, shaper } = this.#options;
    const link: Link = new Link({
      stream,
      clock,
      shaper,
      onFault: (error) => this.#fault(error),
      events: this.#follow(() => link, stream.remote, dial),
      conversation: {
        local,
        approach: dial?.approach,
        expected: dial?.expected,
        isWanted: (id) => !this.#sessions.has(id),
      },
    });
    this.#links.add(link);
    const evicted = dial ? undefined : this.#admission.admit(link);
    if (evicted) {
      this.counters.connectionsEvicted++;
      evicted.abort("evicted");
    }
    link.start();
    void link.ended.then(() => this.#links.delete(link));
  }

  #follow(
    link: () => Link,
    remote: Address,
    dial: Dial | undefined,
  ): Omit<ConversationEvents, "onOutput"> {
    let session: Session | undefined;
    let answered: string | undefined;
    return {
      onDiscovered: (peer) => {
        answered = peer.id;
        this.counters.discoveries++;
        const port = dial ? dial.address.port : peer.listenPort;
        this.#emit({ type: "peer_discovered", peer, host: remote.host, port });
      },
      onSealed: (peer, mux) => {
        const sealed = { link: link(), mux, peer, remote };
        if (peer.standing.kind === "invited") {
          // Still a guest: whoever holds an invitation gets no more connections by it.
          session = this.#openGuestSession(sealed, peer.standing.invitation);
        } else {
          this.#admission.release(link());
          session = this.#openSession(sealed);
        }
        if (this.#sessions.has(peer.id)) dial?.resolve({ type: "session", id: peer.id });
      },
      onMessage: (body) => session?.receive(body),
      onGossip: (message) => {
        // A guest is no neighbour, and neither is whose session has given way to another.
        if (!session || this.#sessions.get(session.peer.id) !== session) return;
        this.counters.gossipReceived++;
        this.counters.gossipBytesReceived += message.length;
        this.#emit({ type: "gossip", from: session.peer.id, message });
      },
      onIncoming: () => session?.serve(),
      onRefused: (code) => this.#reject(code, remote),
      onClosed: (code, reason) => {
        this.#admission.release(link());
        if (!ORDINARY_ENDS.has(code)) this.#reject(code, remote, reason);
        if (session) this.#closeSession(session, code);
        if (code !== "answered" || answered === undefined) {
          dial?.resolve({ type: "failed", code, reason });
        } else dial?.resolve({ type: "answered", id: answered });
      },
    };
  }

  #openSession(sealed: SealedLink): Session | undefined {
    const { link, peer, remote } = sealed;
    const incumbent = this.#sessions.get(peer.id);
    if (incumbent && this.#isRivalled(incumbent, sealed)) {
      this.#refuseRival(sealed);
      return undefined;
    }
    if (incumbent && !this.#yields(incumbent, peer)) {
      link.close("duplicate");
      return undefined;
    }
    const session: Session = this.#createSession(sealed, {
      delivery: incumbent?.delivery ?? new Delivery(),
      onEnvelope: (envelope) => this.#receive(session, envelope),
      handlerOf: (type) => {
        const handler = this.#handlers.get(type);
        return handler && ((request) => handler(request, peer.id));
      },
      onUndelivered: (envelope) => this.#emit({ type: "undelivered", to: peer.id, envelope }),
    });
    this.#sessions.set(peer.id, session);
    incumbent?.link.close("duplicate");
    this.counters.sessionsOpened++;
    this.#emit({ type: "session_opened", peer, remote });
    return session;
  }

  /** A session that nobody is told of: its peer may use its invitation, for a while, and nothing else. */
  #openGuestSession(sealed: SealedLink, invitation: string): Session {
    const { link, peer } = sealed;
    const timer = this.#options.clock.schedule(GUEST_MS, () => link.close("idle"));
    void link.ended.then(() => timer.cancel());
    return this.#createSession(sealed, {
      delivery: new Delivery(),
      onEnvelope: () => {},
      handlerOf: (type) => {
        const handler = this.#guestHandlers.get(type);
        return handler && ((request) => handler(request, { id: peer.id, invitation }));
      },
      onUndelivered: () => {},
    });
  }

  #createSession(
    { link, mux, peer, remote }: SealedLink,
    duties: Pick<SessionOptions, "delivery" | "onEnvelope" | "handlerOf" | "onUndelivered">,
  ): Session {
    const { local, clock } = this.#options;
    return new Session({
      ownId: local.identity.id,
      peer,
      link,
      mux,
      clock,
      counters: this.counters,
      onRefused: (code) => this.#reject(code, remote),
      onFault: (error) => this.#fault(error),
      ...duties,
    });
  }

  /** Whether the peer seems to be two devices, of which `incumbent` is one that lives. */
  #isRivalled({ peer, link }: Session, newcomer: SealedLink): boolean {
    const nowMs = this.#options.clock.now();
    const isSamePlace = link.host === newcomer.link.host && portOf(peer) === portOf(newcomer.peer);
    if (isSamePlace || nowMs - link.lastReceivedMs > ALIVE_MS) return false;
    return this.#rivalry.isRivalled(peer.id, nowMs);
  }

  #refuseRival(sealed: SealedLink): void {
    const { link, peer, remote } = sealed;
    const code: TrustCode = "identity_in_use";
    this.#options.log("warn", "one identity on two devices", {
      peer: shortId(peer.id),
      refused: remote.host,
      next: "on one of them, move identity.json away to become a new node",
    });
    const session = this.#createSession(sealed, {
      delivery: new Delivery(),
      onEnvelope: () => {},
      handlerOf: () => undefined,
      onUndelivered: () => {},
    });
    const message = "Another device uses this identity; was its disk copied?";
    session.send("ERROR", { code, message });
    link.close(code);
    session.close();
  }

  /** Whether an existing session gives way to a new one with the same peer. */
  #yields(incumbent: Session, newcomer: SealedPeer): boolean {
    if (incumbent.peer.isDialer === newcomer.isDialer) return true;
    if (this.#options.clock.now() - incumbent.openedAtMs > CROSSING_MS) return true;
    const weAreLower = this.#options.local.identity.id < newcomer.id;
    return newcomer.isDialer === weAreLower;
  }

  #closeSession(session: Session, code: string): void {
    const { id } = session.peer;
    session.close();
    if (this.#sessions.get(id) !== session) return;
    this.#sessions.delete(id);
    this.#questions.abandon(id, `the session ended (${code})`);
    session.abandon();
    this.#emit({ type: "session_closed", id, code });
  }

  #receive(session: Session, envelope: Envelope): void {
    const { id } = session.peer;
    if (this.#questions.answer(id, envelope)) return;
    const refusal = envelope.type === "ERROR" ? envelope.data["code"] : undefined;
    // The peer has seen our certificate and will not have us: its last word is the reason.
    if (isTrustCode(refusal)) {
      this.#emit({ type: "envelope", from: id, envelope });
      return session.link.close(refusal);
    }
    this.#emit({ type: "envelope", from: id, envelope });
    if (envelope.type === "PEER_GOODBYE") session.link.close("goodbye");
  }

  #session(to: PeerId): Session {
    const session = this.#sessions.get(to);
    if (session) return session;
    throw new RequestError("not_connected", `Cannot reach ${shortId(to)}: no session with it`);
  }

  #retry(): void {
    for (const session of this.#sessions.values()) session.retry();
  }

  #reject(code: string, remote: Address, reason?: string): void {
    this.counters.rejected.set(code, (this.counters.rejected.get(code) ?? 0) + 1);
    // A peer of another version is somebody's mistake to mend; the rest is a day's noise.
    const level = code === "version_mismatch" ? "warn" : isTrustCode(code) ? "info" : "debug";
    this.#options.log(level, "rejected", { code, host: remote.host, reason });
  }

  /** A defect of ours, met in what one peer sent: it has cost that peer's link and nothing else. */
  #fault(error: unknown): void {
    const stack = error instanceof Error ? error.stack : undefined;
    this.#options.log("error", "internal error", { error: describeError(error), stack });
  }

  #emit(event: NodeEvent): void {
    this.#options.onEvent(event);
  }
}

/** Where a peer listens on its host, as it says itself. */
function portOf({ introduction }: SealedPeer): number | undefined {
  return introduction.listen[0]?.port;
}
