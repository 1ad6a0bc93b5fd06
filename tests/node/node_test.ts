import { assert, assertEquals, assertFalse, assertRejects, assertThrows } from "@std/assert";
import { type Bytes, concatBytes, decodeUtf8, encodeUtf8 } from "../../src/base/bytes.ts";
import { ManualClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import type { ByteStream, Listener } from "../../src/net/stream.ts";
import { Node } from "../../src/node/node.ts";
import type { NodeEvent } from "../../src/node/node_events.ts";
import { RequestError } from "../../src/channel/requests.ts";
import { encodeFrame } from "../../src/wire/frame.ts";
import { ALICE, BOB, CAROL, identityOf, localNode } from "../testing/identities.ts";
import {
  isLastDialOurs,
  outcomeWord,
  sessionEvents,
  Village,
  type Villager,
} from "../testing/village.ts";

const PURE = { permissions: "none" } as const;
const A = "10.0.0.1";
const B = "10.0.0.2";
const STRANGER = "10.0.0.66";
const OLD_REQUEST: Bytes = encodeFrame(encodeUtf8(JSON.stringify({
  type: "PEER_DISCOVERY",
  sender_id: "python-node",
  sender_port: 9001,
  timestamp: 1_750_000_000,
  capabilities: {},
})));

function envelopesOf({ events }: Villager, type: string) {
  return events.filter((event): event is NodeEvent & { type: "envelope" } =>
    event.type === "envelope" && event.envelope.type === type
  );
}

async function pair(seed = 1) {
  const village = new Village(seed);
  const a = village.add(ALICE, A);
  const b = village.add(BOB, B);
  assertEquals(outcomeWord(await village.join(a, b)), "session");
  await village.clock.run(20, 10);
  assertEquals([a.node.connected, b.node.connected], [[BOB.id], [ALICE.id]]);
  return { village, a, b };
}

/** Asks `to` in JSON from a raw stream, as an old node would; the answer's bytes as text. */
async function askRaw(village: Village, to: Villager, host = STRANGER): Promise<string> {
  const dialer = village.network.dialerFrom(host);
  const stream = await village.until(dialer.dial(to.address, { timeoutMs: 1_000 }));
  await stream.write(OLD_REQUEST);
  const buffer = new Uint8Array(4_096);
  const count = await village.until(stream.read(buffer), 1_000);
  stream.close();
  return decodeUtf8(buffer.slice(4, count ?? 4));
}

Deno.test(
  "Node forms a session in each direction, sealed at once or after JSON",
  PURE,
  async () => {
    for (const approach of ["seal", "ask_then_seal"] as const) {
      for (const isAliceFirst of [true, false]) {
        const village = new Village(3, { delayMs: [1, 20], maxSegmentBytes: 64 });
        const a = village.add(ALICE, A);
        const b = village.add(BOB, B);
        const [from, to] = isAliceFirst ? [a, b] : [b, a];
        assertEquals(await village.join(from, to, approach), { type: "session", id: to.id });
        await village.clock.run(500, 10);
        assertEquals([from.node.connected, to.node.connected], [[to.id], [from.id]]);
        const opened = to.events.find((event) => event.type === "session_opened");
        assertEquals(opened?.type === "session_opened" && opened.remote.host, from.address.host);
        await village.close();
      }
    }
  },
);

Deno.test("Node asks without a session where only asked to ask", PURE, async () => {
  const village = new Village();
  const a = village.add(ALICE, A);
  const b = village.add(BOB, B);
  assertEquals(await village.join(a, b, "ask"), { type: "answered", id: BOB.id });
  assertEquals([a.node.connected, b.node.connected], [[], []]);
  const [found] = b.events;
  assert(found?.type === "peer_discovered");
  assertEquals([found.peer.id, found.host, found.port], [ALICE.id, A, 9000]);
  await village.close();
});

Deno.test("Node reports why a dial failed", PURE, async () => {
  const village = new Village();
  const a = village.add(ALICE, A);
  const refused = a.node.dial({ host: "10.0.0.9", port: 1 }, { approach: "seal" });
  assertEquals(outcomeWord(await village.until(refused)), "refused");
  assertEquals(outcomeWord(await village.join(a, a)), "self_connection");
  const b = village.add(BOB, B);
  const wrong = a.node.dial(b.address, { approach: "seal", expected: CAROL.id });
  assertEquals(outcomeWord(await village.until(wrong)), "identity_mismatch");
  village.network.partition([A], [B]);
  assertEquals(outcomeWord(await village.join(a, b)), "timeout");
  await village.close();
});

Deno.test(
  "Node keeps exactly one session of two dials that cross: the lower id's",
  PURE,
  async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const village = new Village(seed, { delayMs: [0, 25], maxSegmentBytes: seed % 2 ? 200 : 9 });
      const pairOf = [identityOf(seed), identityOf(seed + 1_000)];
      const [lowId, highId] = pairOf.toSorted((x, y) => x.id < y.id ? -1 : 1);
      assert(lowId && highId);
      const low = village.add(lowId, A);
      const high = village.add(highId, B);
      const lag = Math.floor(village.random.next() * 120);
      const [first, second] = village.random.next() < 0.5 ? [low, high] : [high, low];
      const dial = (from: Villager, to: Villager) =>
        from.node.dial(to.address, { approach: "seal", expected: to.id });
      const one = dial(first, second);
      if (lag > 0) await village.clock.run(lag, 5);
      const other = dial(second, first);
      await village.until(Promise.all([one, other]));
      await village.clock.run(1_500, 20);
      const label = `seed ${seed}`;
      assertEquals([low.node.connected, high.node.connected], [[highId.id], [lowId.id]], label);
      assertEquals(isLastDialOurs(low, highId.id), true, label);
      assertEquals(isLastDialOurs(high, lowId.id), false, label);
      const pong = low.node.ask(highId.id, "PING", {}, { timeoutMs: 2_000 });
      assertEquals((await village.until(pong)).type, "PONG", label);
      await village.close();
    }
  },
);

Deno.test("Node replaces a session whose peer dials again", PURE, async () => {
  const { village, a, b } = await pair();
  const before = a.node.counters.sessionsOpened;
  assertEquals(outcomeWord(await village.join(a, b)), "session");
  await village.clock.run(1_000, 20);
  assertEquals(a.node.counters.sessionsOpened, before + 1);
  assertEquals([a.node.connected, b.node.connected], [[BOB.id], [ALICE.id]]);
  const pong = b.node.ask(ALICE.id, "PING", {}, { timeoutMs: 2_000 });
  assertEquals((await village.until(pong)).type, "PONG");
  await village.close();
});

Deno.test("Node.ask() resolves with the answer, whoever asks", PURE, async () => {
  const { village, a, b } = await pair();
  for (const [from, to] of [[a, b], [b, a]] as const) {
    const pong = await village.until(from.node.ask(to.id, "PING", {}, { timeoutMs: 1_000 }));
    assertEquals([pong.type, pong.senderId, pong.recipientId], ["PONG", to.id, from.id]);
  }
  assertEquals(envelopesOf(a, "PONG"), [], "an answer goes to its question alone");
  await village.close();
});

Deno.test(
  "Node.ask() rejects when nobody answers, nobody is there, or the session ends",
  PURE,
  async () => {
    const { village, a, b } = await pair();
    const timeout = a.node.ask(BOB.id, "HEARTBEAT", {}, { timeoutMs: 300 });
    assertEquals((await assertRejects(() => village.until(timeout), RequestError)).code, "timeout");
    const nobody = a.node.ask(CAROL.id, "PING", {}, { timeoutMs: 300 });
    assertEquals((await assertRejects(() => nobody, RequestError)).code, "not_connected");
    const cut = a.node.ask(BOB.id, "HEARTBEAT", {}, { timeoutMs: 5_000 });
    b.node.disconnect(ALICE.id, "goodbye");
    assertEquals((await assertRejects(() => village.until(cut), RequestError)).code, "closed");
    assertThrows(() => a.node.send(BOB.id, "PING", {}), RequestError);
    await village.close();
  },
);

Deno.test("Node delivers what arrived together by priority, then by arrival", PURE, async () => {
  const { village, a, b } = await pair();
  const order = [1, 0, 3, 2, 1, 3, 0] as const;
  order.forEach((priority, i) => {
    a.node.send(BOB.id, "HEARTBEAT", { i }, { priority });
  });
  await village.clock.run(50, 10);
  const seen = envelopesOf(b, "HEARTBEAT").map(({ envelope }) => envelope.data["i"]);
  assertEquals(seen.length, 7);
  // The first write may leave alone; what follows it arrives as one piece.
  const expected = order.map((priority, i) => ({ priority, i }))
    .toSorted((x, y) => y.priority - x.priority).map(({ i }) => i);
  const isSorted = JSON.stringify(seen) === JSON.stringify(expected);
  const rest = expected.filter((i) => i !== 0);
  assert(isSorted || JSON.stringify(seen) === JSON.stringify([0, ...rest]), `${seen}`);
  await village.close();
});

Deno.test(
  "Node resends over a moment without acknowledgements and delivers once",
  PURE,
  async () => {
    const { village, a, b } = await pair();
    village.network.partition([A], [B]);
    a.node.send(BOB.id, "RESOURCE_STATUS", { n: 1 }, { requiresAck: true });
    await village.clock.run(1_200, 50);
    village.network.heal();
    // Bytes were lost, so the connection is dead; the peer dials again and the rest is delivered.
    await village.clock.run(100, 10);
    assertEquals(outcomeWord(await village.join(a, b)), "session");
    await village.clock.run(10_000, 100);
    const undelivered = a.events.filter(({ type }) => type === "undelivered").length;
    const delivered = envelopesOf(b, "RESOURCE_STATUS").length;
    assertEquals(delivered + undelivered, 1, "delivered once, or reported as lost");
    await village.close();
  },
);

Deno.test("Node reports what no retry could deliver when the session has ended", PURE, async () => {
  const { village, a, b } = await pair();
  village.network.partition([A], [B]);
  a.node.send(BOB.id, "RESOURCE_STATUS", {}, { requiresAck: true });
  a.node.disconnect(BOB.id, "silent");
  b.node.disconnect(ALICE.id, "silent");
  await village.clock.run(20_000, 100);
  const lost = a.events.filter((event) => event.type === "undelivered");
  assertEquals(lost.length, 1);
  village.network.heal();
  await village.close();
});

Deno.test("Node retries over a session that a redial has replaced", PURE, async () => {
  const { village, a, b } = await pair();
  village.network.partition([A], [B]);
  a.node.send(BOB.id, "RESOURCE_STATUS", { n: 1 }, { requiresAck: true });
  await village.clock.run(100, 10);
  village.network.partition();
  assertEquals(outcomeWord(await village.join(a, b)), "session");
  await village.clock.run(3_000, 50);
  assertEquals(envelopesOf(b, "RESOURCE_STATUS").length, 1);
  await village.clock.run(20_000, 200);
  assertEquals(envelopesOf(b, "RESOURCE_STATUS").length, 1);
  assertEquals(a.events.filter(({ type }) => type === "undelivered"), []);
  await village.close();
});

Deno.test("Node gives a message up after its retries, with a word", PURE, async () => {
  const { village, a } = await pair();
  village.network.partition([A], [B]);
  a.node.send(BOB.id, "RESOURCE_STATUS", {}, { requiresAck: true });
  const sent = a.node.counters.envelopesSent;
  await village.clock.run(16_000, 100);
  assertEquals(a.node.counters.envelopesSent, sent + 3);
  assertEquals(a.events.filter(({ type }) => type === "undelivered").length, 1);
  village.network.heal();
  await village.close();
});

Deno.test("Node.send() of what no record carries leaves nothing behind", PURE, async () => {
  const { village, a, b } = await pair();
  const huge = { text: "x".repeat(70_000) };
  assertThrows(
    () => a.node.send(BOB.id, "RESOURCE_STATUS", huge, { requiresAck: true }),
    RangeError,
  );
  // A retry of it would throw inside a timer and end every later retry.
  await village.clock.run(3_000, 100);
  assertEquals(a.node.connected, [BOB.id]);
  assertEquals(b.node.connected, [ALICE.id]);
  await village.close();
});

Deno.test("Node says goodbye when it closes, and the peer lets go", PURE, async () => {
  const { village, a, b } = await pair();
  await village.until(a.node.close(), 2_000);
  await village.clock.run(100, 10);
  assertEquals(sessionEvents(b), ["opened", "closed goodbye"]);
  assertEquals(envelopesOf(b, "PEER_GOODBYE").length, 1);
  assertEquals([a.node.connected, b.node.connected], [[], []]);
  assertEquals(outcomeWord(await village.join(b, a)), "refused");
  await village.close();
});

Deno.test(
  "Node.close() is idempotent, frees every timer, and answers nobody afterwards",
  PURE,
  async () => {
    const { village, a, b } = await pair();
    const silent = await village.network.dialerFrom(STRANGER).dial;
    const lurker = await village.until(silent(a.address, { timeoutMs: 100 }));
    await village.clock.run(10, 10);
    assertEquals(a.node.guests, 1);
    const [first, second] = [a.node.close(), a.node.close()];
    await village.until(Promise.all([first, second]), 2_000);
    await village.until(b.node.close(), 2_000);
    await a.node.close();
    assertEquals(a.node.guests, 0);
    assertEquals(village.clock.pending, 0, "timers left");
    assertEquals(await lurker.read(new Uint8Array(8)), null);
    lurker.close();
    await village.clock.run(10, 10);
    assertEquals(a.alarms, []);
  },
);

Deno.test("Node.close() waits for the dials that are under way", PURE, async () => {
  const village = new Village(1, { delayMs: [50, 50] });
  const a = village.add(ALICE, A);
  const b = village.add(BOB, B);
  let isSettled = false;
  const dial = a.node.dial(b.address, { approach: "seal" }).finally(() => isSettled = true);
  await village.until(a.node.close());
  const wasSettled = isSettled;
  await village.until(dial);
  await village.close();
  assert(wasSettled, "a dial outlived its node");
});

Deno.test(
  "Node.close() leaves no connection that was accepted at the same moment",
  PURE,
  async () => {
    const clock = new ManualClock();
    const handed = Promise.withResolvers<ByteStream | undefined>();
    let reads = 0;
    let isFreed = false;
    const ended = Promise.withResolvers<null>();
    const stream: ByteStream = {
      remote: { host: STRANGER, port: 1 },
      local: { host: A, port: 9000 },
      read: () => {
        reads++;
        return ended.promise;
      },
      write: ({ length }) => Promise.resolve(length),
      closeWrite: () => Promise.resolve(),
      close: () => {
        isFreed = true;
        ended.resolve(null);
      },
    };
    let accepts = 0;
    const listener: Listener = {
      address: { host: A, port: 9000 },
      accept: () => accepts++ === 0 ? handed.promise : Promise.resolve(undefined),
      close: () => {},
    };
    const node = new Node({
      local: localNode(ALICE, { clock }),
      dialer: { dial: () => Promise.reject(new Error("nobody dials")) },
      clock,
      log: silentLog,
      onEvent: () => {},
    });
    node.listen(listener);
    handed.resolve(stream);
    const closed = node.close();
    await clock.run(1_000, 50);
    await closed;
    assert(isFreed || reads === 0, "a connection is served after close()");
    assert(isFreed, "the socket is left open");
  },
);

Deno.test(
  "Node answers an honest discovery behind 100 idle connections, and drops those in 5 s",
  PURE,
  async () => {
    const village = new Village();
    const a = village.add(ALICE, A);
    const dialer = village.network.dialerFrom(STRANGER);
    const idle: ByteStream[] = [];
    for (let i = 0; i < 100; i++) {
      idle.push(await village.until(dialer.dial(a.address, { timeoutMs: 100 })));
    }
    assertEquals(a.node.guests, 100);
    assert((await askRaw(village, a)).startsWith('{"type":"PEER_DISCOVERY_RESPONSE"'));
    await village.clock.run(5_100, 100);
    assert(a.node.guests <= 1);
    for (const stream of idle) {
      assertEquals(await stream.read(new Uint8Array(1)), null);
      stream.close();
    }
    await village.close();
  },
);

Deno.test(
  "Node keeps at most 128 guests of a host, 512 in all, and still hears newcomers",
  PURE,
  async () => {
    const village = new Village();
    const a = village.add(ALICE, A);
    const streams: ByteStream[] = [];
    for (let i = 0; i < 700; i++) {
      const dialer = village.network.dialerFrom(i < 200 ? STRANGER : `10.0.1.${i % 50}`);
      const dial = dialer.dial(a.address, { timeoutMs: 100 });
      village.clock.advance(0);
      streams.push(await dial);
      if (i === 199) {
        await village.clock.run(1, 1);
        assertEquals(a.node.guests, 128);
      }
    }
    await village.clock.run(1, 1);
    assertEquals(a.node.guests, 512);
    assertEquals(a.node.counters.connectionsEvicted, 188);
    assert((await askRaw(village, a, "10.0.2.2")).startsWith('{"type":"PEER_DISCOVERY_RESPONSE"'));
    for (const stream of streams) stream.close();
    await village.clock.run(1_000, 100);
    assertEquals(a.node.guests, 0);
    await village.close();
  },
);

Deno.test(
  "Node frees an evicted connection at once, whatever the evicted peer does",
  PURE,
  async () => {
    const village = new Village();
    const a = village.add(ALICE, A);
    const dialer = village.network.dialerFrom(STRANGER);
    const streams: ByteStream[] = [];
    for (let i = 0; i < 129; i++) {
      streams.push(await village.until(dialer.dial(a.address, { timeoutMs: 100 })));
    }
    await village.clock.run(1, 1);
    // A freed connection refuses bytes; one that lingers would take them.
    const evicted = streams[0];
    assert(evicted);
    await assertRejects(() => evicted.write(Uint8Array.of(1)));
    for (const stream of streams) stream.close();
    await village.clock.run(1_000, 100);
    await village.close();
  },
);

Deno.test("Node notices within 30 s that a peer behind a partition is silent", PURE, async () => {
  const { village, a, b } = await pair();
  village.network.partition([A], [B]);
  // Asked after 15 s of silence, and 10 s later taken for dead.
  await village.clock.run(24_000, 1_000);
  assertEquals([a.node.connected.length, b.node.connected.length], [1, 1]);
  await village.clock.run(2_000, 100);
  assertEquals([a.node.connected, b.node.connected], [[], []]);
  assertEquals(sessionEvents(a), ["opened", "closed silent"]);
  village.network.heal();
  await village.clock.run(1_000, 100);
  assertEquals(outcomeWord(await village.join(a, b)), "session");
  await village.close();
});

Deno.test("Node notices at once that a peer's links broke", PURE, async () => {
  const { village, a, b } = await pair();
  village.network.breakLinks(B);
  await village.clock.run(600, 50);
  assertEquals([a.node.connected, b.node.connected], [[], []]);
  assertEquals(sessionEvents(a), ["opened", "closed broken"]);
  await village.close();
});

Deno.test(
  "Node refuses envelopes in another's name and garbage, and keeps the session",
  PURE,
  async () => {
    const { village, a, b } = await pair();
    const link = a.node;
    link.send(BOB.id, "HEARTBEAT", {});
    await village.clock.run(50, 10);
    assertEquals(envelopesOf(b, "HEARTBEAT").map(({ from }) => from), [ALICE.id]);
    assertEquals(b.node.counters.envelopesReceived, 1);
    assertEquals(b.alarms, []);
    await village.close();
  },
);

Deno.test("Node survives a throwing owner without losing its other peers", PURE, async () => {
  const village = new Village();
  const a = village.add(ALICE, A);
  const events: string[] = [];
  const node = new Node({
    local: localNode(BOB, { clock: village.clock }),
    dialer: village.network.dialerFrom(B),
    clock: village.clock,
    log: (level, event) => events.push(`${level} ${event}`),
    onEvent: (event) => {
      if (event.type === "envelope") throw new Error("the owner choked");
    },
  });
  const uncaught: string[] = [];
  const onUncaught = (event: ErrorEvent) => {
    event.preventDefault();
    uncaught.push(event.message);
  };
  globalThis.addEventListener("error", onUncaught);
  try {
    const dial = node.dial(a.address, { approach: "seal" });
    assertEquals(outcomeWord(await village.until(dial)), "session");
    await village.clock.run(20, 10);
    a.node.send(BOB.id, "HEARTBEAT", {});
    await village.clock.run(50, 10);
  } finally {
    globalThis.removeEventListener("error", onUncaught);
    await village.until(node.close());
    await village.close();
  }
  assertEquals(uncaught, [], "an error of one message ended the process");
  assert(events.some((event) => event.startsWith("error ")), "nobody was told");
});

Deno.test(
  "Node serves two frames in one segment and a stranger's garbage between peers",
  PURE,
  async () => {
    const { village, a } = await pair();
    const dialer = village.network.dialerFrom(STRANGER);
    const stream = await village.until(dialer.dial(a.address, { timeoutMs: 100 }));
    await stream.write(concatBytes(OLD_REQUEST, OLD_REQUEST));
    await village.clock.run(20, 10);
    assertEquals(a.events.filter(({ type }) => type === "peer_discovered").length, 2);
    await stream.write(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
    await village.clock.run(20, 10);
    await village.clock.run(600, 100);
    stream.close();
    assertEquals(a.node.counters.rejected.get("length_out_of_bounds"), 1);
    assertEquals(a.node.connected, [BOB.id]);
    assert((await askRaw(village, a)).includes('"PEER_DISCOVERY_RESPONSE"'));
    assertFalse(a.node.guests > 1);
    await village.close();
  },
);
