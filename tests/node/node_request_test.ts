import { assert, assertEquals, assertRejects } from "@std/assert";
import { equalBytes } from "../../src/base/bytes.ts";
import { RequestError } from "../../src/channel/requests.ts";
import { Refusal } from "../../src/channel/responder.ts";
import type { MemoryNetworkOptions } from "../../src/net/memory.ts";
import type { Introduction } from "../../src/node/introduction.ts";
import { LocalNode } from "../../src/node/local_node.ts";
import { Node } from "../../src/node/node.ts";
import { codeOf, noise, piecesOf, turns } from "../testing/channel.ts";
import { ALICE, BOB, CAROL, describe, PRIMITIVES } from "../testing/identities.ts";
import { outcomeWord, sessionEvents, Village, type Villager } from "../testing/village.ts";

const PURE = { permissions: "none" } as const;
const A = "10.0.0.1";
const B = "10.0.0.2";
const C = "10.0.0.3";
/** More than the credit of 256 KiB. */
const LARGE = noise(600_000);
const NEVER = new Promise<never>(() => {});

async function pair(options?: Partial<MemoryNetworkOptions>) {
  const village = new Village(1, options);
  const a = village.add(ALICE, A);
  const b = village.add(BOB, B);
  await connect(village, a, b);
  return { village, a, b };
}

async function connect(village: Village, from: Villager, to: Villager): Promise<void> {
  assertEquals(outcomeWord(await village.join(from, to)), "session");
  await village.clock.run(200, 10);
  assert(from.node.isConnected(to.id) && to.node.isConnected(from.id));
}

/** What comes of a request, once there is something. */
function watch(request: Promise<unknown>, village: Village) {
  const seen = { code: "pending", atMs: NaN };
  const settle = (code: string) => Object.assign(seen, { code, atMs: village.clock.now() });
  request.then(() => settle("resolved"), (error) => settle(error.code));
  return seen;
}

Deno.test("Node.request() and handle() carry requests both ways", PURE, async () => {
  for (const options of [{}, { delayMs: [1, 20], maxSegmentBytes: 500 }] as const) {
    const { village, a, b } = await pair(options);
    for (const { node } of [a, b]) {
      node.handle("WHO", ({ data }, from) => ({ data: { ...data, from } }));
    }
    for (const [from, to] of [[a, b], [b, a]] as const) {
      const requests = [1, 2, 3].map((n) => from.node.request(to.id, "WHO", { n }));
      const replies = await village.until(Promise.all(requests));
      assertEquals(replies.map(({ data }) => data), [1, 2, 3].map((n) => ({ n, from: from.id })));
    }
    await village.close();
    assertEquals([village.clock.pending, a.alarms, b.alarms], [0, [], []]);
  }
});

Deno.test(
  "Node.request() carries bodies both ways, larger than the credit and the wire's window",
  PURE,
  async () => {
    const { village, a, b } = await pair({
      delayMs: [1, 5],
      maxSegmentBytes: 9_000,
      windowBytes: 65_536,
    });
    b.node.handle("SWAP", async ({ body }) => {
      await turns(1);
      return {
        data: { same: equalBytes(await body.bytes(1e6), LARGE) },
        body: piecesOf(LARGE, 10_000),
      };
    });
    const asked = a.node.request(b.id, "SWAP", {}, { body: piecesOf(LARGE, 70_000) });
    const reply = await village.until(asked);
    assertEquals(reply.data, { same: true });
    assert(equalBytes(await village.until(reply.body.bytes(1e6)), LARGE));
    await village.close();
    assertEquals(village.clock.pending, 0);
  },
);

Deno.test(
  "Node.request() rejects with what the handler refused, and hides what it threw",
  PURE,
  async () => {
    const { village, a, b } = await pair();
    b.node.handle("REFUSED", () => Promise.reject(new Refusal("no_room", "Cannot take it")));
    b.node.handle("BROKEN", () => {
      throw new Error("password is 1234");
    });
    for (
      const [type, code] of [
        ["REFUSED", "no_room"],
        ["BROKEN", "internal_error"],
        ["UNKNOWN", "unsupported_type"],
      ] as const
    ) {
      const request = village.until(a.node.request(b.id, type, {}));
      const error = await assertRejects(() => request, RequestError);
      assertEquals([error.code, error.message.includes("1234")], [code, false], type);
    }
    assertEquals([a.alarms, b.alarms], [[], ["error internal error"]]);
    assert(a.node.isConnected(b.id), "a fault costs the request alone");
    await village.close();
  },
);

Deno.test("Node.handle() replaces a handler, for sessions that are open too", PURE, async () => {
  const { village, a, b } = await pair();
  for (const answer of ["first", "second"]) {
    b.node.handle("T", () => ({ data: { answer } }));
    const reply = await village.until(a.node.request(b.id, "T", {}));
    assertEquals(reply.data, { answer });
  }
  await village.close();
});

Deno.test(
  "Node.request() rejects without a session, and at once when that ends",
  PURE,
  async () => {
    const { village, a, b } = await pair();
    assertEquals(await codeOf(a.node.request(CAROL.id, "T", {})), "not_connected");
    const signals: AbortSignal[] = [];
    b.node.handle("T", ({ signal }) => {
      signals.push(signal);
      return NEVER;
    });
    const requests = [1, 2, 3].map(() => watch(a.node.request(b.id, "T", {}), village));
    await village.clock.run(20, 10);
    assertEquals(signals.map(({ aborted }) => aborted), [false, false, false]);
    b.node.disconnect(a.id, "goodbye");
    await village.clock.run(20, 10);
    assertEquals(requests.map(({ code }) => code), ["closed", "closed", "closed"]);
    assertEquals(signals.map(({ aborted }) => aborted), [true, true, true]);
    assertEquals(await codeOf(a.node.request(b.id, "T", {})), "not_connected");
    await village.close();
    assertEquals(village.clock.pending, 0);
  },
);

Deno.test("Node.request() rejects when this node closes", PURE, async () => {
  const { village, a, b } = await pair();
  b.node.handle("T", () => NEVER);
  const requests = [
    watch(a.node.request(b.id, "T", {}), village),
    watch(a.node.request(b.id, "T", {}, { body: LARGE, deadlineMs: Infinity }), village),
  ];
  await village.clock.run(20, 10);
  await village.until(a.node.close());
  assertEquals(requests.map(({ code }) => code), ["closed", "closed"]);
  await village.close();
  assertEquals(village.clock.pending, 0);
});

Deno.test("Node.request() to a peer that speaks no streams is unsupported", PURE, async () => {
  class OldLocalNode extends LocalNode {
    override introduce(version: number): Introduction {
      return { ...super.introduce(version), features: ["envelope/1", "exchange/1"] };
    }
  }
  const village = new Village();
  const { clock, network } = village;
  const a = village.add(ALICE, A);
  const address = { host: B, port: 9000 };
  const old = new Node({
    local: new OldLocalNode({
      identity: BOB,
      primitives: PRIMITIVES,
      clock,
      legacy: "lan",
      describe: () => describe(BOB),
      addresses: () => [address],
    }),
    dialer: network.dialerFrom(B),
    clock,
    log: () => {},
    onEvent: () => {},
  });
  old.listen(network.listen(address));
  const dial = village.until(a.node.dial(address, { approach: "seal" }));
  assertEquals(outcomeWord(await dial), "session");
  assertEquals(await codeOf(a.node.request(BOB.id, "T", {}, { body: LARGE })), "unsupported");
  // Nor is it asked for a sign of life that it cannot give.
  a.node.probe(3_000);
  await clock.run(10_000, 500);
  assert(a.node.isConnected(BOB.id));
  const pong = a.node.ask(BOB.id, "PING", {}, { timeoutMs: 1_000 });
  assertEquals((await village.until(pong)).type, "PONG");
  await village.until(old.close());
  await village.close();
});

Deno.test(
  "Node.request() rejects within 30 s of a partition, however long it would wait",
  PURE,
  async () => {
    for (const quietMs of [0, 9_000]) {
      const { village, a, b } = await pair();
      b.node.handle("T", () => NEVER);
      await village.clock.run(quietMs, 500);
      const requests = [Infinity, 10 ** 9].map((deadlineMs) =>
        watch(a.node.request(b.id, "T", {}, { deadlineMs }), village)
      );
      await village.clock.run(20, 10);
      village.network.partition([A], [B]);
      const cutAtMs = village.clock.now();
      const late = watch(a.node.request(b.id, "T", {}, { deadlineMs: Infinity }), village);
      await village.clock.run(30_000, 250);
      for (const { code, atMs } of [...requests, late]) {
        assertEquals(code, "closed");
        assert(atMs - cutAtMs <= 30_000, `${atMs - cutAtMs} ms`);
      }
      assertEquals([a.node.connected, b.node.connected], [[], []]);
      assertEquals(sessionEvents(a), ["opened", "closed silent"]);
      village.network.heal();
      await village.close();
      assertEquals(village.clock.pending, 0);
    }
  },
);

Deno.test(
  "Node keeps a session over which nothing is said, for as long as both live",
  PURE,
  async () => {
    const { village, a, b } = await pair({ delayMs: [20, 200] });
    await village.clock.run(60_000, 250);
    assertEquals([sessionEvents(a), sessionEvents(b)], [["opened"], ["opened"]]);
    await village.close();
  },
);

Deno.test("Node.probe() ends the sessions of the dead and no others", PURE, async () => {
  const { village, a, b } = await pair({ delayMs: [20, 100] });
  const c = village.add(CAROL, C);
  await connect(village, a, c);
  b.node.handle("T", () => NEVER);
  c.node.handle("T", () => NEVER);
  const lost = watch(a.node.request(b.id, "T", {}, { deadlineMs: Infinity }), village);
  const kept = watch(a.node.request(c.id, "T", {}, { deadlineMs: Infinity }), village);
  await village.clock.run(500, 50);
  village.network.partition([A, C], [B]);
  const cutAtMs = village.clock.now();
  a.node.probe(3_000);
  a.node.probe(60_000);
  await village.clock.run(2_900, 50);
  assertEquals(a.node.isConnected(b.id), true);
  await village.clock.run(200, 50);
  assertEquals([a.node.isConnected(b.id), a.node.isConnected(c.id)], [false, true]);
  assertEquals([lost.code, kept.code], ["closed", "pending"]);
  assert(lost.atMs - cutAtMs <= 3_050, `${lost.atMs - cutAtMs} ms`);
  await village.clock.run(10_000, 250);
  assertEquals(a.node.connected, [c.id]);
  village.network.heal();
  await village.close();
  assertEquals(village.clock.pending, 0);
});

Deno.test("Node.request() that is critical overtakes bulk", PURE, async () => {
  const windowBytes = 65_536;
  const { village, a, b } = await pair({ delayMs: [5, 5], windowBytes });
  const length = 2_000_000;
  let arrived = 0;
  let arrivedBefore = NaN;
  b.node.handle("BULK", async ({ body }) => {
    await turns(1);
    for await (const piece of body) arrived += piece.length;
    return {};
  });
  b.node.handle("URGENT", () => {
    arrivedBefore = arrived;
    return {};
  });
  const bulk = ([0, 1, 2] as const).map((priority) =>
    a.node.request(b.id, "BULK", {}, { body: noise(length), priority, deadlineMs: Infinity })
  );
  await village.clock.run(50, 5);
  const arrivedAtFirst = arrived;
  assert(arrivedAtFirst > 0, "the bulk is under way");
  await village.until(a.node.request(b.id, "URGENT", {}, { priority: 3 }));
  // What fills the wire's window, and the record that waits for room in it, were there before.
  const ahead = arrivedBefore - arrivedAtFirst;
  assert(ahead <= windowBytes + 65_540, `${ahead} bytes of bulk came first`);
  await village.until(Promise.all(bulk), 60_000);
  assertEquals(arrived, 3 * length);
  await village.close();
});
