/**
 * A network for events alone: nodes with random neighbours, links that delay and drop, one virtual clock and
 * one seed.
 */

import { type Bytes, readU32 } from "../../src/base/bytes.ts";
import { type PeerId, peerIdOf, publicKeyOf } from "../../src/base/peer_id.ts";
import { type Random, randomBelow, seededRandom } from "../../src/base/random.ts";
import { EVENT_CLASSES } from "../../src/gossip/event.ts";
import { EVENT_KINDS } from "../../src/gossip/event_message.ts";
import { Events, type EventsOptions, type ReceivedQuery } from "../../src/gossip/events.ts";
import type { IdCodec } from "../../src/gossip/id_codec.ts";

export interface NetworkOptions {
  readonly seed: number;
  readonly nodes: number;
  /** Links that each node dials; about twice as many end at each. */
  readonly dials: number;
  /** One way, and up to so much more at random. */
  readonly delayMs?: number;
  readonly jitterMs?: number;
  /** Share of messages that are lost. */
  readonly loss?: number;
}

/** A node, and what it was told. */
export interface Inhabitant {
  readonly index: number;
  readonly id: PeerId;
  readonly events: Events;
  readonly heard: string[];
  readonly records: Map<PeerId, string | undefined>;
  readonly links: Set<Inhabitant>;
  capabilities: string;
  onQuery: (query: ReceivedQuery) => void;
  /** Due times of its ticks that are under way. */
  tickMs: number;
}

/** What went over the links. */
export interface Traffic {
  messages: number;
  bytes: number;
  /** Copies of named events and queries. */
  copies: number;
  /** The most links that one of these had travelled where it was news. */
  maxHops: number;
}

interface Item {
  readonly atMs: number;
  readonly order: number;
  readonly to: Inhabitant;
  readonly from?: Inhabitant;
  readonly message?: Bytes;
}

const NO_TRAFFIC: Traffic = Object.freeze({ messages: 0, bytes: 0, copies: 0, maxHops: 0 });
/** Where an event's message has its class. */
const CLASS_OFFSET = 42;

export class EventNetwork {
  readonly nodes: Inhabitant[] = [];
  traffic: Traffic = { ...NO_TRAFFIC };
  nowMs = 0;
  loss: number;
  readonly #options: NetworkOptions;
  readonly #random: Random;
  readonly #queue = new Heap();
  readonly #byId = new Map<PeerId, Inhabitant>();
  readonly #ids = interningCodec();
  #order = 0;

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.loss = options.loss ?? 0;
    this.#random = seededRandom(options.seed);
    for (let index = 0; index < options.nodes; index++) this.join();
    for (const node of this.nodes) this.dialSome(node);
  }

  /** A node without links. */
  join(changes: Partial<EventsOptions> = {}): Inhabitant {
    const index = this.nodes.length;
    const id = idOf(index);
    const heard: string[] = [];
    const records = new Map<PeerId, string | undefined>();
    const events = new Events({
      id,
      signer: { publicKey: this.#ids.write(id), sign: fakeSignature },
      verify: () => true,
      ids: this.#ids,
      random: seededRandom(this.#options.seed * 10_007 + index),
      belongs: () => true,
      memberCount: () => this.nodes.length,
      boot: () => 1,
      send: (to, message) => this.#send(node, to, message),
      onEvent: ({ name, data }) => heard.push(`${name} ${data}`),
      onQuery: (query) => node.onQuery(query),
      onCapabilities: (origin, record) => records.set(origin, record),
      capabilities: () => node.capabilities,
      ...changes,
    }, this.nowMs);
    const node: Inhabitant = {
      index,
      id,
      events,
      heard,
      records,
      links: new Set(),
      capabilities: "{}",
      onQuery: () => {},
      tickMs: Infinity,
    };
    this.nodes.push(node);
    this.#byId.set(id, node);
    return node;
  }

  dialSome(node: Inhabitant): void {
    const wanted = Math.min(node.links.size + this.#options.dials, this.nodes.length - 1);
    while (node.links.size < wanted) {
      const other = this.nodes[randomBelow(this.#random, this.nodes.length)] as Inhabitant;
      if (other !== node) this.link(node, other);
    }
  }

  link(a: Inhabitant, b: Inhabitant): void {
    if (a.links.has(b)) return;
    a.links.add(b);
    b.links.add(a);
    a.events.addNeighbour(b.id, this.nowMs);
    b.events.addNeighbour(a.id, this.nowMs);
    this.schedule(a);
    this.schedule(b);
  }

  unlink(a: Inhabitant, b: Inhabitant): void {
    a.links.delete(b);
    b.links.delete(a);
    a.events.removeNeighbour(b.id, this.nowMs);
    b.events.removeNeighbour(a.id, this.nowMs);
    this.schedule(a);
    this.schedule(b);
  }

  /** Lets `node` do something. */
  act(node: Inhabitant, action: (events: Events) => void): void {
    action(node.events);
    this.schedule(node);
  }

  /** Ticks a node when it is due; to be called after whatever it did. */
  schedule(node: Inhabitant): void {
    const atMs = Math.max(this.nowMs, node.events.deadlineMs);
    if (atMs >= node.tickMs || atMs === Infinity) return;
    node.tickMs = atMs;
    this.#queue.push({ atMs, order: this.#order++, to: node });
  }

  /** Lets `durationMs` pass. */
  run(durationMs: number): void {
    const untilMs = this.nowMs + durationMs;
    for (let item = this.#queue.first; item && item.atMs <= untilMs; item = this.#queue.first) {
      this.#queue.pop();
      this.nowMs = item.atMs;
      this.#deliver(item);
    }
    this.nowMs = untilMs;
  }

  /** How many nodes have heard `text` exactly once. */
  reach(text: string): number {
    return this.nodes.filter(({ heard }) => heard.filter((one) => one === text).length === 1)
      .length;
  }

  forgetTraffic(): void {
    this.traffic = { ...NO_TRAFFIC };
  }

  #send(from: Inhabitant, to: PeerId, message: Bytes): void {
    const { traffic } = this;
    traffic.messages++;
    traffic.bytes += message.length;
    if (isTold(message)) traffic.copies++;
    if (this.#random.next() < this.loss) return;
    const { delayMs = 20, jitterMs = 0 } = this.#options;
    const atMs = this.nowMs + delayMs + this.#random.next() * jitterMs;
    const receiver = this.#byId.get(to) as Inhabitant;
    this.#queue.push({ atMs, order: this.#order++, to: receiver, from, message });
  }

  #deliver({ atMs, to, from, message }: Item): void {
    if (from && message) {
      if (!to.links.has(from)) return;
      const { news } = to.events.counters;
      to.events.receive(from.id, message, this.nowMs);
      const isNews = to.events.counters.news > news;
      if (isNews && isTold(message)) {
        this.traffic.maxHops = Math.max(this.traffic.maxHops, (message[1] as number) & 0x7f);
      }
    } else {
      if (to.tickMs !== atMs) return;
      to.tickMs = Infinity;
      to.events.tick(this.nowMs);
    }
    this.schedule(to);
  }
}

/** Whether a message is a named event or a query. */
function isTold(message: Bytes): boolean {
  return message[0] === EVENT_KINDS.event &&
    message[CLASS_OFFSET] !== EVENT_CLASSES.capabilities;
}

function idOf(index: number): PeerId {
  const key = new Uint8Array(32);
  new DataView(key.buffer).setUint32(0, index);
  return peerIdOf(key);
}

/** 64 bytes that differ for different messages: FNV-1a, twice. */
export function fakeSignature(message: Bytes): Bytes {
  let [a, b] = [0x811c9dc5, 0x01000193];
  for (const byte of message) {
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ byte, 0x85ebca6b) ^ (b >>> 13);
  }
  const signature = new Uint8Array(64);
  new DataView(signature.buffer).setUint32(0, a);
  new DataView(signature.buffer).setUint32(4, b);
  return signature;
}

/** Remembers what it spelt. */
function interningCodec(): IdCodec {
  const ids = new Map<number, PeerId>();
  const keys = new Map<PeerId, Bytes>();
  return {
    read(bytes) {
      const index = readU32(bytes, 0);
      const id = ids.get(index) ?? peerIdOf(bytes);
      ids.set(index, id);
      return id;
    },
    write(id) {
      const key = keys.get(id) ?? publicKeyOf(id);
      keys.set(id, key);
      return key;
    },
  };
}

/** A binary heap, the earliest first. */
class Heap {
  readonly #items: Item[] = [];

  get first(): Item | undefined {
    return this.#items[0];
  }

  push(item: Item): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const up = (at - 1) >>> 1;
      const above = items[up] as Item;
      if (isBefore(above, item)) break;
      items[at] = above;
      at = up;
    }
    items[at] = item;
  }

  pop(): void {
    const items = this.#items;
    const last = items.pop();
    if (!last || items.length === 0) return;
    let at = 0;
    for (let down = 1; down < items.length; down = 2 * at + 1) {
      if (down + 1 < items.length && isBefore(items[down + 1] as Item, items[down] as Item)) down++;
      const below = items[down] as Item;
      if (isBefore(last, below)) break;
      items[at] = below;
      at = down;
    }
    items[at] = last;
  }
}

function isBefore(a: Item, b: Item): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
