/** What CI plays of simulated jobs; `deno task sim` and `scripts/evolve_trial.ts` play more of it. */

import { assert, assertEquals } from "@std/assert";
import { churnVillage } from "./churn.ts";
import { liarsTrueOf, playLiars } from "./liars.ts";
import { killThree } from "./losses.ts";
import { slowestAdds, TEN_UNEQUAL, unequalDevices } from "./unequal.ts";

/** With a target and by time, alternately. */
const LIAR_SEEDS = 6;

Deno.test("three liars of ten devices: what is accepted is true, and the same for all", () => {
  const { trueOf, seeds, failed } = liarsTrueOf(LIAR_SEEDS);
  assertEquals([trueOf, failed], [seeds, []]);
});

Deno.test("three liars of ten devices lose everybody's trust", () => {
  const { exposed } = playLiars(8);
  assertEquals(exposed, 3);
});

Deno.test("three of ten devices die, initiator and steward among them: the target is reached", () => {
  for (const seed of [1, 2]) assertEquals(killThree(seed).reason, "");
});

Deno.test("200 devices that come and go, in a network that splits: every job ends alike for all", () => {
  const { same, jobs, reasons } = churnVillage({ seed: 1 });
  assertEquals([same, reasons], [jobs, []]);
});

Deno.test("40 devices that come and go, seeds 2 to 4: every job ends alike for all", () => {
  for (const seed of [2, 3, 4]) {
    const { same, jobs, reasons } = churnVillage({ seed, devices: 40, jobs: 3 });
    assertEquals([same, reasons], [jobs, []], `seed ${seed}`);
  }
});

Deno.test("ten unequal devices do together at least 85 % of what each does alone", () => {
  const { efficiency } = unequalDevices(1, TEN_UNEQUAL);
  assert(efficiency >= 0.85 && efficiency <= 1.05, String(efficiency));
});

Deno.test("the slowest of ten takes nothing from the others, however slow it is", () => {
  for (const slowestMs of [200, 5_000, 30_000]) {
    const added = slowestAdds(1, slowestMs);
    assert(added >= 0, `${slowestMs} ms: ${added} evaluations a second`);
  }
});

Deno.test("a simulated job is the same for the same seed, byte for byte", () => {
  const digests = (seed: number) => [
    playLiars(seed, { hasDigest: true }).digest,
    killThree(seed, { hasDigest: true }).digest,
    churnVillage({ seed, devices: 20, jobs: 2, hasDigest: true }).digest,
  ];
  const first = digests(1);
  assertEquals(digests(1), first);
  const second = digests(2);
  assert(first.every((digest, i) => digest !== "" && digest !== second[i]));
});
