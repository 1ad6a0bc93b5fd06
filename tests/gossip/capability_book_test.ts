import { assertEquals } from "@std/assert";
import type { PeerId } from "../../src/base/peer_id.ts";
import { seededRandom, shuffled } from "../../src/base/random.ts";
import { CapabilityBook, isRecord, recordScale } from "../../src/gossip/capability_book.ts";
import { EVENT_CLASSES, signEvent } from "../../src/gossip/event.ts";
import { PLAIN_ID_CODEC } from "../../src/gossip/id_codec.ts";
import { ALICE, BOB, CAROL, identityOf } from "../testing/identities.ts";
import { fakeSignature } from "./event_network.ts";

const PURE = { permissions: "none" } as const;

function record(id: PeerId, seq: number, data = `{"seq":${seq}}`) {
  const signer = { publicKey: ALICE.signing.publicKey, sign: fakeSignature };
  const content = { seq, class: EVENT_CLASSES.capabilities, name: "", data };
  return signEvent(id, content, signer, PLAIN_ID_CODEC);
}

function newBook(members = 1, maxRecords?: number) {
  const changes: string[] = [];
  const names = new Map([[ALICE.id, "alice"], [BOB.id, "bob"], [CAROL.id, "carol"]]);
  const village = { members };
  const book = new CapabilityBook({
    memberCount: () => village.members,
    onChange: (id, text) => changes.push(`${names.get(id)} ${text}`),
    ...(maxRecords === undefined ? {} : { maxRecords }),
  });
  return { book, changes, village };
}

Deno.test("recordScale() grows with the village from 32 members on", PURE, () => {
  assertEquals([0, 1, 32, 33, 64, 3_200].map(recordScale), [1, 1, 1, 33 / 32, 2, 100]);
});

Deno.test("isRecord() is true of JSON objects alone", PURE, () => {
  assertEquals(["{}", ' {"a":1}'].map(isRecord), [true, true]);
  assertEquals(["", "{", "[]", "null", "1", '"a"'].map(isRecord), Array(6).fill(false));
});

Deno.test(
  "CapabilityBook keeps the newest record of each member and tells what changed",
  PURE,
  () => {
    const { book, changes } = newBook();
    assertEquals(book.take(record(ALICE.id, 5), 0, 0), true);
    assertEquals(book.take(record(BOB.id, 1), 0, 0), true);
    assertEquals([book.isNews(ALICE.id, 5), book.isNews(ALICE.id, 6)], [false, true]);
    assertEquals(book.take(record(ALICE.id, 6), 0, 30_000), true);
    assertEquals(book.take(record(ALICE.id, 7, '{"seq":6}'), 0, 60_000), true);
    assertEquals([book.get(ALICE.id), book.size], ['{"seq":6}', 2]);
    assertEquals(changes, ['alice {"seq":5}', 'bob {"seq":1}', 'alice {"seq":6}']);
  },
);

Deno.test("CapabilityBook forgets a record 90 s after it was sent", PURE, () => {
  const { book, changes } = newBook(32);
  book.take(record(ALICE.id, 1), 20_000, 20_000);
  assertEquals(book.deadlineMs, 90_000);
  book.tick(89_999);
  assertEquals(book.size, 1);
  book.tick(90_000);
  assertEquals([book.size, book.deadlineMs, changes.at(-1)], [0, Infinity, "alice undefined"]);
});

Deno.test(
  "CapabilityBook believes records for longer in a large village, as it grows and shrinks",
  PURE,
  () => {
    const { book, village } = newBook(320);
    book.take(record(ALICE.id, 1), 0, 0);
    assertEquals(book.deadlineMs, 900_000);
    village.members = 64;
    assertEquals(book.deadlineMs, 180_000);
  },
);

Deno.test(
  "CapabilityBook forgets in the order of sending, whatever the order of learning",
  PURE,
  () => {
    const { book } = newBook();
    const random = seededRandom(3);
    const ages = Array.from({ length: 60 }, (_, n) => n * 1_000);
    for (const [n, ageMs] of shuffled(random, ages).entries()) {
      book.take(record(identityOf(n).id, 1), ageMs, 100_000);
    }
    for (let atMs = 100_000; atMs <= 190_000; atMs += 1_000) {
      book.tick(atMs);
      const expected = ages.filter((ageMs) => 100_000 - ageMs + 90_000 > atMs).length;
      // A record may stay for 10 s longer, and none goes early.
      const late = ages.filter((ageMs) => 100_000 - ageMs + 100_000 > atMs).length;
      assertEquals(book.size >= expected && book.size <= late, true, `${atMs}`);
    }
  },
);

Deno.test(
  "CapabilityBook takes nothing that is old, no record, or too much of one member",
  PURE,
  () => {
    const { book } = newBook();
    assertEquals(book.take(record(ALICE.id, 1), 90_000, 0), false);
    assertEquals(book.take(record(ALICE.id, 1, "[]"), 0, 0), false);
    assertEquals(book.take(record(ALICE.id, 1, "no"), 0, 0), false);
    const taken = Array.from({ length: 10 }, (_, n) => book.take(record(ALICE.id, n + 1), 0, 0));
    assertEquals(taken, [...Array(8).fill(true), false, false]);
    // 2.5 s for each.
    assertEquals(book.take(record(ALICE.id, 20), 0, 2_499), false);
    assertEquals(book.take(record(ALICE.id, 20), 0, 2_500), true);
    assertEquals(book.take(record(BOB.id, 1), 0, 0), true);
  },
);

Deno.test("CapabilityBook drops the record unheard of for longest past its limit", PURE, () => {
  const { book, changes } = newBook(1, 2);
  book.take(record(ALICE.id, 1), 0, 0);
  book.take(record(BOB.id, 1), 0, 1);
  book.take(record(ALICE.id, 2), 0, 2);
  book.take(record(CAROL.id, 1), 0, 3);
  assertEquals([book.size, changes.at(-2)], [2, "bob undefined"]);
  const sentMs = [ALICE, BOB, CAROL].map(({ id }) => book.recordOf(id)?.sentMs);
  assertEquals(sentMs, [2, undefined, 3]);
});

Deno.test("CapabilityBook.recordOf() gives the signed record and when it was sent", PURE, () => {
  const { book } = newBook();
  const signed = record(ALICE.id, 1);
  book.take(signed, 3_000, 10_000);
  assertEquals(book.recordOf(ALICE.id)?.bytes, signed.bytes);
  assertEquals(book.recordOf(ALICE.id)?.sentMs, 7_000);
  assertEquals(book.recordOf(BOB.id), undefined);
});
