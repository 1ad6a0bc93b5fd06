import { assert, assertEquals, assertFalse } from "@std/assert";
import type { PeerId } from "../../src/base/peer_id.ts";
import { type PeerRecord, signRecord } from "../../src/mesh/peer_record.ts";
import { RecordBook } from "../../src/mesh/record_book.ts";
import { ALICE, BOB, identityOf, WALL_MS } from "../testing/identities.ts";

const PURE = { permissions: "none" } as const;
const HOUR_MS = 3_600_000;
const CAP = 4_096;
const NOBODY = "nobody" as PeerId;

function record(wallMs = WALL_MS, identity = ALICE): PeerRecord {
  const addresses = [{ host: "192.168.1.5", port: 9000 }];
  return signRecord(identity.id, addresses, identity.signing, wallMs);
}

/** A record that nobody signed: the book trusts what it is given. */
function named(name: string, seqMs = WALL_MS): PeerRecord {
  const id = name as PeerId;
  return { id, addresses: [], seqMs, expiresAtMs: seqMs + HOUR_MS, signed: { node_id: id } };
}

function namesIn(book: RecordBook, options: Partial<Parameters<RecordBook["list"]>[0]> = {}) {
  return book.list({ wallMs: WALL_MS, except: NOBODY, limit: 1e9, ...options })
    .map(({ id }) => String(id));
}

Deno.test("RecordBook.keep() lets the newest win, whatever the order of arrival", PURE, () => {
  const cases: readonly (readonly [readonly number[], number, readonly boolean[]])[] = [
    [[0], 0, [true]],
    [[0, 0], 0, [true, false]],
    [[0, 1], 1, [true, true]],
    [[1, 0], 1, [true, false]],
    [[0, 2, 1, 3, 3], 3, [true, true, false, true, false]],
  ];
  for (const [arrivals, newest, taken] of cases) {
    const book = new RecordBook();
    assertEquals(arrivals.map((ms) => book.keep(record(WALL_MS + ms))), taken, String(arrivals));
    const [kept] = book.list({ wallMs: WALL_MS, except: NOBODY, limit: 9 });
    assertEquals([book.size, kept?.seqMs], [1, WALL_MS + newest], String(arrivals));
  }
});

Deno.test("RecordBook.holds() knows a record by its owner, seq and signature", PURE, () => {
  const book = new RecordBook();
  const { signed } = record();
  assertFalse(book.holds(signed), "an empty book");
  book.keep(record());
  book.keep(record(WALL_MS, BOB));
  assert(book.holds(signed));
  assert(book.holds(JSON.parse(JSON.stringify(signed))), "another object, the same record");
  const others: readonly unknown[] = [
    { ...signed, seq: WALL_MS + 1 },
    { ...signed, seq: String(WALL_MS) },
    { ...signed, signature: record(WALL_MS, BOB).signed["signature"] },
    { ...signed, signature: undefined },
    { ...signed, node_id: BOB.id },
    { ...signed, node_id: identityOf(1).id },
    { ...signed, node_id: ALICE.id.toUpperCase() },
    { ...signed, node_id: [ALICE.id] },
    record(WALL_MS + 1).signed,
    record(WALL_MS - 1).signed,
    {},
    [signed],
    null,
    undefined,
    ALICE.id,
    1,
  ];
  for (const other of others) assertFalse(book.holds(other), JSON.stringify(other));
});

Deno.test("RecordBook.holds() forgets a record that a newer one replaced", PURE, () => {
  const book = new RecordBook();
  book.keep(record());
  book.keep(record(WALL_MS + 1));
  assertFalse(book.holds(record().signed));
  assert(book.holds(record(WALL_MS + 1).signed));
});

Deno.test("RecordBook.list() gives the latest kept first; a renewal counts as late", PURE, () => {
  const book = new RecordBook();
  for (const name of ["a", "b", "c"]) book.keep(named(name));
  assertEquals(namesIn(book), ["c", "b", "a"]);
  book.keep(named("a", WALL_MS + 1));
  assertEquals(namesIn(book), ["a", "c", "b"]);
  book.keep(named("b", WALL_MS));
  assertEquals(namesIn(book), ["a", "c", "b"], "a replay moves nothing");
});

Deno.test("RecordBook.list() leaves out whom it is for", PURE, () => {
  const book = new RecordBook();
  for (const name of ["a", "b", "c"]) book.keep(named(name));
  assertEquals(namesIn(book, { except: "b" as PeerId }), ["c", "a"]);
  assertEquals(namesIn(book, { except: "b" as PeerId, limit: 2 }), ["c", "a"], "nor counts it");
});

Deno.test("RecordBook.list() leaves out the expired, to the millisecond", PURE, () => {
  const book = new RecordBook();
  book.keep(named("a"));
  assertEquals(namesIn(book, { wallMs: WALL_MS + HOUR_MS }), ["a"]);
  assertEquals(namesIn(book, { wallMs: WALL_MS + HOUR_MS + 1 }), []);
  assertEquals(book.size, 1, "held on: an older replay is still told from news");
});

Deno.test("RecordBook.list() stops at its limit", PURE, () => {
  const book = new RecordBook();
  for (const name of ["a", "b", "c"]) book.keep(named(name));
  const cases = [[0, []], [1, ["c"]], [3, ["c", "b", "a"]], [4, ["c", "b", "a"]]] as const;
  for (const [limit, names] of cases) assertEquals(namesIn(book, { limit }), [...names]);
});

Deno.test("RecordBook evicts the longest unrenewed at 4,096 + 1", PURE, () => {
  const book = new RecordBook();
  for (let n = 0; n < CAP; n++) book.keep(named(`p${n}`));
  assertEquals([book.size, namesIn(book).at(-1)], [CAP, "p0"]);
  book.keep(named("p0", WALL_MS + 1));
  assertEquals([book.size, namesIn(book).at(-1)], [CAP, "p1"], "a renewal evicts nobody");
  book.keep(named("one more"));
  assertEquals([book.size, namesIn(book)[0], namesIn(book).at(-1)], [CAP, "one more", "p2"]);
  assert(namesIn(book).includes("p0"), "the renewed one stays");
});
