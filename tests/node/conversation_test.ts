import { assert, assertEquals, assertFalse } from "@std/assert";
import { type Bytes, concatBytes, encodeUtf8 } from "../../src/base/bytes.ts";
import { seededRandom } from "../../src/base/random.ts";
import { nonceText, writeReply, writeRequest } from "../../src/discovery/message.ts";
import { InitiatorHello, ResponderHello } from "../../src/noise/hello.ts";
import { RecordSealer } from "../../src/noise/record.ts";
import { encodeIntroduction } from "../../src/node/introduction.ts";
import type { LocalNode } from "../../src/node/local_node.ts";
import {
  ALICE,
  BOB,
  CAROL,
  describe,
  identityOf,
  localNode,
  PRIMITIVES,
  WALL_MS,
} from "../testing/identities.ts";
import { framed, framesIn, jsonFrames, Party, pump, randomSizes } from "../testing/pump.ts";

const PURE = { permissions: "none" } as const;
const NONCE = nonceText(new Uint8Array(16));
const OLD_REQUEST = {
  type: "PEER_DISCOVERY",
  sender_id: "python-node",
  sender_port: 9001,
  timestamp: 1_750_000_000,
  capabilities: {},
};
const OLD_REPLY = {
  type: "PEER_DISCOVERY_RESPONSE",
  node_id: "python-node",
  listen_port: 9001,
  capabilities: {},
  status: "active",
  protocol_version: "1.0",
};

function listener(local: LocalNode = localNode(ALICE), nowMs = 0): Party {
  return new Party({ local, nowMs });
}

function dialer(
  approach: "ask" | "ask_then_seal" | "seal" = "seal",
  local: LocalNode = localNode(BOB),
): Party {
  return new Party({ local, approach });
}

function signedRequest(identity = BOB) {
  return writeRequest(describe(identity), identity.signing, { nonce: NONCE, wallMs: WALL_MS });
}

/** A listener and a dialer in one session, and nothing on the way. */
function session() {
  const a = listener();
  const b = dialer();
  pump(b, a);
  assertEquals([a.conversation.phase, b.conversation.phase], ["sealed", "sealed"]);
  return { a, b };
}

/** A stranger's side of a handshake, in its own hands. */
function stranger(identity = BOB, versions = { min: 1, max: 1 }) {
  return new InitiatorHello({ primitives: PRIMITIVES, s: identity.dh, versions });
}

function introductionOf(identity = BOB, version = 1): Bytes {
  return encodeIntroduction({ ...localNode(identity).introduce(version) });
}

Deno.test(
  "Conversation answers a 1.0 request with one whole frame and registers its sender",
  PURE,
  () => {
    const a = listener();
    a.json(OLD_REQUEST);
    const bytes = a.take();
    assert(bytes.length < 1_200);
    const [reply, ...more] = jsonFrames(bytes);
    assertEquals(more, []);
    assertEquals([reply?.["sender_id"], reply?.["node_id"]], [ALICE.id, ALICE.id]);
    assertEquals(a.discovered.map(({ id, trust }) => [id, trust]), [["python-node", "unverified"]]);
    assertEquals(a.conversation.phase, "plain");
  },
);

Deno.test(
  "Conversation serves many JSON frames on one connection, two in one segment",
  PURE,
  () => {
    const a = listener();
    const request = encodeUtf8(JSON.stringify(OLD_REQUEST));
    a.feed(framed(request, request));
    assertEquals(jsonFrames(a.take()).length, 2);
    for (let i = 0; i < 20; i++) a.frame(request);
    assertEquals(jsonFrames(a.take()).length, 20);
    assertFalse(a.conversation.isClosed);
  },
);

Deno.test("Conversation asks an old server and stops there", PURE, () => {
  const b = dialer("ask_then_seal");
  assertEquals(jsonFrames(b.take()).map(({ type }) => type), ["PEER_DISCOVERY"]);
  b.json(OLD_REPLY);
  assertEquals(b.discovered.map(({ id, trust }) => [id, trust]), [["python-node", "unverified"]]);
  assertEquals(b.closed, ["answered"]);
  assertEquals(b.take().length, 0, "nothing that an old reader would stumble over");
});

Deno.test("Conversation registers no old server where the unsigned path is closed", PURE, () => {
  const cases = [
    ["off", "127.0.0.1", false],
    ["off", "203.0.113.9", false],
    ["lan", "192.168.1.7", true],
    ["lan", "203.0.113.9", false],
    ["any", "203.0.113.9", true],
  ] as const;
  for (const [legacy, remoteHost, isTaken] of cases) {
    const local = localNode(BOB, { legacy });
    const b = new Party({ local, approach: "ask_then_seal", remoteHost });
    b.json(OLD_REPLY);
    assertEquals(b.discovered.length, isTaken ? 1 : 0, `${legacy} ${remoteHost}`);
    assertEquals(b.closed, [isTaken ? "answered" : "legacy_disabled"]);
  }
});

Deno.test("Conversation upgrades from JSON 1.1 to a session on the same connection", PURE, () => {
  for (let seed = 0; seed < 20; seed++) {
    const a = listener();
    const b = dialer("ask_then_seal");
    const nextSize = randomSizes(seededRandom(seed), 1 + seed * 7);
    pump(b, a, { nextSize });
    assertEquals([a.conversation.phase, b.conversation.phase], ["sealed", "sealed"]);
    assertEquals(a.discovered.map(({ id, trust }) => [id, trust]), [[BOB.id, "authenticated"]]);
    assertEquals(b.discovered.map(({ id, trust }) => [id, trust]), [[ALICE.id, "authenticated"]]);
    assertEquals(a.sealed.map(({ id, isDialer }) => [id, isDialer]), [[BOB.id, false]]);
    assertEquals(b.sealed.map(({ id, isDialer }) => [id, isDialer]), [[ALICE.id, true]]);
    b.say("from b");
    a.say("from a");
    pump(b, a, { nextSize });
    assertEquals([a.messages, b.messages], [["from b"], ["from a"]]);
  }
});

Deno.test("Conversation asks without sealing where only asked to ask", PURE, () => {
  const a = listener();
  const b = dialer("ask");
  pump(b, a);
  assertEquals(b.closed, ["answered"]);
  assertEquals([a.sealed, b.sealed], [[], []]);
  assertEquals(b.discovered[0]?.id, ALICE.id);
});

Deno.test("Conversation seals at once, byte by byte", PURE, () => {
  const a = listener();
  const b = dialer("seal");
  pump(b, a, { nextSize: () => 1 });
  b.say("one");
  b.say("two");
  pump(b, a, { nextSize: () => 1 });
  assertEquals(a.messages, ["one", "two"]);
  assertEquals(a.sealed[0]?.introduction.listen, [{ host: "192.168.1.5", port: 9000 }]);
});

Deno.test("Conversation agrees on the features that both sides have", PURE, () => {
  const { a, b } = session();
  assertEquals(a.sealed[0]?.features, b.sealed[0]?.features);
  assert(a.sealed[0]?.features.includes("envelope/1"));
});

Deno.test("Conversation carries thousands of messages both ways over random splits", PURE, () => {
  const { a, b } = session();
  const random = seededRandom(8);
  const said: string[] = [];
  for (let i = 0; i < 1_000; i++) {
    const text = `${i} ` + "x".repeat(Math.floor(random.next() * 200));
    said.push(text);
    a.say(text);
    b.say(text);
    if (i % 10 === 0) pump(b, a, { nextSize: randomSizes(random, 3_000) });
  }
  pump(b, a);
  assertEquals(a.messages, said);
  assertEquals(b.messages, said);
});

Deno.test("Conversation agrees on the highest version that both speak", PURE, () => {
  const cases = [
    [{ min: 1, max: 2 }, { min: 1, max: 1 }, 1],
    [{ min: 1, max: 3 }, { min: 2, max: 4 }, 3],
    [{ min: 2, max: 2 }, { min: 1, max: 2 }, 2],
  ] as const;
  for (const [theirs, ours, version] of cases) {
    const a = listener(localNode(ALICE, { versions: ours }));
    const b = dialer("seal", localNode(BOB, { versions: theirs }));
    pump(b, a);
    assertEquals([a, b].map((each) => each.sealed[0]?.introduction.version), [version, version]);
  }
});

Deno.test(
  "Conversation ends with version_mismatch on both sides where versions do not meet",
  PURE,
  () => {
    for (const versions of [{ min: 2, max: 3 }, { min: 7, max: 255 }]) {
      for (const isDialersFault of [true, false]) {
        const strange = localNode(isDialersFault ? BOB : ALICE, { versions });
        const a = listener(isDialersFault ? undefined : strange);
        const b = dialer("seal", isDialersFault ? strange : undefined);
        pump(b, a);
        assertEquals([a.closed, b.closed], [["version_mismatch"], ["version_mismatch"]]);
        assertEquals([a.sealed, b.sealed], [[], []]);
      }
    }
  },
);

Deno.test("Conversation notices a version that the way has altered", PURE, () => {
  const versions = { min: 1, max: 2 };
  const a = listener(localNode(ALICE, { versions }));
  const b = dialer("seal", localNode(BOB, { versions }));
  const first = b.take();
  assertEquals([...first.subarray(4, 9)], [0xf8, 1, 1, 1, 2]);
  first[8] = 1;
  a.feed(first);
  b.feed(a.take());
  assertEquals(b.sealed, []);
  assertEquals(b.closed, ["bad_tag"]);
});

Deno.test("Conversation answers seven malformed frames and closes at the eighth", PURE, () => {
  const malformed: readonly Bytes[] = [
    encodeUtf8("[1]"),
    Uint8Array.of(0),
    Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d),
    encodeUtf8("{"),
    encodeUtf8(" "),
    Uint8Array.of(0x7b, 0xff, 0x7d),
    encodeUtf8("GARBAGE"),
  ];
  const a = listener();
  malformed.forEach((payload, i) => {
    a.frame(payload);
    const replies = jsonFrames(a.take());
    assertEquals(replies.map(({ type }) => type), ["ERROR"], `frame ${i}`);
    assertEquals(replies[0]?.["sender_id"], undefined);
    assertFalse(a.conversation.isClosed);
  });
  a.json(OLD_REQUEST);
  assertEquals(a.discovered.length, 1, "an honest frame in between is served");
  a.take();
  a.frame(encodeUtf8("x"));
  assertEquals(a.closed, ["too_many_malformed"]);
  assertEquals(a.refused.length, 8);
  a.json(OLD_REQUEST);
  assertEquals(a.discovered.length, 1, "nothing is read any more");
});

Deno.test("Conversation skips a malformed frame whole, however large, then reads on", PURE, () => {
  const a = listener();
  const huge = new Uint8Array(1_048_576).fill(0x7b);
  huge[0] = 0x41;
  a.feed(framed(huge, encodeUtf8(JSON.stringify(OLD_REQUEST))), { nextSize: () => 60_000 });
  assertEquals(jsonFrames(a.take()).map(({ type }) => type), ["ERROR", "PEER_DISCOVERY_RESPONSE"]);
});

Deno.test("Conversation answers a reserved first byte and closes", PURE, () => {
  for (let first = 0xfa; first <= 0xff; first++) {
    const a = listener();
    a.feed(Uint8Array.of(0, 0, 0, 1, first));
    assertEquals(a.closed, ["reserved"]);
    assertEquals(jsonFrames(a.take()).map(({ type }) => type), ["ERROR"]);
  }
});

Deno.test("Conversation tells an HTTP client what this is, and others nothing", PURE, () => {
  const cases = [
    ["GET / HTTP/1.1\r\n", "foreign_http"],
    ["POST /x HTTP/1.1\r\n", "foreign_http"],
    ["HEAD / HTTP/1.0\r\n", "foreign_http"],
    ["PRI * HTTP/2.0\r\n", "foreign_http"],
    ["SSH-2.0-OpenSSH\r\n", "foreign_ssh"],
    ["\x16\x03\x01\x02\x00\x01", "foreign_tls"],
  ] as const;
  for (const [opening, code] of cases) {
    for (const nextSize of [() => 1, () => Infinity]) {
      const a = listener();
      a.feed(encodeUtf8(opening), { nextSize });
      assertEquals(a.closed, [code]);
      const reply = new TextDecoder().decode(a.take());
      assertEquals(reply.startsWith("HTTP/1.1 400 "), code === "foreign_http");
      if (code !== "foreign_http") assertEquals(reply, "");
    }
  }
});

Deno.test("Conversation closes on lengths out of bounds before a body", PURE, () => {
  const headers: readonly (readonly number[])[] = [
    [0, 0, 0, 0],
    [0xff, 0xff, 0xff, 0xff],
    [0, 0x10, 0, 1],
    [0, 1, 0, 1, 0x7b],
    [0, 0, 0x10, 1, 0xf8],
  ];
  for (const header of headers) {
    const a = listener();
    a.feed(Uint8Array.from(header));
    assertEquals(a.closed, ["length_out_of_bounds"], header.join());
    assert(a.conversation.space().length <= 4_096);
  }
});

Deno.test("Conversation refuses a sealed record before a handshake", PURE, () => {
  for (const party of [listener(), dialer("ask"), dialer("seal")]) {
    party.frame(concatBytes(Uint8Array.of(0xf9), new Uint8Array(40)));
    assertEquals(party.closed, ["unexpected_frame"]);
  }
});

Deno.test("Conversation refuses plaintext during a handshake", PURE, () => {
  const a = listener();
  a.frame(stranger().begin());
  assertEquals(a.conversation.phase, "responding");
  a.json(OLD_REQUEST);
  assertEquals(a.closed, ["unexpected_frame"]);
  assertEquals(a.discovered, []);
  const b = dialer("seal");
  b.json(OLD_REPLY);
  assertEquals(b.closed, ["unexpected_frame"]);
});

Deno.test("Conversation refuses a handshake from whom it dialled", PURE, () => {
  for (const approach of ["ask", "ask_then_seal"] as const) {
    const b = dialer(approach);
    b.take();
    b.frame(stranger(CAROL).begin());
    assertEquals(b.closed, ["unexpected_frame"]);
    assertEquals(b.take().length, 0);
  }
});

Deno.test("Conversation refuses every downgrade once sealed", PURE, () => {
  const plain: readonly Bytes[] = [
    encodeUtf8(JSON.stringify(OLD_REQUEST)),
    encodeUtf8("x"),
    stranger().begin(),
  ];
  for (const payload of plain) {
    const { a } = session();
    a.frame(payload);
    assertEquals(a.closed, ["downgrade"]);
    assertEquals([a.discovered, a.messages, a.take().length], [[], [], 0]);
  }
});

Deno.test("Conversation dies of one forged, replayed or reordered record", PURE, () => {
  const forge = (b: Party): readonly Bytes[] => {
    b.say("one");
    const one = b.take();
    b.say("two");
    return [one, b.take()];
  };
  const attacks: readonly ((one: Bytes, two: Bytes) => readonly Bytes[])[] = [
    (one, two) => [one, one, two],
    (one, two) => [two, one],
    (one) => [one.map((each, i) => i === one.length - 1 ? each ^ 1 : each)],
    (one) => [one.map((each, i) => i === 5 ? each ^ 1 : each)],
    (_, two) => [two],
  ];
  attacks.forEach((attack, i) => {
    const { a, b } = session();
    const [one = new Uint8Array(0), two = new Uint8Array(0)] = forge(b);
    for (const bytes of attack(one, two)) a.feed(bytes);
    assertEquals(a.closed, ["bad_tag"], `attack ${i}`);
    assertEquals(a.messages, i === 0 ? ["one"] : []);
  });
});

Deno.test(
  "Conversation refuses an empty record and plaintext that is no channel frame",
  PURE,
  () => {
    const { a } = session();
    a.frame(concatBytes(Uint8Array.of(0xf9), new Uint8Array(16)));
    assertEquals(a.closed, ["bad_message"]);

    const other = listener();
    const hello = stranger();
    other.frame(hello.begin());
    const [reply = new Uint8Array(0)] = framesIn(other.take());
    hello.readReply(reply);
    const { frame, result } = hello.finish(introductionOf());
    other.frame(frame);
    assertEquals(other.sealed[0]?.id, BOB.id);
    const out: Bytes = new Uint8Array(64);
    const end = new RecordSealer(result.send, 0).seal([Uint8Array.of(1, 2, 3)], out, 0);
    other.feed(out.subarray(0, end));
    assertEquals(other.closed, ["truncated"]);
  },
);

Deno.test("Conversation will not talk to itself", PURE, () => {
  const local = localNode(ALICE);
  for (const approach of ["seal", "ask", "ask_then_seal"] as const) {
    const b = new Party({ local, approach });
    const a = new Party({ local });
    pump(b, a);
    assertEquals(b.closed, ["self_connection"]);
    assertEquals([a.sealed, b.sealed, b.discovered], [[], [], []]);
  }
  const a = listener(local);
  const hello = stranger(ALICE);
  a.frame(hello.begin());
  const [reply = new Uint8Array(0)] = framesIn(a.take());
  hello.readReply(reply);
  a.frame(hello.finish(introductionOf(ALICE)).frame);
  assertEquals([a.closed, a.sealed], [["self_connection"], []]);
});

Deno.test("Conversation ends where somebody else than expected answers", PURE, () => {
  for (const approach of ["seal", "ask_then_seal"] as const) {
    const b = new Party({ local: localNode(BOB), approach, expected: CAROL.id });
    const a = listener();
    pump(b, a);
    assertEquals([b.closed, b.sealed, a.sealed], [["identity_mismatch"], [], []]);
    assertEquals(b.discovered, []);
  }
});

Deno.test("Conversation holds the handshake to the id of the JSON before it", PURE, () => {
  const a = listener();
  a.json(signedRequest(CAROL));
  a.take();
  const hello = stranger(BOB);
  a.frame(hello.begin());
  const [reply = new Uint8Array(0)] = framesIn(a.take());
  hello.readReply(reply);
  a.frame(hello.finish(introductionOf(BOB)).frame);
  assertEquals([a.closed, a.sealed], [["identity_mismatch"], []]);
});

Deno.test("Conversation believes no introduction that its key does not prove", PURE, () => {
  const a = listener();
  const hello = stranger(BOB);
  a.frame(hello.begin());
  const [reply = new Uint8Array(0)] = framesIn(a.take());
  hello.readReply(reply);
  a.frame(hello.finish(introductionOf(CAROL)).frame);
  assertEquals([a.closed, a.sealed], [["identity_mismatch"], []]);

  const b = dialer("seal");
  const [first = new Uint8Array(0)] = framesIn(b.take());
  const responder = new ResponderHello(localNode(ALICE).hello, first);
  b.frame(responder.reply(introductionOf(CAROL)));
  assertEquals([b.closed, b.sealed, b.take().length], [["identity_mismatch"], [], 0]);
});

Deno.test("Conversation lets one connection introduce one authenticated peer", PURE, () => {
  const a = new Party({ local: localNode(ALICE), remoteHost: "127.0.0.1" });
  for (let n = 0; n < 50; n++) a.json(signedRequest(identityOf(n)));
  assertEquals(new Set(a.discovered.map(({ id }) => id)).size, 1);
});

Deno.test("Conversation refuses low-order points", PURE, () => {
  const a = listener();
  a.frame(concatBytes(Uint8Array.of(0xf8, 1, 1, 1, 1), new Uint8Array(32)));
  assertEquals([a.closed, a.sealed], [["low_order_point"], []]);
});

Deno.test("Conversation refuses a damaged handshake at every byte of every message", PURE, () => {
  const local = localNode(ALICE);
  for (let index = 0; index < 37; index++) {
    const a = listener(local);
    const first = stranger().begin();
    first[index] = (first[index] ?? 0) ^ 0x80;
    a.frame(first);
    assertEquals(a.sealed, []);
    a.conversation.close("done");
  }
  const length = 5 + 32 + 48 + introductionOf().length;
  for (let index = 0; index < length; index += 7) {
    const a = listener(local);
    const hello = stranger();
    a.frame(hello.begin());
    const [reply = new Uint8Array(0)] = framesIn(a.take());
    hello.readReply(reply);
    const { frame } = hello.finish(introductionOf());
    const at = index % frame.length;
    frame[at] = (frame[at] ?? 0) ^ 0x01;
    a.frame(frame);
    assert(a.conversation.isClosed, `byte ${at}`);
    assertEquals(a.sealed, []);
  }
  assertEquals(local.handshakesInFlight, 0);
});

Deno.test(
  "Conversation is busy at 64 handshakes and hears the next once one has ended",
  PURE,
  () => {
    const local = localNode(ALICE);
    const pending = Array.from({ length: 64 }, (_, n) => {
      const a = new Party({ local, remoteHost: `10.0.0.${n % 4}` });
      a.frame(stranger(identityOf(n)).begin());
      assertEquals(a.conversation.phase, "responding");
      return a;
    });
    assertEquals(local.handshakesInFlight, 64);
    const late = listener(local);
    const b = dialer("seal");
    pump(b, late);
    assertEquals([late.closed, b.closed], [["busy"], ["rejected"]]);
    const asking = listener(local);
    asking.json(OLD_REQUEST);
    assertEquals(asking.discovered.length, 1, "discovery goes on");
    pending[0]?.conversation.close("gone");
    pending[0]?.conversation.close("gone");
    assertEquals(local.handshakesInFlight, 63);
    const next = listener(local);
    pump(dialer("seal"), next);
    assertEquals(next.conversation.phase, "sealed");
    assertEquals(local.handshakesInFlight, 63);
  },
);

Deno.test("Conversation is busy for one host at 16 handshakes, not for the others", PURE, () => {
  const local = localNode(ALICE);
  const begin = (remoteHost: string, n: number) => {
    const a = new Party({ local, remoteHost });
    a.frame(stranger(identityOf(n)).begin());
    return a.conversation.phase;
  };
  for (let n = 0; n < 16; n++) assertEquals(begin("10.0.0.1", n), "responding");
  assertEquals(begin("10.0.0.1", 16), "closed");
  assertEquals(begin("10.0.0.2", 17), "responding");
  for (let n = 0; n < 32; n++) assertEquals(begin("127.0.0.1", n), "responding");
  assertEquals(local.handshakesInFlight, 49);
});

Deno.test("Conversation closes when the first five bytes have not come in 5 s", PURE, () => {
  for (const already of [0, 1, 4]) {
    const a = listener(undefined, 1_000);
    if (already > 0) a.feed(Uint8Array.of(0, 0, 1, 0).subarray(0, already), { nowMs: 4_000 });
    assertEquals(a.conversation.deadlineMs, 6_000);
    a.conversation.tick(5_999);
    assertFalse(a.conversation.isClosed);
    a.conversation.tick(6_000);
    assertEquals(a.closed, ["first_bytes_timeout"]);
    assertEquals(a.conversation.deadlineMs, Infinity);
  }
});

Deno.test(
  "Conversation closes when a frame takes more than 10 s, however it dribbles",
  PURE,
  () => {
    const a = listener();
    a.feed(Uint8Array.of(0, 0, 0, 200, 0x7b), { nowMs: 100 });
    for (let ms = 1_000; ms < 10_100; ms += 1_000) {
      a.feed(Uint8Array.of(0x20), { nowMs: ms });
      a.conversation.tick(ms);
      assertEquals(a.conversation.deadlineMs, 10_100);
    }
    a.conversation.tick(10_099);
    assertFalse(a.conversation.isClosed);
    a.conversation.tick(10_100);
    assertEquals(a.closed, ["frame_timeout"]);
  },
);

Deno.test("Conversation times each frame from its own first byte", PURE, () => {
  const a = listener();
  const whole = framed(encodeUtf8(JSON.stringify(OLD_REQUEST)));
  a.feed(whole.subarray(0, 20), { nowMs: 0 });
  a.feed(concatBytes(whole.subarray(20), Uint8Array.of(0)), { nowMs: 9_000 });
  assertEquals(a.discovered.length, 1);
  assertEquals(a.conversation.deadlineMs, 19_000);
});

Deno.test("Conversation closes after 30 s of silence before authentication", PURE, () => {
  const a = listener();
  a.json(OLD_REQUEST, 1_000);
  assertEquals(a.conversation.deadlineMs, 31_000);
  a.json(OLD_REQUEST, 20_000);
  a.conversation.tick(49_999);
  assertFalse(a.conversation.isClosed);
  a.conversation.tick(50_000);
  assertEquals(a.closed, ["idle"]);
});

Deno.test("Conversation closes a handshake after 5 s on either side", PURE, () => {
  const local = localNode(ALICE);
  const a = new Party({ local, nowMs: 0 });
  a.json(OLD_REQUEST, 2_000);
  a.frame(stranger().begin(), 3_000);
  assertEquals(a.conversation.deadlineMs, 8_000);
  a.conversation.tick(8_000);
  assertEquals(a.closed, ["handshake_timeout"]);
  assertEquals(local.handshakesInFlight, 0);

  const b = dialer("seal");
  assertEquals(b.conversation.deadlineMs, 5_000);
  b.conversation.tick(4_999);
  assertFalse(b.conversation.isClosed);
  b.conversation.tick(5_000);
  assertEquals(b.closed, ["handshake_timeout"]);
});

Deno.test("Conversation gives a dialer that asks 5 s for the answer's first bytes", PURE, () => {
  const b = dialer("ask");
  b.conversation.tick(5_000);
  assertEquals(b.closed, ["first_bytes_timeout"]);
});

Deno.test("Conversation asks a silent peer after 15 s and gives it 10 s to answer", PURE, () => {
  const { a, b } = session();
  assertEquals(a.conversation.deadlineMs, 15_000);
  a.conversation.tick(14_999);
  assertEquals(a.take().length, 0);
  a.conversation.tick(15_000);
  assertEquals(a.conversation.deadlineMs, 25_000);
  b.feed(a.take(), { nowMs: 15_100 });
  a.feed(b.take(), { nowMs: 15_200 });
  assertEquals(a.conversation.deadlineMs, 30_200, "its answer is a sign of life");
  a.conversation.tick(30_200);
  assert(a.take().length > 0, "and it is asked again");
  a.conversation.tick(40_199);
  assertFalse(a.conversation.isClosed);
  a.conversation.tick(40_200);
  assertEquals(a.closed, ["silent"]);
});

Deno.test("Conversation.probe() wants a sign of life sooner", PURE, () => {
  const { a, b } = session();
  a.conversation.probe(1_000, 3_000);
  assertEquals(a.conversation.deadlineMs, 4_000);
  a.conversation.probe(2_000, 10_000);
  assertEquals(a.conversation.deadlineMs, 4_000, "a later wish puts nothing off");
  b.feed(a.take(), { nowMs: 3_000 });
  a.feed(b.take(), { nowMs: 3_000 });
  assertEquals(a.conversation.deadlineMs, 18_000);
});

Deno.test("Conversation.close() tells its owner once and sends nothing afterwards", PURE, () => {
  const { a, b } = session();
  a.conversation.close("goodbye");
  a.conversation.close("again");
  a.conversation.tick(1e9);
  a.say("too late");
  b.say("unheard");
  a.feed(b.take());
  assertEquals([a.closed, a.messages, a.take().length], [["goodbye"], [], 0]);
});

Deno.test("Conversation counts as busy mid-frame and mid-handshake only", PURE, () => {
  const a = listener();
  assertFalse(a.conversation.isBusy);
  a.feed(Uint8Array.of(0));
  assert(a.conversation.isBusy);
  a.feed(Uint8Array.of(0, 0, 2, 0x7b, 0x7d));
  assertFalse(a.conversation.isBusy);
  a.frame(stranger().begin());
  assert(a.conversation.isBusy);
});

Deno.test("Conversation reads a signed reply only if it signs our nonce", PURE, () => {
  const b = dialer("ask_then_seal");
  b.json(
    writeReply(describe(ALICE), ALICE.signing, { replyTo: NONCE, wallMs: WALL_MS }),
  );
  assertEquals([b.closed, b.discovered], [["bad_signature"], []]);
});

Deno.test("Conversation takes an error reply as a refusal and registers nobody", PURE, () => {
  const b = dialer("ask");
  b.json({ type: "ERROR", sender_id: "liar", node_id: "liar", code: "x", message: "y" });
  assertEquals([b.closed, b.discovered, b.take().length > 0], [["refused_by_peer"], [], true]);
});

Deno.test("Conversation takes no request for a reply", PURE, () => {
  const b = dialer("ask");
  b.json(OLD_REQUEST);
  assertEquals(b.discovered, []);
});

Deno.test("Conversation survives a signed message that nobody can canonicalise", PURE, () => {
  const a = listener();
  const text = JSON.stringify(signedRequest()).replace("{", '{"x":1e999,');
  a.frame(encodeUtf8(text));
  assertEquals(a.discovered, []);
  assertFalse(a.closed.includes("internal_error"));
});

/** The dialer's bytes stop after `budget`; whatever the listener saw by then must be true. */
function truncatedSession(budget: number) {
  const a = listener(localNode(ALICE));
  const b = dialer("ask_then_seal");
  let left = budget;
  const forward = () => {
    const bytes = b.take();
    a.feed(bytes.subarray(0, left));
    left -= Math.min(left, bytes.length);
    return bytes.length;
  };
  let sent = 0;
  for (let round = 0; round < 3; round++) {
    sent += forward();
    b.feed(a.take());
  }
  if (b.conversation.phase === "sealed") {
    b.say("one");
    b.say("two");
    sent += forward();
  }
  return { a, sent };
}

Deno.test(
  "Conversation cut off at any byte of a whole session tells nothing that is not so",
  PURE,
  () => {
    const { sent } = truncatedSession(Infinity);
    for (let budget = 0; budget <= sent; budget += budget < 100 || sent - budget < 200 ? 1 : 5) {
      const { a } = truncatedSession(budget);
      assert(a.discovered.every(({ id, trust }) => id === BOB.id && trust === "authenticated"));
      assert(a.sealed.every(({ id }) => id === BOB.id));
      assertEquals(a.messages, ["one", "two"].slice(0, a.messages.length));
      assertEquals([a.closed, a.refused], [[], []]);
      assertEquals(a.messages.length === 2, budget === sent);
    }
  },
);
