import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Bytes, concatBytes, encodeHex } from "../../src/base/bytes.ts";
import { ByteReader, ByteReaderError } from "../../src/base/byte_reader.ts";
import { PLAIN_ID_CODEC } from "../../src/gossip/id_codec.ts";
import {
  type Claim,
  encodeAbilities,
  encodeAsk,
  encodeDigest,
  encodeNack,
  encodeProbe,
  encodeRecords,
  encodeRumour,
  encodeRumours,
  encodeSummary,
  encodeWant,
  isInPart,
  MAX_MESSAGE_BYTES,
  prefixOf,
  readRumours,
  readSummary,
  readWant,
  type Rumour,
} from "../../src/gossip/message.ts";
import { idOf, keyOf, PURE, readRecord, recordOf } from "./people.ts";

const CODEC = { ids: PLAIN_ID_CODEC, readRecord };
const SUSPECT: Claim = { kind: "suspect", id: idOf(1), incarnation: 0x0a0b_0c0d, accuser: idOf(2) };
const DEAD: Claim = { ...SUSPECT, kind: "dead" };
const RECORD: Rumour = { kind: "record", record: recordOf(3) };
const [KEY_1, KEY_2] = [encodeHex(keyOf(1)), encodeHex(keyOf(2))];

function read(bytes: Bytes): Rumour[] {
  const rumours: Rumour[] = [];
  readRumours(new ByteReader(bytes), CODEC, (rumour) => rumours.push(rumour));
  return rumours;
}

function codeOf(action: () => unknown): string {
  return assertThrows(action, ByteReaderError).code;
}

Deno.test("encodeRumour() writes the bytes of the diagram", PURE, () => {
  const tail = KEY_1 + "0a0b0c0d" + KEY_2;
  assertEquals(encodeRumour(SUSPECT, PLAIN_ID_CODEC).toHex(), "02" + tail);
  assertEquals(encodeRumour(DEAD, PLAIN_ID_CODEC).toHex(), "03" + tail);
  assertEquals(encodeRumour(RECORD, PLAIN_ID_CODEC).toHex(), "01" + recordOf(3).bytes.toHex());
});

Deno.test("the other messages have the bytes of the diagram", PURE, () => {
  const rumours = [encodeRumour(SUSPECT, PLAIN_ID_CODEC), encodeRumour(RECORD, PLAIN_ID_CODEC)];
  const told = concatBytes(...rumours).toHex();
  const probe = { seq: 0xfffe_fdfc, degree: 0x0102, rumours };
  assertEquals(encodeProbe("ping", probe).toHex(), "01" + "fffefdfc" + "0102" + told);
  assertEquals(encodeProbe("ack", probe).toHex(), "02" + "fffefdfc" + "0102" + told);
  assertEquals(encodeAsk(5, idOf(1), PLAIN_ID_CODEC).toHex(), "03" + "00000005" + KEY_1);
  assertEquals(encodeNack(5).toHex(), "04" + "00000005");
  assertEquals(encodeRumours(rumours).toHex(), "05" + told);
  const sums = { low: -1, high: 0x1234_5678 };
  assertEquals(encodeDigest(sums, "ask").toHex(), "06" + "00" + "ffffffff12345678");
  assertEquals(encodeDigest(sums, "same").toHex(), "06" + "01" + "ffffffff12345678");
  const [one, two] = [recordOf(1, { incarnation: 258 }), recordOf(2)];
  assertEquals(
    encodeSummary({ bits: 3, part: 5 }, [[one, false], [two, true]]).toHex(),
    "07" + "03" + "0005" +
      KEY_1.slice(0, 12) + "00000102" + "00" +
      KEY_2.slice(0, 12) + "00000000" + "01",
  );
  assertEquals(encodeWant([prefixOf(one), 1]).toHex(), "08" + KEY_1.slice(0, 12) + "000000000001");
  assertEquals(encodeRecords([[one, false], [two, true]]).map((bytes) => bytes.toHex()), [
    "09" + "00" + one.bytes.toHex() + "01" + two.bytes.toHex(),
  ]);
  assertEquals(
    encodeAbilities([Uint8Array.of(1, 2, 3), new Uint8Array(258)]).map((bytes) => bytes.toHex()),
    ["0a" + "0003" + "010203" + "0102" + "00".repeat(258)],
  );
});

Deno.test("readRumours() reads what encodeRumour() wrote, in order", PURE, () => {
  assertEquals(read(new Uint8Array()), []);
  const all = [DEAD, RECORD, SUSPECT, RECORD];
  assertEquals(read(concatBytes(...all.map((one) => encodeRumour(one, PLAIN_ID_CODEC)))), all);
});

Deno.test("readRumours() refuses a rumour cut off at any byte", PURE, () => {
  for (const rumour of [SUSPECT, DEAD, RECORD]) {
    const bytes = encodeRumour(rumour, PLAIN_ID_CODEC);
    for (let length = 1; length < bytes.length; length++) {
      assertEquals(codeOf(() => read(bytes.slice(0, length))), "truncated", `${length} bytes`);
    }
  }
});

Deno.test("readRumours() refuses kinds that are not known, and garbage after", PURE, () => {
  const good = encodeRumour(SUSPECT, PLAIN_ID_CODEC);
  for (const tag of [0, 4, 255]) {
    assertEquals(codeOf(() => read(Uint8Array.of(tag))), "malformed");
    assertEquals(codeOf(() => read(concatBytes(good, Uint8Array.of(tag)))), "malformed");
  }
});

Deno.test("readSummary() reads what encodeSummary() wrote", PURE, () => {
  const records = Array.from({ length: 100 }, (_, n) => recordOf(n, { incarnation: n * 1_000 }));
  const bytes = encodeSummary(
    { bits: 16, part: 65_535 },
    records.map((record, n) => [record, n % 3 === 0]),
  );
  const { bits, part, entries } = readSummary(new ByteReader(bytes, 1));
  assertEquals([bits, part, entries.size], [16, 65_535, 100]);
  records.forEach((record, n) => {
    const prefix = prefixOf(record);
    assertEquals(prefix, parseInt(encodeHex(keyOf(n)).slice(0, 12), 16));
    const expected = { prefix, incarnation: n * 1_000, isGone: n % 3 === 0 };
    assertEquals(entries.get(prefix), expected);
  });
});

Deno.test("readSummary() refuses parts that there are not", PURE, () => {
  const header = (bits: number, part: number) =>
    readSummary(new ByteReader(Uint8Array.of(bits, part >> 8, part & 255)));
  for (const [bits, part] of [[0, 0], [1, 1], [8, 255], [16, 65_535]] as const) {
    assertEquals(header(bits, part).entries.size, 0);
  }
  for (const [bits, part] of [[0, 1], [1, 2], [8, 256], [17, 0], [255, 0]] as const) {
    assertEquals(codeOf(() => header(bits, part)), "malformed", `${bits} bits, part ${part}`);
  }
});

Deno.test("readSummary() and readWant() refuse what is cut off within an entry", PURE, () => {
  const summary = encodeSummary({ bits: 0, part: 0 }, [[recordOf(1), false], [recordOf(2), true]]);
  for (let length = 1; length < summary.length; length++) {
    const isWhole = length === 4 || length === 15;
    const action = () => readSummary(new ByteReader(summary.slice(0, length), 1));
    if (isWhole) action();
    else assertEquals(codeOf(action), "truncated", `${length} bytes`);
  }
  const want = encodeWant([1, 2]);
  for (let length = 1; length < want.length; length++) {
    const action = () => readWant(new ByteReader(want.slice(0, length), 1));
    if (length === 1 || length === 7) action();
    else assertEquals(codeOf(action), "truncated", `${length} bytes`);
  }
});

Deno.test("readWant() reads what encodeWant() wrote, each once", PURE, () => {
  const wanted = [0, 1, 2 ** 48 - 1, 1];
  const read = readWant(new ByteReader(encodeWant(wanted), 1));
  assertEquals([...read], [0, 1, 2 ** 48 - 1]);
});

Deno.test("isInPart() puts each prefix into exactly one part", PURE, () => {
  for (const bits of [0, 1, 3, 8, 16]) {
    for (let n = 0; n < 20; n++) {
      const prefix = prefixOf(recordOf(n));
      // The leading bits of the key.
      const expected = Number(BigInt(prefix) >> BigInt(48 - bits));
      assert(isInPart(prefix, { bits, part: expected }));
      for (let part = 0; part < Math.min(64, 2 ** bits); part++) {
        assertEquals(isInPart(prefix, { bits, part }), part === expected);
      }
    }
  }
});

Deno.test("encodeRecords() and encodeAbilities() keep messages below 16 KiB", PURE, () => {
  assertEquals(MAX_MESSAGE_BYTES, 16_384);
  assertEquals([encodeRecords([]), encodeAbilities([])], [[], []]);
  const records = Array.from({ length: 1_000 }, (_, n) => recordOf(n));
  const messages = encodeRecords(records.map((record) => [record, false]));
  assert(messages.every(({ length }) => length <= MAX_MESSAGE_BYTES));
  let total = 0;
  for (const { length } of messages) total += length - 1;
  assertEquals(total, records.reduce((sum, { bytes }) => sum + 1 + bytes.length, 0));
  assertEquals(messages.length, Math.ceil(total / (MAX_MESSAGE_BYTES - 200)));
});

Deno.test(
  "encodeAbilities() fills a message to the last byte, and begins another for one more",
  PURE,
  () => {
    // One byte of kind, and two of length each.
    const [half, rest] = [new Uint8Array(8_000), new Uint8Array(MAX_MESSAGE_BYTES - 1 - 8_002 - 2)];
    assertEquals(encodeAbilities([half, rest]).map(({ length }) => length), [MAX_MESSAGE_BYTES]);
    const longer = new Uint8Array(rest.length + 1);
    assertEquals(encodeAbilities([half, longer]).map(({ length }) => length), [
      8_003,
      MAX_MESSAGE_BYTES - 8_001,
    ]);
  },
);
