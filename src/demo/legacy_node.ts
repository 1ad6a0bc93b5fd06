/**
 * An old node, as deployed: the counterpart that the demo and the tests hold against the agent.
 *
 * It shares no line with the agent's own path: its framing, its messages and its sockets are its own, and
 * its weaknesses are the measured ones. As a client it opens a connection for each request, does one read
 * for the header and one for the body, each within 2 s, registers only what carries `sender_id`, and
 * closes. As a server it answers PEER_DISCOVERY with `node_id` alone, registers the sender, ignores every
 * other JSON message, and after a frame that is no JSON object loses the next one.
 */

import type { Clock } from "../base/clock.ts";
import { isObject, type JsonObject } from "../base/guards.ts";
import {
  encodeLegacyFrame,
  HEADER_BYTES,
  lengthOf,
  MAX_FRAME_BYTES,
  parseObject,
  readExactly,
} from "./legacy_wire.ts";

/** A node that an old node knows, with the defaults it fills in. */
export interface LegacyPeer {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  readonly capabilities: JsonObject;
}

/** How an old node came to know a peer: from its reply, or from its request. */
export type Via = "reply" | "request";

/** Why an old client did not register whom it asked. */
export type AskFailure =
  | "refused"
  | "timeout"
  | "short_header"
  | "short_body"
  | "not_an_object"
  | "no_sender_id"
  | "bad_capabilities";

/** What came of one request. */
export type AskResult =
  | { readonly peer: LegacyPeer }
  | { readonly failure: AskFailure };

export interface LegacyNodeOptions {
  /** Default: `legacy-` and the port. */
  readonly id?: string;
  /** Where to listen; 0 takes any free port. */
  readonly port: number;
  readonly clock: Clock;
  /** A node was registered: the first time from a `reply`, and the first time from its `request`. */
  onRegistered?(peer: LegacyPeer, via: Via): void;
}

/** What an old node assumes of a peer that does not say. */
const DEFAULT_CAPABILITIES: JsonObject = Object.freeze({
  cpu_cores: 1,
  ram_mb: 1024,
  battery_percent: null,
  network_type: "unknown",
  device_type: "unknown",
  performance_tier: "medium",
  thermal_state: "normal",
  can_evolve: true,
  evolution_capacity: 1,
  available_for_evolution: true,
});

const HOST = "127.0.0.1";
/** `settimeout` of the client's socket: it holds for each call alone. */
const CALL_TIMEOUT_MS = 2_000;
/** The real ones have no such bound; this one runs beside other processes. */
const MAX_PEERS = 4_096;
const BYTE_OBJECT_OPENS = 0x7b;

/** An old node: a server from its creation on, a client at each {@link LegacyNode.ask}. */
export class LegacyNode {
  readonly id: string;
  readonly port: number;
  readonly #options: LegacyNodeOptions;
  readonly #listener: Deno.TcpListener;
  readonly #peers = new Map<string, LegacyPeer>();
  readonly #announced = new Set<string>();
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #served: Promise<void>;
  #closed = false;

  /** Listens at once. Throws what `Deno.listen` throws. */
  constructor(options: LegacyNodeOptions) {
    this.#options = options;
    this.#listener = Deno.listen({ hostname: HOST, port: options.port });
    this.port = this.#listener.addr.port;
    this.id = options.id ?? `legacy-${this.port}`;
    this.#served = this.#serve();
  }

  /** Everyone this node registered, by id. */
  get peers(): ReadonlyMap<string, LegacyPeer> {
    return this.#peers;
  }

  /** One request over a new connection, closed after one reply or none. Never throws. */
  async ask(host: string, port: number): Promise<AskResult> {
    const failure = (code: AskFailure): AskResult => ({ failure: code });
    let connection: Deno.TcpConn;
    try {
      connection = await this.#connect(host, port);
    } catch {
      return failure("refused");
    }
    try {
      await connection.write(encodeLegacyFrame(this.#request()));
      const header = await this.#readOnce(connection, HEADER_BYTES);
      if (header === undefined) return failure("timeout");
      if (header.length < HEADER_BYTES) return failure("short_header");
      const length = lengthOf(header);
      const body = await this.#readOnce(connection, Math.min(length, MAX_FRAME_BYTES));
      if (body === undefined) return failure("timeout");
      if (body.length < length) return failure("short_body");
      const reply = parseObject(body);
      if (!reply) return failure("not_an_object");
      return this.#believe(reply, host, port);
    } catch {
      // A reset by the peer: for the old client the same as an early end.
      return failure("short_header");
    } finally {
      this.#drop(connection);
    }
  }

  /** Stops listening and drops every connection; resolves once all are gone. */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#listener.close();
      for (const connection of this.#connections) this.#drop(connection);
    }
    await this.#served;
  }

  async #connect(host: string, port: number): Promise<Deno.TcpConn> {
    const giveUp = new AbortController();
    const timer = this.#options.clock.schedule(CALL_TIMEOUT_MS, () => giveUp.abort());
    try {
      const connection = await Deno.connect({ hostname: host, port, signal: giveUp.signal });
      this.#connections.add(connection);
      if (this.#closed) this.#drop(connection);
      return connection;
    } finally {
      timer.cancel();
    }
  }

  /** One `recv(count)`: whatever came first, empty at the end; `undefined` after the timeout. */
  async #readOnce(connection: Deno.TcpConn, count: number): Promise<Uint8Array | undefined> {
    let timedOut = false;
    const timer = this.#options.clock.schedule(CALL_TIMEOUT_MS, () => {
      timedOut = true;
      this.#drop(connection);
    });
    const buffer = new Uint8Array(count);
    try {
      if (count === 0) return buffer;
      return buffer.subarray(0, await connection.read(buffer) ?? 0);
    } catch (error) {
      if (timedOut) return undefined;
      throw error;
    } finally {
      timer.cancel();
    }
  }

  /** What the old client does with a reply: it looks at `sender_id` and never at `type`. */
  #believe(reply: JsonObject, host: string, port: number): AskResult {
    const id = reply["sender_id"];
    if (typeof id !== "string" || id === "") return { failure: "no_sender_id" };
    const capabilities = capabilitiesOf(reply, id);
    if (!capabilities) return { failure: "bad_capabilities" };
    const peer = { id, host, port, capabilities };
    this.#register(peer, "reply");
    return { peer };
  }

  #register(peer: LegacyPeer, via: Via): void {
    if (!this.#peers.has(peer.id) && this.#peers.size >= MAX_PEERS) return;
    this.#peers.set(peer.id, peer);
    const first = `${via} ${peer.id}`;
    if (this.#announced.has(first)) return;
    this.#announced.add(first);
    this.#options.onRegistered?.(peer, via);
  }

  async #serve(): Promise<void> {
    const talks = new Set<Promise<void>>();
    try {
      while (true) {
        const connection = await this.#listener.accept();
        this.#connections.add(connection);
        const talk = this.#talk(connection).finally(() => talks.delete(talk));
        talks.add(talk);
      }
    } catch {
      // The listener was closed.
    }
    await Promise.all(talks);
  }

  async #talk(connection: Deno.TcpConn): Promise<void> {
    try {
      for (let losesNext = false;;) {
        const header = await readExactly(connection, HEADER_BYTES);
        const length = header ? lengthOf(header) : 0;
        if (length === 0 || length > MAX_FRAME_BYTES) return;
        const body = await readExactly(connection, length);
        if (!body) return;
        if (losesNext) {
          losesNext = false;
          continue;
        }
        const message = body[0] === BYTE_OBJECT_OPENS ? parseObject(body) : undefined;
        losesNext = message === undefined;
        const reply = message && this.#answer(message, connection.remoteAddr.hostname);
        if (reply) await connection.write(encodeLegacyFrame(reply));
      }
    } catch {
      // The peer is gone, or this node is closing.
    } finally {
      this.#drop(connection);
    }
  }

  #answer(message: JsonObject, host: string): JsonObject | undefined {
    if (message["type"] !== "PEER_DISCOVERY") return undefined;
    const { sender_id: id, sender_port: port } = message;
    if (typeof id === "string" && typeof port === "number") {
      const capabilities = capabilitiesOf(message, id);
      if (!capabilities) return undefined;
      this.#register({ id, host, port, capabilities }, "request");
    }
    return {
      type: "PEER_DISCOVERY_RESPONSE",
      node_id: this.id,
      listen_port: this.port,
      capabilities: { device_id: this.id, ...DEFAULT_CAPABILITIES },
      status: "active",
      protocol_version: "1.0",
    };
  }

  #request(): JsonObject {
    return {
      type: "PEER_DISCOVERY",
      sender_id: this.id,
      sender_port: this.port,
      timestamp: this.#options.clock.wallMs() / 1000,
      capabilities: { device_id: this.id, ...DEFAULT_CAPABILITIES },
    };
  }

  #drop(connection: Deno.TcpConn): void {
    if (!this.#connections.delete(connection)) return;
    connection.close();
  }
}

function capabilitiesOf(message: JsonObject, id: string): JsonObject | undefined {
  const given = message["capabilities"] ?? (Object.hasOwn(message, "capabilities") ? null : {});
  return isObject(given) ? { device_id: id, ...DEFAULT_CAPABILITIES, ...given } : undefined;
}
