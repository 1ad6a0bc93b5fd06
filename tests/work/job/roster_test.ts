import { assert, assertEquals } from "@std/assert";
import { seededRandom } from "../../../src/base/random.ts";
import { Ledger } from "../../../src/work/job/ledger.ts";
import { Roster, SILENCE_MS } from "../../../src/work/job/roster.ts";
import { randomLinks, ringNeighbours } from "../../../src/work/job/routes.ts";
import { RECRUIT_MS, Recruiter, Tickets } from "../../../src/work/job/steward.ts";
import { FIRST_TRUST, LOW_TRUST, Trust } from "../../../src/work/job/trust.ts";
import { CRYPTO, idOf, jobOf, PURE, recordOf } from "./jobs.ts";

const job = jobOf();
const tickets = new Tickets(job.id, CRYPTO);

function rosterOf(count: number) {
  const ledger = new Ledger(tickets);
  const roster = new Roster(idOf(0), { ledger, tickets }, 0);
  const hear = (n: number, nowMs: number, word: Parameters<typeof recordOf>[2] = {}) => {
    const record = recordOf(job, n, word);
    if (ledger.addParticipant(record)) roster.heard(record, nowMs);
  };
  for (let n = 0; n < count; n++) hear(n, 0);
  roster.refresh(0);
  return { ledger, roster, hear };
}

Deno.test(
  "Roster holds for gone who is silent for 15 s, left, or dead in the village",
  PURE,
  () => {
    const { roster, hear } = rosterOf(5);
    assertEquals(roster.living.length, 5);
    hear(1, 10_000, { seq: 2 });
    hear(2, 10_000, { seq: 2, state: "left" });
    roster.alive = new Set([idOf(0), idOf(1), idOf(2), idOf(4)]);
    roster.refresh(SILENCE_MS);
    assertEquals(new Set(roster.living), new Set([idOf(0), idOf(1), idOf(4)]));
    roster.refresh(SILENCE_MS + 1);
    assertEquals(new Set(roster.living), new Set([idOf(0), idOf(1)]));
    // Silent, but alive: worth a word after a partition.
    assertEquals(roster.missing, [idOf(4)]);
    hear(4, 20_000, { seq: 2 });
    assertEquals(roster.refresh(20_000), [idOf(4)]);
  },
);

Deno.test("Roster has more patience with who is paused, and in a large job", PURE, () => {
  const { roster, hear } = rosterOf(3);
  hear(1, 0, { seq: 2, state: "paused", reason: "battery" });
  roster.refresh(59_000);
  assertEquals(new Set(roster.living), new Set([idOf(0), idOf(1)]));
  assertEquals(roster.running, [idOf(0)]);
  const large = rosterOf(128);
  assertEquals(large.roster.periodMs, 8_000);
  large.roster.refresh(4 * SILENCE_MS);
  assertEquals(large.roster.living.length, 128);
});

Deno.test(
  "Roster's steward is the living one with the lowest ticket, the next when it is gone",
  PURE,
  () => {
    const { roster } = rosterOf(6);
    const order = tickets.sorted(Array.from({ length: 6 }, (_, n) => idOf(n)));
    assertEquals(roster.living, order);
    for (let dead = 0; dead < 5; dead++) {
      const alive = new Set([...order.slice(dead), idOf(0)]);
      roster.alive = alive;
      roster.refresh(1);
      assertEquals(roster.steward, tickets.sorted(alive)[0]);
    }
  },
);

Deno.test(
  "Roster.news() gives each record out a few times, 32 at a time, the least told first",
  PURE,
  () => {
    const { roster } = rosterOf(64);
    const counts = new Map<string, number>();
    let rounds = 0;
    for (let news = roster.news(); news.length > 0; news = roster.news(), rounds++) {
      assert(news.length <= 32);
      for (const { node } of news) counts.set(node, (counts.get(node) ?? 0) + 1);
    }
    // ceil(log2(64 + 1)) + 2 = 9 times each.
    assertEquals(new Set(counts.values()), new Set([9]));
    assertEquals([counts.size, rounds], [64, 18]);
  },
);

Deno.test(
  "ringNeighbours() are the one before and the one after, for everybody alike",
  PURE,
  () => {
    const ring = tickets.sorted([0, 1, 2, 3, 4].map((n) => idOf(n)));
    for (const [at, id] of ring.entries()) {
      const expected = [ring.at(at - 1) ?? "", ring[(at + 1) % 5] ?? ""];
      assertEquals<readonly string[]>(ringNeighbours(id, ring), expected);
    }
    const [a = idOf(0), b = idOf(1)] = ring;
    assertEquals(ringNeighbours(a, [a, b]), [b]);
    assertEquals(ringNeighbours(a, [a]), []);
  },
);

Deno.test("randomLinks() draws others, each once", PURE, () => {
  const ids = [0, 1, 2, 3].map((n) => idOf(n));
  const random = seededRandom(1);
  for (let i = 0; i < 20; i++) {
    const links = randomLinks(ids, 3, random, [idOf(0), idOf(1)]);
    assertEquals(new Set(links), new Set([idOf(2), idOf(3)]));
  }
});

Deno.test(
  "Recruiter asks again only when it is time, and not more than there is room for",
  PURE,
  () => {
    const recruiter = new Recruiter();
    const ids = Array.from({ length: 40 }, (_, n) => idOf(n));
    assertEquals(recruiter.choose(ids, 2, 0), ids.slice(0, 2));
    assertEquals(recruiter.choose(ids, 100, 1), []);
    assertEquals(recruiter.choose(ids, 100, RECRUIT_MS), ids.slice(2, 34));
    recruiter.declined(idOf(0), 100_000, RECRUIT_MS);
    assertEquals(recruiter.choose(ids.slice(0, 2), 9, 2 * RECRUIT_MS), [idOf(1)]);
    recruiter.hurry();
    assertEquals(recruiter.choose(ids.slice(0, 2), 9, 2 * RECRUIT_MS), []);
    assertEquals(recruiter.choose([idOf(0)], 9, RECRUIT_MS + 100_000), [idOf(0)]);
  },
);

Deno.test("Trust: one false word is one too many, whatever was saved up before", PURE, () => {
  const trust = new Trust();
  const [a, b, c] = [idOf(0), idOf(1), idOf(2)];
  assertEquals([trust.of(a), trust.isLow(a)], [FIRST_TRUST, false]);
  for (let i = 0; i < 1_000; i++) trust.saw(a, "true_vote");
  trust.saw(a, "false_vote");
  assert(trust.isLow(a) && trust.of(a) <= LOW_TRUST);
  // A migrant that was measured otherwise may be a rounding of theirs; two are not.
  trust.saw(b, "false_migrant");
  assertEquals(trust.isLow(b), false);
  trust.saw(b, "false_migrant");
  assert(trust.isLow(b));
  for (let i = 0; i < 10; i++) trust.saw(c, "false_proposal");
  assertEquals(trust.of(c), 0);
});
