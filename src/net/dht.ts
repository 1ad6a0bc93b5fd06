/**
 * A node of the BitTorrent Mainline DHT (BEP 5), stored items included (BEP 44): the only file that names the
 * package. Like every node of the DHT, this one also stores and answers for others, within the caps below.
 *
 * Values and peers found here are strangers' words: hints to try, never facts.
 */

import { Buffer } from "node:buffer";
import type { Bytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import type { Address } from "./address.ts";
import { DhtSocket } from "./dht_socket.ts";

/** One node of a DHT. No call rejects, and one under way settles at {@link DhtNode.close} at the latest. */
export interface DhtNode {
  /** Of its UDP socket. */
  readonly port: number;
  /** How many other nodes it knows to be alive. */
  readonly nodes: number;
  /** Asks the nodes nearest to `key` who announced themselves there; each answer goes to `onPeer` at once. */
  lookup(key: Bytes, onPeer: (peer: Address) => void): Promise<void>;
  /**
   * Announces our address, as others see it, with `port` under `key`, 20 bytes. Resolves to how many nodes
   * took it. Cheap within 5 minutes of a lookup of the same key, which brought the tokens it needs.
   */
  announce(key: Bytes, port: number): Promise<number>;
  /**
   * Stores `item`, replacing what has a lower `seq`. Resolves to how many nodes took it. Throws `RangeError`
   * when the value is too long.
   */
  put(item: MutableItem): Promise<number>;
  /** The newest value signed by `publicKey`, 32 bytes, if the nodes nearest to it have one. */
  get(publicKey: Bytes): Promise<Bytes | undefined>;
  /** Frees the socket. Idempotent. */
  close(): Promise<void>;
}

/** A signed mutable item (BEP 44). */
export interface MutableItem {
  readonly signer: ItemSigner;
  /** At most {@link MAX_ITEM_BYTES}. */
  readonly value: Bytes;
  /** A whole number that grows with each change. */
  readonly seq: number;
}

/** An Ed25519 key that can sign; the noise layer's key pairs fit. */
export interface ItemSigner {
  readonly publicKey: Bytes;
  sign(message: Bytes): Bytes;
}

export interface DhtOptions {
  /** An IPv4 address to bind, `0.0.0.0` for all. */
  readonly host: string;
  /** The UDP port wanted; any other where it is taken. */
  readonly port: number;
  /** Nodes through which to join; the public DHT's where absent, and none starts a DHT of its own. */
  readonly bootstrap?: readonly Address[] | undefined;
  /** Checks an Ed25519 signature; false for anything malformed. */
  readonly verify: (publicKey: Bytes, message: Bytes, signature: Bytes) => boolean;
  readonly clock: Clock;
}

/** A value whose bencoding stays below BEP 44's 1,000 bytes. */
export const MAX_ITEM_BYTES = 995;

/** What this node keeps for others: at most 1 MB of values and 2,000 peers. */
const KEPT = Object.freeze({
  maxValues: 1_000,
  maxPeers: 2_000,
  maxTables: 100,
  maxAge: 1_800_000,
});

/** How long a node may take to answer; a quarter more at the worst. Much of a lookup is waiting for dead ones. */
const ANSWER_MS = 1_000;

/** Joins a DHT; resolves once the socket is bound. Throws `NetError` when it cannot be. */
export async function openDht(options: DhtOptions): Promise<DhtNode> {
  const { host, port, bootstrap, verify, clock } = options;
  // 20 packages, which an agent without a DHT does not load.
  const loaded: { readonly default: unknown } = await import("bittorrent-dht");
  const Package = loaded.default as PackageConstructor;
  const socket = await DhtSocket.open({ host, port }, clock);
  return new MainlineNode(
    new Package({
      ...KEPT,
      timeout: ANSWER_MS,
      socket,
      ...(bootstrap ? { bootstrap: bootstrap.map((each) => ({ ...each })) } : {}),
      verify: (signature, message, publicKey) =>
        verify(owned(publicKey), owned(message), owned(signature)),
    }),
    socket,
  );
}

class MainlineNode implements DhtNode {
  readonly #dht: Package;
  readonly #socket: DhtSocket;
  /** Who waits for peers, by the key in hexadecimal. */
  readonly #lookups = new Map<string, (peer: Address) => void>();
  readonly #pending = new Set<() => void>();
  #closed: Promise<void> | undefined;

  constructor(dht: Package, socket: DhtSocket) {
    this.#dht = dht;
    this.#socket = socket;
    dht.on("peer", ({ host, port }, key) => this.#lookups.get(key.toHex())?.({ host, port }));
    for (const event of ["warning", "error"] as const) {
      dht.on(event, () => {
        // Malformed or late datagrams, mostly; what matters fails its call.
      });
    }
    dht.listen();
  }

  get port(): number {
    return this.#socket.port;
  }

  get nodes(): number {
    return this.#dht.nodes.count();
  }

  async lookup(key: Bytes, onPeer: (peer: Address) => void): Promise<void> {
    const name = key.toHex();
    this.#lookups.set(name, onPeer);
    await this.#ask<void>(undefined, (settle) => this.#dht.lookup(toBuffer(key), () => settle()));
    if (this.#lookups.get(name) === onPeer) this.#lookups.delete(name);
  }

  announce(key: Bytes, port: number): Promise<number> {
    return this.#ask(0, (settle) => {
      this.#dht.announce(toBuffer(key), port, (_, stored) => settle(stored ?? 0));
    });
  }

  put({ signer, value, seq }: MutableItem): Promise<number> {
    if (value.length > MAX_ITEM_BYTES) {
      throw new RangeError(`Cannot store: ${value.length} bytes exceed ${MAX_ITEM_BYTES}`);
    }
    return this.#ask(0, (settle) => {
      const k = toBuffer(signer.publicKey);
      const sign = (message: Uint8Array) => toBuffer(signer.sign(owned(message)));
      this.#dht.put({ k, sign, seq, v: toBuffer(value) }, (_, __, stored) => settle(stored ?? 0));
    });
  }

  async get(publicKey: Bytes): Promise<Bytes | undefined> {
    const target = toBuffer(new Uint8Array(await crypto.subtle.digest("SHA-1", publicKey)));
    return this.#ask<Bytes | undefined>(undefined, (settle) => {
      this.#dht.get(target, { cache: false }, (_, item) => {
        settle(item?.v instanceof Uint8Array ? new Uint8Array(item.v) : undefined);
      });
    });
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.#dht.destroy(resolve);
      for (const settle of [...this.#pending]) settle();
    });
    return this.#closed;
  }

  /** A call of the package, which may never answer, as a promise that settles at the latest on closing. */
  #ask<T>(absent: T, begin: (settle: (result: T) => void) => void): Promise<T> {
    if (this.#closed) return Promise.resolve(absent);
    const { promise, resolve } = Promise.withResolvers<T>();
    const settle = (result: T) => {
      this.#pending.delete(giveUp);
      resolve(result);
    };
    const giveUp = () => settle(absent);
    this.#pending.add(giveUp);
    begin(settle);
    return promise;
  }
}

/** The part of the package that is used here. */
interface Package {
  readonly nodes: { count(): number };
  on(event: "peer", listener: (peer: Address, key: Uint8Array) => void): void;
  on(event: "warning" | "error", listener: () => void): void;
  listen(): void;
  lookup(key: Buffer, done: (error: unknown) => void): void;
  announce(key: Buffer, port: number, done: (error: unknown, stored?: number) => void): void;
  put(item: PackageItem, done: (error: unknown, key?: Buffer, stored?: number) => void): void;
  get(
    target: Buffer,
    options: { readonly cache: boolean },
    done: (error: unknown, item?: { readonly v: unknown } | null) => void,
  ): void;
  destroy(done: () => void): void;
}

interface PackageItem {
  readonly k: Buffer;
  readonly v: Buffer;
  readonly seq: number;
  readonly sign: (message: Uint8Array) => Buffer;
}

type PackageConstructor = new (options: {
  readonly socket: DhtSocket;
  readonly bootstrap?: readonly Address[];
  /** Signature, message, key: in this order. */
  readonly verify: (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) => boolean;
  readonly timeout: number;
  readonly maxValues: number;
  readonly maxPeers: number;
  readonly maxTables: number;
  readonly maxAge: number;
}) => Package;

function toBuffer(bytes: Bytes): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A copy of what the package holds, in an ordinary buffer. */
function owned(bytes: Uint8Array): Bytes {
  return new Uint8Array(bytes);
}
