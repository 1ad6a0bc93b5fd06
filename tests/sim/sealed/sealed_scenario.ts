/** What a scenario of whole agents is; as `scenario.ts`, but it takes the event loop's turns. */

import { brokenLimits, type Metrics, type Outcome, type Scenario } from "../scenario.ts";
import { SealedWorld, type SealedWorldOptions } from "./sealed_world.ts";

export interface SealedRun {
  readonly seed: number;
  readonly nodes: number;
  /** Makes the world of this run. */
  world(options?: Partial<Omit<SealedWorldOptions, "seed">>): SealedWorld;
}

export interface SealedScenario extends Omit<Scenario, "play"> {
  readonly play: (run: SealedRun) => Promise<Metrics>;
}

export interface SealedRunOptions {
  readonly seed: number;
  readonly nodes?: number;
  readonly onLine?: SealedWorldOptions["onLine"];
}

/** Plays `scenario` once. Rejects with `SimError` when something happens that must not. */
export async function playSealed(
  scenario: SealedScenario,
  options: SealedRunOptions,
): Promise<Outcome> {
  const { seed, nodes = scenario.nodes, onLine } = options;
  const replay = `deno task sim --scenario ${scenario.name} --seed ${seed} --nodes ${nodes}`;
  const startMs = performance.now();
  await using stack = new AsyncDisposableStack();
  const worlds: SealedWorld[] = [];
  const world = (given: Partial<SealedWorldOptions> = {}) => {
    const made = new SealedWorld({ nodes, ...given, seed, replay, ...onLine && { onLine } });
    stack.use(made);
    worlds.push(made);
    return made;
  };
  const metrics = await scenario.play({ seed, nodes, world });
  for (const each of worlds) await each.close();
  const broken = brokenLimits(scenario.limits, metrics, replay);
  return {
    scenario: scenario.name,
    seed,
    nodes,
    metrics,
    broken,
    wallS: (performance.now() - startMs) / 1_000,
    simulatedS: worlds.reduce((sum, { nowMs }) => sum + nowMs, 0) / 1_000,
    messages: worlds.reduce((sum, { reads }) => sum + reads, 0),
    rssMb: Deno.memoryUsage().rss / 1e6,
    digest: worlds.map(({ digest }) => digest).join(""),
  };
}
