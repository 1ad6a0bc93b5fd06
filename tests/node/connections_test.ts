/** The owner's limit on connections: who stays, who goes first, who is turned away. */

import { assert, assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { randomBelow } from "../../src/base/random.ts";
import type { Address } from "../../src/net/address.ts";
import type { ByteStream } from "../../src/net/stream.ts";
import { Admission, type Guest } from "../../src/node/admission.ts";
import type { Identity } from "../../src/node/identity.ts";
import { DEFAULT_MAX_CONNECTIONS, Node } from "../../src/node/node.ts";
import { ALICE, identityOf, localNode } from "../testing/identities.ts";
import { outcomeWord, Village, type Villager } from "../testing/village.ts";

const PURE = { permissions: "none" } as const;
const A = "10.0.0.1";
const STRANGER = "10.0.0.66";
const REQUEST = encodeUtf8('{"type":"PEER_DISCOVERY","sender_id":"old","capabilities":{}}');

/** A village in which Alice has a limit; her open streams are counted. */
class Crowd {
  readonly village = new Village();
  readonly alice: Node;
  readonly address: Address = { host: A, port: 9000 };
  readonly #open = new Set<ByteStream>();
  /** The most that ever were open at once. */
  most = 0;
  /** Connections that she dialled. */
  dialled = 0;
  #neighbours = 0;

  constructor(maxConnections: number, identity: Identity = ALICE) {
    const { clock, network } = this.village;
    const dialer = network.dialerFrom(A);
    this.alice = new Node({
      local: localNode(identity, { clock, addresses: () => [this.address] }),
      clock,
      log: () => {},
      onEvent: () => {},
      maxConnections,
      dialer: {
        dial: async (address, options) => {
          this.dialled++;
          return this.#count(await dialer.dial(address, options));
        },
      },
    });
    const listener = network.listen(this.address);
    this.alice.listen({
      address: listener.address,
      accept: async () => {
        const stream = await listener.accept();
        return stream && this.#count(stream);
      },
      close: () => listener.close(),
    });
  }

  /** Streams that she has not closed. */
  get open(): number {
    return this.#open.size;
  }

  /** Another node, which dials nobody by itself. */
  neighbour(): Villager {
    const n = this.#neighbours++;
    return this.village.add(identityOf(n), `10.0.9.${n}`);
  }

  /** A session that a new neighbour dialled; the outcome as one word. */
  async join(from = this.neighbour()): Promise<string> {
    const dial = from.node.dial(this.address, { approach: "seal" });
    const outcome = outcomeWord(await this.village.until(dial));
    await this.pass(100);
    return outcome;
  }

  /** A connection that says nothing yet. */
  async visit(host = STRANGER): Promise<ByteStream> {
    const dialer = this.village.network.dialerFrom(host);
    const dial = dialer.dial(this.address, { timeoutMs: 1_000 });
    const stream = await this.village.until(dial);
    await this.pass(10);
    return stream;
  }

  rejected(code: string): number {
    return this.alice.counters.rejected.get(code) ?? 0;
  }

  async pass(ms: number): Promise<void> {
    await this.village.clock.run(ms, 10);
  }

  async close(): Promise<void> {
    await this.village.until(this.alice.close());
    await this.village.close();
    assertEquals(this.open, 0);
  }

  #count(stream: ByteStream): ByteStream {
    this.#open.add(stream);
    this.most = Math.max(this.most, this.#open.size);
    return {
      remote: stream.remote,
      local: stream.local,
      read: (buffer) => stream.read(buffer),
      write: (bytes) => stream.write(bytes),
      closeWrite: () => stream.closeWrite(),
      close: () => {
        this.#open.delete(stream);
        stream.close();
      },
    };
  }
}

/** Whether the other side has closed `stream`, so far as is known here. */
async function isClosed(crowd: Crowd, stream: ByteStream): Promise<boolean> {
  let isEnded = false;
  void stream.read(new Uint8Array(1_024)).then(
    (count) => isEnded = count === null,
    () => isEnded = true,
  );
  await crowd.pass(20);
  return isEnded;
}

Deno.test("DEFAULT_MAX_CONNECTIONS has room for 512 guests and 4,096 peers", PURE, () => {
  assertEquals(DEFAULT_MAX_CONNECTIONS, 512 + 4_096);
});

Deno.test("Node turns a newcomer away where all connections are sessions", PURE, async () => {
  const crowd = new Crowd(3);
  for (let n = 0; n < 3; n++) assertEquals(await crowd.join(), "session");
  const connected = crowd.alice.connected;
  const stranger = await crowd.visit();
  assert(await isClosed(crowd, stranger));
  assertEquals(crowd.rejected("too_many_connections"), 1);
  const late = crowd.neighbour();
  assertEquals(["ended_by_peer", "broken"].includes(await crowd.join(late)), true);
  assertEquals(crowd.rejected("too_many_connections"), 2);
  assertEquals([crowd.alice.connected, crowd.alice.guests], [connected, 0]);
  assertEquals(crowd.alice.counters.connectionsEvicted, 0);
  assertEquals([crowd.open, crowd.most], [3, 4], "the one turned away had been accepted");
  await crowd.close();
});

Deno.test("Node has room again once a session has ended", PURE, async () => {
  const crowd = new Crowd(2);
  const first = crowd.neighbour();
  assertEquals(await crowd.join(first), "session");
  assertEquals(await crowd.join(), "session");
  const late = crowd.neighbour();
  assert(await crowd.join(late) !== "session");
  crowd.alice.disconnect(first.id, "shutdown");
  await crowd.pass(1_000);
  assertEquals(await crowd.join(late), "session");
  assertEquals(crowd.rejected("too_many_connections"), 1);
  await crowd.close();
});

Deno.test(
  "Node lets the stranger go that is idle for longest, for one who comes",
  PURE,
  async () => {
    const crowd = new Crowd(4);
    assertEquals(await crowd.join(), "session");
    const strangers = [await crowd.visit(), await crowd.visit(), await crowd.visit()];
    assertEquals([crowd.alice.guests, crowd.open], [3, 4]);
    // The first asks something, so that the second is idle for longest.
    const frame = new Uint8Array(4 + REQUEST.length);
    new DataView(frame.buffer).setUint32(0, REQUEST.length);
    frame.set(REQUEST, 4);
    await strangers[0]?.write(frame);
    await crowd.pass(100);
    const newcomer = await crowd.visit();
    assertEquals([crowd.alice.guests, crowd.open, crowd.alice.connected.length], [3, 4, 1]);
    const closed: boolean[] = [];
    for (const stream of [strangers[1], strangers[2], newcomer]) {
      closed.push(stream !== undefined && await isClosed(crowd, stream));
    }
    assertEquals(closed, [true, false, false]);
    assertEquals(crowd.alice.counters.connectionsEvicted, 1);
    assertEquals(crowd.rejected("too_many_connections"), 0);
    await crowd.close();
  },
);

Deno.test("Node takes peers in place of strangers until there are none", PURE, async () => {
  const crowd = new Crowd(5);
  for (let n = 0; n < 5; n++) await crowd.visit(`10.0.1.${n}`);
  assertEquals(crowd.alice.guests, 5);
  for (let n = 1; n <= 5; n++) {
    assertEquals(await crowd.join(), "session");
    assertEquals([crowd.alice.connected.length, crowd.alice.guests], [n, 5 - n]);
  }
  assert(await crowd.join() !== "session");
  assertEquals(crowd.rejected("too_many_connections"), 1);
  assertEquals(crowd.alice.counters.connectionsEvicted, 5);
  await crowd.close();
});

Deno.test("Node keeps its limit however many strangers come at once", PURE, async () => {
  const crowd = new Crowd(8);
  for (let n = 0; n < 3; n++) await crowd.join();
  const dialer = crowd.village.network.dialerFrom(STRANGER);
  for (let round = 0; round < 5; round++) {
    await crowd.village.until(Promise.all(
      Array.from({ length: 100 }, () => dialer.dial(crowd.address, { timeoutMs: 1_000 })),
    ));
    await crowd.pass(10);
    assertEquals([crowd.open, crowd.alice.guests, crowd.alice.connected.length], [8, 5, 3]);
  }
  assertEquals(crowd.most, 9, "one more while the one that makes way is closed");
  assertEquals(crowd.alice.counters.connectionsEvicted, 495);
  await crowd.close();
});

Deno.test(
  "Node keeps no dialled connection that it has no room for, and says so",
  PURE,
  async () => {
    const crowd = new Crowd(2);
    await crowd.join();
    await crowd.join();
    const other = crowd.neighbour();
    const dial = () => crowd.village.until(crowd.alice.dial(other.address, { approach: "seal" }));
    const outcome = await dial();
    assertEquals(outcome, { type: "failed", code: "too_many_connections" });
    assertEquals(crowd.alice.connected.length, 2);
    const [peer] = crowd.alice.connected;
    assert(peer);
    crowd.alice.disconnect(peer, "shutdown");
    await crowd.pass(1_000);
    assertEquals(outcomeWord(await dial()), "session");
    await crowd.close();
  },
);

Deno.test("Node lets a stranger go for a peer that it dials", PURE, async () => {
  const crowd = new Crowd(2);
  await crowd.join();
  const stranger = await crowd.visit();
  const other = crowd.neighbour();
  const dial = crowd.alice.dial(other.address, { approach: "seal" });
  assertEquals(outcomeWord(await crowd.village.until(dial)), "session");
  assertEquals([crowd.alice.connected.length, crowd.alice.guests, crowd.open], [2, 0, 2]);
  assert(await isClosed(crowd, stranger));
  await crowd.close();
});

Deno.test("Node without a limit of its own still has that of strangers", PURE, async () => {
  const crowd = new Crowd(DEFAULT_MAX_CONNECTIONS);
  const dialer = crowd.village.network.dialerFrom(STRANGER);
  await crowd.village.until(Promise.all(
    Array.from({ length: 140 }, () => dialer.dial(crowd.address, { timeoutMs: 1_000 })),
  ));
  await crowd.pass(100);
  assertEquals([crowd.alice.guests, crowd.open], [128, 128], "of one host");
  await crowd.close();
});

Deno.test(
  "Admission.evict() takes the idle before the busy, the longest silent first",
  PURE,
  () => {
    const guest = (lastReceivedMs: number, isBusy = false): Guest => ({
      host: `10.0.0.${lastReceivedMs % 3}`,
      lastReceivedMs,
      isBusy,
    });
    const admission = new Admission();
    const inOrder = [
      guest(5),
      guest(7),
      guest(90),
      guest(1, true),
      guest(6, true),
      guest(80, true),
    ];
    for (const index of [4, 2, 0, 5, 1, 3]) {
      const each = inOrder[index];
      assert(each);
      admission.admit(each);
    }
    const evicted: (Guest | undefined)[] = [];
    for (let n = 0; n < 7; n++) evicted.push(admission.evict());
    assertEquals(evicted, [...inOrder, undefined]);
    assertEquals(admission.size, 0);
  },
);

Deno.test("Admission.evict() makes room in the host's own count", PURE, () => {
  const admission = new Admission({ maxConnections: 10, maxPerHost: 2 });
  const guests = [1, 2, 3].map((lastReceivedMs) => ({ host: "a", lastReceivedMs, isBusy: false }));
  const [first, second, third] = guests;
  assert(first && second && third);
  admission.admit(first);
  admission.admit(second);
  assertEquals(admission.evict(), first);
  assertEquals(admission.admit(third), undefined);
  admission.release(first);
  assertEquals(admission.size, 2, "the one evicted is out already");
});

Deno.test("Admission.evict() and release() leave a right count under churn", PURE, () => {
  const village = new Village(3);
  const admission = new Admission<Guest>({ maxConnections: 50, maxPerHost: 9 });
  const kept = new Set<Guest>();
  for (let n = 0; n < 2_000; n++) {
    const isBusy = randomBelow(village.random, 3) === 0;
    const each: Guest = { host: `${randomBelow(village.random, 9)}`, lastReceivedMs: n, isBusy };
    const evicted = admission.admit(each);
    if (evicted) kept.delete(evicted);
    kept.add(each);
    const leaver = randomBelow(village.random, 2) === 0 ? admission.evict() : undefined;
    if (leaver) assert(kept.delete(leaver));
    assertEquals(admission.size, kept.size);
  }
});

Deno.test("Node keeps its limit however many it dials at once", PURE, async () => {
  const crowd = new Crowd(8);
  const others = Array.from({ length: 16 }, () => crowd.neighbour());
  const dials = others.map(({ address }) => crowd.alice.dial(address, { approach: "seal" }));
  await crowd.village.until(Promise.all(dials));
  await crowd.pass(1_000);
  assertEquals(crowd.alice.connected.length, 8);
  await crowd.close();
});

Deno.test("Node evicts nobody for a dial that nobody answers", PURE, async () => {
  const crowd = new Crowd(4);
  for (let n = 0; n < 4; n++) await crowd.visit();
  const nowhere = { host: "10.9.9.9", port: 1 };
  await crowd.village.until(crowd.alice.dial(nowhere, { approach: "seal" }));
  assertEquals(crowd.alice.guests, 4);
  await crowd.close();
});
