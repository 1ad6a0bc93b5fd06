import { assert, assertEquals, assertThrows } from "@std/assert";
import { encodeUtf8 } from "../../../src/base/bytes.ts";
import { FieldError } from "../../../src/base/guards.ts";
import {
  drawJury,
  jurorsRequired,
  MAX_JURORS,
  prefixOf,
  readPool,
  votesNeeded,
  writePool,
} from "../../../src/work/job/jury.ts";
import { CRYPTO, idOf, jobOf, PURE } from "./jobs.ts";

const IDS = Array.from({ length: 40 }, (_, i) => idOf(i));

Deno.test("votesNeeded() is two thirds, and all of one or two", PURE, () => {
  assertEquals([0, 1, 2, 3, 4, 5, 6, 7].map(votesNeeded), [0, 1, 2, 2, 3, 4, 4, 5]);
});

Deno.test("jurorsRequired() is two thirds of those who could be asked, seven at most", PURE, () => {
  assertEquals([0, 1, 2, 3, 6, 9, 10, 11, 1_000].map(jurorsRequired), [0, 1, 2, 2, 4, 6, 7, 7, 7]);
});

Deno.test("drawJury() draws what a second implementation draws", PURE, () => {
  const { id: job } = jobOf();
  const pool = readPool(writePool(IDS));
  for (const [proposer, round] of [[IDS[3], 0], [IDS[3], 1], [IDS[20], 15]] as const) {
    if (!proposer) throw new Error("no proposer");
    const ticket = (prefix: string) =>
      CRYPTO.sha256(encodeUtf8(`hamlet jury\n${job}\n${proposer}\n${round}\n${prefix}`)).toHex();
    const expected = IDS.filter((id) => id !== proposer).map((id) => id.slice(0, 12))
      .sort((a, b) => ticket(a).localeCompare(ticket(b))).slice(0, 7);
    const drawn = drawJury({ job, proposer, round, pool }, CRYPTO);
    assertEquals(drawn, expected);
    assert(drawn.length === MAX_JURORS && !drawn.includes(prefixOf(proposer)));
  }
});

Deno.test("drawJury() leaves nobody out: over many jobs all are drawn about as often", PURE, () => {
  const pool = readPool(writePool(IDS));
  const counts = new Map<string, number>();
  const draws = 400;
  for (let seed = 0; seed < draws / 10; seed++) {
    const { id: job } = jobOf({ seed });
    for (let round = 0; round < 10; round++) {
      for (const prefix of drawJury({ job, proposer: idOf(99), round, pool }, CRYPTO)) {
        counts.set(prefix, (counts.get(prefix) ?? 0) + 1);
      }
    }
  }
  // 400 x 7 / 40 = 70 each; six standard deviations of a binomial are 47.
  assertEquals(counts.size, IDS.length);
  for (const count of counts.values()) assert(Math.abs(count - 70) < 47, String(count));
});

Deno.test("readPool() refuses what is cut, unsorted, doubled, too long or no pool", PURE, () => {
  const pool = writePool(IDS);
  assertEquals(readPool(pool).length, IDS.length);
  assertEquals(readPool(""), []);
  const first = pool.slice(0, 12);
  const last = pool.slice(-12);
  for (
    const bad of [
      pool.slice(1),
      pool + "a",
      first + first,
      last + first,
      "1".repeat(12),
      first.toUpperCase(),
      "a".repeat(12 * 1_025),
      null,
      [first],
    ]
  ) assertThrows(() => readPool(bad), FieldError);
});
