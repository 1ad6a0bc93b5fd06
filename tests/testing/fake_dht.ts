/** A DHT in memory, for tests of who uses one: it answers at once, and does as it is told. */

import type { Bytes } from "../../src/base/bytes.ts";
import type { Clock } from "../../src/base/clock.ts";
import type { Address } from "../../src/net/address.ts";
import type { DhtNode, MutableItem } from "../../src/net/dht.ts";

/** What a node was asked, and when. */
export interface Call {
  readonly name: "lookup" | "announce" | "put" | "get";
  readonly atMs: number;
  /** The key or public key in hexadecimal. */
  readonly key: string;
}

export class FakeDht implements DhtNode {
  readonly port = 1;
  readonly calls: Call[] = [];
  /** How many nodes there are to answer. */
  nodes = 8;
  /** Who announced themselves, whatever the key. */
  peers: readonly Address[] = [];
  /** What is stored, by public key. */
  readonly items = new Map<string, MutableItem>();
  announcedPort: number | undefined;
  isClosed = false;
  /** Calls that never settle. */
  isHanging = false;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** When the calls of one kind were made, in seconds. */
  times(name: Call["name"]): readonly number[] {
    return this.named(name).map(({ atMs }) => atMs / 1_000);
  }

  named(name: Call["name"]): readonly Call[] {
    return this.calls.filter((call) => call.name === name);
  }

  lookup(key: Bytes, onPeer: (peer: Address) => void): Promise<void> {
    if (!this.isHanging) { for (const peer of this.peers) onPeer(peer); }
    return this.#answer("lookup", key, undefined);
  }

  announce(key: Bytes, port: number): Promise<number> {
    this.announcedPort = port;
    return this.#answer("announce", key, this.nodes);
  }

  put(item: MutableItem): Promise<number> {
    const { publicKey } = item.signer;
    if (this.nodes > 0) this.items.set(publicKey.toHex(), item);
    return this.#answer("put", publicKey, this.nodes);
  }

  get(publicKey: Bytes): Promise<Bytes | undefined> {
    return this.#answer("get", publicKey, this.items.get(publicKey.toHex())?.value);
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }

  #answer<T>(name: Call["name"], key: Bytes, answer: T): Promise<T> {
    this.calls.push({ name, key: key.toHex(), atMs: this.#clock.now() });
    return this.isHanging ? new Promise(() => {}) : Promise.resolve(answer);
  }
}
