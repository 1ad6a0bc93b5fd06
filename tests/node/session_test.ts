import { assertEquals } from "@std/assert";
import { type Bytes, encodeUtf8 } from "../../src/base/bytes.ts";
import { ManualClock, settle } from "../../src/base/clock.ts";
import type { ByteStream } from "../../src/net/stream.ts";
import { Delivery } from "../../src/node/delivery.ts";
import { encodeEnvelope, type Envelope } from "../../src/node/envelope.ts";
import { Mux } from "../../src/channel/mux.ts";
import { Link } from "../../src/node/link.ts";
import { Session } from "../../src/node/session.ts";
import { ALICE, BOB, CAROL, localNode, WALL_MS } from "../testing/identities.ts";

const PURE = { permissions: "none" } as const;

/** A link over a stream that nobody listens to: what a session sends is of no interest here. */
function deadLink(clock: ManualClock): Link {
  const stream: ByteStream = {
    remote: { host: "10.0.0.2", port: 1 },
    local: { host: "10.0.0.1", port: 1 },
    read: () => Promise.resolve(null),
    write: ({ length }) => Promise.resolve(length),
    closeWrite: () => Promise.resolve(),
    close: () => {},
  };
  return new Link({
    stream,
    clock,
    onFault: () => {},
    conversation: { local: localNode(ALICE, { clock }) },
    events: {
      onDiscovered: () => {},
      onSealed: () => {},
      onMessage: () => {},
      onIncoming: () => {},
      onRefused: () => {},
      onClosed: () => {},
    },
  });
}

function setup() {
  const clock = new ManualClock();
  const local = localNode(BOB, { clock });
  const delivered: Envelope[] = [];
  const refused: string[] = [];
  const counters = { envelopesReceived: 0, envelopesSent: 0, envelopesDropped: 0 };
  const delivery = new Delivery();
  const session = new Session({
    ownId: ALICE.id,
    peer: {
      id: BOB.id,
      introduction: local.introduce(1),
      standing: { kind: "open" },
      features: [],
      isDialer: true,
    },
    link: deadLink(clock),
    mux: new Mux({
      isDialer: true,
      hasStreams: false,
      events: { onOutput: () => {}, onIncoming: () => {}, onMessage: () => {} },
    }),
    handlerOf: () => undefined,
    clock,
    counters,
    delivery,
    onEnvelope: (envelope) => delivered.push(envelope),
    onUndelivered: () => {},
    onFault: () => {},
    onRefused: (code) => refused.push(code),
  });
  return { session, delivered, refused, counters, delivery };
}

function envelope(messageId: string, changes: Partial<Envelope> = {}): Bytes {
  return encodeEnvelope({
    messageId,
    type: "HEARTBEAT",
    senderId: BOB.id,
    recipientId: ALICE.id,
    sentAtMs: WALL_MS,
    priority: 1,
    evolutionId: null,
    evolutionType: null,
    agentId: null,
    data: {},
    retryCount: 0,
    maxRetries: 3,
    expiresAtMs: null,
    requiresAck: false,
    correlationId: null,
    ...changes,
  });
}

Deno.test("Session.receive() delivers by priority, then by arrival", PURE, async () => {
  const { session, delivered } = setup();
  ([1, 0, 3, 2, 1, 3, 0] as const).forEach((priority, i) =>
    session.receive(envelope(`m${i}`, { priority }))
  );
  assertEquals(delivered, [], "not before the turn has brought all");
  await settle();
  assertEquals(delivered.map(({ messageId }) => messageId), [
    "m2",
    "m5",
    "m3",
    "m0",
    "m4",
    "m1",
    "m6",
  ]);
});

Deno.test(
  "Session.receive() drops duplicates, the expired and what is meant for others",
  PURE,
  async () => {
    const { session, delivered, counters } = setup();
    session.receive(envelope("m"));
    session.receive(envelope("m"));
    session.receive(envelope("late", { expiresAtMs: WALL_MS - 1 }));
    session.receive(envelope("for carol", { recipientId: CAROL.id }));
    session.receive(envelope("for all", { recipientId: null }));
    await settle();
    assertEquals(delivered.map(({ messageId }) => messageId), ["m", "for all"]);
    assertEquals([counters.envelopesReceived, counters.envelopesDropped], [5, 3]);
  },
);

Deno.test("Session.receive() refuses another's name and what is no envelope", PURE, async () => {
  const { session, delivered, refused } = setup();
  session.receive(envelope("m", { senderId: CAROL.id }));
  session.receive(encodeUtf8("{"));
  session.receive(encodeUtf8("{}"));
  session.receive(new Uint8Array(0));
  session.receive(envelope("m"));
  await settle();
  assertEquals(refused, [
    "envelope_invalid_field",
    "envelope_malformed",
    "envelope_missing_field",
    "envelope_malformed",
  ]);
  assertEquals(delivered.length, 1, "a refused name does not use up the id");
});

Deno.test(
  "Session.receive() acknowledges a message and its duplicate, not an expired one",
  PURE,
  async () => {
    const { session, counters } = setup();
    session.receive(envelope("m", { requiresAck: true }));
    assertEquals(counters.envelopesSent, 1);
    session.receive(envelope("m", { requiresAck: true, retryCount: 1 }));
    assertEquals(counters.envelopesSent, 2);
    session.receive(envelope("x", { requiresAck: true, expiresAtMs: WALL_MS - 1 }));
    assertEquals(counters.envelopesSent, 2);
    await settle();
  },
);

Deno.test("Session.receive() consumes PING and ACK", PURE, async () => {
  const { session, delivered, counters, delivery } = setup();
  const { messageId } = session.send("RESOURCE_STATUS", {}, { requiresAck: true });
  assertEquals(delivery.pending, 1);
  session.receive(envelope("a", { type: "ACK", correlationId: "nothing of ours" }));
  await settle();
  assertEquals(delivery.pending, 1);
  session.receive(envelope("b", { type: "ACK", correlationId: messageId }));
  session.receive(envelope("c", { type: "PING" }));
  await settle();
  assertEquals([delivery.pending, counters.envelopesSent, delivered], [0, 2, []]);
});
