/** Every scenario in small: what CI plays. `deno task sim` plays them in full. */

import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { type Metrics, percentile, playScenario, type Scenario } from "./scenario.ts";
import { scenarioOf, SCENARIOS } from "./scenarios.ts";
import { SimError } from "./world_options.ts";

/** Villages small enough for CI, above and below a full mesh. */
const SMALL: readonly (readonly [name: string, nodes: number, seeds: readonly number[]])[] = [
  ["join", 120, [1, 2]],
  ["crash", 50, [1]],
  ["crash", 20, [1]],
  ["heal", 60, [1, 2]],
  ["churn", 60, [1, 2]],
  ["churn", 20, [3]],
  ["sleep", 40, [1]],
  ["broadcast", 200, [1]],
  ["quiet_hour", 30, [1]],
  ["growth", 250, [1]],
  ["scale", 300, [1]],
];

for (const [name, nodes, seeds] of SMALL) {
  Deno.test(`scenario ${name} holds with ${nodes} members, seeds ${seeds}`, () => {
    for (const seed of seeds) {
      assertEquals(playScenario(found(name), { seed, nodes }).broken, []);
    }
  });
}

Deno.test("playScenario() gives the same for the same seed, byte for byte", () => {
  const churn = found("churn");
  const play = (seed: number) => playScenario(churn, { seed, nodes: 12, hasDigest: true });
  const [first, again, other] = [play(5), play(5), play(7)];
  assertMatch(first.digest, /^[0-9a-f]{64}$/);
  assertEquals([again.digest, again.metrics], [first.digest, first.metrics]);
  assertEquals(other.digest === first.digest, false);
});

Deno.test("playScenario() names what exceeds its limit, and how to have it again", () => {
  const scenario = fakeScenario({ late_s: 3 }, { late_s: 2, gone: 0 });
  assertEquals(playScenario(scenario, { seed: 9 }).broken, [
    "late_s is 3, of at most 2; replay: deno task sim --scenario fake --seed 9 --nodes 4",
    "gone is NaN, of at most 0; replay: deno task sim --scenario fake --seed 9 --nodes 4",
  ]);
});

Deno.test("playScenario() throws with the command that has it happen again", () => {
  const scenario: Scenario = {
    ...fakeScenario({}, {}),
    play: (run) => run.world().fail("it must not"),
  };
  assertThrows(
    () => playScenario(scenario, { seed: 9, nodes: 7 }),
    SimError,
    "at 0.000 s: it must not; replay: deno task sim --scenario fake --seed 9 --nodes 7",
  );
});

Deno.test("percentile() is the nearest rank", () => {
  const values = [15, 20, 35, 40, 50];
  const shares = [0.05, 0.3, 0.4, 0.5, 1];
  assertEquals(shares.map((share) => percentile(values, share)), [15, 20, 20, 35, 50]);
});

Deno.test("SCENARIOS have names of their own", () => {
  assertEquals(new Set(SCENARIOS.map(({ name }) => name)).size, SCENARIOS.length);
});

function found(name: string): Scenario {
  const scenario = scenarioOf(name);
  if (!scenario) throw new Error(`there is no scenario ${name}`);
  return scenario;
}

function fakeScenario(metrics: Metrics, limits: Metrics): Scenario {
  return { name: "fake", help: "", nodes: 4, limits, play: () => metrics };
}
