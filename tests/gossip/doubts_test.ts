import { assert, assertEquals } from "@std/assert";
import type { PeerId } from "../../src/base/peer_id.ts";
import { Doubts } from "../../src/gossip/doubts.ts";
import { GONE_MS, MemberTable } from "../../src/gossip/member_table.ts";
import type { Claim } from "../../src/gossip/message.ts";
import type { Neighbour } from "../../src/gossip/neighbour.ts";
import { idOf, neighbourOf, PURE, recordOf } from "./people.ts";

const [OWN, A, B, C, D] = [0, 1, 2, 3, 4].map(idOf) as [PeerId, PeerId, PeerId, PeerId, PeerId];

/** A member of a hundred: the shortest suspicion lasts 3 * 2 * 1 s, the longest six times as long. */
class Bench {
  readonly table = new MemberTable();
  readonly neighbours = new Map<PeerId, Neighbour>();
  readonly verified: PeerId[] = [];
  readonly news: string[] = [];
  readonly doubts: Doubts;

  constructor() {
    for (let n = 0; n < 100; n++) this.table.accept(recordOf(n, { incarnation: 5 }), 0);
    this.doubts = new Doubts({
      id: OWN,
      table: this.table,
      neighbours: this.neighbours,
      verify: (id) => void this.verified.push(id),
      onNews: ({ kind, accuser }, isFirst) => {
        const by = [OWN, A, B, C, D].indexOf(accuser);
        this.news.push(`${kind} by ${by}${isFirst ? "" : " too"}`);
      },
    }, 0);
  }

  /** `accuser` says it of A. */
  claim(kind: Claim["kind"], accuser: PeerId, nowMs: number, incarnation = 5): void {
    this.doubts.onClaim({ kind, id: A, incarnation, accuser }, nowMs);
  }

  state(id = A) {
    return this.table.stateOf(id);
  }
}

Deno.test("Doubts: a member that is suspected and does not refute is dead in time", PURE, () => {
  const bench = new Bench();
  bench.claim("suspect", B, 1_000);
  assertEquals([bench.state(), bench.news, bench.verified], ["suspect", ["suspect by 2"], [A]]);
  assertEquals(bench.doubts.deadlineMs, 37_000);
  bench.doubts.tick(36_999);
  assertEquals(bench.state(), "suspect");
  bench.doubts.tick(37_000);
  assertEquals([bench.state(), bench.news.slice(1)], ["dead", ["dead by 0"]]);
});

Deno.test("Doubts: each independent accuser brings the end nearer", PURE, () => {
  const bench = new Bench();
  bench.claim("suspect", B, 1_000);
  for (const accuser of [C, B, D, idOf(5), idOf(6)]) bench.claim("suspect", accuser, 2_000);
  assertEquals(bench.news.length, 4, "the repetition and the fifth are no news");
  assertEquals(bench.doubts.deadlineMs, 7_000);
  bench.doubts.tick(7_000);
  assertEquals(bench.state(), "dead");
});

Deno.test("Doubts: accusers that were invented bring it no nearer", PURE, () => {
  const bench = new Bench();
  bench.claim("suspect", B, 1_000);
  for (let n = 1_000; n < 1_010; n++) bench.claim("suspect", idOf(n), 1_000);
  bench.claim("suspect", A, 1_000);
  assertEquals(bench.doubts.deadlineMs, 37_000);
});

Deno.test("Doubts: a claim about an incarnation that we do not hold changes nothing", PURE, () => {
  const bench = new Bench();
  for (const kind of ["suspect", "dead"] as const) {
    for (const incarnation of [0, 4, 6, 0xffff_ffff]) bench.claim(kind, B, 0, incarnation);
    bench.doubts.onClaim({ kind, id: idOf(999), incarnation: 0, accuser: B }, 0);
  }
  assertEquals([bench.state(), bench.news, bench.verified], ["alive", [], []]);
});

Deno.test("Doubts: what others say that we said counts for nothing", PURE, () => {
  const bench = new Bench();
  bench.neighbours.set(A, neighbourOf(0));
  bench.claim("suspect", OWN, 0);
  assertEquals(bench.state(), "alive");
  bench.claim("suspect", B, 0);
  bench.claim("suspect", OWN, 0);
  bench.claim("dead", B, 10);
  assertEquals(bench.state(), "suspect", "we have not accused it, so we ask it first");
});

Deno.test(
  "Doubts: whom another holds for dead is dead, if we have no session with it",
  PURE,
  () => {
    const bench = new Bench();
    bench.claim("dead", B, 0);
    assertEquals([bench.state(), bench.news], ["dead", ["dead by 2"]]);
    bench.claim("dead", C, 0);
    assertEquals(bench.news.length, 1);
  },
);

Deno.test(
  "Doubts: a neighbour that others hold for dead is asked, and buried when it fails us",
  PURE,
  () => {
    const bench = new Bench();
    bench.neighbours.set(A, neighbourOf(-1));
    bench.claim("dead", B, 0);
    assertEquals([bench.state(), bench.verified, bench.news], ["suspect", [A], ["suspect by 2"]]);
    bench.doubts.accuse(A, 1_000);
    assertEquals([bench.state(), bench.news.slice(1)], ["dead", ["dead by 0"]]);
  },
);

Deno.test("Doubts: a neighbour that we suspect ourselves is buried on another's word", PURE, () => {
  const bench = new Bench();
  bench.neighbours.set(A, neighbourOf(-1));
  bench.doubts.accuse(A, 1_000);
  assertEquals(bench.state(), "suspect");
  bench.claim("dead", B, 2_000);
  assertEquals(bench.state(), "dead");
});

Deno.test(
  "Doubts: a neighbour that has answered since is not buried on another's word",
  PURE,
  () => {
    const bench = new Bench();
    const neighbour = neighbourOf(-1);
    bench.neighbours.set(A, neighbour);
    bench.doubts.accuse(A, 1_000);
    neighbour.heardMs = 1_500;
    bench.claim("dead", B, 2_000);
    assertEquals(bench.state(), "suspect");
  },
);

Deno.test(
  "Doubts: a neighbour that answers is told again, not buried, when its time is up",
  PURE,
  () => {
    const bench = new Bench();
    const neighbour = neighbourOf(0);
    bench.neighbours.set(A, neighbour);
    bench.claim("suspect", B, 1_000);
    assertEquals(bench.verified, [A]);
    neighbour.heardMs = 20_000;
    bench.doubts.tick(37_000);
    assertEquals([bench.state(), bench.verified], ["suspect", [A, A]]);
    assertEquals(bench.doubts.deadlineMs, 60_000, "the reaping, before the end of a new suspicion");
    bench.doubts.tick(73_000);
    assertEquals(bench.state(), "dead", "now it was silent throughout");
  },
);

Deno.test("Doubts: 'dead' of an old incarnation does not hasten the end of a new one", PURE, () => {
  const bench = new Bench();
  bench.neighbours.set(A, neighbourOf(-1));
  bench.claim("suspect", B, 0);
  bench.claim("dead", C, 0, 4);
  bench.doubts.accuse(A, 1_000);
  assertEquals(bench.state(), "suspect");
});

Deno.test("Doubts.accuse() spreads our own suspicion, once", PURE, () => {
  const bench = new Bench();
  bench.doubts.accuse(A, 0);
  bench.doubts.accuse(A, 1_000);
  bench.doubts.accuse(idOf(999), 0);
  assertEquals([bench.news, bench.verified], [["suspect by 0"], []]);
});

Deno.test("Doubts.onGoneElsewhere() suspects who should be awake", PURE, () => {
  const bench = new Bench();
  bench.doubts.onGoneElsewhere(A, 5, B, 0);
  assertEquals([bench.state(), bench.news], ["suspect", ["suspect by 2"]]);
});

Deno.test("Doubts: sleep is no failure, whatever is claimed", PURE, () => {
  const bench = new Bench();
  bench.table.accept(recordOf(1, { incarnation: 6, status: "asleep" }), 0);
  bench.claim("suspect", B, 0, 6);
  bench.claim("dead", B, 0, 6);
  bench.doubts.accuse(A, 0);
  assertEquals([bench.state(), bench.news], ["asleep", []]);
});

Deno.test(
  "Doubts: whose sleep others have forgotten is forgotten, or newcomers would keep it for ever",
  PURE,
  () => {
    const bench = new Bench();
    bench.table.accept(recordOf(1, { incarnation: 6, status: "asleep" }), 0);
    bench.doubts.onGoneElsewhere(A, 5, B, 0);
    assertEquals(bench.state(), "asleep", "an older word");
    bench.doubts.onGoneElsewhere(A, 6, B, 0);
    assertEquals(bench.state(), "dead");
  },
);

Deno.test("Doubts: who sleeps for 24 h counts as dead, and is reaped 24 h later", PURE, () => {
  const bench = new Bench();
  bench.table.accept(recordOf(1, { incarnation: 6, status: "asleep" }), 1_000);
  bench.doubts.tick(GONE_MS);
  assertEquals(bench.state(), "asleep");
  assertEquals(bench.doubts.tick(GONE_MS + 60_000), []);
  assertEquals([bench.state(), bench.news], ["dead", ["dead by 0"]]);
  assertEquals(bench.doubts.tick(2 * GONE_MS + 60_000), [A]);
  assertEquals(bench.state(), undefined);
});

Deno.test("Doubts never bury ourselves, however long we sleep", PURE, () => {
  const bench = new Bench();
  bench.table.accept(recordOf(0, { incarnation: 6, status: "asleep" }), 0);
  bench.doubts.tick(GONE_MS + 60_000);
  assertEquals(bench.state(OWN), "asleep");
});

Deno.test("Doubts.restart() begins every suspicion anew", PURE, () => {
  const bench = new Bench();
  bench.claim("suspect", B, 0);
  bench.doubts.restart(30_000);
  bench.doubts.tick(36_000);
  assertEquals(bench.state(), "suspect");
  bench.doubts.tick(66_000);
  assertEquals(bench.state(), "dead");
});

Deno.test("Doubts reap once a minute, those who are gone for 24 h", PURE, () => {
  const bench = new Bench();
  bench.claim("dead", B, 0);
  assertEquals(bench.doubts.deadlineMs, 60_000);
  assertEquals(bench.doubts.tick(GONE_MS - 1), []);
  assertEquals(bench.doubts.tick(GONE_MS), [], "it looked a moment ago");
  assertEquals(bench.doubts.tick(GONE_MS + 59_999), [A]);
  assert(!bench.table.record(A));
});
