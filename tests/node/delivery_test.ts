import { assertEquals, assertFalse, assertThrows } from "@std/assert";
import { Delivery, DeliveryError } from "../../src/node/delivery.ts";
import type { Envelope } from "../../src/node/envelope.ts";

const PURE = { permissions: "none" } as const;
const WALL = 1_750_000_000_000;

function envelope(messageId: string, changes: Partial<Envelope> = {}): Envelope {
  return {
    messageId,
    type: "HEARTBEAT",
    senderId: "a",
    recipientId: "b",
    sentAtMs: WALL,
    priority: 1,
    evolutionId: null,
    evolutionType: null,
    agentId: null,
    data: {},
    retryCount: 0,
    maxRetries: 3,
    expiresAtMs: null,
    requiresAck: true,
    correlationId: null,
    ...changes,
  };
}

/** Ticks every `stepMs`; says when each id was resent and when it failed. */
function follow(delivery: Delivery, untilMs: number, stepMs = 100) {
  const resent: (readonly [number, string, number])[] = [];
  const failed: (readonly [number, string])[] = [];
  for (let ms = 0; ms <= untilMs; ms += stepMs) {
    const due = delivery.due(ms, WALL + ms);
    for (const each of due.resend) resent.push([ms, each.messageId, each.retryCount]);
    for (const each of due.failed) failed.push([ms, each.messageId]);
  }
  return { resent, failed };
}

Deno.test("Delivery.receive() delivers once and acknowledges duplicates again", PURE, () => {
  const delivery = new Delivery();
  assertEquals(delivery.receive(envelope("m"), WALL), { verdict: "deliver", acknowledge: true });
  for (let i = 0; i < 3; i++) {
    assertEquals(delivery.receive(envelope("m", { retryCount: i }), WALL), {
      verdict: "duplicate",
      acknowledge: true,
    });
  }
  assertEquals(delivery.receive(envelope("n", { requiresAck: false }), WALL), {
    verdict: "deliver",
    acknowledge: false,
  });
});

Deno.test(
  "Delivery.receive() drops the expired without a word and without remembering them",
  PURE,
  () => {
    const delivery = new Delivery();
    const late = envelope("m", { expiresAtMs: WALL - 1 });
    assertEquals(delivery.receive(late, WALL), { verdict: "expired", acknowledge: false });
    assertEquals(delivery.receive(envelope("m"), WALL).verdict, "deliver");
  },
);

Deno.test("Delivery.receive() takes a message until its expiry, inclusive", PURE, () => {
  const verdict = (wallMs: number) =>
    new Delivery().receive(envelope("m", { expiresAtMs: WALL }), wallMs).verdict;
  assertEquals([WALL - 1, WALL, WALL + 1].map(verdict), ["deliver", "deliver", "expired"]);
});

Deno.test("Delivery.receive() calls a duplicate a duplicate even when it has expired", PURE, () => {
  const delivery = new Delivery();
  delivery.receive(envelope("m", { expiresAtMs: WALL }), WALL);
  assertEquals(delivery.receive(envelope("m", { expiresAtMs: WALL }), WALL + 1), {
    verdict: "duplicate",
    acknowledge: true,
  });
});

Deno.test("Delivery remembers a bounded number of ids and forgets the oldest first", PURE, () => {
  const delivery = new Delivery({ maxSeen: 3, maxPending: 1, retryMs: 1 });
  for (const id of ["a", "b", "c"]) delivery.receive(envelope(id), WALL);
  assertEquals(delivery.receive(envelope("a"), WALL).verdict, "duplicate");
  assertEquals(delivery.receive(envelope("d"), WALL).verdict, "deliver");
  assertEquals(delivery.receive(envelope("b"), WALL).verdict, "duplicate");
  assertEquals(delivery.receive(envelope("a"), WALL).verdict, "deliver", "it was forgotten");
});

Deno.test("Delivery.due() resends after 1, 2 and 4 s with the same id, then gives up", PURE, () => {
  const delivery = new Delivery();
  delivery.send(envelope("m"), 0);
  const { resent, failed } = follow(delivery, 60_000);
  // Each wait counts from the sending before it: 1, 1 + 2, 1 + 2 + 4, and 8 s more for the last ACK.
  assertEquals(resent, [[1_000, "m", 1], [3_000, "m", 2], [7_000, "m", 3]]);
  assertEquals(failed, [[15_000, "m"]]);
  assertEquals(delivery.pending, 0);
});

Deno.test("Delivery.due() honours max_retries", PURE, () => {
  for (
    const [maxRetries, times] of [[0, []], [1, [1_000]], [4, [
      1_000,
      3_000,
      7_000,
      15_000,
    ]]] as const
  ) {
    const delivery = new Delivery();
    delivery.send(envelope("m", { maxRetries }), 0);
    const { resent, failed } = follow(delivery, 60_000);
    assertEquals(resent.map(([ms]) => ms), [...times]);
    assertEquals(failed.length, 1);
  }
});

Deno.test("Delivery.due() is silent once a message is acknowledged", PURE, () => {
  const delivery = new Delivery();
  delivery.send(envelope("m"), 0);
  assertEquals(delivery.due(1_000, WALL).resend.length, 1);
  assertEquals(delivery.acknowledge("m"), true);
  assertFalse(delivery.acknowledge("m"));
  assertFalse(delivery.acknowledge("never sent"));
  assertEquals(follow(delivery, 60_000), { resent: [], failed: [] });
});

Deno.test("Delivery.due() gives up what has expired instead of resending it", PURE, () => {
  const delivery = new Delivery();
  delivery.send(envelope("m", { expiresAtMs: WALL + 2_000 }), 0);
  const { resent, failed } = follow(delivery, 60_000);
  assertEquals(resent, [[1_000, "m", 1]]);
  assertEquals(failed, [[3_000, "m"]]);
});

Deno.test("Delivery.send() keeps only what wants an ACK, and no more than its cap", PURE, () => {
  const delivery = new Delivery();
  for (let i = 0; i < 1_000; i++) delivery.send(envelope(`n${i}`, { requiresAck: false }), 0);
  assertEquals(delivery.pending, 0);
  for (let i = 0; i < 256; i++) delivery.send(envelope(`m${i}`), 0);
  const error = assertThrows(() => delivery.send(envelope("m256"), 0), DeliveryError);
  assertEquals([error.code, delivery.pending], ["too_many_pending", 256]);
  delivery.acknowledge("m0");
  delivery.send(envelope("m256"), 0);
  assertEquals(delivery.pending, 256);
});
