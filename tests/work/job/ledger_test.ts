import { assert, assertEquals } from "@std/assert";
import { Fields } from "../../../src/base/guards.ts";
import { type Random, randomBelow, seededRandom, shuffled } from "../../../src/base/random.ts";
import type { Consensus } from "../../../src/work/job/consensus.ts";
import { newConsensus } from "../../../src/work/job/consensus.ts";
import { Ledger, MAX_REFUTED, MAX_RESULTS } from "../../../src/work/job/ledger.ts";
import { type Order, signOrder } from "../../../src/work/job/order.ts";
import type { ParticipantRecord } from "../../../src/work/job/participant_record.ts";
import { readLedger, writeLedger } from "../../../src/work/job/job_snapshot.ts";
import { Tickets } from "../../../src/work/job/steward.ts";
import { fuzzSeed } from "../../testing/mutate.ts";
import {
  acceptedOf,
  CRYPTO,
  jobOf,
  overWire,
  proposalOf,
  PURE,
  recordOf,
  speakerOf,
  votesOn,
} from "./jobs.ts";

const job = jobOf();
const SEED = fuzzSeed();

type News =
  | { readonly type: "participant"; readonly record: ParticipantRecord }
  | { readonly type: "order"; readonly order: Order }
  | { readonly type: "result" | "refuted"; readonly record: Consensus };

function newLedger(): Ledger {
  return new Ledger(new Tickets(job.id, CRYPTO));
}

function take(ledger: Ledger, news: News): void {
  switch (news.type) {
    case "participant":
      ledger.addParticipant(news.record);
      break;
    case "order":
      ledger.addOrder(news.order);
      break;
    case "result":
      ledger.addResult(news.record);
      break;
    case "refuted":
      ledger.addRefuted(news.record);
  }
}

/** Everything in a ledger, in one order. */
function contents(ledger: Ledger): unknown {
  const records = [...ledger.participants.values()].sort((a, b) => a.node < b.node ? -1 : 1);
  return {
    records,
    order: ledger.order,
    results: ledger.results,
    refuted: ledger.refuted,
    result: ledger.result?.proposal.hash,
  };
}

function randomNews(random: Random): News {
  const n = randomBelow(random, 6);
  switch (randomBelow(random, 4)) {
    case 0: {
      // Now and then two different records with one number.
      const seq = 1 + randomBelow(random, 4);
      return {
        type: "participant",
        record: recordOf(job, n, { seq, slots: randomBelow(random, 3) }),
      };
    }
    case 1: {
      const action = random.next() < 0.5 ? "stop" : "resume";
      const said = { seq: 1 + randomBelow(random, 4), action, unixMs: n } as const;
      return { type: "order", order: signOrder(job.id, speakerOf(n), said, CRYPTO) };
    }
    case 2: {
      const cause = random.next() < 0.5 ? "time" : "stopped";
      const orderSeq = cause === "stopped" ? 1 + randomBelow(random, 4) : 0;
      const round = randomBelow(random, 3);
      const { proposal, votes } = acceptedOf(job, {
        ...{ proposer: n, cause, orderSeq, round },
        others: 3 + randomBelow(random, 6),
        fitness: randomBelow(random, 3),
      });
      // Any votes of a jury that are enough.
      const some = shuffled(random, votes).slice(0, Math.ceil(2 * votes.length / 3));
      return { type: "result", record: newConsensus(proposal, some) };
    }
    default: {
      const proposal = proposalOf(job, { others: 3, proposer: n, fitness: randomBelow(random, 9) });
      const words = proposal.jury.map(() => ["differs", 99] as const);
      return { type: "refuted", record: newConsensus(proposal, votesOn(job, proposal, words)) };
    }
  }
}

Deno.test(
  `Ledger is the same whatever order news comes in, and however often, seed ${SEED}`,
  PURE,
  () => {
    const random = seededRandom(SEED);
    for (let round = 0; round < 40; round++) {
      const news = Array.from({ length: 60 }, () => randomNews(random));
      const straight = newLedger();
      for (const each of news) take(straight, each);
      const expected = contents(straight);
      // In another order, with repetitions.
      const again = newLedger();
      for (const each of shuffled(random, [...news, ...news.slice(0, 30)])) take(again, each);
      assertEquals(contents(again), expected, `seed ${SEED}, round ${round}`);
      // In parts that were merged, in any grouping, some of them twice.
      const parts = [newLedger(), newLedger(), newLedger()];
      for (const each of news) {
        for (const part of parts) if (random.next() < 0.4) take(part, each);
        const some = parts[randomBelow(random, 3)];
        if (some) take(some, each);
      }
      const merged = newLedger();
      for (const part of shuffled(random, [...parts, ...parts])) merged.merge(part);
      assertEquals(contents(merged), expected, `seed ${SEED}, round ${round}, merged`);
    }
  },
);

Deno.test("Ledger holds 1,024 participants, the same ones in any order", PURE, () => {
  const records = Array.from({ length: 1_100 }, (_, n) => recordOf(job, n));
  const [one, other] = [newLedger(), newLedger()];
  for (const record of records) one.addParticipant(record);
  for (const record of records.toReversed()) other.addParticipant(record);
  assertEquals(one.participants.size, 1_024);
  assertEquals(contents(one), contents(other));
  const left = records.filter(({ node }) => !one.participants.has(node));
  assert(left.every((record) => !one.isNews(record)));
});

Deno.test("Ledger holds few results and few refuted ones", PURE, () => {
  const ledger = newLedger();
  for (let n = 0; n < 40; n++) {
    ledger.addResult(acceptedOf(job, { others: 4, proposer: n }));
    ledger.addRefuted(acceptedOf(job, { others: 4, proposer: n }));
  }
  assertEquals([ledger.results.length, ledger.refuted.length], [MAX_RESULTS, MAX_REFUTED]);
});

Deno.test("Ledger.result is void once a later order lets the job go on", PURE, () => {
  const ledger = newLedger();
  const order = (seq: number, action: "stop" | "resume") =>
    ledger.addOrder(signOrder(job.id, speakerOf(0), { seq, action, unixMs: seq }, CRYPTO));
  order(1, "stop");
  ledger.addResult(acceptedOf(job, { others: 4, cause: "stopped", orderSeq: 1 }));
  assert(ledger.isStopped && ledger.result);
  order(2, "resume");
  assertEquals([ledger.isStopped, ledger.result], [false, undefined]);
  // A stale stop, told again, changes nothing.
  assertEquals(order(1, "stop"), false);
  assertEquals(ledger.result, undefined);
  ledger.addResult(acceptedOf(job, { others: 4, cause: "time" }));
  assert(ledger.result);
});

Deno.test("readLedger() gives back the ledger, whole", PURE, () => {
  const ledger = newLedger();
  for (let n = 0; n < 70; n++) ledger.addParticipant(recordOf(job, n, { seq: n + 1 }));
  ledger.addOrder(signOrder(job.id, speakerOf(0), { seq: 1, action: "stop", unixMs: 1 }, CRYPTO));
  ledger.addResult(acceptedOf(job, { others: 9 }));
  const fields = Fields.of(overWire(writeLedger(ledger)));
  const reader = { job, crypto: CRYPTO, mayOrder: () => true };
  assertEquals(contents(readLedger(fields, reader)), contents(ledger));
});
