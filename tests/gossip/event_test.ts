import { assert, assertEquals, assertThrows } from "@std/assert";
import { ed25519 } from "@noble/curves/ed25519.js";
import { type Bytes, concatBytes, decodeHex, encodeHex, encodeUtf8 } from "../../src/base/bytes.ts";
import { ByteReaderError } from "../../src/base/byte_reader.ts";
import {
  dataOf,
  EVENT_CLASSES,
  EventError,
  isAuthentic,
  MAX_DATA_BYTES,
  MAX_EVENT_BYTES,
  MAX_RECORD_BYTES,
  nextSeq,
  readEvent,
  signEvent,
  tagOf,
} from "../../src/gossip/event.ts";
import { PLAIN_ID_CODEC } from "../../src/gossip/id_codec.ts";
import { ALICE, BOB, PRIMITIVES, RFC_8032 } from "../testing/identities.ts";

const PURE = { permissions: "none" } as const;
const { named, query, capabilities } = EVENT_CLASSES;
const HELLO = { seq: 0x0102_0304_0506, class: named, name: "Hello.1", data: "wörld" } as const;
/** origin | seq | class | name | data, by hand. */
const HELLO_BODY = RFC_8032[0].publicKey + "010203040506" + "01" + "07" + "48656c6c6f2e31" +
  "0006" +
  "77c3b6726c64";
const HELLO_SIGNATURE = ed25519.sign(
  concatBytes(encodeUtf8("hamlet event"), decodeHex(HELLO_BODY)),
  decodeHex(RFC_8032[0].seed),
);

function sign(changes: Partial<Parameters<typeof signEvent>[1]> = {}) {
  return signEvent(ALICE.id, { ...HELLO, ...changes }, ALICE.signing, PLAIN_ID_CODEC);
}

function read(bytes: Bytes) {
  return readEvent(bytes, PLAIN_ID_CODEC);
}

/** An event by hand, with a signature of zeros. */
function unsigned(hex: string): Bytes {
  return concatBytes(decodeHex(hex), new Uint8Array(64));
}

Deno.test("signEvent() spells an event and signs it for its domain alone", PURE, () => {
  const { bytes, tag } = sign();
  assertEquals(encodeHex(bytes), HELLO_BODY + encodeHex(HELLO_SIGNATURE));
  assertEquals(tag, parseInt(encodeHex(HELLO_SIGNATURE.subarray(0, 6)), 16));
});

Deno.test("readEvent() returns what signEvent() was given, for every class", PURE, () => {
  for (
    const content of [
      HELLO,
      { seq: 1, class: query, name: "q", data: "" },
      { seq: 2 ** 48 - 1, class: capabilities, name: "", data: "{}" },
      { seq: 7, class: named, name: "a".repeat(64), data: "\0".repeat(MAX_DATA_BYTES) },
    ] as const
  ) {
    const event = sign(content);
    assertEquals(read(event.bytes), {
      ...content,
      origin: ALICE.id,
      tag: event.tag,
      bytes: event.bytes,
    });
    assertEquals(dataOf(event.bytes), content.data);
    assert(isAuthentic(event, PRIMITIVES.verify));
    assert(event.bytes.length <= MAX_EVENT_BYTES);
  }
});

Deno.test("tagOf() is the same for an event and for a message that ends in it", PURE, () => {
  const { bytes, tag } = sign();
  assertEquals(tagOf(bytes), tag);
  assertEquals(tagOf(concatBytes(new Uint8Array(4), bytes)), tag);
});

Deno.test("isAuthentic() is false once a bit is another, and for another origin", PURE, () => {
  const { bytes } = sign();
  for (const at of [0, 33, 40, 50, bytes.length - 64, bytes.length - 1]) {
    const bent = bytes.slice();
    bent[at] = (bent[at] as number) ^ 1;
    assert(!isAuthentic({ ...sign(), bytes: bent }, PRIMITIVES.verify), `byte ${at}`);
  }
  const other = signEvent(BOB.id, HELLO, ALICE.signing, PLAIN_ID_CODEC);
  assert(!isAuthentic(other, PRIMITIVES.verify));
});

Deno.test(
  "readEvent() refuses an event cut short at any byte, and anything behind it",
  PURE,
  () => {
    const { bytes } = sign();
    for (let length = 0; length < bytes.length; length++) {
      assertThrows(() => read(bytes.slice(0, length)), ByteReaderError);
    }
    assertThrows(
      () => read(concatBytes(bytes, new Uint8Array(1))),
      ByteReaderError,
      "1 bytes follow",
    );
  },
);

Deno.test("readEvent() refuses what is not as it must be", PURE, () => {
  const head = RFC_8032[0].publicKey + "000000000001";
  const cases: readonly (readonly [string, string])[] = [
    ["00" + "0161" + "0000", "class 0"],
    ["04" + "0161" + "0000", "class 4"],
    ["01" + "00" + "0000", "name"],
    ["02" + "012d" + "0000", "name"],
    ["01" + "0120" + "0000", "name"],
    ["01" + "41" + "61".repeat(65) + "0000", "name"],
    ["03" + "0161" + "0000", "name"],
    ["01" + "0161" + "1001" + "00".repeat(4_097), "4097 bytes"],
    ["03" + "00" + "0401" + "20".repeat(1_025), "1025 bytes"],
    ["01" + "0161" + "0001" + "ff", "UTF-8"],
    ["01" + "01ff" + "0000", "UTF-8"],
  ];
  for (const [body, reason] of cases) {
    const error = assertThrows(() => read(unsigned(head + body)), EventError, reason);
    assertEquals(error.code, "malformed");
  }
});

Deno.test(
  "signEvent() takes data up to the limit of its class, and names as they must be",
  PURE,
  () => {
    sign({ data: "a".repeat(MAX_DATA_BYTES) });
    assertThrows(() => sign({ data: "a".repeat(MAX_DATA_BYTES + 1) }), RangeError, "4097 bytes");
    assertThrows(
      () => sign({ data: "ö".repeat(MAX_DATA_BYTES / 2 + 1) }),
      RangeError,
      "4098 bytes",
    );
    const record = { class: capabilities, name: "" } as const;
    sign({ ...record, data: "a".repeat(MAX_RECORD_BYTES) });
    assertThrows(() => sign({ ...record, data: "a".repeat(MAX_RECORD_BYTES + 1) }), RangeError);
    assertThrows(() => sign({ ...record, name: "a" }), TypeError);
    for (const name of ["", "-a", "a b", "ä", "a".repeat(65)]) {
      assertThrows(() => sign({ name }), TypeError, "name");
    }
    for (const seq of [0, 1.5, NaN, 2 ** 48]) {
      assertThrows(() => sign({ seq }), RangeError, "number");
    }
  },
);

Deno.test("nextSeq() goes up by one, and beyond all of a former life after a restart", PURE, () => {
  assertEquals(nextSeq(0, 0), 1);
  assertEquals(nextSeq(1, 0), 2);
  assertEquals(nextSeq(0, 3), 3 * 16_777_216);
  assertEquals(nextSeq(3 * 16_777_216, 3), 3 * 16_777_216 + 1);
  assertEquals(nextSeq(3 * 16_777_216 + 9, 2), 3 * 16_777_216 + 10);
  assertEquals(nextSeq(0, 2 ** 24 - 1), 281_474_959_933_440);
  assertEquals(nextSeq(2 ** 48 - 2, 0), 2 ** 48 - 1);
  assertThrows(() => nextSeq(2 ** 48 - 1, 0), RangeError);
  assertThrows(() => nextSeq(0, 2 ** 24), RangeError, "boot 16777216");
});
