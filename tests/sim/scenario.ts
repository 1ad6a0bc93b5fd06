/** What a scenario is, and the few things that several of them do. */

import { World } from "./world.ts";
import type { WorldOptions } from "./world_options.ts";

/** What a scenario came to; names end in their unit. */
export type Metrics = Readonly<Record<string, number>>;

/** One run of a scenario. */
export interface Run {
  readonly seed: number;
  readonly nodes: number;
  /** Makes the world of this run. */
  world(options?: Partial<Omit<WorldOptions, "seed">>): World;
  /** Tells whoever watches how far the run has come. */
  note(text: string): void;
}

export interface Scenario {
  readonly name: string;
  /** What happens, in a line. */
  readonly help: string;
  readonly nodes: number;
  /** What metrics must not exceed. */
  readonly limits: Metrics;
  readonly play: (run: Run) => Metrics;
}

export interface Outcome {
  readonly scenario: string;
  readonly seed: number;
  readonly nodes: number;
  readonly metrics: Metrics;
  /** Metrics past their limits, in words. */
  readonly broken: readonly string[];
  readonly wallS: number;
  readonly simulatedS: number;
  readonly messages: number;
  readonly rssMb: number;
  /** Empty where nothing was summed up. */
  readonly digest: string;
}

export interface RunOptions {
  readonly seed: number;
  readonly nodes?: number;
  readonly hasDigest?: boolean;
  readonly note?: (text: string) => void;
}

/** Plays `scenario` once. Throws `SimError` when something happens that must not. */
export function playScenario(scenario: Scenario, options: RunOptions): Outcome {
  const { seed, nodes = scenario.nodes, hasDigest = false, note = () => {} } = options;
  const replay = `deno task sim --scenario ${scenario.name} --seed ${seed} --nodes ${nodes}`;
  const worlds: World[] = [];
  const startMs = performance.now();
  const metrics = scenario.play({
    seed,
    nodes,
    note,
    world(given = {}) {
      const world = new World({ nodes, ...given, seed, replay, hasDigest });
      worlds.push(world);
      return world;
    },
  });
  const broken = brokenLimits(scenario.limits, metrics, replay);
  return {
    scenario: scenario.name,
    seed,
    nodes,
    metrics,
    broken,
    wallS: (performance.now() - startMs) / 1_000,
    simulatedS: worlds.reduce((sum, { nowMs }) => sum + nowMs, 0) / 1_000,
    messages: worlds.reduce((sum, { traffic }) => sum + traffic.delivered, 0),
    rssMb: Deno.memoryUsage().rss / 1e6,
    digest: worlds.map(({ digest }) => digest).join(""),
  };
}

/** Which `metrics` are past their `limits`, or were not measured, in words; `replay` is the command for it. */
export function brokenLimits(limits: Metrics, metrics: Metrics, replay: string): readonly string[] {
  return Object.entries(limits).flatMap(([name, limit]) => {
    const value = metrics[name] ?? NaN;
    return value <= limit ? [] : [`${name} is ${value}, of at most ${limit}; replay: ${replay}`];
  });
}

/** The value that a share of `values` does not exceed: the nearest rank. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

/** Seconds, to the millisecond. */
export function seconds(ms: number): number {
  return Math.round(ms) / 1_000;
}
