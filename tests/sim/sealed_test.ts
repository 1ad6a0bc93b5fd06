/** Whole agents in small villages: what CI plays. `deno task sim --scenario sealed_join` plays more of them. */

import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import type { Metrics, Outcome } from "./scenario.ts";
import { playSealed, type SealedScenario } from "./sealed/sealed_scenario.ts";
import { SEALED_JOIN, SEALED_SCENARIOS } from "./sealed/sealed_scenarios.ts";
import { SimError } from "./world_options.ts";

/** Above a full mesh, and above what a session's first message has certificates for. */
const SMALL: Readonly<Record<string, number>> = {
  sealed_join: 34,
  sealed_heal: 34,
  sealed_revoke: 36,
  sealed_closed: 66,
};

for (const scenario of SEALED_SCENARIOS) {
  const nodes = SMALL[scenario.name] ?? scenario.nodes;
  Deno.test(`scenario ${scenario.name} holds with ${nodes} whole agents`, async () => {
    assertEquals((await playSealed(scenario, { seed: 1, nodes })).broken, []);
  });
}

Deno.test("playSealed() gives the same for the same seed, byte for byte", async () => {
  const play = (seed: number) => playSealed(SEALED_JOIN, { seed, nodes: 7 });
  const [first, again, other] = [await play(5), await play(5), await play(6)];
  assertMatch(first.digest, /^[0-9a-f]{64}$/);
  const told = ({ digest, metrics, messages, simulatedS }: Outcome) =>
    [digest, metrics, messages, simulatedS] as const;
  assertEquals(told(again), told(first));
  assertNotEquals(other.digest, first.digest);
});

Deno.test("playSealed() rejects with the time and the command that has it happen again", async () => {
  const scenario = fake(async (run) => {
    const world = run.world();
    await world.start(0);
    await world.run(1_500);
    world.fail("it must not");
  });
  await assertRejects(
    () => playSealed(scenario, { seed: 9, nodes: 2 }),
    SimError,
    "at 1.500 s: it must not; replay: deno task sim --scenario fake --seed 9 --nodes 2",
  );
});

Deno.test("playSealed() rejects when a rejection is handled by nobody", async () => {
  const scenario = fake(async (run) => {
    void Promise.reject(new Error("nobody cares"));
    await run.world().run(10);
  });
  const error = await assertRejects(() => playSealed(scenario, { seed: 9 }), SimError);
  assert(error.message.includes("nobody cares"));
});

Deno.test("playSealed() leaves the runtime's chance as it was", async () => {
  const draw = () => [crypto.randomUUID(), crypto.getRandomValues(new Uint8Array(16)).toHex()];
  const drawn: string[][] = [];
  const scenario = fake((run) => {
    run.world();
    drawn.push(draw());
    return Promise.resolve();
  });
  for (let time = 0; time < 2; time++) await playSealed(scenario, { seed: 9 });
  assertEquals(drawn[0], drawn[1]);
  assertNotEquals(draw(), draw());
  assert(!Object.hasOwn(crypto, "getRandomValues") && !Object.hasOwn(crypto, "randomUUID"));
});

function fake(act: (run: Parameters<SealedScenario["play"]>[0]) => Promise<void>): SealedScenario {
  const play = async (run: Parameters<SealedScenario["play"]>[0]): Promise<Metrics> => {
    await act(run);
    return {};
  };
  return { name: "fake", help: "", nodes: 2, limits: {}, play };
}
