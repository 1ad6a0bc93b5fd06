import { assert, assertEquals } from "@std/assert";
import { Allowance } from "../../src/gossip/allowance.ts";
import { PURE } from "./people.ts";

Deno.test("Allowance.takeSummary() rests a second for each message of the last", PURE, () => {
  for (const parts of [1, 8, 32]) {
    const allowance = new Allowance();
    assert(allowance.takeSummary(parts, 500));
    assert(!allowance.takeSummary(1, 500));
    assert(!allowance.takeSummary(1, 499 + parts * 1_000));
    assert(allowance.takeSummary(1, 500 + parts * 1_000));
  }
});

Deno.test("Allowance.takeSummary() bounds what endless digests cost", PURE, () => {
  const allowance = new Allowance();
  let messages = 0;
  for (let ms = 0; ms < 600_000; ms++) if (allowance.takeSummary(12, ms)) messages += 12;
  // One message a second, whatever the size of the table.
  assertEquals(messages, 600);
});

Deno.test("Allowance.takeRecords() gives four tables and 256 records a minute", PURE, () => {
  const allowance = new Allowance();
  const most = 4 * 1_000 + 256;
  assert(!allowance.takeRecords(most + 1, 1_000, 0));
  assert(allowance.takeRecords(1_000, 1_000, 0), "what was refused does not count");
  assert(allowance.takeRecords(most - 1_000, 1_000, 59_999));
  assert(!allowance.takeRecords(1, 1_000, 59_999));
  assert(allowance.takeRecords(1, 1_000, 60_000));
});

Deno.test("Allowance.takeRecords() grows with the table that it is about", PURE, () => {
  const allowance = new Allowance();
  assert(allowance.takeRecords(256, 0, 0));
  assert(!allowance.takeRecords(1, 0, 0));
  assert(allowance.takeRecords(4, 1, 0));
  assert(!allowance.takeRecords(1, 1, 0));
});

Deno.test("Allowance.takeAnswer() takes summaries only after a digest of ours", PURE, () => {
  const allowance = new Allowance();
  assert(!allowance.takeAnswer(0));
  allowance.ask(1_000);
  assert(allowance.takeAnswer(1_000));
  assert(allowance.takeAnswer(31_000));
  assert(!allowance.takeAnswer(31_001));
});

Deno.test(
  "Allowance.takeAnswer() takes 64 parts for each digest: the largest table has 32",
  PURE,
  () => {
    const allowance = new Allowance();
    for (let round = 0; round < 3; round++) {
      allowance.ask(0);
      const taken = Array.from({ length: 100 }, () => allowance.takeAnswer(1));
      assertEquals(taken.filter((isTaken) => isTaken).length, 64);
    }
  },
);
