import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  decodeJobNews,
  encodeJobNews,
  HeardJobs,
  type JobNews,
  MAX_HEARD,
} from "../../src/agent/heard_jobs.ts";
import { FieldError } from "../../src/base/guards.ts";
import { seededRandom } from "../../src/base/random.ts";
import type { JobId } from "../../src/work/job/spec.ts";
import { ALICE, BOB, CAROL, identityOf } from "../testing/identities.ts";
import { fuzzSeed, hostileJson, mutateBytes, mutateObject } from "../testing/mutate.ts";

const PURE = { permissions: "none" } as const;

const NEWS: JobNews = {
  id: "abcdefghijklmnopqrstuvwxyz" as JobId,
  name: "sphere",
  owner: ALICE.id,
  type: "breakthrough",
  state: "running",
  createdUnixMs: 1_750_000_000_000,
  timeS: 600,
  evaluations: 12,
  participants: 3,
  best: 0.5,
};
const GOLDEN = `{"id":"abcdefghijklmnopqrstuvwxyz","name":"sphere","owner":"${ALICE.id}",` +
  '"type":"breakthrough","state":"running","created_unix_ms":1750000000000,"time_s":600,' +
  '"evaluations":12,"participants":3,"best":0.5}';

Deno.test("encodeJobNews() writes what decodeJobNews() reads, and fits into 1 KiB", PURE, () => {
  assertEquals(encodeJobNews(NEWS), GOLDEN);
  assertEquals(decodeJobNews(GOLDEN), NEWS);
  const longest = { ...NEWS, name: "\u{1f41c}".repeat(32), best: -1.2345678901234567e-300 };
  assert(new TextEncoder().encode(encodeJobNews(longest)).length <= 1_024);
});

Deno.test("decodeJobNews() refuses what is cut, and what is out of its range", PURE, () => {
  for (let length = 0; length < GOLDEN.length; length++) {
    assertThrows(() => decodeJobNews(GOLDEN.slice(0, length)), FieldError);
  }
  const changes: readonly Record<string, unknown>[] = [
    { id: "a" },
    { id: "../../../../etc/passwd......" },
    { name: "" },
    { name: "x".repeat(65) },
    { name: "\u001b[2J" },
    { owner: "somebody" },
    { type: "urgent" },
    { state: "won" },
    { evaluations: -1 },
    { evaluations: 1.5 },
    { participants: "3" },
    { best: "low" },
    { best: 1e301 },
    { created_unix_ms: null },
  ];
  for (const change of changes) {
    const data = JSON.stringify({ ...JSON.parse(GOLDEN), ...change });
    assertThrows(() => decodeJobNews(data), FieldError, "Cannot read", data);
  }
  for (const text of ["", "null", "[]", "7", '"x"', "{}"]) {
    assertThrows(() => decodeJobNews(text), FieldError);
  }
});

Deno.test("decodeJobNews() throws nothing but FieldError, whatever comes", PURE, () => {
  const random = seededRandom(fuzzSeed());
  for (let round = 0; round < 2_000; round++) {
    const bytes = mutateBytes(random, new TextEncoder().encode(GOLDEN));
    const hostile = hostileJson(mutateObject(random, JSON.parse(GOLDEN)));
    for (const text of [new TextDecoder().decode(bytes), hostile]) {
      try {
        decodeJobNews(text);
      } catch (error) {
        assert(error instanceof FieldError, `seed ${fuzzSeed()}, round ${round}: ${error}`);
      }
    }
  }
});

Deno.test("HeardJobs remembers the last word, and who said so", PURE, () => {
  const heard = new HeardJobs();
  heard.hear(NEWS, ALICE.id, 1);
  heard.hear({ ...NEWS, evaluations: 20 }, BOB.id, 2);
  assertEquals(heard.get(NEWS.id)?.from, [BOB.id, ALICE.id]);
  assertEquals(heard.get(NEWS.id)?.evaluations, 20);
  heard.hear({ ...NEWS, state: "accepted", evaluations: 30 }, ALICE.id, 3);
  heard.hear({ ...NEWS, evaluations: 25 }, CAROL.id, 4);
  assertEquals(heard.get(NEWS.id)?.state, "accepted", "who has not heard of the end is no news");
  heard.hear({ ...NEWS, evaluations: 40 }, CAROL.id, 5);
  assertEquals(heard.get(NEWS.id)?.state, "running", "it was let go on");
});

Deno.test("HeardJobs forgets the job that was told of longest ago", PURE, () => {
  const heard = new HeardJobs();
  const idOf = (index: number) =>
    index.toString().padStart(26, "a").replace(
      /[0189]/g,
      (digit) => "bcde"["0189".indexOf(digit)] ?? "",
    ) as JobId;
  for (let index = 0; index <= MAX_HEARD; index++) {
    heard.hear({ ...NEWS, id: idOf(index) }, identityOf(1).id, index);
    if (index > 0) heard.hear({ ...NEWS, id: idOf(0) }, ALICE.id, index);
  }
  assertEquals(heard.all().length, MAX_HEARD);
  assert(heard.get(idOf(0)), "it was told of again and again");
  assertEquals(heard.get(idOf(1)), undefined);
  for (let index = 0; index < 20; index++) heard.hear(NEWS, identityOf(index).id, 1_000 + index);
  assertEquals(heard.get(NEWS.id)?.from.length, 8);
});
