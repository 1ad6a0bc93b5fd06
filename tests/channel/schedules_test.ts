import { assert, assertEquals } from "@std/assert";
import { fuzzSeed } from "../testing/mutate.ts";
import { runSchedule, type Verdict } from "../testing/schedule_run.ts";

const SEED = fuzzSeed();
const PURE = { permissions: "none" } as const;
const TESTS = 10;
const SEEDS_A_TEST = 100;
/** How many schedules are played twice. */
const REPEATED = 10;

/** Plays a schedule; whatever it throws says its seed. */
async function play(seed: number): Promise<Verdict> {
  try {
    return await runSchedule(seed);
  } catch (error) {
    throw new Error(labelOf(seed), { cause: error });
  }
}

function labelOf(seed: number): string {
  return `seed ${seed}; to repeat it, HAMLET_FUZZ_SEED=${seed}`;
}

function sum(verdicts: readonly Verdict[], count: (verdict: Verdict) => number): number {
  return verdicts.reduce((total, verdict) => total + count(verdict), 0);
}

for (let test = 0; test < TESTS; test++) {
  const first = SEED + test * SEEDS_A_TEST;
  const last = first + SEEDS_A_TEST - 1;
  Deno.test(
    `Mux keeps its promises under random schedules, seeds ${first}..${last}`,
    PURE,
    async () => {
      const verdicts: Verdict[] = [];
      for (let seed = first; seed <= last; seed++) {
        const verdict = await play(seed);
        assertEquals(verdict.violations, [], labelOf(seed));
        verdicts.push(verdict);
      }
      // What is proved is worth no more than what has happened; half of what is to be expected must have.
      assert(sum(verdicts, ({ streams }) => streams) > 600, "streams");
      assert(sum(verdicts, ({ bytes }) => bytes) > 20_000_000, "bytes");
      assert(sum(verdicts, ({ stalls }) => stalls) > 10, "senders out of credit");
      assert(sum(verdicts, ({ resets }) => resets) > 100, "resets");
      assert(sum(verdicts, ({ isLost }) => Number(isLost)) > 5, "losses of the link");
    },
  );
}

Deno.test(`a schedule is its seed's and nothing else's, seeds from ${SEED}`, PURE, async () => {
  const traces = new Set<number>();
  for (let seed = SEED; seed < SEED + REPEATED; seed++) {
    const { trace } = await play(seed);
    assertEquals((await play(seed)).trace, trace, labelOf(seed));
    traces.add(trace);
  }
  assertEquals(traces.size, REPEATED);
});
