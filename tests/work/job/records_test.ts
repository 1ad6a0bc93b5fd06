/** Every signed record alike: golden bytes, and what each decoder refuses. */

import { assertEquals, assertThrows } from "@std/assert";
import { decodeBase64Url } from "../../../src/base/bytes.ts";
import { FieldError, type JsonObject } from "../../../src/base/guards.ts";
import { laterOrder, readOrder, signOrder } from "../../../src/work/job/order.ts";
import {
  isGenuineParticipant,
  readParticipant,
  signParticipant,
} from "../../../src/work/job/participant_record.ts";
import { readSolution, signSolution } from "../../../src/work/job/signed_solution.ts";
import { signRecord } from "../../../src/work/job/signed_record.ts";
import { type Job, signJob } from "../../../src/work/job/spec.ts";
import { readVote, signVote } from "../../../src/work/job/vote.ts";
import { PRIMITIVES } from "../../testing/identities.ts";
import {
  CRYPTO,
  idOf,
  jobOf,
  overWire,
  PURE,
  recordOf,
  RFC_SPEAKER,
  speakerOf,
  specOf,
} from "./jobs.ts";

const word = {
  seq: 3,
  state: "running",
  reason: "",
  slots: 2,
  evaluations: 10,
  perSecond: 2.5,
  generation: 1,
  best: 0.5,
  unixMs: 1_750_000_000_003,
} as const;
const order = { seq: 4, action: "stop", unixMs: 1_750_000_000_004 } as const;
const vote = { proposal: "ab".repeat(32), says: "agrees", fitness: 7.25 } as const;
const solution = { genome: [1, -2.5], fitness: 7.25 };

Deno.test("records are signed as Python signs them", () => {
  const job = signJob(specOf(RFC_SPEAKER.id), RFC_SPEAKER.signer, PRIMITIVES);
  const signatures = [
    signParticipant(job.id, RFC_SPEAKER, word),
    signOrder(job.id, RFC_SPEAKER, order, PRIMITIVES),
    signSolution(job, RFC_SPEAKER, solution, PRIMITIVES),
    signVote(job.id, RFC_SPEAKER, vote, PRIMITIVES),
  ].map(({ signed }) => signed["signature"]);
  assertEquals(signatures, [
    "OjspZ6B5O8M1LWlwiimZdXb5NFh6GTig33uRDum3zbNRsugNUN6wIivT_xESMwIPclB6xpLdp-Yt21qXpK9hCw",
    "mKbnnevNnoBB3PA-9YRTgNTxVe4w3r4VaB-vgAXgt0gAWfKe_6N8q08rkjSxYH08jdUP-r-oYdEIy-Pb3K4rBA",
    "QMOeXU6kx2sSt9MK14Ih3CFFx7SeIYOy8USMfizNX3FUIMtoeM7W3FVEo8UjiW0bTRWZWIsZ8qO5n7LIRHxZDA",
    "KLT7KjbVnv5VpsyCE51x4XqTUtCODfKFm8gN4SgpY8SL9OAnEyNC4MP9Opwojczt0rmZdDeAM78WRzgV6W7wDQ",
  ]);
  assertEquals(
    signVote(job.id, RFC_SPEAKER, vote, PRIMITIVES).hash,
    "557a79c913c9752d725e85573473eb39c667b7d3849fdea6efc16625f7a4f453",
  );
  assertEquals(
    signSolution(job, RFC_SPEAKER, solution, PRIMITIVES).genomeHash,
    "61cc74134772fe0cbd63ed56b7c5c2fa7f5a267b3a94921cb8fa3be3f2db9302",
  );
});

/** What each kind is, how it is read, and what of it may not be. */
const KINDS: readonly {
  readonly name: string;
  readonly make: (job: Job) => JsonObject;
  readonly read: (job: Job, value: unknown) => unknown;
  readonly bad: Readonly<Record<string, readonly unknown[]>>;
}[] = [
  {
    name: "participant",
    make: (job) => recordOf(job, 0, word).signed,
    read: (job, value) => {
      const record = readParticipant(job.id, value);
      if (!isGenuineParticipant(record, CRYPTO)) {
        throw new FieldError("invalid_field", "", "forged");
      }
      return record;
    },
    bad: {
      seq: [0, -1, 1.5, 2 ** 53, "1"],
      state: ["asleep"],
      reason: ["x".repeat(33), "\u001b[0m", 1],
      slots: [-1, 4_097],
      evaluations: [-1, 0.5, 1e16],
      per_second: [-1, 1e13, null],
      generation: [-1, 0.5],
      best: [1e301, "0"],
      unix_ms: [-1, 0.5, 1e15],
    },
  },
  {
    name: "order",
    make: (job) => signOrder(job.id, speakerOf(0), order, CRYPTO).signed,
    read: (job, value) => readOrder(job.id, value, CRYPTO, (id) => id === idOf(0)),
    bad: { seq: [0, 0.5, 2 ** 53], action: ["pause", null], unix_ms: [-1, "0"] },
  },
  {
    name: "solution",
    make: (job) => signSolution(job, speakerOf(0), solution, CRYPTO).signed,
    read: (job, value) => readSolution(job, value, CRYPTO),
    bad: { genome: ["", "AAAA", [1, 2], null], fitness: [null, "1", 1e301] },
  },
  {
    name: "vote",
    make: (job) => signVote(job.id, speakerOf(0), vote, CRYPTO).signed,
    read: (job, value) => readVote(job.id, value, CRYPTO),
    bad: { proposal: ["", "AB".repeat(32), "x".repeat(64)], says: ["yes"], fitness: ["1", -1e301] },
  },
];

for (const { name, make, read, bad } of KINDS) {
  Deno.test(`a ${name} record comes back as it was signed`, PURE, () => {
    const job = jobOf();
    const signed = make(job);
    const again = read(job, overWire(signed)) as { readonly signed: JsonObject };
    assertEquals(again.signed, signed);
  });

  Deno.test(`a ${name} record of another job, type or speaker is refused`, PURE, () => {
    const job = jobOf();
    const signed = make(job);
    const other = jobOf({ seed: 8 });
    assertThrows(() => read(other, signed), FieldError, "it is of another job");
    // Signed for one job, shown as of another.
    assertThrows(() => read(other, { ...signed, job: other.id }), FieldError);
    assertThrows(() => read(job, { ...signed, node: idOf(1) }), FieldError);
    assertThrows(() => read(job, { ...signed, type: "EVOLUTION_JOB" }), FieldError);
    assertThrows(() => read(job, { ...signed, more: 1 }), FieldError, "not known");
    assertThrows(() => read(job, { ...signed, signature: "A".repeat(86) }), FieldError);
    for (const garbage of [null, [], "x", 7, {}]) {
      assertThrows(() => read(job, garbage), FieldError);
    }
  });

  Deno.test(
    `a ${name} record without one of its fields, or with it out of range, is refused`,
    PURE,
    () => {
      const job = jobOf();
      const signed = make(job);
      for (const key of Object.keys(signed)) {
        const { [key]: _, ...rest } = signed;
        if (["best", "fitness"].includes(key)) continue;
        assertThrows(() => read(job, rest), FieldError, undefined, key);
      }
      for (const [key, values] of Object.entries(bad)) {
        for (const value of values) {
          const { type, job: _, node: __, signature: ___, ...said } = signed;
          const kind = { type: String(type), keys: [] };
          const resigned = signRecord(kind, job.id, speakerOf(0), { ...said, [key]: value });
          assertThrows(() => read(job, resigned), FieldError, undefined, `${key} ${value}`);
        }
      }
    },
  );
}

Deno.test("readOrder() takes orders of those alone who may give them", PURE, () => {
  const job = jobOf();
  const { signed } = signOrder(job.id, speakerOf(1), order, CRYPTO);
  assertThrows(
    () => readOrder(job.id, signed, CRYPTO, (id) => id === idOf(0)),
    FieldError,
    "admin",
  );
  assertEquals(readOrder(job.id, signed, CRYPTO, (id) => id === idOf(1)).action, "stop");
});

Deno.test("laterOrder() takes the higher number, then the one that stops", PURE, () => {
  const job = jobOf();
  const of = (seq: number, action: "stop" | "resume", n = 0) =>
    signOrder(job.id, speakerOf(n), { seq, action, unixMs: 1 }, CRYPTO);
  assertEquals(laterOrder(of(1, "stop"), of(2, "resume")), of(2, "resume"));
  assertEquals(laterOrder(of(2, "resume"), of(2, "stop")), of(2, "stop"));
  const [a, b] = [of(3, "stop", 1), of(3, "stop", 2)];
  assertEquals(laterOrder(a, b), laterOrder(b, a));
  assertEquals(laterOrder(undefined, a), a);
});

Deno.test(
  "a solution's genome is exact over the wire: 17 digits, -0 and the smallest number",
  PURE,
  () => {
    const job = jobOf();
    const genome = [0.1 + 0.2, -0];
    const read = readSolution(
      job,
      overWire(signSolution(job, speakerOf(0), { genome, fitness: 5e-324 }, CRYPTO).signed),
      CRYPTO,
    );
    assertEquals(read.genome, genome);
    assertEquals(Object.is(read.genome[1], -0), true);
    assertEquals(read.fitness, 5e-324);
    // Two doubles, 1 and -2.5, as struct.pack("<dd", 1.0, -2.5) has them.
    const wire = signSolution(job, speakerOf(0), solution, CRYPTO).signed["genome"];
    assertEquals(wire, "AAAAAAAA8D8AAAAAAAAEwA");
    assertEquals(decodeBase64Url(String(wire), 16)?.length, 16);
  },
);
