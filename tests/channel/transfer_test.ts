/** What both ends of a transfer read and write, and whole transfers between them. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type Bytes,
  concatBytes,
  decodeHex,
  decodeUtf8,
  encodeHex,
  encodeUtf8,
} from "../../src/base/bytes.ts";
import { CodedError } from "../../src/base/errors.ts";
import { FieldError } from "../../src/base/guards.ts";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import type { TransferProgress } from "../../src/channel/send_transfer.ts";
import {
  decodeOffset,
  decodeOutcome,
  encodeOffset,
  encodeOutcome,
  hashRange,
  MAX_TRANSFER_BYTES,
  PIECE_BYTES,
  readHolding,
  readOffer,
  TransferError,
  writeHolding,
} from "../../src/channel/transfer.ts";
import { fuzzSeed, HOSTILE_VALUES, pollution } from "../testing/mutate.ts";
import { PRIMITIVES } from "../testing/identities.ts";
import {
  MemorySource,
  randomBytesOf,
  sha256Hex,
  Shelf,
  TransferPair,
} from "../testing/transfers.ts";

const PURE = { permissions: "none" } as const;
/** FIPS 180-4, of nothing and of "abc". */
const SHA256_EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const SHA256_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
/** What a body has besides the file: the offset and the digest. */
const FRAME_BYTES = 8 + 32;

/** The code of the {@link TransferError} that `bytes` decode to. */
function outcomeCode(bytes: Bytes): string {
  return assertThrows(() => decodeOutcome(bytes), TransferError).code;
}

function outcomeOf(value: unknown): Bytes {
  return encodeUtf8(JSON.stringify(value));
}

Deno.test("encodeOffset() and decodeOffset() are u64 big-endian, beyond 2^32 too", PURE, () => {
  const golden: readonly (readonly [number, string])[] = [
    [0, "0000000000000000"],
    [1, "0000000000000001"],
    [1_048_576, "0000000000100000"],
    [2 ** 32 - 1, "00000000ffffffff"],
    [2 ** 32, "0000000100000000"],
    [2 ** 32 + 1, "0000000100000001"],
    [0x0001_0203_0405_0607, "0001020304050607"],
    [2 ** 53 - 1, "001fffffffffffff"],
  ];
  for (const [offset, hex] of golden) {
    assertEquals(encodeHex(encodeOffset(offset)), hex);
    assertEquals(decodeOffset(decodeHex(hex)), offset);
    assertEquals(new DataView(decodeHex(hex).buffer).getBigUint64(0), BigInt(offset));
  }
});

Deno.test("decodeOffset() takes no number that is not exact for a small one", PURE, () => {
  for (const hex of ["0020000000000001", "ffffffffffffffff", "8000000000000000"]) {
    assert(decodeOffset(decodeHex(hex)) > MAX_TRANSFER_BYTES, hex);
  }
});

Deno.test("encodeOutcome() writes a success or a failure as JSON", PURE, () => {
  const done = { savedAs: "a (2).txt", sha256: SHA256_ABC };
  const text = `{"saved_as":"a (2).txt","sha256":"${SHA256_ABC}"}`;
  assertEquals(encodeOutcome(done), encodeUtf8(text));
  assertEquals(decodeOutcome(encodeUtf8(text)), done);
  const failure = new TransferError("no_space", "Cannot receive: 7 bytes exceed 6");
  const failureText = '{"code":"no_space","message":"Cannot receive: 7 bytes exceed 6"}';
  assertEquals(encodeOutcome(failure), encodeUtf8(failureText));
  const read = assertThrows(() => decodeOutcome(encodeUtf8(failureText)), TransferError);
  assertEquals([read.code, read.message], [failure.code, failure.message]);
});

Deno.test("encodeOutcome() cuts a message to the 512 characters that are read", PURE, () => {
  const bytes = encodeOutcome(new TransferError("no_space", "x".repeat(10_000)));
  const read = assertThrows(() => decodeOutcome(bytes), TransferError);
  assertEquals([read.code, read.message], ["no_space", "x".repeat(512)]);
});

Deno.test("decodeOutcome() refuses every truncation, and garbage after an outcome", PURE, () => {
  const whole = encodeOutcome({ savedAs: "a.txt", sha256: SHA256_ABC });
  for (let length = 0; length < whole.length; length++) {
    assertEquals(outcomeCode(whole.slice(0, length)), "malformed_transfer", `${length}`);
  }
  for (const rest of ["x", "{}", "\0", decodeUtf8(whole)]) {
    const bytes = concatBytes(whole, encodeUtf8(rest));
    assertEquals(outcomeCode(bytes), "malformed_transfer", rest);
  }
  assertEquals(outcomeCode(decodeHex("ff")), "malformed_transfer", "no UTF-8");
});

Deno.test("decodeOutcome() holds every field to its limit", PURE, () => {
  const done = { saved_as: "a", sha256: SHA256_ABC };
  const failed = { code: "c", message: "m" };
  const longName = { ...done, saved_as: "a".repeat(4_096) };
  assertEquals(decodeOutcome(outcomeOf(longName)).savedAs.length, 4_096);
  assertEquals(outcomeCode(outcomeOf({ ...failed, code: "c".repeat(64) })), "c".repeat(64));
  assertEquals(outcomeCode(outcomeOf({ ...failed, message: "m".repeat(512) })), "c");
  const beyond: readonly unknown[] = [
    { ...done, saved_as: "a".repeat(4_097) },
    { ...done, saved_as: "a\x1b[2Jb" },
    { ...done, sha256: SHA256_ABC.slice(1) },
    { ...done, sha256: SHA256_ABC + "0" },
    { saved_as: "a" },
    { sha256: SHA256_ABC },
    { ...failed, code: "c".repeat(65) },
    { ...failed, message: "m".repeat(513) },
    { ...failed, message: "two\nlines" },
    { code: "c" },
    { ...done, code: null },
    [done],
    ...HOSTILE_VALUES,
    ...HOSTILE_VALUES.map((saved_as) => ({ ...done, saved_as }))
      .filter(({ saved_as }) => saved_as !== "x" && saved_as !== "a".repeat(129)),
    ...HOSTILE_VALUES.map((sha256) => ({ ...done, sha256 })),
  ];
  for (const value of beyond) {
    assertEquals(outcomeCode(outcomeOf(value)), "malformed_transfer", JSON.stringify(value));
  }
  assertEquals(pollution(), []);
});

Deno.test("decodeOutcome() reads no field from a prototype", PURE, () => {
  const texts = [
    `{"__proto__":{"saved_as":"a","sha256":"${SHA256_ABC}"}}`,
    `{"__proto__":{"code":"c","message":"m"}}`,
  ];
  for (const text of texts) assertEquals(outcomeCode(encodeUtf8(text)), "malformed_transfer");
  const more = `{"saved_as":"__proto__","sha256":"${SHA256_ABC}","__proto__":{"code":"c"}}`;
  assertEquals(decodeOutcome(encodeUtf8(more)).savedAs, "__proto__");
  assertEquals(pollution(), []);
});

Deno.test("readOffer() takes any name of up to 1,024 characters and any exact size", PURE, () => {
  for (const name of ["a", "", "../../etc/passwd", "a\0b", "__proto__", "x".repeat(1_024)]) {
    assertEquals(readOffer({ name, size: 7, more: 1 }), { name, size: 7 });
  }
  for (const size of [0, 2 ** 32, 2 ** 53 - 1]) {
    assertEquals(readOffer({ name: "a", size }).size, size);
  }
});

Deno.test("readOffer() names the field that is missing or hostile", PURE, () => {
  const numbers = [-1, 0.5, 2 ** 53, 1e308, Infinity, NaN, "7", null, [7], { valueOf: 7 }];
  for (const size of numbers) {
    const error = assertThrows(() => readOffer({ name: "a", size }), FieldError);
    assertEquals([error.code, error.field], ["invalid_field", "data.size"], String(size));
  }
  for (const name of ["x".repeat(1_025), 7, null, ["a"], { toString: "a" }]) {
    const error = assertThrows(() => readOffer({ name, size: 7 }), FieldError);
    assertEquals([error.code, error.field], ["invalid_field", "data.name"]);
  }
  const inherited = JSON.parse('{"__proto__":{"name":"a","size":7}}');
  for (const data of [{}, { name: "a" }, { size: 7 }, inherited]) {
    assertThrows(() => readOffer(data), FieldError);
  }
});

Deno.test("writeHolding() and readHolding() name an offset and a digest", PURE, () => {
  const holding = { offset: 1_048_576, sha256: decodeHex(SHA256_ABC) };
  assertEquals(writeHolding(holding), { offset: 1_048_576, sha256: SHA256_ABC });
  assertEquals(readHolding(writeHolding(holding), 1_048_576), holding);
});

Deno.test("readHolding() refuses more than the file's size, and what is no holding", PURE, () => {
  const good = { offset: 5, sha256: SHA256_ABC };
  const bad: readonly Record<string, unknown>[] = [
    {},
    { offset: 5 },
    { sha256: SHA256_ABC },
    { ...good, offset: 8 },
    ...[-1, 0.5, 2 ** 53, 1e308, Infinity, NaN, "5", null].map((offset) => ({ ...good, offset })),
    ...["", "g".repeat(64), SHA256_ABC.slice(2), SHA256_ABC + "00", 7, null, [SHA256_ABC]]
      .map((sha256) => ({ ...good, sha256 })),
    JSON.parse(`{"__proto__":{"offset":5,"sha256":"${SHA256_ABC}"}}`),
  ];
  assertEquals(readHolding(good, 7).offset, 5);
  for (const data of bad) {
    const error = assertThrows(() => readHolding(data, 7), TransferError);
    assertEquals(error.code, "malformed_transfer", JSON.stringify(data));
  }
});

Deno.test("hashRange() hashes what is between, in pieces of the buffer's size", PURE, async () => {
  const bytes = randomBytesOf(seededRandom(3), 1_000);
  const source = new MemorySource(bytes);
  const read = (offset: number, buffer: Bytes) => source.read(offset, buffer);
  for (const [from, to] of [[0, 0], [0, 1_000], [1, 999], [300, 600], [600, 600]] as const) {
    const hash = PRIMITIVES.createSha256();
    const told: number[] = [];
    const options = { from, to, buffer: new Uint8Array(300) };
    const onProgress = (offset: number) => told.push(offset);
    assert(await hashRange(hash, read, { ...options, onProgress }));
    assertEquals(hash.digest().toHex(), sha256Hex(bytes.subarray(from, to)));
    const count = Math.ceil((to - from) / 300);
    const expected = Array.from({ length: count }, (_, n) => Math.min(to, from + 300 * (n + 1)));
    assertEquals(told, expected);
  }
  const hash = PRIMITIVES.createSha256();
  assertEquals(await hashRange(hash, read, { to: 1_001, buffer: new Uint8Array(64) }), false);
});

Deno.test("a transfer of any length arrives whole, around every piece's end", PURE, async () => {
  const random = seededRandom(1);
  const sizes = [
    0,
    1,
    31,
    32,
    PIECE_BYTES - 1,
    PIECE_BYTES,
    PIECE_BYTES + 1,
    2 * PIECE_BYTES,
    3 * PIECE_BYTES + 12_345,
  ];
  for (const size of sizes) {
    for (const recordBytes of size < 100 ? [24, 65_519] : [65_519]) {
      const transfer = new TransferPair(new Shelf(), { recordBytes });
      const bytes = randomBytesOf(random, size);
      const outcome = await transfer.send(new MemorySource(bytes));
      const expected = { savedAs: "holiday (2).mp4", sha256: sha256Hex(bytes) };
      assertEquals(outcome, { ...expected, resumedFrom: 0 });
      assertEquals(transfer.shelf.bytes, bytes);
      assertEquals(transfer.ends, [expected]);
      assertEquals(transfer.sentBytes, size + FRAME_BYTES);
      await transfer.pair.assertNothingLeft(`${size}`);
      assertEquals([transfer.shelf.deliveries, transfer.shelf.closes], [1, 1]);
    }
  }
});

Deno.test("the digest of an empty transfer is SHA-256 of nothing", PURE, async () => {
  const transfer = new TransferPair();
  const { sha256 } = await transfer.send(new MemorySource(new Uint8Array()));
  assertEquals(sha256, SHA256_EMPTY);
});

Deno.test("a transfer of which the beginning is held sends the rest only", PURE, async () => {
  const bytes = randomBytesOf(seededRandom(2), 3 * PIECE_BYTES + 77);
  for (const held of [1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, bytes.length - 1]) {
    const transfer = new TransferPair(new Shelf(bytes.subarray(0, held)));
    const outcome = await transfer.send(new MemorySource(bytes));
    assertEquals([outcome.resumedFrom, outcome.sha256], [held, sha256Hex(bytes)]);
    assertEquals(transfer.sentBytes, bytes.length - held + FRAME_BYTES);
    assertEquals(transfer.shelf.bytes, bytes);
    await transfer.pair.assertNothingLeft(`${held}`);
  }
});

Deno.test("a transfer of which all is held sends a digest only", PURE, async () => {
  for (const size of [1, PIECE_BYTES, PIECE_BYTES + 1]) {
    const bytes = randomBytesOf(seededRandom(size), size);
    const transfer = new TransferPair(new Shelf(bytes));
    assertEquals((await transfer.send(new MemorySource(bytes))).resumedFrom, size);
    assertEquals(transfer.sentBytes, FRAME_BYTES);
    assertEquals([transfer.shelf.bytes, transfer.shelf.deliveries], [bytes, 1]);
    await transfer.pair.assertNothingLeft();
  }
});

Deno.test("a transfer of which something else is held starts again", PURE, async () => {
  const bytes = randomBytesOf(seededRandom(5), 2 * PIECE_BYTES);
  for (const [held, at] of [[1, 0], [PIECE_BYTES + 1, PIECE_BYTES], [bytes.length, 7]] as const) {
    const other = bytes.slice(0, held);
    other[at] = (other[at] ?? 0) ^ 1;
    const transfer = new TransferPair(new Shelf(other));
    const outcome = await transfer.send(new MemorySource(bytes));
    assertEquals([outcome.resumedFrom, outcome.sha256], [0, sha256Hex(bytes)]);
    assertEquals(transfer.sentBytes, bytes.length + FRAME_BYTES);
    assertEquals(transfer.shelf.bytes, bytes);
    await transfer.pair.assertNothingLeft(`${held}`);
  }
});

Deno.test("a transfer tells how far it is: checking, sending, verifying", PURE, async () => {
  const bytes = randomBytesOf(seededRandom(6), 4 * PIECE_BYTES);
  const transfer = new TransferPair(new Shelf(bytes.subarray(0, 2 * PIECE_BYTES)));
  const told: TransferProgress[] = [];
  await transfer.send(new MemorySource(bytes), { onProgress: (progress) => told.push(progress) });
  assertEquals(
    told.map(({ state, done, resumedFrom }) => [state, done / PIECE_BYTES, resumedFrom]),
    [
      ["checking", 1, 0],
      ["checking", 2, 0],
      ["sending", 3, 2 * PIECE_BYTES],
      ["sending", 4, 2 * PIECE_BYTES],
      ["verifying", 4, 2 * PIECE_BYTES],
    ],
  );
});

Deno.test("transfers in one session do not disturb one another", PURE, async () => {
  const random = seededRandom(8);
  const transfer = new TransferPair();
  const names = ["a", "b", "c"];
  const sources = names.map((name, n) =>
    new MemorySource(randomBytesOf(random, n * PIECE_BYTES + 5), name)
  );
  for (const name of names) transfer.shelves.set(name, new Shelf());
  const outcomes = await Promise.all(sources.map((source) => transfer.send(source)));
  assertEquals(outcomes.map(({ sha256 }) => sha256), sources.map(({ bytes }) => sha256Hex(bytes)));
  const kept = names.map((name) => transfer.shelves.get(name)?.bytes);
  assertEquals(kept, sources.map(({ bytes }) => bytes));
  await transfer.pair.assertNothingLeft();
});

Deno.test(
  "a transfer whose session is lost at any moment is resumed to its end",
  PURE,
  async () => {
    const seed = fuzzSeed();
    for (let round = 0; round < 20; round++) {
      const random = seededRandom(seed + round);
      const label = `seed ${seed + round}`;
      const bytes = randomBytesOf(random, 1 + randomBelow(random, 2 * PIECE_BYTES));
      let held = new Uint8Array();
      let losses = 0;
      for (;;) {
        const shelf = new Shelf(held);
        const recordBytes = 4_096 + randomBelow(random, 61_424);
        const transfer = new TransferPair(shelf, { recordBytes });
        const lostAt = losses < 6 ? randomBelow(random, bytes.length + FRAME_BYTES) : Infinity;
        transfer.onSent = (sentBytes) => {
          if (held.length + sentBytes > lostAt) transfer.pair.lose();
        };
        try {
          const outcome = await transfer.send(new MemorySource(bytes));
          assertEquals(
            [outcome.resumedFrom, outcome.sha256],
            [held.length, sha256Hex(bytes)],
            label,
          );
          assertEquals([shelf.deliveries, shelf.bytes], [1, bytes], label);
          await transfer.pair.assertNothingLeft(label);
          break;
        } catch (error) {
          if (!(error instanceof CodedError)) throw error;
          assert(error.code === "lost" || error.code === "closed", `${label}: ${error.code}`);
          await transfer.pair.assertNothingLeft(label);
          assertEquals([shelf.deliveries, shelf.isDiscarded, shelf.closes], [0, false, 1], label);
          assertEquals(
            shelf.bytes,
            bytes.slice(0, shelf.length),
            `${label}: what is held is right`,
          );
          held = shelf.bytes;
          losses++;
        }
      }
    }
  },
);

Deno.test("a transfer whose last word is lost was delivered all the same", PURE, async () => {
  const transfer = new TransferPair();
  transfer.shelf.onStep = (step) => {
    if (step === "finish") transfer.pair.lose();
  };
  const source = new MemorySource(randomBytesOf(seededRandom(9), 1_000));
  const error = await assertRejects(() => transfer.send(source), CodedError);
  assertEquals(error.code, "lost");
  await transfer.pair.assertNothingLeft();
  assertEquals([transfer.shelf.deliveries, transfer.shelf.closes], [1, 1]);
  assertEquals(transfer.ends, [{ savedAs: "holiday (2).mp4", sha256: sha256Hex(source.bytes) }]);
});
