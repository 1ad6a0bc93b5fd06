/**
 * Unequal devices: how much of what each does alone do they do together? Counted are evaluations of the search that
 * their islands were told of, not those spent on others' claims.
 */

import { spaceOf, WorkWorld } from "./work_world.ts";

const TIME_MS = 120_000;
const WARM_UP_MS = 20_000;

export interface UnequalRun {
  readonly seed: number;
  /** Evaluations a second, together. */
  readonly together: number;
  /** The sum of what each does alone. */
  readonly alone: number;
  /** {@link together} by {@link alone}. */
  readonly efficiency: number;
}

/** Devices with evaluations of `evaluationMs` each, alone and together, for two minutes. */
export function unequalDevices(seed: number, evaluationMs: readonly number[]): UnequalRun {
  const together = rateOf(seed, evaluationMs);
  const alone = evaluationMs.reduce((sum, each) => sum + rateOf(seed, [each]), 0);
  return { seed, together, alone, efficiency: together / alone };
}

/** Ten devices, evaluations of 20 to 200 ms. */
export const TEN_UNEQUAL: readonly number[] = Array.from({ length: 10 }, (_, i) => 20 * (i + 1));

/** What the slowest of ten, 200 ms or much slower, adds to the other nine, evaluations a second. */
export function slowestAdds(seed: number, slowestMs = 200): number {
  const others = TEN_UNEQUAL.slice(0, -1);
  return rateOf(seed, [...others, slowestMs]) - rateOf(seed, others);
}

function rateOf(seed: number, evaluationMs: readonly number[]): number {
  const world = new WorkWorld({
    seed,
    devices: evaluationMs.length,
    loss: 0.01,
    evaluationMs: (index) => evaluationMs[index] ?? 100,
  });
  world.run(2_000);
  // No target and no end: what counts is how busy everybody is.
  world.device(0).start(world.job(0, { target: null, space: spaceOf(8) }));
  world.run(WARM_UP_MS);
  const before = searched(world);
  world.run(TIME_MS);
  return (searched(world) - before) / (TIME_MS / 1_000);
}

function searched(world: WorkWorld): number {
  return world.devices.reduce((sum, { node }) => sum + (node?.evaluations ?? 0), 0);
}
