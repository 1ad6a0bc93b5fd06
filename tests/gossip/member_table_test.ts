import { assert, assertEquals } from "@std/assert";
import { readU32 } from "../../src/base/bytes.ts";
import { seededRandom, shuffled } from "../../src/base/random.ts";
import type { MemberRecord } from "../../src/gossip/member_record.ts";
import { GONE_MS, MAX_MEMBERS, MemberTable } from "../../src/gossip/member_table.ts";
import { idOf, keyOf, PURE, recordOf } from "./people.ts";

const DAY_MS = 86_400_000;
const [A, B, C, D] = [1, 2, 3, 4].map((n) => idOf(n)) as [
  ReturnType<typeof idOf>,
  ReturnType<typeof idOf>,
  ReturnType<typeof idOf>,
  ReturnType<typeof idOf>,
];

function tableOf(...records: readonly MemberRecord[]): MemberTable {
  const table = new MemberTable();
  for (const record of records) assert(table.accept(record, 0));
  return table;
}

/** As cheap as can be: what the table looks at of a record. */
function stubOf(n: number, incarnation = 0): MemberRecord {
  const bytes = new Uint8Array(33);
  bytes.set(keyOf(n), 1);
  return { id: idOf(n), incarnation, status: "alive", pace: "lan", addresses: [], bytes };
}

/** By the definition: the sum of (incarnation + 1) * half of the key, modulo 2^32, of all that live. */
function naiveSums(living: readonly (readonly [n: number, incarnation: number])[]) {
  let [low, high] = [0n, 0n];
  for (const [n, incarnation] of living) {
    low += BigInt(readU32(keyOf(n), 0)) * BigInt(incarnation + 1);
    high += BigInt(readU32(keyOf(n), 16)) * BigInt(incarnation + 1);
  }
  return { low: Number(BigInt.asIntN(32, low)), high: Number(BigInt.asIntN(32, high)) };
}

Deno.test("MemberTable knows nobody at first", PURE, () => {
  const table = new MemberTable();
  assertEquals([table.size, table.living, table.awake], [0, 0, 0]);
  assertEquals(table.sums, { low: 0, high: 0 });
  assertEquals(table.stateOf(A), undefined);
});

Deno.test("MemberTable.isNews() takes only what is newer, of one it knows", PURE, () => {
  const table = tableOf(recordOf(1, { incarnation: 5 }));
  for (const status of ["alive", "asleep", "left"] as const) {
    assert(!table.isNews(recordOf(1, { incarnation: 4, status })));
    assert(!table.isNews(recordOf(1, { incarnation: 5, status })));
    assert(table.isNews(recordOf(1, { incarnation: 6, status })));
  }
});

Deno.test("MemberTable.isNews() needs nobody's departure whom it never knew", PURE, () => {
  const table = new MemberTable();
  assert(table.isNews(recordOf(1)));
  assert(table.isNews(recordOf(1, { status: "asleep" })));
  assert(!table.isNews(recordOf(1, { status: "left" })));
});

Deno.test("MemberTable counts the dead and departed apart, and those asleep", PURE, () => {
  const table = tableOf(recordOf(1), recordOf(2), recordOf(3), recordOf(4, { status: "asleep" }));
  table.accept(recordOf(1, { incarnation: 1, status: "left" }), 0);
  assert(table.bury(B, 0, 0));
  assertEquals([A, B, C, D].map((id) => table.stateOf(id)), ["left", "dead", "alive", "asleep"]);
  assertEquals([table.size, table.living, table.awake], [4, 2, 1]);
  assertEquals([A, B, C, D].map((id) => table.isGone(id)), [true, true, false, false]);
  assertEquals([...table.gone()].map(([id]) => id), [A, B]);
});

Deno.test("MemberTable.suspect() counts against the very incarnation that is held", PURE, () => {
  const table = tableOf(recordOf(1, { incarnation: 5 }));
  for (const incarnation of [0, 4, 6, 0xffff_ffff]) {
    assert(!table.suspect(A, incarnation, B, 0));
    assert(!table.bury(A, incarnation, 0));
  }
  assert(!table.suspect(D, 0, B, 0), "nobody we know");
  assertEquals(table.stateOf(A), "alive");
  assert(table.suspect(A, 5, B, 0));
  assertEquals([table.stateOf(A), table.living, table.awake], ["suspect", 1, 1]);
  assertEquals(table.alive, 0);
});

Deno.test(
  "MemberTable.suspect() takes another accuser that is known, and not the suspect",
  PURE,
  () => {
    const table = tableOf(...[1, 2, 3, 4, 5, 6].map((n) => recordOf(n)));
    assert(table.suspect(A, 0, B, 0));
    const deadlineMs = table.suspicion(A)?.deadlineMs;
    assert(!table.suspect(A, 0, B, 0), "the same");
    assert(!table.suspect(A, 0, A, 0), "the suspect itself");
    assert(!table.suspect(A, 0, idOf(99), 0), "nobody we know");
    assertEquals(table.suspicion(A)?.deadlineMs, deadlineMs);
    assert(table.suspect(A, 0, C, 0));
    assert((table.suspicion(A)?.deadlineMs ?? 0) < (deadlineMs ?? 0));
  },
);

Deno.test("MemberTable: sleep is no failure", PURE, () => {
  const table = tableOf(recordOf(1, { status: "asleep" }), recordOf(2));
  assert(!table.suspect(A, 0, B, 0));
  assertEquals(table.stateOf(A), "asleep");
});

Deno.test("MemberTable: a suspicion lasts as long as the member's own pace allows", PURE, () => {
  for (const [pace, intervalMs] of [["lan", 1_000], ["wan", 5_000]] as const) {
    const table = tableOf(recordOf(1, { pace }), recordOf(2));
    table.suspect(A, 0, B, 100);
    assertEquals(table.suspicion(A)?.deadlineMs, 100 + 3 * intervalMs);
  }
});

Deno.test("MemberTable.accept() ends suspicion and death by a newer word", PURE, () => {
  const table = tableOf(recordOf(1), recordOf(2));
  table.suspect(A, 0, B, 0);
  table.accept(recordOf(1, { incarnation: 1 }), 0);
  assertEquals([table.stateOf(A), table.suspicion(A)], ["alive", undefined]);
  assert(table.bury(A, 1, 0));
  assert(!table.suspect(A, 1, B, 0) && !table.bury(A, 1, 0), "once is enough");
  table.accept(recordOf(1, { incarnation: 2 }), 0);
  assertEquals([table.stateOf(A), table.living], ["alive", 2]);
});

Deno.test("MemberTable: who has left is dead to nobody", PURE, () => {
  const table = tableOf(recordOf(1));
  table.accept(recordOf(1, { incarnation: 1, status: "left" }), 0);
  assert(!table.suspect(A, 1, B, 0) && !table.bury(A, 1, 0));
  assertEquals(table.stateOf(A), "left");
});

Deno.test("MemberTable.reap() forgets who has been gone for 24 h", PURE, () => {
  assertEquals(GONE_MS, DAY_MS);
  const table = tableOf(recordOf(1), recordOf(2), recordOf(3));
  table.bury(A, 0, 1_000);
  table.accept(recordOf(2, { incarnation: 1, status: "left" }), 2_000);
  assertEquals(table.goneSinceMs(A), 1_000);
  assertEquals(table.reap(DAY_MS + 999), []);
  assertEquals(table.reap(DAY_MS + 1_000), [A]);
  assertEquals([table.stateOf(A), table.size], [undefined, 2]);
  assertEquals(table.reap(DAY_MS + 2_000), [B]);
  assertEquals(table.reap(100 * DAY_MS), []);
  assertEquals([table.size, table.stateOf(C)], [1, "alive"]);
});

Deno.test(
  "MemberTable.overslept() names who has slept for 24 h, counted from its last word",
  PURE,
  () => {
    const table = tableOf(recordOf(1, { status: "asleep" }), recordOf(2, { status: "asleep" }));
    table.accept(recordOf(2, { status: "asleep", incarnation: 1 }), 500);
    assertEquals(table.overslept(DAY_MS - 1), []);
    assertEquals(table.overslept(DAY_MS), [A]);
    assertEquals(table.overslept(DAY_MS + 500), [A, B]);
    assert(table.bury(A, 0, DAY_MS));
    table.accept(recordOf(2, { incarnation: 2 }), DAY_MS);
    assertEquals(table.overslept(9 * DAY_MS), []);
    assertEquals([table.living, table.awake], [1, 1]);
  },
);

Deno.test("MemberTable.forget() leaves nothing behind", PURE, () => {
  const table = tableOf(recordOf(1), recordOf(2), recordOf(3), recordOf(4, { status: "asleep" }));
  table.suspect(A, 0, B, 0);
  table.bury(C, 0, 0);
  for (const id of [A, C, D, idOf(99)]) table.forget(id);
  assertEquals([table.size, table.living, table.awake], [1, 1, 1]);
  assertEquals([[...table.suspects()], [...table.gone()]], [[], []]);
  assertEquals(table.sums, naiveSums([[2, 0]]));
});

Deno.test("MemberTable.sums are what a naive sum over the living is", PURE, () => {
  const random = seededRandom(11);
  const table = new MemberTable();
  const incarnations = new Map<number, number>();
  const living = new Map<number, number>();
  for (let step = 0; step < 3_000; step++) {
    const n = Math.floor(random.next() * 40);
    const known = incarnations.get(n);
    const dice = random.next();
    if (known !== undefined && dice < 0.2) {
      table.bury(idOf(n), known, step);
      living.delete(n);
    } else if (known !== undefined && dice < 0.3) {
      table.forget(idOf(n));
      incarnations.delete(n);
      living.delete(n);
    } else {
      const incarnation = (known ?? 0) + 1 + Math.floor(random.next() * 1e6);
      const status = known === undefined || dice < 0.8 ? (dice < 0.5 ? "alive" : "asleep") : "left";
      table.accept({ ...stubOf(n, incarnation), status }, step);
      incarnations.set(n, incarnation);
      if (status === "left") living.delete(n);
      else living.set(n, incarnation);
    }
    assertEquals(table.sums, naiveSums([...living]), `step ${step}`);
    assertEquals(table.living, living.size);
  }
});

Deno.test("MemberTable.sums do not depend on the order of what was heard", PURE, () => {
  const records = Array.from({ length: 50 }, (_, n) => recordOf(n, { incarnation: n }));
  const [one, other] = [tableOf(...records), tableOf(...shuffled(seededRandom(1), records))];
  assertEquals(one.sums, other.sums);
});

Deno.test("MemberTable.sums differ where one living record does", PURE, () => {
  const base = [1, 2, 3].map((n) => recordOf(n, { incarnation: 3 }));
  const { sums } = tableOf(...base);
  const changed = tableOf(...base);
  changed.accept(recordOf(1, { incarnation: 4 }), 0);
  const fewer = tableOf(...base.slice(1));
  const more = tableOf(...base, recordOf(4));
  const dead = tableOf(...base);
  dead.bury(A, 3, 0);
  for (const table of [changed, fewer, more, dead]) {
    assert(table.sums.low !== sums.low && table.sums.high !== sums.high);
  }
  assertEquals(dead.sums, fewer.sums, "the dead do not count");
});

Deno.test(
  `MemberTable holds ${MAX_MEMBERS} members: the gone make room, the living never`,
  PURE,
  () => {
    assertEquals(MAX_MEMBERS, 16_384);
    const table = new MemberTable();
    for (let n = 0; n < MAX_MEMBERS; n++) assert(table.accept(stubOf(n), 0));
    const [late, later] = [stubOf(MAX_MEMBERS), stubOf(MAX_MEMBERS + 1)];
    assert(!table.accept(late, 0));
    assertEquals([table.size, table.stateOf(late.id)], [MAX_MEMBERS, undefined]);
    assert(table.accept(stubOf(7, 1), 0), "of one that is known there is always room for news");
    table.bury(idOf(5), 0, 100);
    table.bury(idOf(3), 0, 200);
    assert(table.accept(late, 300));
    assertEquals([table.stateOf(idOf(5)), table.stateOf(idOf(3))], [undefined, "dead"]);
    assert(table.accept(later, 300));
    assert(!table.accept(stubOf(MAX_MEMBERS + 2), 300));
    assertEquals([table.size, table.living], [MAX_MEMBERS, MAX_MEMBERS]);
  },
);

Deno.test("MemberTable: who died and then says that it had left is gone since then", PURE, () => {
  const table = tableOf(...Array.from({ length: MAX_MEMBERS }, (_, n) => stubOf(n)));
  table.bury(idOf(1), 0, 100);
  table.bury(idOf(2), 0, 200);
  table.accept({ ...stubOf(1, 1), status: "left" }, 300);
  assert(table.accept(stubOf(MAX_MEMBERS), 400));
  assertEquals([table.stateOf(idOf(1)), table.stateOf(idOf(2))], ["left", undefined]);
});

Deno.test(
  "MemberTable.sample() gives each that fits the same chance, and no one twice",
  PURE,
  () => {
    const table = tableOf(...Array.from({ length: 10 }, (_, n) => recordOf(n)));
    table.bury(idOf(0), 0, 0);
    const random = seededRandom(3);
    const counts = new Map<string, number>();
    const rounds = 6_000;
    for (let round = 0; round < rounds; round++) {
      const picked = table.sample(3, random, ({ id }) => id !== idOf(1)).map(({ id }) => id);
      assertEquals(new Set(picked).size, 3);
      for (const id of picked) counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    // 3 of 8, each: 2,250, give or take five standard deviations of 37.5.
    assertEquals(counts.size, 8);
    for (const count of counts.values()) assert(Math.abs(count - rounds * 3 / 8) < 190, `${count}`);
  },
);

Deno.test("MemberTable.sample() gives all when there are no more", PURE, () => {
  const table = tableOf(recordOf(1), recordOf(2));
  const random = seededRandom(1);
  assertEquals(table.sample(5, random, () => true).map(({ id }) => id), [A, B]);
  for (const count of [0, -3]) assertEquals(table.sample(count, random, () => true), []);
});
