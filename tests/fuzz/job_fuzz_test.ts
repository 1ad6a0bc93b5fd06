/** What a job's messages are made of, damaged: decoders throw what they say, and a participant never throws. */

import { assert, assertEquals } from "@std/assert";
import { FieldError, Fields, type JsonObject } from "../../src/base/guards.ts";
import { randomBelow, seededRandom } from "../../src/base/random.ts";
import { readConsensus, writeConsensus } from "../../src/work/job/consensus.ts";
import { JobNode } from "../../src/work/job/job_node.ts";
import type { EvolutionMessage, JobNodeOptions } from "../../src/work/job/job_outlet.ts";
import { readLedger } from "../../src/work/job/job_snapshot.ts";
import { readHelpRequest, writeHelpRequest } from "../../src/work/job/messages.ts";
import { readOrder, signOrder } from "../../src/work/job/order.ts";
import { readParticipant } from "../../src/work/job/participant_record.ts";
import { readProposal } from "../../src/work/job/proposal.ts";
import { readSolution, signSolution } from "../../src/work/job/signed_solution.ts";
import { type Job, JobError, readJob } from "../../src/work/job/spec.ts";
import { verifyConsensus } from "../../src/work/job/verdict.ts";
import { readVote } from "../../src/work/job/vote.ts";
import { RANDOM_SEARCH } from "../sim/work/random_search.ts";
import { fuzzSeed, hostileJson, mutateObject, pollution } from "../testing/mutate.ts";
import {
  acceptedOf,
  CRYPTO,
  idOf,
  jobOf,
  PURE,
  recordOf,
  speakerOf,
  UNIX_MS,
} from "../work/job/jobs.ts";

const SEED = fuzzSeed();
const ROUNDS = 4_000;

const job = jobOf();
const consensus = acceptedOf(job, { others: 9 });
const solution = signSolution(job, speakerOf(1), { genome: [1, 1], fitness: 2 }, CRYPTO);
const order = signOrder(job.id, speakerOf(0), { seq: 1, action: "stop", unixMs: 1 }, CRYPTO);
const record = recordOf(job, 1);
const [vote] = consensus.votes;

const DECODERS: readonly {
  readonly name: string;
  readonly value: JsonObject;
  readonly read: (value: unknown) => unknown;
}[] = [
  { name: "readJob", value: job.signed, read: (value) => readJob(value, CRYPTO) },
  {
    name: "readHelpRequest",
    value: writeHelpRequest({ job, steward: idOf(1), participants: [idOf(2)] }),
    read: (value) => readHelpRequest(value as JsonObject, CRYPTO, () => true),
  },
  {
    name: "readParticipant",
    value: record.signed,
    read: (value) => readParticipant(job.id, value),
  },
  {
    name: "readOrder",
    value: order.signed,
    read: (value) => readOrder(job.id, value, CRYPTO, () => true),
  },
  {
    name: "readSolution",
    value: solution.signed,
    read: (value) => readSolution(job, value, CRYPTO),
  },
  {
    name: "readProposal",
    value: consensus.proposal.signed,
    read: (value) => readProposal(job, value, CRYPTO),
  },
  { name: "readVote", value: vote?.signed ?? {}, read: (value) => readVote(job.id, value, CRYPTO) },
  {
    name: "readConsensus",
    value: writeConsensus(consensus),
    read: (value) => readConsensus(job, value, CRYPTO),
  },
  {
    name: "readLedger",
    value: { participants: [record.signed], order: null, results: [], refuted: [] },
    read: (value) => readLedger(Fields.of(value), { job, crypto: CRYPTO, mayOrder: () => true }),
  },
];

for (const [at, { name, value, read }] of DECODERS.entries()) {
  Deno.test(`${name}() throws nothing but FieldError and JobError, seed ${SEED}`, PURE, () => {
    const random = seededRandom(SEED + at);
    read(JSON.parse(JSON.stringify(value)));
    for (let round = 0; round < ROUNDS / 4; round++) {
      const damaged: unknown = JSON.parse(hostileJson(mutateObject(random, value)));
      try {
        read(damaged);
      } catch (error) {
        if (error instanceof FieldError || error instanceof JobError) continue;
        throw new Error(`seed ${SEED}, round ${round}`, { cause: error });
      }
    }
    assertEquals(pollution(), []);
  });
}

Deno.test(`verifyConsensus() never throws, and finds every damage, seed ${SEED}`, PURE, () => {
  const random = seededRandom(SEED + 100);
  const whole = writeConsensus(consensus);
  const text = JSON.stringify(whole);
  for (let round = 0; round < ROUNDS / 4; round++) {
    const damaged: unknown = JSON.parse(hostileJson(mutateObject(random, whole)));
    const { isValid, tally } = verifyConsensus(job, damaged, CRYPTO);
    if (!isValid || JSON.stringify(damaged) === text) continue;
    // Two of seven votes may be missing; nothing else may be different.
    assert((tally?.agreed ?? 0) >= 5, `seed ${SEED}, round ${round}`);
  }
});

/** A message of each type, as another participant would send it. */
function mails(of: Job): readonly (readonly [EvolutionMessage, JsonObject])[] {
  const participants = [2, 3, 4].map((n) => recordOf(of, n).signed);
  return [
    ["EVOLUTION_REQUEST_HELP", writeHelpRequest({ job: of, steward: idOf(1), participants: [] })],
    ["EVOLUTION_OFFER_HELP", { slots: 1, rate_hint: 0 }],
    ["EVOLUTION_DECLINE_HELP", { reason: "busy", retry_after_s: 9 }],
    ["EVOLUTION_ACCEPT_HELP", { elapsed_ms: 1, participants, order: order.signed }],
    ["EVOLUTION_START", { participant: record.signed }],
    ["EVOLUTION_METRICS_SHARE", { participant: record.signed }],
    ["EVOLUTION_PROGRESS", { participants, order_seq: 0, result: null }],
    ["EVOLUTION_RESULTS_SHARE", { solutions: [solution.signed] }],
    ["EVOLUTION_PROPOSAL", { proposal: consensus.proposal.signed }],
    ["EVOLUTION_VOTE", { vote: vote?.signed }],
    ["EVOLUTION_CONSENSUS", { consensus: writeConsensus(consensus) }],
    ["EVOLUTION_COMPLETE", { state: "x", order: null, consensus: writeConsensus(consensus) }],
    ["EVOLUTION_KNOWLEDGE_SHARE", {}],
  ];
}

function newNode(recruiter?: number): JobNode {
  const options: JobNodeOptions = {
    job,
    self: speakerOf(5),
    crypto: CRYPTO,
    random: seededRandom(1),
    search: RANDOM_SEARCH,
    policy: { belongs: () => true, isAdmin: () => false },
    wallMs: () => UNIX_MS,
    slots: 1,
    ...recruiter !== undefined && { recruiter: idOf(recruiter) },
    outlet: { send() {}, evaluate() {}, ended() {}, resumed() {}, changed() {} },
  };
  return new JobNode(options, 0);
}

Deno.test(`JobNode.receive() never throws, and keeps its bounds, seed ${SEED}`, PURE, () => {
  const random = seededRandom(SEED + 200);
  const types = mails(job);
  let node = newNode();
  for (let round = 0; round < ROUNDS; round++) {
    if (round % 200 === 0) node = newNode(round % 400 === 0 ? 1 : undefined);
    const mail = types[randomBelow(random, types.length)];
    if (!mail) continue;
    const [type, data] = mail;
    const damaged = JSON.parse(hostileJson(mutateObject(random, data))) as JsonObject;
    const kind = random.next() < 0.9 ? type : types[randomBelow(random, types.length)]?.[0] ?? type;
    try {
      node.receive(idOf(1), kind, damaged, round * 10);
      node.advance(round * 10);
      node.snapshot(round * 10);
    } catch (error) {
      throw new Error(`seed ${SEED}, round ${round}, ${kind}`, { cause: error });
    }
    assert(node.ledger.participants.size <= 8);
  }
  assertEquals(pollution(), []);
});

Deno.test(`JobNode.restore() throws nothing but FieldError, seed ${SEED}`, PURE, () => {
  const random = seededRandom(SEED + 300);
  const node = newNode();
  for (const [type, data] of mails(job)) node.receive(idOf(1), type, data, 0);
  const snapshot = node.snapshot(0);
  const options: JobNodeOptions = {
    job,
    self: speakerOf(5),
    crypto: CRYPTO,
    random,
    search: RANDOM_SEARCH,
    policy: { belongs: () => true, isAdmin: () => false },
    wallMs: () => UNIX_MS,
    slots: 1,
    outlet: { send() {}, evaluate() {}, ended() {}, resumed() {}, changed() {} },
  };
  for (let round = 0; round < ROUNDS / 4; round++) {
    const damaged: unknown = JSON.parse(hostileJson(mutateObject(random, snapshot)));
    try {
      JobNode.restore(options, damaged, 0).advance(1);
    } catch (error) {
      if (error instanceof FieldError) continue;
      throw new Error(`seed ${SEED}, round ${round}`, { cause: error });
    }
  }
  assertEquals(pollution(), []);
});
