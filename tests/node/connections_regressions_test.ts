/** The owner's limit on connections: who stays, who goes first, who is turned away. */

import { assertEquals } from "@std/assert";
import type { Address } from "../../src/net/address.ts";
import type { ByteStream } from "../../src/net/stream.ts";
import type { Identity } from "../../src/node/identity.ts";
import { Node } from "../../src/node/node.ts";
import { ALICE, identityOf, localNode } from "../testing/identities.ts";
import { outcomeWord, Village, type Villager } from "../testing/village.ts";

const PURE = { permissions: "none" } as const;
const A = "10.0.0.1";
const STRANGER = "10.0.0.66";

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
Deno.test("Node keeps its limit however many it dials at once", PURE, async () => {
  const crowd = new Crowd(8);
  const others = Array.from({ length: 16 }, () => crowd.neighbour());
  const dials = others.map(({ address }) => crowd.alice.dial(address, { approach: "seal" }));
  const outcomes = (await crowd.village.until(Promise.all(dials))).map(outcomeWord);
  await crowd.pass(1000);
  console.log(outcomes.join(), crowd.open, crowd.most, crowd.alice.connected.length);
  const open = crowd.open;
  await crowd.close();
  assertEquals(open, 8);
});
Deno.test("Node evicts nobody for a dial that nobody answers", PURE, async () => {
  const crowd = new Crowd(4);
  for (let n = 0; n < 4; n++) await crowd.visit();
  for (let n = 0; n < 3; n++) {
    await crowd.village.until(
      crowd.alice.dial({ host: "10.9.9.9", port: 1 }, { approach: "seal" }),
    );
  }
  const guests = crowd.alice.guests;
  await crowd.close();
  assertEquals(guests, 4);
});
