import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { ed25519 } from "@noble/curves/ed25519.js";
import { type Bytes, decodeUtf8, encodeBase64Url, encodeUtf8 } from "../../src/base/bytes.ts";
import type { JsonObject } from "../../src/base/guards.ts";
import { type PeerId, peerIdOf } from "../../src/base/peer_id.ts";
import { DEFAULT_CAPABILITIES } from "../../src/discovery/capabilities.ts";
import {
  DiscoveryError,
  encodeMessage,
  nonceText,
  parseMessage,
  readReply,
  readRequest,
  typeOf,
  writeError,
  writeReply,
  writeRequest,
} from "../../src/discovery/message.ts";
import { signedBytes } from "../../src/discovery/signature.ts";
import { nativePrimitives } from "../../src/noise/native.ts";
import { noblePrimitives } from "../../src/noise/noble.ts";
import { naiveCanonical } from "../testing/canonical.ts";
import { ALICE, BOB, describe, LAPTOP, PRIMITIVES, WALL_MS } from "../testing/identities.ts";

const PURE = { permissions: "none" } as const;

const NONCE = nonceText(Uint8Array.from({ length: 16 }, (_, i) => i));
const OTHER_NONCE = nonceText(new Uint8Array(16));
const REPLY_OPTIONS = { verify: PRIMITIVES.verify, nonce: NONCE, wallMs: WALL_MS };
const VERIFY = { verify: PRIMITIVES.verify, wallMs: WALL_MS };

function request(wallMs = WALL_MS): JsonObject {
  return writeRequest(describe(ALICE, LAPTOP), ALICE.signing, { nonce: NONCE, wallMs });
}

function reply(replyTo: string | undefined = NONCE, wallMs = WALL_MS): JsonObject {
  return writeReply(describe(ALICE, LAPTOP), ALICE.signing, { replyTo, wallMs });
}

function wire(message: JsonObject): JsonObject {
  return parseMessage(encodeMessage(message));
}

/** `message` with `changes`, signed anew by Alice. */
function resigned(message: JsonObject, changes: JsonObject): JsonObject {
  const { signature: _, ...rest } = { ...message, ...changes };
  const signature = ALICE.signing.sign(encodeUtf8(naiveCanonical(rest)));
  return { ...rest, signature: encodeBase64Url(signature) };
}

function requestError(message: JsonObject, wallMs = WALL_MS): string {
  return assertThrows(() => readRequest(message, { ...VERIFY, wallMs }), DiscoveryError).code;
}

function replyError(message: JsonObject, nonce = NONCE): string {
  return assertThrows(
    () => readReply(message, { ...REPLY_OPTIONS, nonce }),
    DiscoveryError,
  ).code;
}

Deno.test("signedBytes() gives RFC 8785 section 3.2.4's sample bytes", PURE, () => {
  const sample = JSON.parse(String.raw`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  }`);
  assertEquals(
    signedBytes(sample).toHex(),
    "7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c226e756d62657273223a5b" +
      "3333333333333333332e333333333333332c31652b33302c342e352c302e3030322c31652d32375d2c" +
      "22737472696e67223a22e282ac245c75303030665c6e4127425c225c5c5c5c5c222f227d",
  );
});

Deno.test("signedBytes() sorts as RFC 8785 section 3.2.3 does", PURE, () => {
  const sample = {
    "\u20ac": "Euro Sign",
    "\r": "Carriage Return",
    "\ufb33": "Hebrew Letter Dalet With Dagesh",
    "1": "One",
    "\u{1f600}": "Emoji: Grinning Face",
    "\u0080": "Control",
    "\u00f6": "Latin Small Letter O With Diaeresis",
  };
  const values = Object.values(JSON.parse(decodeUtf8(signedBytes(sample))));
  // JSON.parse puts the integer key first; the text itself keeps the order.
  assertEquals(values.length, 7);
  assertEquals(
    [...decodeUtf8(signedBytes(sample)).matchAll(/:"([^"]+)"/g)].map((match) => match[1]),
    [
      "Carriage Return",
      "One",
      "Control",
      "Latin Small Letter O With Diaeresis",
      "Euro Sign",
      "Emoji: Grinning Face",
      "Hebrew Letter Dalet With Dagesh",
    ],
  );
});

Deno.test("signedBytes() writes RFC 8785 appendix B's numbers", PURE, () => {
  const samples: readonly (readonly [string, string])[] = [
    ["0000000000000000", "0"],
    ["8000000000000000", "0"],
    ["0000000000000001", "5e-324"],
    ["8000000000000001", "-5e-324"],
    ["7fefffffffffffff", "1.7976931348623157e+308"],
    ["ffefffffffffffff", "-1.7976931348623157e+308"],
    ["4340000000000000", "9007199254740992"],
    ["c340000000000000", "-9007199254740992"],
    ["4430000000000000", "295147905179352830000"],
    ["44b52d02c7e14af5", "9.999999999999997e+22"],
    ["44b52d02c7e14af6", "1e+23"],
    ["44b52d02c7e14af7", "1.0000000000000001e+23"],
    ["444b1ae4d6e2ef4e", "999999999999999700000"],
    ["444b1ae4d6e2ef4f", "999999999999999900000"],
    ["444b1ae4d6e2ef50", "1e+21"],
    ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
    ["3eb0c6f7a0b5ed8d", "0.000001"],
    ["41b3de4355555553", "333333333.3333332"],
    ["41b3de4355555554", "333333333.33333325"],
    ["41b3de4355555555", "333333333.3333333"],
    ["41b3de4355555556", "333333333.3333334"],
    ["41b3de4355555557", "333333333.33333343"],
    ["becbf647612f3696", "-0.0000033333333333333333"],
    ["43143ff3c1cb0959", "1424953923781206.2"],
  ];
  for (const [bits, text] of samples) {
    const number = new DataView(Uint8Array.fromHex(bits).buffer).getFloat64(0);
    assertEquals(decodeUtf8(signedBytes({ n: number })), `{"n":${text}}`);
    assertEquals(naiveCanonical({ n: number }), `{"n":${text}}`);
  }
});

Deno.test(
  "signedBytes() agrees with a naive canonicaliser and leaves the signature out",
  PURE,
  () => {
    const messages: readonly JsonObject[] = [
      request(),
      reply(),
      JSON.parse('{"__proto__":{"b":1,"a":2},"a":[{"z":1,"y":[]},{}],"":0,"signature":"s"}'),
      JSON.parse('{"toJSON":"x","constructor":null,"10":1,"9":2,"a":{"signature":"kept"}}'),
    ];
    for (const message of messages) {
      const { signature: _, ...rest } = message;
      assertEquals(decodeUtf8(signedBytes(message)), naiveCanonical(rest));
    }
  },
);

Deno.test("writeRequest() spells a 1.1 request", PURE, () => {
  const { signature, ...rest } = request();
  assertEquals(rest, {
    type: "PEER_DISCOVERY",
    sender_id: "25njqamcweflpvkl73j4szahhihoc4xt3ktcgjnpaingr5yhkena",
    sender_port: 9000,
    timestamp: WALL_MS / 1000,
    capabilities: {
      device_id: ALICE.id,
      cpu_cores: 8,
      ram_mb: 16_384,
      cpu_percent: 12.5,
      memory_percent: 40,
      battery_percent: 77,
      network_type: "wifi",
      device_type: "laptop",
      performance_tier: "premium",
      thermal_state: "warm",
      can_evolve: true,
      evolution_capacity: 0.75,
      available_for_evolution: true,
      current_evolution_load: 0.25,
    },
    protocols: ["json/1.0", "json/1.1", "sealed/1"],
    public_key: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    nonce: "AAECAwQFBgcICQoLDA0ODw",
  });
  assertEquals(typeof signature, "string");
});

Deno.test("writeRequest() signs what noble verifies over the naive canonical text", PURE, () => {
  const { signature, ...rest } = request();
  const bytes = Uint8Array.fromBase64(String(signature), { alphabet: "base64url" });
  assertEquals(bytes.length, 64);
  const text = new TextEncoder().encode(naiveCanonical(rest));
  assert(ed25519.verify(bytes, text, ALICE.signing.publicKey));
});

Deno.test("writeReply() spells both ids for an old node and signs nothing", PURE, () => {
  const plain = writeReply(describe(ALICE, DEFAULT_CAPABILITIES), ALICE.signing, {
    replyTo: undefined,
    wallMs: WALL_MS,
  });
  const { capabilities, ...rest } = plain;
  assertEquals(rest, {
    type: "PEER_DISCOVERY_RESPONSE",
    sender_id: ALICE.id,
    node_id: ALICE.id,
    listen_port: 9000,
    status: "active",
    protocol_version: "1.0",
    protocols: ["json/1.0", "json/1.1", "sealed/1"],
    public_key: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
  });
  assert(typeof capabilities === "object" && capabilities !== null);
});

Deno.test("writeReply() signs the request's nonce back", PURE, () => {
  const { signature, ...rest } = reply();
  assertEquals(rest["reply_to"], NONCE);
  assertEquals(rest["protocol_version"], "1.1");
  assertEquals(rest["timestamp"], WALL_MS / 1000);
  const bytes = Uint8Array.fromBase64(String(signature), { alphabet: "base64url" });
  const text = new TextEncoder().encode(naiveCanonical(rest));
  assert(ed25519.verify(bytes, text, ALICE.signing.publicKey));
});

Deno.test("writeReply() is one JSON object under 1,200 bytes, whatever its numbers", PURE, () => {
  const long = {
    ...LAPTOP,
    cpuCores: 4096,
    ramMb: 1_073_741_823.1234567,
    cpuPercent: 99.12345678901234,
    memoryPercent: 99.12345678901234,
    batteryPercent: 99.12345678901234,
    networkType: "ethernet",
    thermalState: "throttling",
    canEvolve: false,
    availableForEvolution: false,
    evolutionCapacity: 0.12345678901234567,
    evolutionLoad: 0.12345678901234567,
  } as const;
  const self = {
    ...describe(ALICE, long),
    listenPort: 65_535,
    status: "resource_constrained" as const,
  };
  for (const replyTo of [NONCE, undefined]) {
    const bytes = encodeMessage(
      writeReply(self, ALICE.signing, { replyTo, wallMs: WALL_MS + 0.123 }),
    );
    assert(bytes.length + 4 < 1_200, `${bytes.length}`);
    assertEquals([bytes[0], bytes[bytes.length - 1]], [0x7b, 0x7d]);
  }
});

Deno.test("writeError() names no sender", PURE, () => {
  assertEquals(writeError("rate_limited", "Too fast", { retry_after_ms: 50 }), {
    type: "ERROR",
    code: "rate_limited",
    message: "Too fast",
    retry_after_ms: 50,
  });
});

Deno.test("readRequest() authenticates its own kind", PURE, () => {
  const { peer, nonce } = readRequest(wire(request()), VERIFY);
  assertEquals(nonce, NONCE);
  assertEquals(peer, {
    id: ALICE.id,
    trust: "authenticated",
    listenPort: 9000,
    capabilities: { ...LAPTOP, evolutionLoad: 0 },
    speaksSealed: true,
    signedAtMs: WALL_MS,
  });
});

Deno.test("readRequest() takes an old node's request as unverified", PURE, () => {
  const old = {
    type: "PEER_DISCOVERY",
    sender_id: "python-node",
    sender_port: 9001,
    timestamp: 1_750_000_000.25,
    capabilities: {},
  };
  assertEquals(readRequest(old, VERIFY), {
    peer: {
      id: "python-node",
      trust: "unverified",
      listenPort: 9001,
      capabilities: DEFAULT_CAPABILITIES,
      speaksSealed: false,
      signedAtMs: 0,
    },
    nonce: undefined,
  });
});

Deno.test("readRequest() names nobody without sender_id", PURE, () => {
  assertEquals(readRequest({ type: "PEER_DISCOVERY" }, VERIFY).peer, undefined);
});

Deno.test("readRequest() never authenticates without a signature", PURE, () => {
  const { signature: _, ...rest } = request();
  assertEquals(readRequest(rest, VERIFY).peer?.trust, "unverified");
});

Deno.test("readRequest() refuses every tampered field", PURE, () => {
  const honest = wire(request());
  const tampered: readonly (readonly [string, JsonObject, string])[] = [
    ["type", { type: "PEER_DISCOVERY_RESPONSE" }, "bad_signature"],
    ["sender_port", { sender_port: 9001 }, "bad_signature"],
    ["timestamp", { timestamp: WALL_MS / 1000 + 1 }, "bad_signature"],
    ["timestamp as text", { timestamp: "now" }, "invalid_field"],
    ["capabilities", { capabilities: {} }, "bad_signature"],
    [
      "one capability",
      { capabilities: { ...(honest["capabilities"] as JsonObject), ram_mb: 16_385 } },
      "bad_signature",
    ],
    ["protocols", { protocols: ["sealed/1"] }, "bad_signature"],
    ["nonce", { nonce: OTHER_NONCE }, "bad_signature"],
    ["an extra key", { extra: 1 }, "bad_signature"],
    ["sender_id", { sender_id: BOB.id }, "identity_mismatch"],
    ["sender_id of an old node", { sender_id: "old" }, "identity_mismatch"],
    ["public_key", { public_key: encodeBase64Url(BOB.signing.publicKey) }, "identity_mismatch"],
    ["public_key cut", { public_key: "AAAA" }, "invalid_field"],
    ["signature", { signature: encodeBase64Url(new Uint8Array(64)) }, "bad_signature"],
    ["signature cut", { signature: "AAAA" }, "invalid_field"],
    ["signature null", { signature: null }, "invalid_field"],
    ["signature empty", { signature: "" }, "invalid_field"],
    ["signature padded", { signature: `${honest["signature"]}==` }, "invalid_field"],
  ];
  for (const [what, change, code] of tampered) {
    assertEquals(requestError({ ...honest, ...change }), code, what);
  }
  for (const key of Object.keys(honest)) {
    if (key === "signature") continue;
    const { [key]: _, ...rest } = honest;
    const code = requestError(rest);
    const codes = ["bad_signature", "missing_field", "stale_timestamp"];
    assert(codes.includes(code), `without ${key}: ${code}`);
  }
});

Deno.test("readRequest() refuses each single flipped bit of a signature", PURE, () => {
  const honest = request();
  const bytes = Uint8Array.fromBase64(String(honest["signature"]), { alphabet: "base64url" });
  for (let bit = 0; bit < 512; bit++) {
    const forged = bytes.slice();
    forged[bit >>> 3] = (forged[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
    assertEquals(requestError({ ...honest, signature: encodeBase64Url(forged) }), "bad_signature");
  }
});

Deno.test("readRequest() refuses another's key under one's own signature", PURE, () => {
  const stolen = resigned(request(), { sender_id: BOB.id });
  assertEquals(requestError(stolen), "identity_mismatch");
  const key = encodeBase64Url(BOB.signing.publicKey);
  assertEquals(requestError(resigned(stolen, { public_key: key })), "bad_signature");
});

Deno.test("readRequest() accepts a signed timestamp within 300 s of our clock", PURE, () => {
  for (const offset of [-300_000, -299_999, 0, 299_999, 300_000]) {
    assertEquals(readRequest(request(WALL_MS + offset), VERIFY).peer?.trust, "authenticated");
  }
  for (const offset of [-300_001, 300_001, -WALL_MS, 1e12]) {
    assertEquals(requestError(request(WALL_MS + offset)), "stale_timestamp");
  }
});

Deno.test("readRequest() wants a nonce and an id with a signature", PURE, () => {
  const { nonce: _, ...unasked } = request();
  assertEquals(requestError(resigned(unasked, {})), "missing_field");
  const { sender_id: __, ...nameless } = request();
  assertEquals(requestError(resigned(nameless, {})), "missing_field");
});

Deno.test("readRequest() bounds ids and keeps control characters out", PURE, () => {
  const named = (id: unknown) => ({ type: "PEER_DISCOVERY", sender_id: id });
  assertEquals(readRequest(named("a".repeat(128)), VERIFY).peer?.id.length, 128);
  const bad: readonly unknown[] = [
    "",
    "a".repeat(129),
    "a".repeat(524_288),
    "a\nb",
    "a\u0000",
    "\u001b[31m",
    "\u202eevil",
    "\u200b",
    "\ufeffa",
    "\ud800",
    null,
    7,
    [],
    {},
    true,
  ];
  for (const id of bad) assertEquals(requestError(named(id)), "invalid_field");
});

Deno.test("readRequest() refuses hostile members by name", PURE, () => {
  const bad: readonly (readonly [string, unknown])[] = [
    ...[0, -1, 65_536, 1.5, NaN, Infinity, 1e308, "9000", null, [], {}].map(
      (port) => ["sender_port", port] as const,
    ),
    ...[-1, 1e11 + 1, NaN, Infinity, 1e308, "x", null, [], {}].map(
      (time) => ["timestamp", time] as const,
    ),
    ...[null, [], "x", 1, true].map((capabilities) => ["capabilities", capabilities] as const),
    ...[null, {}, "sealed/1", [1], [null], Array(17).fill("a"), ["a".repeat(33)]].map(
      (protocols) => ["protocols", protocols] as const,
    ),
    ...["", "short", "A".repeat(22) + "=", "!".repeat(22), 1, null].map(
      (nonce) => ["nonce", nonce] as const,
    ),
  ];
  for (const [key, value] of bad) {
    const message = { type: "PEER_DISCOVERY", sender_id: "x", [key]: value };
    const error = assertThrows(() => readRequest(message, VERIFY), DiscoveryError);
    assertEquals(error.code, "invalid_field", `${key} ${JSON.stringify(value)}`);
    assert(error.message.includes(key), error.message);
  }
});

Deno.test("readReply() authenticates a reply that signs our nonce back", PURE, () => {
  const peer = readReply(wire(reply()), REPLY_OPTIONS);
  assertEquals([peer.id, peer.trust, peer.listenPort, peer.speaksSealed, peer.signedAtMs], [
    ALICE.id,
    "authenticated",
    9000,
    true,
    WALL_MS,
  ]);
});

Deno.test("readReply() refuses a recorded reply, or one that names no nonce", PURE, () => {
  assertEquals(replyError(reply(OTHER_NONCE)), "bad_signature");
  assertEquals(replyError(reply(), OTHER_NONCE), "bad_signature");
  const { reply_to: _, ...rest } = reply();
  assertEquals(replyError(resigned(rest, {})), "bad_signature");
  for (const bad of [null, 1, "", [NONCE], {}]) {
    assertEquals(replyError(resigned(reply(), { reply_to: bad })), "bad_signature");
  }
});

Deno.test("readReply() refuses every tampered field", PURE, () => {
  const honest = reply();
  const tampered: readonly (readonly [JsonObject, string])[] = [
    [{ listen_port: 1 }, "bad_signature"],
    [{ capabilities: {} }, "bad_signature"],
    [{ timestamp: 1 }, "bad_signature"],
    [{ protocols: [] }, "bad_signature"],
    [{ extra: [] }, "bad_signature"],
    [{ node_id: BOB.id }, "identity_mismatch"],
    [{ sender_id: BOB.id }, "identity_mismatch"],
    [{ node_id: BOB.id, sender_id: BOB.id }, "identity_mismatch"],
    [{ public_key: encodeBase64Url(BOB.signing.publicKey) }, "identity_mismatch"],
  ];
  for (const [change, code] of tampered) {
    const seen = assertThrows(
      () => readReply({ ...honest, ...change }, REPLY_OPTIONS),
      DiscoveryError,
    ).code;
    assert([code, "stale_timestamp"].includes(seen), `${JSON.stringify(change)}: ${seen}`);
  }
});

Deno.test("readReply() takes an old server's reply, which has only node_id", PURE, () => {
  const peer = readReply({
    type: "PEER_DISCOVERY_RESPONSE",
    node_id: "python-node",
    listen_port: 9001,
    capabilities: { cpu_cores: 4, ram_mb: 8192 },
    status: "active",
    protocol_version: "1.0",
  }, REPLY_OPTIONS);
  assertEquals([peer.id, peer.trust, peer.listenPort], ["python-node", "unverified", 9001]);
  assertEquals([peer.capabilities.cpuCores, peer.capabilities.ramMb], [4, 8192]);
  assertFalse(peer.speaksSealed);
});

Deno.test("readReply() refuses a reply without an id or with two", PURE, () => {
  const type = "PEER_DISCOVERY_RESPONSE";
  assertEquals(replyError({ type }), "missing_field");
  assertEquals(replyError({ type, node_id: "a", sender_id: "b" }), "identity_mismatch");
  assertEquals(replyError({ type, node_id: "a".repeat(129) }), "invalid_field");
  assertEquals(replyError({ type, node_id: "a", capabilities: null }), "invalid_field");
});

Deno.test("parseMessage() refuses what is not one shallow JSON object in UTF-8", PURE, () => {
  const deep = (levels: number) => '{"a":'.repeat(levels) + "1" + "}".repeat(levels);
  assertEquals(parseMessage(encodeUtf8(deep(8))) !== undefined, true);
  const utf16 = Uint8Array.from([...'{"a":1}'].flatMap((letter) => [letter.charCodeAt(0), 0]));
  const bad: readonly Bytes[] = [
    encodeUtf8(""),
    encodeUtf8(" "),
    encodeUtf8("[]"),
    encodeUtf8("null"),
    encodeUtf8('"text"'),
    encodeUtf8("1"),
    encodeUtf8("{"),
    encodeUtf8("{}{}"),
    encodeUtf8("{} x"),
    encodeUtf8("{'a':1}"),
    encodeUtf8('{"a":NaN}'),
    encodeUtf8('{"a":Infinity}'),
    encodeUtf8("\ufeff{}"),
    encodeUtf8(deep(9)),
    encodeUtf8(" ".repeat(3) + "[".repeat(60_000)),
    encodeUtf8(deep(10_000)),
    utf16,
    Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d),
    Uint8Array.of(0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d),
    Uint8Array.of(0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x3a, 0x31, 0x7d),
  ];
  for (const payload of bad) {
    const error = assertThrows(() => parseMessage(payload), DiscoveryError);
    assertEquals(error.code, "malformed_json");
  }
});

Deno.test("parseMessage() refuses an honest request cut at any byte", PURE, () => {
  const bytes = encodeMessage(request());
  for (let length = 0; length < bytes.length; length++) {
    assertThrows(() => parseMessage(bytes.subarray(0, length)), DiscoveryError);
  }
  assertThrows(() => parseMessage(encodeUtf8(decodeUtf8(bytes) + "x")), DiscoveryError);
});

Deno.test("typeOf() wants a printable type", PURE, () => {
  assertEquals(typeOf({ type: "X" }), "X");
  for (const message of [{}, { type: null }, { type: 1 }, { type: "" }, { type: "a\n" }]) {
    assertThrows(() => typeOf(message), DiscoveryError);
  }
});

Deno.test(
  "readRequest() answers a number beyond range in a signed message with its own error",
  PURE,
  () => {
    const message = JSON.parse(
      JSON.stringify({ ...request(), extra: 0 }).replace('"extra":0', '"extra":1e999'),
    );
    assertThrows(() => readRequest(message, VERIFY), DiscoveryError);
  },
);

Deno.test(
  "readRequest() answers a lone surrogate in a signed message with its own error",
  PURE,
  () => {
    assertThrows(() => readRequest({ ...request(), extra: "\ud800" }, VERIFY), DiscoveryError);
    assertThrows(() => readRequest({ ...request(), "\udfff": 1 }, VERIFY), DiscoveryError);
  },
);

Deno.test("readReply() refuses a signed timestamp more than 300 s from our clock", PURE, () => {
  assertThrows(() => readReply(reply(NONCE, 1e14), REPLY_OPTIONS), DiscoveryError);
});

Deno.test("readReply() refuses what is not a reply", PURE, () => {
  for (const type of ["PEER_DISCOVERY", "HELLO", 1, null]) {
    assertThrows(
      () => readReply({ type, node_id: "x" }, REPLY_OPTIONS),
      DiscoveryError,
    );
  }
});

/** The neutral point is of order 1: a signature with R = sB verifies over every message. */
Deno.test("readRequest() refuses a small-order public key, for which anyone can sign", PURE, () => {
  const publicKey: Bytes = new Uint8Array(32);
  publicKey[0] = 1;
  const id: PeerId = peerIdOf(publicKey);
  const signature = new Uint8Array(64);
  signature.set(ed25519.Point.BASE.multiply(5n).toBytes());
  signature[32] = 5;
  const forged = {
    type: "PEER_DISCOVERY",
    sender_id: id,
    timestamp: WALL_MS / 1000,
    nonce: NONCE,
    public_key: encodeBase64Url(publicKey),
    signature: encodeBase64Url(signature),
  };
  for (const { verify } of [noblePrimitives, PRIMITIVES, nativePrimitives]) {
    assertThrows(() => readRequest(forged, { verify, wallMs: WALL_MS }), DiscoveryError);
  }
});
