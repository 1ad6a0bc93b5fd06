import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import type { Bytes } from "../../src/base/bytes.ts";
import { ByteReader, ByteReaderError } from "../../src/base/byte_reader.ts";
import type { PeerId } from "../../src/base/peer_id.ts";
import { seededRandom } from "../../src/base/random.ts";
import { AntiEntropy, periodMs } from "../../src/gossip/anti_entropy.ts";
import { PLAIN_ID_CODEC } from "../../src/gossip/id_codec.ts";
import type { MemberRecord } from "../../src/gossip/member_record.ts";
import { MemberTable } from "../../src/gossip/member_table.ts";
import {
  encodeDigest,
  encodeSummary,
  encodeWant,
  KINDS,
  MAX_MESSAGE_BYTES,
  prefixOf,
} from "../../src/gossip/message.ts";
import type { Neighbour } from "../../src/gossip/neighbour.ts";
import { idOf, neighbourOf, PURE, readRecord, recordOf } from "./people.ts";

const SECOND_MS = 1_000;

/** A member that compares tables, and believes whatever it is told. */
class Side {
  readonly id: PeerId;
  readonly table = new MemberTable();
  readonly neighbours = new Map<PeerId, Neighbour>();
  readonly sent: [to: PeerId, message: Bytes][] = [];
  readonly dialled: PeerId[] = [];
  readonly goneElsewhere: [PeerId, number][] = [];
  readonly abilities: number[] = [];
  readonly antiEntropy: AntiEntropy;

  constructor(n: number) {
    this.id = idOf(n);
    this.table.accept(recordOf(n), 0);
    this.antiEntropy = new AntiEntropy({
      id: this.id,
      table: this.table,
      random: seededRandom(n),
      neighbours: this.neighbours,
      ids: PLAIN_ID_CODEC,
      readRecord,
      send: (to, message) => void this.sent.push([to, message]),
      sendLater: (to, message) => void this.sent.push([to, message]),
      dial: ({ id }) => void this.dialled.push(id),
      onRecord: (record, _, nowMs) => {
        if (this.table.isNews(record)) this.table.accept(record, nowMs);
      },
      onGoneElsewhere: (id, incarnation, _, nowMs) => {
        this.goneElsewhere.push([id, incarnation]);
        this.table.bury(id, incarnation, nowMs);
      },
      abilityOf: () => undefined,
      onAbility: (record) => void this.abilities.push(record.length),
    }, 0);
  }

  receive(from: PeerId, message: Bytes, nowMs: number): void {
    const reader = new ByteReader(message);
    const { antiEntropy } = this;
    switch (reader.u8()) {
      case KINDS.digest:
        return antiEntropy.receiveDigest(from, reader, nowMs);
      case KINDS.summary:
        return antiEntropy.receiveSummary(from, reader, nowMs);
      case KINDS.want:
        return antiEntropy.receiveWant(from, reader, nowMs);
      case KINDS.records:
        return antiEntropy.receiveRecords(from, reader, nowMs);
      default:
        throw new Error("not of a comparison");
    }
  }

  /** What was sent since the last look, by kind. */
  look(): readonly number[] {
    return this.sent.splice(0).map(([, message]) => message[0] ?? 0);
  }
}

function pair(): readonly [Side, Side] {
  const [a, b] = [new Side(1), new Side(2)];
  a.neighbours.set(b.id, neighbourOf());
  b.neighbours.set(a.id, neighbourOf());
  return [a, b];
}

/** Carries messages until both are silent; returns how many there were, and their bytes. */
function exchange(a: Side, b: Side, nowMs: number): { messages: number; bytes: number } {
  let [messages, bytes] = [0, 0];
  while (a.sent.length + b.sent.length > 0) {
    for (const [from, to] of [[a, b], [b, a]] as const) {
      for (const [, message] of from.sent.splice(0)) {
        assert(message.length <= MAX_MESSAGE_BYTES);
        messages++;
        bytes += message.length;
        to.receive(from.id, message, nowMs);
      }
    }
  }
  return { messages, bytes };
}

function learn(side: Side, ...records: readonly MemberRecord[]): void {
  for (const record of records) if (side.table.isNews(record)) side.table.accept(record, 0);
}

/** Whom a side holds for what. */
function view({ table }: Side): ReadonlyMap<PeerId, string> {
  const entries = Array.from(
    table.records(),
    ({ id, incarnation }): [PeerId, string] => [id, `${table.stateOf(id)} ${incarnation}`],
  );
  return new Map(entries.sort());
}

Deno.test("periodMs() is memberlist's 30 s, and grows with log2 N beyond 32", PURE, () => {
  for (const [members, seconds] of [[0, 30], [1, 30], [32, 30], [64, 60], [1_024, 180]] as const) {
    assertAlmostEquals(periodMs(members), seconds * SECOND_MS, 1e-6, `${members}`);
  }
});

Deno.test("AntiEntropy says only that it believes the same where it does", PURE, () => {
  const [a, b] = pair();
  learn(a, recordOf(2));
  learn(b, recordOf(1));
  a.antiEntropy.compare(b.id, 0);
  assertEquals(exchange(a, b, 0), { messages: 2, bytes: 20 });
});

Deno.test("AntiEntropy makes two tables equal in one exchange", PURE, () => {
  const [a, b] = pair();
  for (let n = 10; n < 40; n++) {
    if (n % 3 !== 0) learn(a, recordOf(n, { incarnation: n % 5 }));
    if (n % 3 !== 1) learn(b, recordOf(n, { incarnation: n % 7 }));
  }
  learn(a, recordOf(50, { status: "asleep" }));
  learn(b, recordOf(11, { incarnation: 9, status: "left" }));
  b.table.bury(idOf(14), 0, 0);
  a.antiEntropy.compare(b.id, 0);
  exchange(a, b, 0);
  assertEquals(a.table.sums, b.table.sums);
  assertEquals(view(a), view(b));
  assertEquals(a.table.size, 2 + 30 + 1);
});

Deno.test("AntiEntropy tells of no more of the gone than that they are", PURE, () => {
  const [a, b] = pair();
  learn(a, recordOf(3), recordOf(4));
  a.table.bury(idOf(3), 0, 0);
  learn(a, recordOf(4, { incarnation: 1, status: "left" }));
  a.antiEntropy.compare(b.id, 0);
  exchange(a, b, 0);
  assertEquals([...view(b).keys()], [a.id, b.id].sort(), "whom one never knew one need not bury");
  b.antiEntropy.compare(a.id, 5_000);
  exchange(a, b, 5_000);
  assertEquals([...view(b).keys()], [a.id, b.id].sort());
});

Deno.test(
  "AntiEntropy tells that a member is gone in either direction, of what both hold",
  PURE,
  () => {
    for (const asker of [0, 1]) {
      const sides = pair();
      const [a, b] = sides;
      for (const side of sides) {
        learn(
          side,
          recordOf(3, { incarnation: 4 }),
          recordOf(1),
          recordOf(2),
        );
      }
      a.table.bury(idOf(3), 4, 0);
      sides[asker]?.antiEntropy.compare(sides[1 - asker]?.id ?? a.id, 0);
      exchange(a, b, 0);
      assertEquals([a.goneElsewhere, b.goneElsewhere], [[], [[idOf(3), 4]]]);
    }
  },
);

Deno.test("AntiEntropy: a newer word beats another's belief that a member is dead", PURE, () => {
  const [a, b] = pair();
  learn(a, recordOf(3, { incarnation: 4 }));
  a.table.bury(idOf(3), 4, 0);
  learn(b, recordOf(3, { incarnation: 5 }));
  a.antiEntropy.compare(b.id, 0);
  exchange(a, b, 0);
  assertEquals([a.table.stateOf(idOf(3)), b.table.stateOf(idOf(3))], ["alive", "alive"]);
});

Deno.test("AntiEntropy makes tables of 5,000 equal, in parts below 16 KiB", PURE, () => {
  const [a, b] = pair();
  for (let n = 10; n < 5_010; n++) {
    const record = recordOf(n);
    learn(a, record);
    if (n % 50 !== 0) learn(b, record);
  }
  for (let n = 11; n < 5_010; n += 50) learn(b, recordOf(n, { incarnation: 1 }));
  b.antiEntropy.compare(a.id, 0);
  const { messages } = exchange(a, b, 0);
  assertEquals(view(a), view(b));
  assertEquals(a.table.size, 5_002);
  // A digest; 5,001 entries of 11 bytes in 8 parts; at most a want and records for each, and 100 records back.
  assert(messages <= 1 + 8 + 3 * 8, `${messages} messages`);
});

Deno.test("AntiEntropy: a newcomer gets a table of 5,000 in one exchange", PURE, () => {
  const [a, b] = pair();
  for (let n = 10; n < 5_010; n++) learn(a, recordOf(n));
  b.antiEntropy.connected(a.id, 0, true);
  exchange(a, b, 0);
  assertEquals(a.table.sums, b.table.sums);
  assertEquals(b.table.size, 5_002);
});

Deno.test("AntiEntropy: endless digests get a summary as often as its size allows", PURE, () => {
  const [a, b] = pair();
  for (let n = 10; n < 5_010; n++) learn(a, recordOf(n));
  const digest = encodeDigest({ low: 1, high: 2 }, "ask");
  let bytes = 0;
  for (let ms = 0; ms < 60_000; ms += 10) {
    a.receive(b.id, digest, ms);
    for (const [, message] of a.sent.splice(0)) bytes += message.length;
  }
  // 8 parts, so one in 8 s: 0, 8, 16 .. 56.
  assertEquals(bytes, 8 * (5_001 * 11 + 8 * 4));
});

Deno.test("AntiEntropy: endless wants get four tables a minute", PURE, () => {
  const [a, b] = pair();
  for (let n = 10; n < 1_009; n++) learn(a, recordOf(n));
  const want = encodeWant(Array.from(a.table.records(), prefixOf));
  let bytes = 0;
  for (let round = 0; round < 1_000; round++) {
    a.receive(b.id, want, round);
    for (const [, message] of a.sent.splice(0)) bytes += message.length;
  }
  const oneTable = Array.from(a.table.records()).reduce(
    (sum, record) => sum + record.bytes.length,
    0,
  );
  assert(bytes >= 4 * oneTable && bytes < 4.2 * oneTable, `${bytes} of ${oneTable}`);
});

Deno.test("AntiEntropy: wants of nobody cost no endless looking", PURE, () => {
  const [a, b] = pair();
  for (let n = 10; n < 1_010; n++) learn(a, recordOf(n));
  let looks = 0;
  const { records } = a.table;
  a.table.records = () => (looks++, records.call(a.table));
  for (let round = 0; round < 10_000; round++) a.receive(b.id, encodeWant([1]), round);
  // 4 * 1,001 + 256 records, at 1 + 32 a look.
  assertEquals(looks, Math.floor((4 * 1_001 + 256) / 33));
});

Deno.test("AntiEntropy answers no summary that it did not ask for", PURE, () => {
  const [a, b] = pair();
  learn(a, ...[10, 11, 12].map((n) => recordOf(n)));
  const empty = encodeSummary({ bits: 0, part: 0 }, []);
  a.receive(b.id, empty, 0);
  assertEquals(a.look(), []);
  a.antiEntropy.compare(b.id, 0);
  a.look();
  a.receive(b.id, empty, 31_000);
  assertEquals(a.look(), [], "it came too late");
  a.antiEntropy.compare(b.id, 40_000);
  a.look();
  a.receive(b.id, empty, 41_000);
  assertEquals(a.look(), [KINDS.records]);
});

Deno.test("AntiEntropy: one digest cannot be answered by empty summaries for ever", PURE, () => {
  const [a, b] = pair();
  for (let n = 10; n < 1_009; n++) learn(a, recordOf(n));
  a.antiEntropy.compare(b.id, 0);
  a.look();
  let bytes = 0;
  for (let round = 0; round < 1_000; round++) {
    a.receive(b.id, encodeSummary({ bits: 0, part: 0 }, []), round);
    for (const [, message] of a.sent.splice(0)) bytes += message.length;
  }
  const oneTable = Array.from(a.table.records()).reduce(
    (sum, record) => sum + record.bytes.length,
    0,
  );
  assert(bytes < 4.2 * oneTable, `${bytes} of ${oneTable}`);
});

Deno.test("AntiEntropy gives nothing to whom it has no session with", PURE, () => {
  const a = new Side(1);
  a.receive(idOf(9), encodeDigest({ low: 1, high: 2 }, "ask"), 0);
  a.receive(idOf(9), encodeWant([prefixOf(recordOf(1))]), 0);
  assertEquals(a.look(), []);
});

Deno.test("AntiEntropy: a new session begins a new allowance", PURE, () => {
  const [a, b] = pair();
  learn(a, recordOf(10));
  const digest = encodeDigest({ low: 1, high: 2 }, "ask");
  for (const _ of [1, 2]) a.receive(b.id, digest, 0);
  assertEquals(a.look(), [KINDS.summary]);
  a.neighbours.set(b.id, neighbourOf());
  a.receive(b.id, digest, 1);
  assertEquals(a.look(), [KINDS.summary]);
});

Deno.test("AntiEntropy compares on its own with any member, dialled where need be", PURE, () => {
  const a = new Side(1);
  learn(a, recordOf(2));
  a.antiEntropy.tick(a.antiEntropy.deadlineMs - 1);
  assertEquals([a.look(), a.dialled], [[], []]);
  const dueMs = a.antiEntropy.deadlineMs;
  assert(dueMs >= 0 && dueMs <= 30_000);
  a.antiEntropy.tick(dueMs);
  assertEquals([a.look(), a.dialled], [[], [idOf(2)]]);
  a.neighbours.set(idOf(2), neighbourOf());
  a.antiEntropy.connected(idOf(2), dueMs + 9_999, false);
  assertEquals(a.look(), [KINDS.digest]);
  const metMs = dueMs + 9_999;
  const soonMs = a.antiEntropy.deadlineMs;
  assert(soonMs >= metMs + 1_500 && soonMs <= metMs + 2_500, "the first comparison may be lost");
  a.receive(idOf(2), encodeDigest(a.table.sums, "same"), metMs);
  a.antiEntropy.tick(soonMs);
  assertEquals(a.look(), [KINDS.digest]);
  const nextMs = a.antiEntropy.deadlineMs;
  assert(nextMs >= soonMs + 22_500 && nextMs <= soonMs + 37_500, "30 s, give or take a quarter");
  a.antiEntropy.tick(nextMs);
  assertEquals([a.look(), a.dialled.length], [[KINDS.digest], 1], "now there is a session");
});

Deno.test("AntiEntropy compares with whom it dialled, not with whoever dials", PURE, () => {
  const a = new Side(1);
  for (const [n, isDialer] of [[2, true], [3, false]] as const) {
    a.neighbours.set(idOf(n), neighbourOf());
    a.antiEntropy.connected(idOf(n), 0, isDialer);
    assertEquals(a.look(), isDialer ? [KINDS.digest] : []);
  }
});

Deno.test("AntiEntropy.dialFailed() tells whether it was to be compared with", PURE, () => {
  const a = new Side(1);
  learn(a, recordOf(2));
  const dueMs = a.antiEntropy.deadlineMs;
  a.antiEntropy.tick(dueMs);
  assert(!a.antiEntropy.dialFailed(idOf(3), dueMs));
  assert(a.antiEntropy.dialFailed(idOf(2), dueMs + 100));
  assert(!a.antiEntropy.dialFailed(idOf(2), dueMs + 100), "once");
});

Deno.test("AntiEntropy picks nobody that is gone or asleep, nor itself", PURE, () => {
  const a = new Side(1);
  learn(a, recordOf(2), recordOf(3, { status: "asleep" }));
  a.table.bury(idOf(2), 0, 0);
  for (let round = 0; round < 20; round++) a.antiEntropy.tick(a.antiEntropy.deadlineMs);
  assertEquals([a.look(), a.dialled], [[], []]);
});

Deno.test(
  "AntiEntropy is restless after a burst, until a neighbour believes the same",
  PURE,
  () => {
    const [a, b] = pair();
    const nowMs = a.antiEntropy.deadlineMs + 1;
    a.antiEntropy.tick(nowMs);
    for (let change = 0; change < 3; change++) a.antiEntropy.changed(nowMs);
    const gapMs = a.antiEntropy.deadlineMs - nowMs;
    assert(gapMs >= 1_500 && gapMs <= 2_500, `${gapMs}`);
    let compared = 0;
    for (let ms = nowMs; ms < nowMs + 60_000; ms += 100) {
      a.antiEntropy.tick(ms);
      compared += a.look().length;
    }
    assert(compared >= 16 && compared <= 19, `${compared}: sixteen times, then as seldom as ever`);
    for (let change = 0; change < 3; change++) a.antiEntropy.changed(100_000);
    a.receive(b.id, encodeDigest(a.table.sums, "same"), 100_000);
    let again = 0;
    for (let ms = 100_000; ms < 120_000; ms += 100) {
      a.antiEntropy.tick(ms);
      again += a.look().length;
    }
    assert(again <= 1, `${again}`);
  },
);

Deno.test("AntiEntropy refuses messages that are cut off, or longer than they say", PURE, () => {
  const [a, b] = pair();
  const digest = encodeDigest({ low: 1, high: 2 }, "ask");
  for (let length = 1; length < digest.length; length++) {
    assertThrows(() => a.receive(b.id, digest.slice(0, length), 0), ByteReaderError);
  }
  assertThrows(() => a.receive(b.id, new Uint8Array([...digest, 0]), 0), ByteReaderError);
  const records = new Uint8Array([KINDS.records, 0, ...recordOf(9).bytes]);
  for (let length = 2; length < records.length; length++) {
    assertThrows(() => a.receive(b.id, records.slice(0, length), 0), ByteReaderError);
  }
  assertThrows(() => a.receive(b.id, new Uint8Array([...records, 0]), 0), ByteReaderError);
});

Deno.test("AntiEntropy.receiveAbilities() reads them one after another", PURE, () => {
  const a = new Side(1);
  const bytes = Uint8Array.of(0, 2, 1, 1, 0, 0, 0, 1, 9);
  a.antiEntropy.receiveAbilities(new ByteReader(bytes), 0);
  assertEquals(a.abilities, [2, 0, 1]);
  for (const length of [1, 3, 8]) {
    const reader = new ByteReader(bytes.slice(0, length));
    assertThrows(() => a.antiEntropy.receiveAbilities(reader, 0), ByteReaderError);
  }
});
