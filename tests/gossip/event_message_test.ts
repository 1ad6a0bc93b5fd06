import { assert, assertEquals, assertThrows } from "@std/assert";
import { ed25519 } from "@noble/curves/ed25519.js";
import { type Bytes, concatBytes, decodeHex, encodeHex, encodeUtf8 } from "../../src/base/bytes.ts";
import { ByteReaderError } from "../../src/base/byte_reader.ts";
import { EVENT_CLASSES, EventError, signEvent } from "../../src/gossip/event.ts";
import {
  decodeEventMessage,
  encodeAnnounce,
  encodeEvent,
  encodeReceipt,
  encodeRequest,
  isAuthenticAnswer,
  isDetour,
  MAX_ANSWER_BYTES,
  MAX_TAGS,
  PRUNE,
  signAnswer,
} from "../../src/gossip/event_message.ts";
import { PLAIN_ID_CODEC } from "../../src/gossip/id_codec.ts";
import { ALICE, PRIMITIVES, RFC_8032 } from "../testing/identities.ts";

const PURE = { permissions: "none" } as const;
const TAG = 0x0102_0304_0506;
const ALICE_KEY = RFC_8032[0].publicKey;
const EVENT = signEvent(
  ALICE.id,
  { seq: 1, class: EVENT_CLASSES.named, name: "a", data: "b" },
  ALICE.signing,
  PLAIN_ID_CODEC,
);
const JOURNEY = { hops: 3, ageMs: 258_999, isDetour: false };

function answer(text: string) {
  return signAnswer({ tag: TAG, responder: ALICE.id, text }, ALICE.signing, PLAIN_ID_CODEC);
}

function decode(message: Bytes) {
  return decodeEventMessage(message, PLAIN_ID_CODEC);
}

/** One of each kind, as bytes and as what is read from them. */
const GOLDEN = [
  {
    message: encodeEvent(EVENT.bytes, JOURNEY),
    hex: "10" + "03" + "0102" + encodeHex(EVENT.bytes),
    read: { kind: 16, journey: { hops: 3, ageMs: 258_000, isDetour: false }, event: EVENT },
  },
  {
    message: encodeEvent(EVENT.bytes, { ...JOURNEY, isDetour: true }),
    hex: "10" + "83" + "0102" + encodeHex(EVENT.bytes),
    read: { kind: 16, journey: { hops: 3, ageMs: 258_000, isDetour: true }, event: EVENT },
  },
  {
    message: encodeAnnounce([
      { tag: TAG, hops: 0, isHeld: false },
      { tag: 2 ** 48 - 1, hops: 16, isHeld: true },
    ]),
    hex: "11" + "02" + "01020304050600" + "ffffffffffff90",
    read: {
      kind: 17,
      announcements: [
        { tag: TAG, hops: 0, isHeld: false },
        { tag: 2 ** 48 - 1, hops: 16, isHeld: true },
      ],
    },
  },
  {
    message: encodeRequest([TAG, 7], true),
    hex: "12" + "01" + "02" + "010203040506" + "000000000007",
    read: { kind: 18, isGraft: true, tags: [TAG, 7] },
  },
  {
    message: encodeRequest([], false),
    hex: "12" + "00" + "00",
    read: { kind: 18, isGraft: false, tags: [] },
  },
  { message: PRUNE, hex: "13", read: { kind: 19 } },
  {
    message: encodeReceipt(TAG, ALICE.id, PLAIN_ID_CODEC),
    hex: "15" + "010203040506" + ALICE_KEY,
    read: { kind: 21, tag: TAG, responder: ALICE.id },
  },
] as const;

Deno.test("event messages are spelt byte for byte, and read back", PURE, () => {
  for (const { message, hex, read } of GOLDEN) {
    assertEquals(encodeHex(message), hex);
    assertEquals(decode(message), read);
  }
});

Deno.test(
  "signAnswer() spells an answer and signs query and text for its domain alone",
  PURE,
  () => {
    const body = "010203040506" + ALICE_KEY + "0003" + "c3b631";
    const signature = ed25519.sign(
      concatBytes(encodeUtf8("hamlet answer"), decodeHex(body)),
      decodeHex(RFC_8032[0].seed),
    );
    const signed = answer("ö1");
    assertEquals(encodeHex(signed.message), "14" + body + encodeHex(signature));
    assertEquals(decode(signed.message), { kind: 20, answer: signed });
    assert(isAuthenticAnswer(signed, PRIMITIVES.verify));
  },
);

Deno.test("isAuthenticAnswer() is false for another query, responder or text", PURE, () => {
  const { message } = answer("yes");
  for (const at of [1, 6, 7, 38, 41, message.length - 1]) {
    const bent = message.slice();
    bent[at] = (bent[at] as number) ^ 1;
    assert(
      !isAuthenticAnswer({ ...answer("yes"), message: bent }, PRIMITIVES.verify),
      `byte ${at}`,
    );
  }
});

Deno.test("signAnswer() takes 1,024 bytes and no more, and so does reading", PURE, () => {
  const longest = answer("a".repeat(MAX_ANSWER_BYTES)).message;
  assertEquals(longest.length, 1 + 6 + 32 + 2 + 1_024 + 64);
  decode(longest);
  assertThrows(() => answer("a".repeat(MAX_ANSWER_BYTES + 1)), RangeError, "1025 bytes");
  const tooLong = decodeHex("14" + "010203040506" + ALICE_KEY + "0401" + "61".repeat(1_025 + 64));
  assertThrows(() => decode(tooLong), EventError, "1025 bytes");
});

Deno.test("decodeEventMessage() refuses messages cut short, and anything behind them", PURE, () => {
  const messages = [...GOLDEN.map(({ message }) => message), answer("yes").message];
  for (const message of messages) {
    for (let length = 0; length < message.length; length++) {
      assertThrows(() => decode(message.slice(0, length)), ByteReaderError);
    }
    assertThrows(() => decode(concatBytes(message, new Uint8Array(1))), ByteReaderError);
  }
});

Deno.test("decodeEventMessage() refuses kinds that are not known", PURE, () => {
  for (const kind of [0, 1, 15, 22, 31, 32, 255]) {
    const error = assertThrows(() => decode(new Uint8Array([kind, 0, 0])), EventError);
    assertEquals(error.code, "unknown_kind");
  }
});

Deno.test(
  "decodeEventMessage() refuses hops out of their bounds, text and flags that are none",
  PURE,
  () => {
    const cases = [
      "10" + "00" + "0000" + encodeHex(EVENT.bytes),
      "10" + "80" + "0000" + encodeHex(EVENT.bytes),
      "10" + "11" + "0000" + encodeHex(EVENT.bytes),
      "11" + "01" + "01020304050611",
      "12" + "02" + "00",
      "14" + "010203040506" + ALICE_KEY + "0001" + "ff" + "00".repeat(64),
    ];
    for (const hex of cases) {
      const error = assertThrows(() => decode(decodeHex(hex)), EventError);
      assertEquals(error.code, "malformed");
    }
  },
);

Deno.test("encodeEvent() keeps hops and age within what they can say", PURE, () => {
  const head = (hops: number, ageMs: number) =>
    encodeHex(encodeEvent(EVENT.bytes, { hops, ageMs, isDetour: false }).subarray(0, 4));
  assertEquals(head(16, 0), "10100000");
  assertEquals(head(17, 999), "10100000");
  assertEquals(head(1, 1_000), "10010001");
  assertEquals(head(1, 65_535_999), "1001ffff");
  assertEquals(head(1, 65_536_000), "1001ffff");
  assertEquals(head(1, -1), "10010000");
});

Deno.test("isDetour() tells from a message that nobody has read", PURE, () => {
  assert(!isDetour(encodeEvent(EVENT.bytes, JOURNEY)));
  assert(isDetour(encodeEvent(EVENT.bytes, { ...JOURNEY, isDetour: true })));
  assert(!isDetour(new Uint8Array(0)));
});

Deno.test("encodeAnnounce() and encodeRequest() carry 255 tags", PURE, () => {
  const tags = Array.from({ length: MAX_TAGS }, (_, n) => n);
  const announcements = tags.map((tag) => ({ tag, hops: 1, isHeld: false }));
  assertEquals(decode(encodeAnnounce(announcements)), { kind: 17, announcements });
  assertEquals(decode(encodeRequest(tags, false)), { kind: 18, isGraft: false, tags });
});
