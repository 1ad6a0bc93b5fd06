import { assert, assertEquals, assertThrows } from "@std/assert";
import { FieldError, type JsonObject } from "../../../src/base/guards.ts";
import { encodeEnvelope, newEnvelope } from "../../../src/node/envelope.ts";
import { newConsensus, writeConsensus } from "../../../src/work/job/consensus.ts";
import {
  readCompletion,
  readDecline,
  readHelpRequest,
  readOffer,
  readProgress,
  readSolutions,
  readWelcome,
  writeDecline,
  writeHelpRequest,
  writeOffer,
  writeProgress,
  writeSolutions,
  writeWelcome,
} from "../../../src/work/job/messages.ts";
import { signProposal } from "../../../src/work/job/proposal.ts";
import { signSolution } from "../../../src/work/job/signed_solution.ts";
import { signVote } from "../../../src/work/job/vote.ts";
import { CRYPTO, idOf, jobOf, overWire, PURE, recordOf, speakerOf, UNIX_MS } from "./jobs.ts";

const job = jobOf();

function fits(type: "EVOLUTION_COMPLETE" | "EVOLUTION_REQUEST_HELP", data: JsonObject): number {
  const [senderId, recipientId] = [idOf(0), idOf(1)];
  return encodeEnvelope(newEnvelope({ senderId, recipientId, type, data, wallMs: UNIX_MS })).length;
}

Deno.test("messages of help come back as they were written", PURE, () => {
  const request = { job, steward: idOf(1), participants: [idOf(1), idOf(2)] };
  const read = readHelpRequest(overWire(writeHelpRequest(request)), CRYPTO, () => true);
  assertEquals([read.job.id, read.steward, read.participants], [
    job.id,
    idOf(1),
    request.participants,
  ]);
  assertEquals(writeOffer({ slots: 2, perSecond: 1.5 }), { slots: 2, rate_hint: 1.5 });
  assertEquals(readOffer({ slots: 2 }), { slots: 2, perSecond: 0 });
  assertEquals(writeDecline({ reason: "hot", retryAfterMs: 1_500 }), {
    reason: "hot",
    retry_after_s: 2,
  });
  assertEquals(readDecline({ reason: "hot" }), { reason: "hot", retryAfterMs: 60_000 });
  const participants = [recordOf(job, 1)];
  const welcome = readWelcome(
    overWire(writeWelcome({ elapsedMs: 7.4, participants, order: undefined })),
  );
  assertEquals(welcome, { elapsedMs: 7, participants: [participants[0]?.signed], order: null });
  const progress = writeProgress({ participants, orderSeq: 3, result: "ab".repeat(32) });
  assertEquals(readProgress(overWire(progress)).result, "ab".repeat(32));
});

Deno.test("messages out of their limits are refused", PURE, () => {
  const full = Array.from({ length: 32 }, () => ({}));
  const progress = { participants: full, order_seq: 0, result: null };
  assertEquals(readProgress(progress).participants.length, 32);
  for (
    const read of [
      () => readProgress({ ...progress, participants: [...full, {}] }),
      () => readProgress({ ...progress, participants: null }),
      () => readProgress({ ...progress, order_seq: -1 }),
      () => readProgress({ ...progress, result: "x" }),
      () => readProgress({ participants: [], order_seq: 0 }),
      () => readOffer({ slots: 4_097 }),
      () => readOffer({ slots: 1, rate_hint: NaN }),
      () => readDecline({ reason: "bored" }),
      () => readDecline({ reason: "busy", retry_after_s: 86_401 }),
      () => readWelcome({ elapsed_ms: -1, participants: [], order: null }),
      () => readWelcome({ elapsed_ms: 604_800_001, participants: [], order: null }),
      () => readSolutions({ solutions: [1, 2, 3] }),
      () => readSolutions({}),
      () =>
        readHelpRequest({ job: job.signed, steward: "x", participants: [] }, CRYPTO, () => true),
    ]
  ) assertThrows(read, FieldError, undefined, String(read));
  assertEquals(readCompletion({}), { order: null, consensus: null });
});

Deno.test("the longest record there can be fits into one envelope", PURE, () => {
  const dims = 4_096;
  const bounds = (at: number) => Array.from({ length: dims }, () => at);
  const large = jobOf({ space: { kind: "real", dims, lower: bounds(-5), upper: bounds(5) } });
  const genome = bounds(1 / 3);
  const solution = signSolution(
    large,
    speakerOf(0),
    { genome, fitness: -1.2345678901234567e-300 },
    CRYPTO,
  );
  const proposal = signProposal(large, speakerOf(0), {
    ...{ round: 15, cause: "evaluations", orderSeq: 2 ** 53 - 1, unixMs: 1e14, solution },
    fitness: solution.fitness,
    pool: Array.from({ length: 1_024 }, (_, n) => idOf(n)),
  }, CRYPTO);
  const said = { proposal: proposal.hash, says: "agrees", fitness: solution.fitness } as const;
  const jurors = Array.from({ length: 1_024 }, (_, n) => n).filter((n) =>
    proposal.jury.includes(idOf(n))
  );
  const votes = jurors.map((n) => signVote(large.id, speakerOf(n), said, CRYPTO));
  assertEquals(votes.length, 7);
  const consensus = writeConsensus(newConsensus(proposal, votes));
  const order = recordOf(large, 1).signed;
  const length = fits("EVOLUTION_COMPLETE", { state: "accepted", order, consensus });
  assert(length > 55_000 && length < 65_000, String(length));
  // Two such genomes need a message each; two small ones go together.
  assertEquals(writeSolutions([solution, solution]).length, 2);
  const small = signSolution(job, speakerOf(0), { genome: [1, 1], fitness: 2 }, CRYPTO);
  assertEquals(writeSolutions([small, small, small]).map((each) => readSolutions(each).length), [
    2,
    1,
  ]);
  const participants = Array.from({ length: 40 }, (_, n) => idOf(n));
  assert(
    fits(
      "EVOLUTION_REQUEST_HELP",
      writeHelpRequest({ job: large, steward: idOf(0), participants }),
    ) < 40_000,
  );
});
