import { assert, assertEquals, assertThrows } from "@std/assert";
import { FieldError } from "../../../src/base/guards.ts";
import {
  compareConsensus,
  joinConsensus,
  newConsensus,
  readConsensus,
  writeConsensus,
} from "../../../src/work/job/consensus.ts";
import { readProposal } from "../../../src/work/job/proposal.ts";
import { signRecord } from "../../../src/work/job/signed_record.ts";
import { tally, verifyConsensus } from "../../../src/work/job/verdict.ts";
import { signVote, type VoteWord } from "../../../src/work/job/vote.ts";
import {
  acceptedOf,
  CRYPTO,
  idOf,
  jobOf,
  overWire,
  proposalOf,
  PURE,
  speakerOf,
  votesOn,
} from "./jobs.ts";

const YES: readonly [VoteWord, number] = ["agrees", 3];
const NO: readonly [VoteWord, number] = ["differs", 9];
const LATER: readonly [VoteWord, null] = ["failed", null];

Deno.test(
  "tally() accepts at two thirds, refutes at two thirds, and knows when nothing can come of it",
  PURE,
  () => {
    const job = jobOf();
    for (
      const [others, words, verdict] of [
        [0, [], "accepted"],
        [1, [], "open"],
        [1, [YES], "accepted"],
        [1, [NO], "refuted"],
        [2, [YES], "open"],
        [2, [YES, NO], "undecided"],
        [2, [YES, YES], "accepted"],
        [3, [YES, YES, NO], "accepted"],
        [3, [NO, NO, YES], "refuted"],
        [7, [YES, YES, YES, YES], "open"],
        [7, [YES, YES, YES, YES, YES], "accepted"],
        [7, [YES, YES, YES, YES, NO, NO, NO], "undecided"],
        [7, [NO, NO, NO, YES], "open"],
        [7, [NO, NO, NO, YES, YES, YES], "undecided"],
        [7, [NO, NO, NO, NO, NO], "refuted"],
        [7, [LATER, LATER, LATER], "undecided"],
        [30, [YES, YES, YES, YES, YES, NO, NO], "accepted"],
      ] as const
    ) {
      const proposal = proposalOf(job, { others });
      const counted = tally(proposal, votesOn(job, proposal, words), job.spec.tolerance);
      assertEquals(counted.verdict, verdict, `${others} others: ${words.join(" ")}`);
    }
  },
);

Deno.test(
  "tally() counts no yes that measured something else, and no word of who was not drawn",
  PURE,
  () => {
    const job = jobOf();
    const proposal = proposalOf(job, { others: 1 });
    // The tolerance is 0.5.
    for (
      const [fitness, verdict] of [[3.5, "accepted"], [3.51, "undecided"], [
        null,
        "undecided",
      ]] as const
    ) {
      const votes = votesOn(job, proposal, [["agrees", fitness]]);
      assertEquals(tally(proposal, votes, job.spec.tolerance).verdict, verdict);
    }
    const said = { proposal: proposal.hash, says: "agrees", fitness: 3 } as const;
    const stranger = signVote(job.id, speakerOf(5), said, CRYPTO);
    assertEquals(tally(proposal, [stranger], job.spec.tolerance).agreed, 0);
    const own = signVote(job.id, speakerOf(0), said, CRYPTO);
    assertEquals(tally(proposal, [own], job.spec.tolerance).agreed, 0);
  },
);

Deno.test("verifyConsensus() takes what two thirds of the drawn jury signed", PURE, () => {
  const job = jobOf();
  const record = overWire(writeConsensus(acceptedOf(job, { others: 9 })));
  const { isValid, problems, tally: counted, isSelfConfirmed } = verifyConsensus(
    job,
    record,
    CRYPTO,
  );
  assertEquals([isValid, problems, counted?.agreed, isSelfConfirmed], [true, [], 7, false]);
  const alone = verifyConsensus(job, writeConsensus(acceptedOf(job, { others: 0 })), CRYPTO);
  assertEquals([alone.isValid, alone.isSelfConfirmed], [true, true]);
});

Deno.test("verifyConsensus() finds what is wrong with a record, and never throws", PURE, () => {
  const job = jobOf({ target: 1 });
  const { proposal, votes } = acceptedOf(job, { others: 9 });
  const another = acceptedOf(job, { others: 9, fitness: 4 });
  const write = (list: readonly unknown[]) => ({ proposal: proposal.signed, votes: list });
  const signed = votes.map((vote) => vote.signed);
  const stranger = signVote(job.id, speakerOf(40), {
    proposal: proposal.hash,
    says: "agrees",
    fitness: 3,
  }, CRYPTO);
  for (
    const [record, problem] of [
      [write(signed.slice(0, 4)), "4 of 7 jurors agree"],
      [write([...signed.slice(0, 4), signed[0]]), "a juror votes twice"],
      [write([...signed.slice(0, 4), stranger.signed]), "a voter is no juror"],
      // A vote that was given, on another proposal.
      [write([...signed.slice(0, 4), another.votes[4]?.signed]), "a vote is on something else"],
      [write([...signed.slice(0, 4), { ...signed[4], fitness: 3.1 }]), "forged"],
      [{ proposal: { ...proposal.signed, fitness: 2 }, votes: signed }, "forged"],
      [{ ...write(signed), more: 1 }, "not known"],
      [write([...signed, ...signed]), "exceed"],
      [
        writeConsensus(acceptedOf(job, { others: 9, cause: "target" })),
        "the target is not reached",
      ],
      [null, "expected an object"],
      [{}, "missing"],
    ] as const
  ) {
    const { isValid, problems } = verifyConsensus(job, record, CRYPTO);
    assertEquals(isValid, false, problem);
    assert(problems.join().includes(problem), `${problems} instead of ${problem}`);
  }
  const elsewhere = verifyConsensus(jobOf({ seed: 8 }), write(signed), CRYPTO);
  assert(elsewhere.problems.join().includes("another job"));
});

Deno.test("readProposal() refuses a jury that was not drawn", PURE, () => {
  const job = jobOf();
  const proposal = proposalOf(job, { others: 12 });
  const { type, job: _, node: __, signature: ___, ...said } = proposal.signed;
  const resign = (changed: object) =>
    signRecord({ type: String(type), keys: [] }, job.id, speakerOf(0), { ...said, ...changed });
  assertEquals(readProposal(job, resign({}), CRYPTO).hash, proposal.hash);
  const { jury } = proposal;
  const outside = Array.from({ length: 12 }, (_, i) => idOf(i + 1)).find((id) =>
    !jury.includes(id)
  );
  for (
    const changed of [
      { jury: jury.toReversed() },
      { jury: jury.slice(1) },
      { jury: [...jury.slice(1), outside] },
      { jury: [] },
      { jury: jury.map(() => jury[0]) },
      { jury: jury.map(() => "x") },
      { round: 1 },
      { round: 16 },
      { round: -1 },
      { pool: "" },
      { cause: "fun" },
      { order_seq: -1 },
      { fitness: null },
      { unix_ms: 0.5 },
    ]
  ) {
    assertThrows(
      () => readProposal(job, resign(changed), CRYPTO),
      FieldError,
      undefined,
      JSON.stringify(changed),
    );
  }
});

Deno.test(
  "joinConsensus() keeps all votes, and nobody takes back a yes that was counted",
  PURE,
  () => {
    const job = jobOf();
    const proposal = proposalOf(job, { others: 3 });
    const [a, b, c] = votesOn(job, proposal, [YES, YES, NO]);
    const [turned] = votesOn(job, proposal, [NO]);
    if (!a || !b || !c || !turned) throw new Error("no votes");
    const one = newConsensus(proposal, [a, c]);
    const other = newConsensus(proposal, [turned, b]);
    const joined = joinConsensus(one, other);
    assertEquals(joined, joinConsensus(other, one));
    assertEquals(joined.votes.length, 3);
    assertEquals(tally(proposal, joined.votes, job.spec.tolerance).verdict, "accepted");
    assertEquals(readConsensus(job, overWire(writeConsensus(joined)), CRYPTO).votes.length, 3);
  },
);

Deno.test(
  "compareConsensus() prefers what was not cut short, then the larger jury, then the better",
  PURE,
  () => {
    const job = jobOf();
    const full = acceptedOf(job, { others: 9, fitness: 5 });
    const better = acceptedOf(job, { others: 9, fitness: 2 });
    const few = acceptedOf(job, { others: 2, fitness: 1 });
    const stopped = acceptedOf(job, { others: 9, fitness: 0, cause: "stopped", orderSeq: 1 });
    const stoppedLater = acceptedOf(job, { others: 9, fitness: 1, cause: "stopped", orderSeq: 2 });
    const shuffled = [few, stopped, full, stoppedLater, better];
    const sorted = shuffled.toSorted(compareConsensus);
    assertEquals(sorted, [better, full, few, stoppedLater, stopped]);
    assertEquals(shuffled.toReversed().toSorted(compareConsensus), sorted);
  },
);
