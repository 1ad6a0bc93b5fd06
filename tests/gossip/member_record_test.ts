import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Bytes, concatBytes, encodeUtf8 } from "../../src/base/bytes.ts";
import { ByteReader, ByteReaderError } from "../../src/base/byte_reader.ts";
import { PLAIN_ID_CODEC } from "../../src/gossip/id_codec.ts";
import {
  isGenuine,
  MAX_INCARNATION,
  MAX_RECORD_ADDRESSES,
  type MemberRecord,
  readMemberRecord,
  signMemberRecord,
  tellable,
} from "../../src/gossip/member_record.ts";
import { ALICE, BOB, PRIMITIVES, RFC_8032 } from "../testing/identities.ts";
import { PURE } from "./people.ts";

const LAPTOP: Omit<MemberRecord, "bytes"> = {
  id: ALICE.id,
  incarnation: 0x0102_0304,
  status: "asleep",
  pace: "wan",
  addresses: [{ host: "192.168.1.5", port: 9000 }, { host: "fe80::1", port: 1 }],
};

/** By the diagram, key and signature by RFC 8032. */
const BODY = "01" + RFC_8032[0].publicKey + "01020304" + "01" + "01" + "02" +
  "10" + encodeUtf8("192.168.1.5:9000").toHex() + "0b" + encodeUtf8("[fe80::1]:1").toHex();

function golden(body: string): Bytes {
  const bytes = Uint8Array.fromHex(body);
  return concatBytes(bytes, ALICE.signing.sign(concatBytes(encodeUtf8("hamlet member"), bytes)));
}

function read(bytes: Bytes): MemberRecord {
  return readMemberRecord(new ByteReader(bytes), PLAIN_ID_CODEC);
}

function sign(said: Partial<Omit<MemberRecord, "bytes">>): MemberRecord {
  return signMemberRecord({ ...LAPTOP, ...said }, ALICE.signing, PLAIN_ID_CODEC);
}

Deno.test("signMemberRecord() writes the bytes of the diagram", PURE, () => {
  assertEquals(sign({}).bytes.toHex(), golden(BODY).toHex());
});

Deno.test("readMemberRecord() reads the bytes of the diagram", PURE, () => {
  const bytes = golden(BODY);
  const record = read(bytes);
  assertEquals(record, { ...LAPTOP, bytes });
  assert(isGenuine(record, PRIMITIVES.verify, PLAIN_ID_CODEC));
});

Deno.test("readMemberRecord() reads what signMemberRecord() wrote", PURE, () => {
  for (const status of ["alive", "asleep", "left"] as const) {
    for (const pace of ["lan", "wan"] as const) {
      for (const incarnation of [0, 1, MAX_INCARNATION]) {
        for (const addresses of [[], LAPTOP.addresses]) {
          const record = sign({ status, pace, incarnation, addresses });
          assertEquals(read(record.bytes), record);
        }
      }
    }
  }
});

Deno.test("readMemberRecord() does not keep the message that a record came in", PURE, () => {
  const message = concatBytes(new Uint8Array(100), golden(BODY), new Uint8Array(100));
  const record = readMemberRecord(new ByteReader(message, 100), PLAIN_ID_CODEC);
  assertEquals(record.bytes.buffer.byteLength, golden(BODY).length);
});

Deno.test("readMemberRecord() refuses a record cut off at any byte", PURE, () => {
  const bytes = golden(BODY);
  for (let length = 0; length < bytes.length; length++) {
    const error = assertThrows(() => read(bytes.slice(0, length)), ByteReaderError);
    assertEquals(error.code, "truncated", `${length} bytes`);
  }
});

Deno.test("readMemberRecord() leaves what follows the record", PURE, () => {
  const reader = new ByteReader(concatBytes(golden(BODY), Uint8Array.of(7, 7)));
  readMemberRecord(reader, PLAIN_ID_CODEC);
  assertEquals(reader.left, 2);
});

Deno.test("readMemberRecord() refuses fields out of range", PURE, () => {
  const head = "01" + RFC_8032[0].publicKey + "00000000";
  const none = head + "00" + "00" + "00";
  assertEquals(read(golden(none)).addresses, []);
  for (
    const [name, body] of [
      ["version 0", "00" + none.slice(2)],
      ["version 2", "02" + none.slice(2)],
      ["status 3", head + "03" + "00" + "00"],
      ["pace 2", head + "00" + "02" + "00"],
      ["255 addresses", head + "00" + "00" + "ff"],
    ] as const
  ) {
    const error = assertThrows(() => read(golden(body)), ByteReaderError);
    assertEquals(error.code, "malformed", name);
  }
});

Deno.test("readMemberRecord() reads four addresses and refuses five", PURE, () => {
  const head = "01" + RFC_8032[0].publicKey + "00000000" + "00" + "00";
  const one = "05" + encodeUtf8("a.b:1").toHex();
  assertEquals(read(golden(head + "04" + one.repeat(4))).addresses.length, MAX_RECORD_ADDRESSES);
  assertThrows(() => read(golden(head + "05" + one.repeat(5))), ByteReaderError, "out of range");
});

Deno.test(
  "readMemberRecord() refuses addresses that are none, or longer than 64 bytes",
  PURE,
  () => {
    const head = "01" + RFC_8032[0].publicKey + "00000000" + "00" + "00" + "01";
    const withAddress = (text: Bytes) =>
      golden(head + text.length.toString(16).padStart(2, "0") + text.toHex());
    const longest = `${"a".repeat(57)}.b:9000`;
    assertEquals(longest.length, 64);
    assertEquals(read(withAddress(encodeUtf8(longest))).addresses.length, 1);
    for (const text of ["", "nowhere", "a:0", "a:65536", ":1", "a b:1", `a${longest}`]) {
      const error = assertThrows(() => read(withAddress(encodeUtf8(text))), ByteReaderError);
      assertEquals(error.code, "malformed", text);
    }
    const error = assertThrows(() => read(withAddress(Uint8Array.of(0xff, 0xfe))), ByteReaderError);
    assertEquals(error.code, "malformed");
  },
);

Deno.test("signMemberRecord() leaves out what others could not read", PURE, () => {
  const good = { host: "a", port: 1 };
  const addresses = [
    { host: "10.0.0.1", port: 0 },
    { host: "a".repeat(63), port: 9_000 },
    { host: "not a host", port: 1 },
    good,
  ];
  assertEquals(sign({ addresses }).addresses, [good]);
  assertEquals(read(sign({ addresses }).bytes).addresses, [good]);
  const many = [1, 2, 3, 4, 5].map((port) => ({ host: "a", port }));
  assertEquals(tellable(many), many.slice(0, 4));
});

Deno.test("isGenuine() refuses a record changed at any byte", PURE, () => {
  const bytes = golden(BODY);
  for (let at = 0; at < bytes.length; at++) {
    const changed = bytes.slice();
    changed[at] = (changed[at] ?? 0) ^ 1;
    let record;
    try {
      record = read(changed);
    } catch (error) {
      assert(error instanceof ByteReaderError, `byte ${at}`);
      continue;
    }
    assert(!isGenuine(record, PRIMITIVES.verify, PLAIN_ID_CODEC), `byte ${at}`);
  }
});

Deno.test("isGenuine() refuses another's signature, and one for another purpose", PURE, () => {
  const body = Uint8Array.fromHex(BODY);
  const domain = encodeUtf8("hamlet member");
  for (
    const signature of [
      BOB.signing.sign(concatBytes(domain, body)),
      ALICE.signing.sign(body),
      ALICE.signing.sign(concatBytes(encodeUtf8("hamlet event"), body)),
      new Uint8Array(64),
    ]
  ) {
    const record = read(concatBytes(body, signature));
    assert(!isGenuine(record, PRIMITIVES.verify, PLAIN_ID_CODEC));
  }
});
