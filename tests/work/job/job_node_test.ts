/** One participant among messages that the test makes. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { FieldError, type JsonObject } from "../../../src/base/guards.ts";
import type { PeerId } from "../../../src/base/peer_id.ts";
import { seededRandom } from "../../../src/base/random.ts";
import { writeConsensus } from "../../../src/work/job/consensus.ts";
import { JobNode } from "../../../src/work/job/job_node.ts";
import type {
  Batch,
  EvolutionMessage,
  JobNodeOptions,
  JobOutcome,
} from "../../../src/work/job/job_outlet.ts";
import { signOrder } from "../../../src/work/job/order.ts";
import { readProposal, signProposal } from "../../../src/work/job/proposal.ts";
import { signRecord } from "../../../src/work/job/signed_record.ts";
import { signSolution } from "../../../src/work/job/signed_solution.ts";
import { type Job, JobError, type JobSpec } from "../../../src/work/job/spec.ts";
import { readVote, signVote } from "../../../src/work/job/vote.ts";
import { RANDOM_SEARCH } from "../../sim/work/random_search.ts";
import { sphere } from "../../sim/work/work_world.ts";
import {
  acceptedOf,
  CRYPTO,
  idOf,
  jobOf,
  overWire,
  proposalOf,
  PURE,
  recordOf,
  speakerOf,
  UNIX_MS,
} from "./jobs.ts";

interface Sent {
  readonly to: PeerId;
  readonly type: EvolutionMessage;
  readonly data: JsonObject;
}

const EVALUATION_MS = 100;

/** A node of participant `n`, and all that it wanted done. */
class Stand {
  readonly sent: Sent[] = [];
  readonly batches: Batch[] = [];
  readonly outcomes: JobOutcome[] = [];
  readonly options: JobNodeOptions;
  readonly #dueMs = new Map<number, number>();
  resumed = 0;
  nowMs = 0;
  node: JobNode;

  constructor(readonly job: Job, n = 0, options: Partial<JobNodeOptions> = {}) {
    this.options = {
      job,
      self: speakerOf(n),
      crypto: CRYPTO,
      random: seededRandom(n + 1),
      search: RANDOM_SEARCH,
      policy: { belongs: () => true, isAdmin: () => false },
      wallMs: () => UNIX_MS + this.nowMs,
      slots: 1,
      outlet: {
        send: (to, type, data) => void this.sent.push({ to, type, data: overWire(data) }),
        evaluate: (batch) => {
          this.batches.push(batch);
          this.#dueMs.set(batch.id, this.nowMs + EVALUATION_MS * batch.genomes.length);
        },
        ended: (outcome) => void this.outcomes.push(outcome),
        resumed: () => void this.resumed++,
        changed: () => {},
      },
      ...options,
    };
    this.node = new JobNode(this.options, 0);
  }

  /** Lets time pass, and evaluations end. */
  run(ms: number, fitness: (genome: readonly number[]) => number = sphere): this {
    for (const untilMs = this.nowMs + ms; this.nowMs < untilMs;) {
      this.node.advance(this.nowMs);
      this.nowMs += EVALUATION_MS;
      for (const { id, genomes } of this.batches.splice(0, this.#dueBatches)) {
        const outcomes = genomes.map((genome) =>
          ({ isOk: true, fitness: fitness(genome) }) as const
        );
        this.node.evaluated(id, outcomes, this.nowMs);
      }
    }
    return this;
  }

  /** How many of the batches, which end in the order they began, are done by now. */
  get #dueBatches(): number {
    return this.batches.filter(({ id }) => (this.#dueMs.get(id) ?? 0) <= this.nowMs).length;
  }

  hear(from: number, type: EvolutionMessage, data: JsonObject): void {
    this.node.receive(idOf(from), type, overWire(data), this.nowMs);
  }

  /** Makes participants 1 to `count` known. */
  meet(count: number): this {
    for (let n = 1; n <= count; n++) {
      this.hear(n, "EVOLUTION_START", { participant: recordOf(this.job, n).signed });
    }
    return this;
  }

  take(type: EvolutionMessage): readonly Sent[] {
    const taken = this.sent.filter((each) => each.type === type);
    this.sent.splice(0);
    return taken;
  }
}

function standOf(spec: Partial<JobSpec> = {}, n = 0, options: Partial<JobNodeOptions> = {}): Stand {
  return new Stand(jobOf({ tolerance: { relative: 1e-6, absolute: 1e-9 }, ...spec }), n, options);
}

const SHORT = { limits: { timeS: 20, evaluations: null, evaluationMs: 60_000, memoryMb: 256 } };

Deno.test("JobNode that is alone confirms its own result, and says so", PURE, () => {
  const stand = standOf({ target: 1e-3 }).run(60_000);
  const [outcome] = stand.outcomes;
  assert(outcome?.kind === "accepted" && outcome.cause === "target" && outcome.fitness <= 1e-3);
  assertEquals([outcome.jurors, outcome.finder, stand.node.phase], [0, idOf(0), "ended"]);
  assertEquals(outcome.fitness, sphere(outcome.genome));
  const { evaluations } = stand.node;
  stand.run(10_000);
  assertEquals([stand.node.evaluations, stand.outcomes.length], [evaluations, 1]);
});

Deno.test("JobNode shows fitness as its worker returns it, whichever way is better", PURE, () => {
  const stand = standOf({ direction: "maximize", target: 500 });
  stand.run(60_000, (genome) => 500.01 - sphere(genome));
  const [outcome] = stand.outcomes;
  assert(outcome?.kind === "accepted" && outcome.fitness >= 500 && outcome.fitness <= 500.01);
  assertEquals(stand.node.view(stand.nowMs).best?.fitness, outcome.fitness);
});

Deno.test("JobNode ends when its evaluations are used up, and when its time is", PURE, () => {
  const counted = standOf({ limits: { ...SHORT.limits, timeS: 600, evaluations: 100 } }).run(
    60_000,
  );
  assert(counted.outcomes[0]?.kind === "accepted" && counted.outcomes[0].cause === "evaluations");
  assertEquals(counted.node.evaluations, 100);
  const timed = standOf(SHORT).run(60_000);
  assert(timed.outcomes[0]?.kind === "accepted" && timed.outcomes[0].cause === "time");
  assert(timed.node.evaluations <= 200);
});

Deno.test("JobNode that measured nothing ends unconfirmed soon, without a result", PURE, () => {
  const stand = standOf(SHORT).run(30_000, () => NaN);
  assertEquals(stand.outcomes, [{
    kind: "unconfirmed",
    cause: "time",
    genome: null,
    fitness: null,
  }]);
});

Deno.test("JobNode that measured nothing waits for who says that it has", PURE, () => {
  const stand = standOf(SHORT).meet(1);
  const { signed } = recordOf(stand.job, 1, { seq: 9, best: 0.5 });
  stand.hear(1, "EVOLUTION_PROGRESS", { participants: [signed], order_seq: 0, result: null });
  stand.run(60_000, () => NaN);
  assertEquals(stand.outcomes, []);
});

Deno.test("JobNode whose jurors do not answer ends unconfirmed, with its best", PURE, () => {
  const stand = standOf(SHORT, 0, { policy: { belongs: () => true, isAdmin: () => false } });
  let seq = 2;
  for (let i = 0; i < 40 && stand.outcomes.length === 0; i++) {
    // They say that they live, and nothing else.
    for (const n of [1, 2, 3]) {
      const { signed } = recordOf(stand.job, n, { seq: seq++ });
      stand.hear(n, "EVOLUTION_PROGRESS", { participants: [signed], order_seq: 0, result: null });
    }
    stand.run(10_000);
  }
  const [outcome] = stand.outcomes;
  assert(outcome?.kind === "unconfirmed" && outcome.fitness !== null, JSON.stringify(outcome));
  assert(stand.take("EVOLUTION_PROPOSAL").length > 3);
});

Deno.test(
  "JobNode begins nothing within a turn of being paused, and tells the others why",
  PURE,
  () => {
    const stand = standOf().meet(2).run(1_000);
    stand.sent.splice(0);
    stand.node.pause("battery", stand.nowMs);
    const told = stand.take("EVOLUTION_METRICS_SHARE");
    assertEquals(new Set(told.map(({ to }) => to)), new Set([idOf(1), idOf(2)]));
    const record = told[0]?.data["participant"] as JsonObject;
    assertEquals([record["state"], record["reason"]], ["paused", "battery"]);
    const { evaluations } = stand.node;
    stand.run(5_000);
    // What was under way is finished.
    assert(stand.node.evaluations <= evaluations + 1);
    stand.node.resume(stand.nowMs);
    stand.run(1_000);
    assert(stand.node.evaluations > evaluations + 1);
  },
);

Deno.test("JobNode works in as many slots as it is given, and in none before", PURE, () => {
  const stand = standOf({}, 0, { slots: 0 });
  stand.node.advance(0);
  assertEquals(stand.batches, []);
  assertEquals(stand.node.view(0).participants[0]?.reason, "preparing");
  stand.node.setSlots(3, 1);
  assertEquals(stand.batches.length, 3);
  assertEquals(stand.node.view(1).participants[0]?.state, "running");
});

Deno.test("JobNode is let in by who asked it, and by nobody else", PURE, () => {
  const welcome = (job: Job) => ({
    elapsed_ms: 5_000,
    participants: [recordOf(job, 1).signed, recordOf(job, 2).signed],
    order: null,
  });
  const stand = standOf({}, 0, { recruiter: idOf(1) });
  stand.node.advance(0);
  assertEquals(stand.sent.map(({ to, type }) => [to, type]), [[idOf(1), "EVOLUTION_OFFER_HELP"]]);
  stand.hear(3, "EVOLUTION_ACCEPT_HELP", welcome(stand.job));
  assertEquals([stand.node.phase, stand.batches.length], ["joining", 0]);
  stand.hear(1, "EVOLUTION_ACCEPT_HELP", welcome(stand.job));
  assertEquals([stand.node.phase, stand.batches.length], ["searching", 1]);
  const view = stand.node.view(0);
  assertEquals([view.elapsedMs, view.participants.length], [5_000, 3]);
  assertEquals(
    new Set(stand.take("EVOLUTION_START").map(({ to }) => to)),
    new Set([idOf(1), idOf(2)]),
  );
});

Deno.test("JobNode that is not answered, or declined, is refused", PURE, () => {
  const silent = standOf({}, 0, { recruiter: idOf(1) }).run(30_000);
  assertEquals(silent.outcomes, [{ kind: "refused", reason: "no answer" }]);
  assertEquals(silent.take("EVOLUTION_OFFER_HELP").length, 4);
  assertEquals(silent.node.deadlineMs, Infinity);
  const declined = standOf({}, 0, { recruiter: idOf(1) });
  declined.node.advance(0);
  declined.hear(1, "EVOLUTION_DECLINE_HELP", { reason: "full", retry_after_s: 60 });
  assertEquals(declined.outcomes, [{ kind: "refused", reason: "full" }]);
});

Deno.test(
  "JobNode asks candidates as its steward does, lets in as many as may come, declines the rest",
  PURE,
  () => {
    const stand = standOf({ maxParticipants: 3 });
    const ids = [1, 2, 3, 4, 5].map((n) => idOf(n));
    stand.node.setPeers({ alive: new Set([idOf(0), ...ids]), candidates: ids }, 0);
    stand.run(100);
    const asked = stand.take("EVOLUTION_REQUEST_HELP");
    assertEquals(asked.map(({ to }) => to), ids.slice(0, 2));
    assertEquals(asked[0]?.data["steward"], idOf(0));
    for (const n of [1, 2, 3]) stand.hear(n, "EVOLUTION_OFFER_HELP", { slots: 1, rate_hint: 0 });
    const answers = stand.sent.filter(({ type }) => type.endsWith("_HELP"));
    assertEquals(answers.map(({ to, type }) => [to, type]), [
      [idOf(1), "EVOLUTION_ACCEPT_HELP"],
      [idOf(2), "EVOLUTION_ACCEPT_HELP"],
      [idOf(3), "EVOLUTION_DECLINE_HELP"],
    ]);
  },
);

Deno.test("JobNode votes by what it measures itself, once however often it is asked", PURE, () => {
  for (const [claimed, says] of [[sphere([1, 1]), "agrees"], [0.5, "differs"]] as const) {
    const stand = standOf(SHORT).meet(6);
    stand.run(25_000);
    const { job } = stand;
    const solution = signSolution(job, speakerOf(1), { genome: [1, 1], fitness: claimed }, CRYPTO);
    const ids = [0, 2, 3, 4, 5, 6].map((n) => idOf(n));
    const proposal = proposalFrom(job, 1, { solution, fitness: claimed, pool: ids });
    assert(proposal.jury.includes(idOf(0)));
    stand.sent.splice(0);
    for (let i = 0; i < 3; i++) {
      stand.hear(1, "EVOLUTION_PROPOSAL", { proposal: proposal.signed });
      stand.run(1_000);
    }
    const votes = stand.take("EVOLUTION_VOTE");
    const mine = votes.map(({ data }) => readVote(job.id, data["vote"], CRYPTO));
    // It knows a better one by then, but that is only for who says the truth.
    const expected = says === "agrees" ? "better" : says;
    assertEquals(
      new Set(mine.map((vote) => `${vote.says} ${vote.fitness}`)),
      new Set([`${expected} 2`]),
    );
    // To the proposer and the other jurors; then to the proposer alone, who may have missed it, unless it is a liar.
    assertEquals(votes.length, says === "agrees" ? 6 + 2 : 6);
    const trust = stand.node.view(stand.nowMs).participants.find(({ id }) => id === idOf(1))?.trust;
    assertEquals(trust, says === "agrees" ? 0.5 : 0.2);
  }
});

/** As {@link proposalOf}, of a solution that is given. */
function proposalFrom(
  job: Job,
  proposer: number,
  given: {
    readonly solution: ReturnType<typeof signSolution>;
    readonly fitness: number;
    readonly pool: readonly PeerId[];
  },
) {
  const model = proposalOf(job, { others: 3 });
  const { round, cause, orderSeq, unixMs } = model;
  const word = { round, cause, orderSeq, unixMs, ...given };
  return signProposal(job, speakerOf(proposer), word, CRYPTO);
}

Deno.test("JobNode does not vote on what is asked too early, and says that it is", PURE, () => {
  const stand = standOf().meet(6).run(11_000);
  const solution = signSolution(stand.job, speakerOf(1), { genome: [1, 1], fitness: 2 }, CRYPTO);
  const pool = [0, 2, 3, 4, 5, 6].map((n) => idOf(n));
  const proposal = proposalFrom(stand.job, 1, { solution, fitness: 2, pool });
  stand.sent.splice(0);
  stand.hear(1, "EVOLUTION_PROPOSAL", { proposal: proposal.signed });
  stand.run(1_000);
  const [vote] = stand.take("EVOLUTION_VOTE");
  assertEquals(readVote(stand.job.id, vote?.data["vote"], CRYPTO).says, "early");
});

Deno.test(
  "JobNode looks at one proposal of a proposer and round, and at none with too few jurors",
  PURE,
  () => {
    const stand = standOf().meet(6).run(11_000);
    const pool = [0, 2, 3, 4, 5, 6].map((n) => idOf(n));
    const ask = (genome: readonly number[], ids: readonly PeerId[]) => {
      const solution = signSolution(
        stand.job,
        speakerOf(1),
        { genome, fitness: sphere(genome) },
        CRYPTO,
      );
      const proposal = proposalFrom(stand.job, 1, { solution, fitness: sphere(genome), pool: ids });
      stand.hear(1, "EVOLUTION_PROPOSAL", { proposal: proposal.signed });
      stand.run(500);
      return stand.take("EVOLUTION_VOTE").length;
    };
    stand.sent.splice(0);
    // Six others: four jurors are asked for.
    assertEquals(ask([1, 2], pool.slice(0, 3)), 0);
    assertEquals(ask([1, 1], pool), 6);
    // The same round with something else, as who varies its proposal until it suits would.
    assertEquals(ask([1, 3], pool), 0);
  },
);

Deno.test(
  "JobNode believes no record with a jury of strangers, or one that is too small",
  PURE,
  () => {
    const job = jobOf({ ...SHORT });
    const few = acceptedOf(job, { others: 2 });
    const many = acceptedOf(job, { others: 9, proposer: 1 });
    const known = new Set(Array.from({ length: 10 }, (_, n) => idOf(n)));
    const complete = (stand: Stand, record: typeof few) =>
      stand.hear(1, "EVOLUTION_COMPLETE", {
        state: "accepted",
        order: null,
        consensus: writeConsensus(record),
      });
    const stand = new Stand(job).meet(9);
    complete(stand, few);
    assertEquals(stand.node.phase, "searching");
    complete(stand, many);
    assertEquals(stand.node.phase, "ended");
    // Seven keys that somebody made, who all agree.
    const strange = new Stand(job, 0, {
      policy: { belongs: (id) => known.has(id), isAdmin: () => false },
    }).meet(9);
    const proposal = proposalOf(job, { others: 60, proposer: 1 });
    assert(proposal.jury.some((id) => !known.has(id)));
    complete(strange, acceptedOf(job, { others: 60, proposer: 1 }));
    assertEquals(strange.node.phase, "searching");
  },
);

Deno.test(
  "JobNode.order() stops and goes on for the owner and admins, and a stale order changes nothing",
  PURE,
  () => {
    const stand = standOf().meet(2).run(2_000);
    stand.sent.splice(0);
    stand.node.order("stop", stand.nowMs);
    const stop = stand.take("EVOLUTION_COMPLETE");
    assertEquals(new Set(stop.map(({ to }) => to)), new Set([idOf(1), idOf(2)]));
    stand.run(1_000);
    assertEquals(stand.node.phase, "closing");
    stand.node.order("resume", stand.nowMs);
    assertEquals(stand.node.phase, "searching");
    const before = stand.node.evaluations;
    // The stop comes again.
    stand.hear(1, "EVOLUTION_COMPLETE", stop[0]?.data ?? {});
    stand.run(2_000);
    assertEquals(stand.node.phase, "searching");
    assert(stand.node.evaluations > before);
    const guest = standOf({}, 5);
    assertEquals(assertThrows(() => guest.node.order("stop", 0), JobError).code, "stranger");
  },
);

Deno.test("JobNode takes no order of who may not give it", PURE, () => {
  const stand = standOf().meet(2).run(1_000);
  const said = { seq: 2 ** 52, action: "stop", unixMs: UNIX_MS } as const;
  const order = signOrder(stand.job.id, speakerOf(1), said, CRYPTO);
  stand.hear(1, "EVOLUTION_COMPLETE", { state: "stopped", order: order.signed, consensus: null });
  stand.run(1_000);
  assertEquals([stand.node.phase, stand.node.ledger.order], ["searching", undefined]);
  const admin = standOf({}, 0, {
    policy: { belongs: () => true, isAdmin: (id) => id === idOf(1) },
  });
  admin.hear(1, "EVOLUTION_COMPLETE", { state: "stopped", order: order.signed, consensus: null });
  assertEquals(admin.node.ledger.isStopped, true);
});

Deno.test(
  "JobNode that was stopped alone ends with its best, and takes the search up again",
  PURE,
  () => {
    const stand = standOf().run(3_000);
    stand.node.order("stop", stand.nowMs);
    stand.run(10_000);
    assert(stand.outcomes[0]?.kind === "accepted" && stand.outcomes[0].cause === "stopped");
    const before = stand.node.evaluations;
    stand.node.order("resume", stand.nowMs);
    stand.run(3_000);
    assertEquals([stand.node.phase, stand.node.outcome, stand.resumed], [
      "searching",
      undefined,
      1,
    ]);
    assert(stand.node.evaluations > before);
  },
);

Deno.test(
  "JobNode refuses migrants that are not what they claim, and in the end their sender",
  PURE,
  () => {
    const stand = standOf().meet(2).run(3_000);
    const send = (from: number, genome: readonly number[], fitness: number) => {
      const { signed } = signSolution(stand.job, speakerOf(from), { genome, fitness }, CRYPTO);
      stand.hear(from, "EVOLUTION_RESULTS_SHARE", { solutions: [signed] });
      stand.run(300);
    };
    const trust = (n: number) =>
      stand.node.view(stand.nowMs).participants.find(({ id }) => id === idOf(n))?.trust;
    send(1, [1e-5, 0], sphere([1e-5, 0]));
    assertEquals(stand.node.view(stand.nowMs).best?.fitness, sphere([1e-5, 0]));
    assertEquals(trust(1), 0.51);
    send(2, [4, 4], 0);
    send(2, [4, 3], 0);
    assertEquals(trust(2), 0.2);
    const before = stand.node.view(stand.nowMs).best?.fitness;
    // True for once, and too late.
    send(2, [0, 0], 0);
    assertEquals(stand.node.view(stand.nowMs).best?.fitness, before);
  },
);

Deno.test("JobNode knows its own work when another signs it", PURE, () => {
  const stand = standOf().meet(2).run(40_000);
  const shared = stand.take("EVOLUTION_RESULTS_SHARE").flatMap(({ data }) =>
    Array.isArray(data["solutions"]) ? data["solutions"] : []
  );
  const [first] = shared as JsonObject[];
  assert(first);
  const { genome, fitness } = first;
  const copied = resignSolution(stand.job, 1, { genome, fitness });
  stand.hear(1, "EVOLUTION_RESULTS_SHARE", { solutions: [copied] });
  const thief = stand.node.view(stand.nowMs).participants.find(({ id }) => id === idOf(1));
  assertEquals(thief?.trust, 0.2);
});

function resignSolution(job: Job, n: number, said: JsonObject): JsonObject {
  return signRecord({ type: "EVOLUTION_SOLUTION", keys: [] }, job.id, speakerOf(n), said);
}

Deno.test("JobNode holds to its bounds when 10,000 participants are claimed", PURE, () => {
  const stand = standOf();
  for (let at = 0; at < 10_000; at += 32) {
    const participants = Array.from(
      { length: 32 },
      (_, i) => recordOf(stand.job, 100 + at + i).signed,
    );
    stand.hear(1, "EVOLUTION_PROGRESS", { participants, order_seq: 0, result: null });
  }
  assert(stand.node.ledger.participants.size <= 1_024);
  const tooMany = Array.from({ length: 33 }, (_, i) => recordOf(stand.job, i + 1).signed);
  const other = standOf();
  other.hear(1, "EVOLUTION_PROGRESS", { participants: tooMany, order_seq: 0, result: null });
  assertEquals(other.node.ledger.participants.size, 1);
});

Deno.test("JobNode.restore() goes on where the checkpoint was made", PURE, () => {
  const stand = standOf({ target: 1e-9 }).meet(3).run(4_000);
  const before = stand.node.view(stand.nowMs);
  const snapshot = overWire(stand.node.snapshot(stand.nowMs));
  const seq = stand.node.ledger.participants.get(idOf(0))?.seq ?? 0;
  // Ten seconds later, the others having gone on meanwhile.
  stand.nowMs += 10_000;
  const node = JobNode.restore(stand.options, snapshot, stand.nowMs);
  const after = node.view(stand.nowMs);
  assertEquals(after.best, before.best);
  assertEquals(after.elapsedMs, before.elapsedMs + 10_000);
  assertEquals(after.participants.length, 4);
  assertEquals([node.phase, node.evaluations], ["searching", stand.node.evaluations]);
  assert((node.ledger.participants.get(idOf(0))?.seq ?? 0) > seq);
  assertEquals(
    JobNode.restore(stand.options, overWire(node.snapshot(0)), 0).view(0).best,
    before.best,
  );
});

Deno.test("JobNode.restore() knows that it had ended, and that it was never let in", PURE, () => {
  const stand = standOf({ target: 1e-3 }).run(60_000);
  const ended = JobNode.restore(stand.options, overWire(stand.node.snapshot(0)), 0);
  assertEquals([ended.phase, ended.outcome], ["ended", stand.node.outcome]);
  const outside = standOf({}, 0, { recruiter: idOf(1) });
  const again = JobNode.restore(outside.options, overWire(outside.node.snapshot(0)), 0);
  assertEquals(again.outcome, { kind: "refused", reason: "never let in" });
});

Deno.test("JobNode.restore() refuses what is damaged, forged or another job's", PURE, () => {
  const stand = standOf({ target: 1e-3 }).meet(3).run(2_000);
  const snapshot = overWire(stand.node.snapshot(stand.nowMs));
  const forged = { ...recordOf(stand.job, 1, { seq: 9 }).signed, evaluations: 5 };
  const undecided = { proposal: proposalOf(stand.job, { others: 5 }).signed, votes: [] };
  for (
    const damage of [
      { version: 2 },
      { job: "x" },
      { elapsed_ms: -1 },
      { seq: 0.5 },
      { rounds: 17 },
      { evaluations: -1 },
      { best: [{ genome: "AAAA", fitness: 1, signed: null }] },
      { best: Array.from({ length: 9 }, () => null) },
      { trust: [["x", 1]] },
      { trust: [[idOf(1), 2]] },
      { participants: [forged] },
      { order: {} },
      { results: [undecided] },
      { refuted: [undecided] },
      { unconfirmed: "x" },
      { search: null },
    ]
  ) {
    const damaged = { ...snapshot, ...damage };
    assertThrows(
      () => JobNode.restore(stand.options, damaged, 0),
      FieldError,
      undefined,
      JSON.stringify(damage),
    );
  }
  for (const value of [null, "{", [], {}]) {
    assertThrows(() => JobNode.restore(stand.options, value, 0), FieldError);
  }
  assertEquals(JobNode.restore(stand.options, snapshot, 0).phase, "searching");
});

Deno.test(
  "JobNode meets who asks it for help, or is said to take part, and was not known",
  PURE,
  () => {
    const stand = standOf().run(1_000);
    stand.sent.splice(0);
    stand.hear(7, "EVOLUTION_REQUEST_HELP", {});
    stand.node.introduce(idOf(8), stand.nowMs);
    const greeted = stand.take("EVOLUTION_PROGRESS");
    assertEquals(greeted.map(({ to }) => to), [idOf(7), idOf(8)]);
    const participants = greeted.map(({ data }) => data["participants"] as readonly JsonObject[]);
    assertEquals(participants.map((each) => each.map(({ node }) => node)), [[idOf(0)], [idOf(0)]]);
  },
);

Deno.test("JobNode confirms a result with the votes of its jurors", PURE, () => {
  const stand = standOf({ target: 1e-3 }).meet(3);
  let seq = 10;
  while (stand.nowMs < 60_000 && stand.outcomes.length === 0) {
    for (const n of [1, 2, 3]) {
      const { signed } = recordOf(stand.job, n, { seq: seq++ });
      stand.hear(n, "EVOLUTION_PROGRESS", { participants: [signed], order_seq: 0, result: null });
    }
    stand.run(1_000);
    for (const { to, data } of stand.take("EVOLUTION_PROPOSAL")) {
      const proposal = readProposal(stand.job, data["proposal"], CRYPTO);
      const n = [1, 2, 3].find((each) => idOf(each) === to) ?? 0;
      // One of the three is a liar.
      const said = n === 3 ? { proposal: proposal.hash, says: "differs", fitness: 7 } as const : {
        proposal: proposal.hash,
        says: "agrees",
        fitness: sphere(proposal.solution.genome),
      } as const;
      const vote = signVote(stand.job.id, speakerOf(n), said, CRYPTO);
      stand.hear(n, "EVOLUTION_VOTE", { vote: vote.signed });
    }
  }
  const [outcome] = stand.outcomes;
  assert(outcome?.kind === "accepted");
  assertEquals([outcome.jurors, outcome.agreed], [3, 2]);
  const trust = stand.node.view(stand.nowMs).participants.find(({ id }) => id === idOf(3))?.trust;
  assert(trust === undefined || trust <= 0.5);
});

Deno.test("JobNode believes nobody who measured alone while others are paused", PURE, () => {
  const job = jobOf(SHORT);
  const alone = acceptedOf(job, { others: 0, proposer: 1 });
  const stand = new Stand(job).meet(1);
  stand.node.pause("battery", 0);
  const data = { state: "accepted", order: null, consensus: writeConsensus(alone) };
  stand.hear(1, "EVOLUTION_COMPLETE", data);
  assertEquals(stand.node.phase, "searching");
});

Deno.test("JobNode.deadlineMs is not put off by evaluations, however many there are", PURE, () => {
  const stand = standOf().meet(1);
  stand.node.advance(0);
  const { deadlineMs } = stand.node;
  for (const { id, genomes } of stand.batches.splice(0)) {
    const outcomes = genomes.map(() => ({ isOk: true, fitness: 1 }) as const);
    stand.node.evaluated(id, outcomes, 400);
  }
  stand.hear(1, "EVOLUTION_START", { participant: recordOf(stand.job, 1, { seq: 2 }).signed });
  assertEquals([stand.node.deadlineMs, deadlineMs], [deadlineMs, 500]);
});

Deno.test("JobNode that has just come in believes no jury but a full one", PURE, () => {
  const job = jobOf(SHORT);
  const few = acceptedOf(job, { others: 2 });
  const complete = (stand: Stand) => {
    const data = { state: "accepted", order: null, consensus: writeConsensus(few) };
    stand.hear(1, "EVOLUTION_COMPLETE", data);
    return stand.node.phase;
  };
  // It knows of one other, and sees nothing wrong with two jurors.
  const stand = new Stand(job, 5).meet(2).run(9_000);
  assertEquals(complete(stand), "searching");
  assertEquals(complete(stand.run(1_000)), "ended");
});
