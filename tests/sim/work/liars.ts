/** Three liars of ten: is what is accepted true? */

import { randomBelow, shuffled } from "../../../src/base/random.ts";
import { agree } from "../../../src/work/job/spec.ts";
import { verifyConsensus } from "../../../src/work/job/verdict.ts";
import { Liar, type Persona } from "./liar.ts";
import { SIM_CRYPTO } from "./work_crypto.ts";
import { spaceOf, sphere, WorkWorld } from "./work_world.ts";

const DEVICES = 10;
const LIARS = 3;
const PERSONAS: readonly Persona[] = ["crafty", "inflated", "mute"];
/** Enough of them that the search takes a minute or two, in which liars can do much. */
const DIMS = 12;
const TIME_S = 240;
/** Every other run has no target and ends by time, with what was best. */
const SHORT_S = 45;
const LIMIT_MS = 900_000;

export interface LiarsRun {
  readonly seed: number;
  /** Whether every honest device ended with one and the same accepted result, and it is true. */
  readonly isTrue: boolean;
  /** What is wrong, if anything. */
  readonly reason: string;
  readonly tookMs: number;
  /** Liars whose trust fell at a majority of the honest. */
  readonly exposed: number;
  readonly digest: string;
}

/** Plays one seed. */
export function playLiars(seed: number, options: { readonly hasDigest?: boolean } = {}): LiarsRun {
  const world = new WorkWorld({
    seed,
    devices: DEVICES,
    loss: 0.01,
    evaluationMs: (index) => 20 + 20 * index,
    ...options,
  });
  const order = shuffled(world.random, world.devices);
  const liars = order.slice(0, LIARS);
  const honest = order.slice(LIARS);
  const friends = new Set(liars.map(({ id }) => id));
  for (const device of liars) {
    const persona = PERSONAS[randomBelow(world.random, PERSONAS.length)] ?? "crafty";
    new Liar(world, device, { persona, friends });
  }
  const initiator = honest[0] ?? world.device(0);
  const isTimed = seed % 2 === 0;
  const timeS = isTimed ? SHORT_S : TIME_S;
  const job = world.job(initiator.index, {
    limits: { timeS, evaluations: null, evaluationMs: 60_000, memoryMb: 256 },
    target: isTimed ? null : 1e-10,
    space: spaceOf(DIMS),
  });
  world.run(2_000);
  initiator.start(job);
  const taking = () => honest.filter((device) => device.job?.id === job.id);
  const isOver = () => taking().every(({ outcome }) => outcome !== undefined);
  let tookMs = LIMIT_MS;
  let reason = "";
  try {
    tookMs = world.until(isOver, LIMIT_MS);
  } catch (error) {
    reason = error instanceof Error ? error.message : "not done";
  }
  const exposed =
    liars.filter(({ id }) =>
      taking().filter(({ node }) =>
        node?.view(world.nowMs).participants.some((each) => each.id === id && each.trust <= 0.3)
      ).length > taking().length / 2
    ).length;
  const hashes = new Set<string>();
  for (const { outcome, index } of taking()) {
    if (outcome?.kind !== "accepted") reason ||= `device ${index}: ${outcome?.kind ?? "no end"}`;
    if (outcome?.kind !== "accepted") continue;
    const { isValid, problems, consensus } = verifyConsensus(job, outcome.consensus, SIM_CRYPTO);
    hashes.add(consensus?.proposal.hash ?? "");
    const isTrue = agree(job.spec.tolerance, sphere(outcome.genome), outcome.fitness);
    if (!isValid) reason ||= `device ${index}: ${problems.join(", ")}`;
    if (!isTrue) {
      reason ||= `device ${index}: accepted ${outcome.fitness} for ${sphere(outcome.genome)}`;
    }
  }
  if (hashes.size > 1) reason ||= `${hashes.size} results`;
  if (taking().length < honest.length - 1) reason ||= `only ${taking().length} take part`;
  return { seed, isTrue: reason === "", reason, tookMs, exposed, digest: world.digest };
}

/** In how many of `seeds` runs the accepted result is true, and what was wrong in the others. */
export function liarsTrueOf(
  seeds: number,
  first = 1,
): { readonly trueOf: number; readonly seeds: number; readonly failed: readonly LiarsRun[] } {
  const runs = Array.from({ length: seeds }, (_, i) => playLiars(first + i));
  const failed = runs.filter(({ isTrue }) => !isTrue);
  return { trueOf: seeds - failed.length, seeds, failed };
}
