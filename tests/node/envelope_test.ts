import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeUtf8, encodeUtf8 } from "../../src/base/bytes.ts";
import {
  decodeEnvelope,
  encodeEnvelope,
  type Envelope,
  EnvelopeError,
  MESSAGE_TYPES,
} from "../../src/node/envelope.ts";
import { hostileJson, pollution } from "../testing/mutate.ts";

const PURE = { permissions: "none" } as const;

const FULL: Envelope = Object.freeze({
  messageId: "3f0c8a54-0000-4000-8000-000000000001",
  type: "EVOLUTION_START",
  senderId: "sender",
  recipientId: "recipient",
  sentAtMs: 1_750_000_000_125,
  priority: 3,
  evolutionId: "evolution-1",
  evolutionType: "nightly",
  agentId: "agent-1",
  data: { a: [1, { b: null }], "ключ": "значение" },
  retryCount: 2,
  maxRetries: 5,
  expiresAtMs: 1_750_000_060_500,
  requiresAck: true,
  correlationId: "correlated",
});

/** FULL by hand, in LEGACY's keys. */
const FULL_JSON = {
  message_id: "3f0c8a54-0000-4000-8000-000000000001",
  type: "EVOLUTION_START",
  sender_id: "sender",
  recipient_id: "recipient",
  timestamp: 1_750_000_000.125,
  priority: 3,
  evolution_id: "evolution-1",
  evolution_type: "nightly",
  agent_id: "agent-1",
  data: { a: [1, { b: null }], "ключ": "значение" },
  retry_count: 2,
  max_retries: 5,
  expiry_time: 1_750_000_060.5,
  requires_ack: true,
  correlation_id: "correlated",
};

const LEAST = { message_id: "m", type: "PING", sender_id: "s" };

function decode(value: unknown): Envelope {
  return decodeEnvelope(encodeUtf8(hostileJson(value)));
}

function code(value: unknown): string {
  return assertThrows(() => decode(value), EnvelopeError).code;
}

Deno.test("encodeEnvelope() spells LEGACY's keys", PURE, () => {
  assertEquals(JSON.parse(decodeUtf8(encodeEnvelope(FULL))), FULL_JSON);
  const bare: Envelope = {
    ...FULL,
    recipientId: null,
    evolutionId: null,
    evolutionType: null,
    agentId: null,
    expiresAtMs: null,
    correlationId: null,
    data: {},
  };
  assertEquals(JSON.parse(decodeUtf8(encodeEnvelope(bare))), {
    ...FULL_JSON,
    recipient_id: null,
    evolution_id: null,
    evolution_type: null,
    agent_id: null,
    expiry_time: null,
    correlation_id: null,
    data: {},
  });
});

Deno.test("decodeEnvelope() reads LEGACY's keys", PURE, () => {
  assertEquals(decode(FULL_JSON), FULL);
});

Deno.test("decodeEnvelope() round-trips every type and priority", PURE, () => {
  for (const type of MESSAGE_TYPES) {
    for (const priority of [0, 1, 2, 3] as const) {
      const envelope = { ...FULL, type, priority };
      assertEquals(decodeEnvelope(encodeEnvelope(envelope)), envelope);
    }
  }
});

Deno.test("MESSAGE_TYPES are LEGACY's, and one that members alone send", PURE, () => {
  const evolution = "START PROGRESS COMPLETE REQUEST_HELP OFFER_HELP ACCEPT_HELP DECLINE_HELP " +
    "PROPOSAL VOTE CONSENSUS METRICS_SHARE RESULTS_SHARE KNOWLEDGE_SHARE";
  assertEquals(
    [...MESSAGE_TYPES].sort(),
    [
      ..."PING PONG HEARTBEAT ERROR ACK".split(" "),
      ..."DISCOVERY INTRODUCTION ANNOUNCEMENT GOODBYE".split(" ").map((name) => `PEER_${name}`),
      ...evolution.split(" ").map((name) => `EVOLUTION_${name}`),
      ..."STATUS REQUEST ALLOCATION".split(" ").map((name) => `RESOURCE_${name}`),
      "NETWORK_STATE",
    ].sort(),
  );
});

Deno.test("decodeEnvelope() takes LEGACY's defaults for what is absent", PURE, () => {
  assertEquals(decode(LEAST), {
    messageId: "m",
    type: "PING",
    senderId: "s",
    recipientId: null,
    sentAtMs: 0,
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
  });
});

Deno.test("decodeEnvelope() takes null where LEGACY sends null", PURE, () => {
  const nulls = Object.fromEntries(
    [
      "recipient_id",
      "evolution_id",
      "evolution_type",
      "agent_id",
      "expiry_time",
      "correlation_id",
      "data",
    ]
      .map((key) => [key, null]),
  );
  assertEquals(decode({ ...LEAST, ...nulls }), decode(LEAST));
});

Deno.test("decodeEnvelope() names what is missing", PURE, () => {
  for (const key of ["message_id", "type", "sender_id"]) {
    const { [key]: _, ...rest } = LEAST as Record<string, string>;
    const error = assertThrows(() => decode(rest), EnvelopeError);
    assertEquals(error.code, "missing_field");
    assert(error.message.includes(key), error.message);
  }
});

Deno.test("decodeEnvelope() refuses hostile fields", PURE, () => {
  const texts = ["", "a".repeat(129), "a\n", "\u0000", "\ud800", 1, true, [], {}];
  const numbers = [-1, 1e308, Infinity, NaN, "1", true, [], {}];
  const hostile: readonly (readonly [string, readonly unknown[]])[] = [
    ["message_id", [...texts, null, "a".repeat(60_000)]],
    ["sender_id", [...texts, null]],
    ["recipient_id", texts],
    ["evolution_id", texts],
    ["agent_id", texts],
    ["correlation_id", texts],
    ["type", ["", "ping", "NOPE", "__proto__", null, 1, [], {}]],
    ["evolution_type", ["", "daily", 1, [], {}]],
    ["timestamp", [...numbers, null, 1e11 + 1]],
    ["expiry_time", [...numbers, 1e11 + 1]],
    ["priority", [...numbers, null, 4, 0.5]],
    ["retry_count", [...numbers, null, 11, 0.5]],
    ["max_retries", [...numbers, null, 11, 0.5]],
    ["requires_ack", [0, 1, "true", null, [], {}]],
    ["data", [[], "x", 1, true]],
  ];
  for (const [key, values] of hostile) {
    for (const value of values) {
      assertEquals(code({ ...LEAST, [key]: value }), "invalid_field", `${key} ${value}`);
    }
  }
});

Deno.test("decodeEnvelope() takes ids of 128 characters", PURE, () => {
  assertEquals(decode({ ...LEAST, message_id: "a".repeat(128) }).messageId.length, 128);
});

Deno.test("decodeEnvelope() refuses what is no JSON object in UTF-8", PURE, () => {
  const payloads = [
    new Uint8Array(0),
    encodeUtf8("{"),
    encodeUtf8("\ufeff{}"),
    Uint8Array.of(0x7b, 0xff, 0x7d),
    encodeUtf8("[".repeat(60_000)),
    encodeUtf8('{"data":'.repeat(2_000) + "{}" + "}".repeat(2_000)),
  ];
  for (const payload of payloads) {
    assertEquals(assertThrows(() => decodeEnvelope(payload), EnvelopeError).code, "malformed");
  }
  for (const value of [[], null, "x", 1]) assertThrows(() => decode(value), EnvelopeError);
});

Deno.test("decodeEnvelope() refuses truncation at every byte and garbage behind", PURE, () => {
  const bytes = encodeEnvelope(FULL);
  for (let length = 0; length < bytes.length; length++) {
    assertThrows(() => decodeEnvelope(bytes.slice(0, length)), EnvelopeError);
  }
  assertThrows(() => decodeEnvelope(encodeUtf8(decodeUtf8(bytes) + "}")), EnvelopeError);
});

Deno.test("decodeEnvelope() takes 16 levels and refuses 17", PURE, () => {
  // The envelope and its data are two of them.
  const nested = (levels: number): unknown => levels === 0 ? 1 : { a: nested(levels - 1) };
  assert(decode({ ...LEAST, data: nested(15) }));
  assertEquals(code({ ...LEAST, data: nested(16) }), "malformed");
});

Deno.test("decodeEnvelope() ignores prototype keys", PURE, () => {
  const bytes = encodeUtf8(
    '{"message_id":"m","type":"PING","sender_id":"s","__proto__":{"polluted":1,"priority":3},' +
      '"data":{"__proto__":{"polluted":1}}}',
  );
  assertEquals(decodeEnvelope(bytes).priority, 1);
  assertEquals(pollution(), []);
  const inherited = encodeUtf8('{"__proto__":{"message_id":"m","type":"PING","sender_id":"s"}}');
  assertEquals(
    assertThrows(() => decodeEnvelope(inherited), EnvelopeError).code,
    "missing_field",
  );
});

Deno.test("encodeEnvelope() refuses what no record can carry", PURE, () => {
  const overhead = encodeEnvelope({ ...FULL, data: { text: "" } }).length;
  const fits = { ...FULL, data: { text: "a".repeat(65_511 - overhead) } };
  assertEquals(encodeEnvelope(fits).length, 65_511);
  const tooLong = { ...FULL, data: { text: "a".repeat(65_512 - overhead) } };
  assertThrows(() => encodeEnvelope(tooLong), RangeError);
});
