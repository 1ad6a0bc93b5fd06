import { assert, assertEquals } from "@std/assert";
import type { PeerId } from "../../src/base/peer_id.ts";
import { seededRandom } from "../../src/base/random.ts";
import { MemberTable } from "../../src/gossip/member_table.ts";
import type { Neighbour } from "../../src/gossip/neighbour.ts";
import { MAX_FULL_MESH, Neighbourhood, wantedDegree } from "../../src/gossip/neighbourhood.ts";
import { idOf, neighbourOf, PURE, recordOf } from "./people.ts";

const OWN = 0;

/** A member among others; nobody answers its dials. */
class Bench {
  readonly table = new MemberTable();
  readonly neighbours = new Map<PeerId, Neighbour>();
  readonly dialled: PeerId[] = [];
  readonly hungUp: PeerId[] = [];
  readonly neighbourhood: Neighbourhood;

  /** It knows `members`, itself included, since `startMs`. */
  constructor(members: number, startMs = 0) {
    for (let n = 0; n < members; n++) this.table.accept(recordOf(n), startMs);
    this.neighbourhood = new Neighbourhood({
      id: idOf(OWN),
      table: this.table,
      random: seededRandom(members),
      neighbours: this.neighbours,
      dial: ({ id }) => void this.dialled.push(id),
      hangUp: (id) => {
        this.hungUp.push(id);
        const neighbour = this.neighbours.get(id);
        if (neighbour) neighbour.isParting = true;
      },
    }, startMs);
  }

  /** Has sessions with members 1 to `count`, each of `degree`. */
  meet(count: number, degree: number, sinceMs = -60_000): void {
    for (let n = 1; n <= count; n++) this.neighbours.set(idOf(n), neighbourOf(sinceMs, degree));
  }

  run(fromMs: number, untilMs: number): void {
    for (let ms = fromMs; ms < untilMs; ms += 50) this.neighbourhood.tick(ms);
  }
}

Deno.test("wantedDegree() is everybody up to 32, then max(16, ceil(3 log2 N))", PURE, () => {
  assertEquals(MAX_FULL_MESH, 32);
  for (
    const [members, degree] of [
      [0, 0],
      [1, 0],
      [2, 1],
      [31, 30],
      [32, 31],
      // 3 log2 33 = 15.13
      [33, 16],
      [40, 16],
      // 3 log2 41 = 16.07
      [41, 17],
      [64, 18],
      [100, 20],
      [128, 21],
      [1_000, 30],
      [1_024, 30],
      [1_025, 31],
      [5_000, 37],
    ] as const
  ) {
    assertEquals(wantedDegree(members), degree, `${members}`);
  }
  for (let members = 33; members <= 5_000; members++) {
    // 2^(d / 3) >= N, and not yet for one less.
    const degree = wantedDegree(members);
    assert(degree === 16 || (2 ** degree >= members ** 3 && 2 ** (degree - 1) < members ** 3));
  }
});

Deno.test("Neighbourhood: a newcomer dials at once, four at a time", PURE, () => {
  const bench = new Bench(100);
  bench.run(0, 1_050);
  assertEquals(bench.dialled.length, 4);
  assertEquals(new Set(bench.dialled).size, 4);
  bench.dialled.slice(0, 3).forEach((id) => {
    bench.neighbours.set(id, neighbourOf());
    bench.neighbourhood.settled(id);
  });
  bench.run(1_050, 2_050);
  assertEquals(bench.dialled.length, 7);
});

Deno.test("Neighbourhood.hurry() looks at once while we are new", PURE, () => {
  const bench = new Bench(100);
  bench.neighbourhood.tick(1_000);
  assertEquals(bench.dialled.length, 4);
  bench.neighbourhood.tick(1_250);
  bench.neighbourhood.hurry(4_000);
  assert(bench.neighbourhood.deadlineMs <= 4_050);
  bench.neighbourhood.tick(10_000);
  const { deadlineMs } = bench.neighbourhood;
  bench.neighbourhood.hurry(10_001);
  assertEquals(bench.neighbourhood.deadlineMs, deadlineMs);
});

Deno.test("Neighbourhood: a small village weaves its mesh once nobody comes any more", PURE, () => {
  for (const [members, quietMs] of [[12, 150], [13, 1_500], [32, 1_500]] as const) {
    const bench = new Bench(members);
    const { neighbourhood } = bench;
    assert(neighbourhood.isForming(0), `${members}: those who are there have just come`);
    assert(neighbourhood.isForming(quietMs - 1) && !neighbourhood.isForming(quietMs), `${members}`);
    neighbourhood.tick(1_000);
    assertEquals(bench.dialled.length, members === 12 ? 4 : 0, `${members}`);
    bench.table.accept(recordOf(50), 9_000);
    assertEquals(neighbourhood.isForming(9_000), members < 32, "one more has come");
  }
});

Deno.test("Neighbourhood: of each pair in some dozens the lower id dials first", PURE, () => {
  const bench = new Bench(32);
  const isHigher = (id: PeerId) => id > idOf(OWN);
  const higher = Array.from({ length: 31 }, (_, n) => idOf(n + 1)).filter(isHigher);
  const answer = () => {
    for (const id of bench.dialled) {
      bench.neighbours.set(id, neighbourOf());
      bench.neighbourhood.settled(id);
    }
  };
  bench.run(0, 2_000);
  // Eight at once.
  assertEquals(bench.dialled.length, Math.min(8, higher.length));
  for (let ms = 2_000; ms < 4_000; ms += 500) {
    answer();
    bench.run(ms, ms + 500);
  }
  assertEquals(bench.dialled.toSorted(), higher.toSorted());
  assert(higher.length < 31, "some are left to be dialled by");
  for (let ms = 4_000; ms < 10_000; ms += 1_000) {
    bench.run(ms, ms + 1_000);
    answer();
  }
  assertEquals(bench.dialled.length, 31);
});

Deno.test("Neighbourhood: a few wait longer where answers take long", PURE, () => {
  for (const [answerMs, quietMs] of [[20, 150], [100, 400], [10_000, 1_500]] as const) {
    const { neighbourhood } = new Bench(12);
    neighbourhood.answered(answerMs);
    neighbourhood.answered(1);
    assert(neighbourhood.isForming(0));
    assert(neighbourhood.isForming(quietMs - 1), `${answerMs}`);
    assert(!neighbourhood.isForming(quietMs), `${answerMs}`);
  }
});

Deno.test("Neighbourhood: others leave it to the newcomer to dial, for three seconds", PURE, () => {
  const bench = new Bench(3);
  bench.meet(2, 2);
  bench.run(0, 10_000);
  assertEquals(bench.dialled, []);
  bench.table.accept(recordOf(50), 10_000);
  bench.run(10_000, 12_500);
  assertEquals(bench.dialled, []);
  bench.run(12_500, 15_000);
  assertEquals(bench.dialled, [idOf(50)]);
});

Deno.test(
  "Neighbourhood forgets a dial without an answer after ten seconds, and dials again",
  PURE,
  () => {
    const bench = new Bench(2);
    bench.run(0, 9_000);
    assertEquals(bench.dialled, [idOf(1)]);
    // Its grace of three seconds for the other begins anew.
    bench.run(9_000, 16_000);
    assertEquals(bench.dialled, [idOf(1), idOf(1)]);
    bench.neighbourhood.settled(idOf(1));
    bench.run(16_000, 20_000);
    assertEquals(bench.dialled.length, 3, "refused, it is dialled sooner");
  },
);

Deno.test(
  "Neighbourhood dials nobody that is gone, asleep, suspected, without address, or itself",
  PURE,
  () => {
    const bench = new Bench(1);
    bench.table.accept(recordOf(1, { status: "asleep" }), 0);
    bench.table.accept(recordOf(2, { addresses: [] }), 0);
    bench.table.accept(recordOf(3), 0);
    bench.table.suspect(idOf(3), 0, idOf(2), 0);
    bench.table.accept(recordOf(4), 0);
    bench.table.accept(recordOf(4, { incarnation: 1, status: "left" }), 0);
    bench.run(0, 60_000);
    assertEquals(bench.dialled, []);
  },
);

Deno.test("Neighbourhood is content up to a quarter above what it wants", PURE, () => {
  // 128 members want 21; a quarter above is 26.25.
  for (const [count, isLetGo] of [[21, false], [26, false], [27, true]] as const) {
    const bench = new Bench(128);
    bench.meet(count, 27);
    bench.run(0, 1_000);
    assertEquals([bench.hungUp.length, bench.dialled], [isLetGo ? 1 : 0, []], `${count}`);
  }
});

Deno.test("Neighbourhood lets nobody go below its own need", PURE, () => {
  const bench = new Bench(128);
  bench.meet(40, 21);
  bench.run(0, 30_000);
  assertEquals(bench.hungUp, []);
  const rich = bench.neighbours.get(idOf(7));
  assert(rich);
  rich.degree = 22;
  bench.run(30_000, 60_000);
  assertEquals(bench.hungUp, [idOf(7)]);
});

Deno.test("Neighbourhood lets one go a second, and each once", PURE, () => {
  const bench = new Bench(128);
  bench.meet(40, 40);
  bench.run(0, 3_000);
  assertEquals([bench.hungUp.length, new Set(bench.hungUp).size], [3, 3]);
  bench.run(3_000, 60_000);
  // 40 - 14 = 26, though none of the sessions has ended yet.
  assertEquals([bench.hungUp.length, new Set(bench.hungUp).size], [14, 14]);
});

Deno.test("Neighbourhood keeps a session that is younger than ten seconds", PURE, () => {
  const bench = new Bench(128);
  bench.meet(40, 40, 0);
  bench.run(0, 9_900);
  assertEquals(bench.hungUp, []);
  bench.run(9_900, 12_000);
  assert(bench.hungUp.length > 0);
});

Deno.test("Neighbourhood lets nobody go where everybody has a session with everybody", PURE, () => {
  const bench = new Bench(10);
  bench.meet(31, 31);
  bench.run(0, 30_000);
  assertEquals(bench.hungUp, []);
});

Deno.test("Neighbourhood dials one of the dead now and then, later seldom", PURE, () => {
  const bench = new Bench(3);
  bench.meet(2, 2);
  bench.table.accept(recordOf(8), 0);
  bench.table.bury(idOf(8), 0, 0);
  bench.run(0, 900_000);
  const soon = bench.dialled.length;
  // Every 5 s, give or take half, and no more often than ten seconds without an answer allow.
  assert(soon >= 60 && soon <= 120, `${soon}`);
  bench.run(900_000, 4_500_000);
  const later = bench.dialled.length - soon;
  // An hour of one a minute.
  assert(later >= 45 && later <= 80, `${later}`);
  assertEquals(new Set(bench.dialled), new Set([idOf(8)]));
});

Deno.test("Neighbourhood does not revive who has left, nor itself", PURE, () => {
  const bench = new Bench(3);
  bench.meet(2, 2);
  bench.table.accept(recordOf(8), 0);
  bench.table.accept(recordOf(8, { incarnation: 1, status: "left" }), 0);
  bench.table.bury(idOf(OWN), 0, 0);
  bench.run(0, 600_000);
  assertEquals(bench.dialled, []);
});

Deno.test("Neighbourhood gives the same from the same seed", PURE, () => {
  const runs = [1, 2].map(() => {
    const bench = new Bench(500);
    bench.run(0, 60_000);
    return bench.dialled;
  });
  assertEquals(runs[0], runs[1]);
});
