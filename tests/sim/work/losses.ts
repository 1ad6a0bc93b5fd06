/** Three of ten die in the middle of a job, its initiator and its steward among them: it reaches its target all the same. */

import { agree } from "../../../src/work/job/spec.ts";
import { verifyConsensus } from "../../../src/work/job/verdict.ts";
import { SIM_CRYPTO } from "./work_crypto.ts";
import { spaceOf, sphere, WorkWorld } from "./work_world.ts";

const DEVICES = 10;
const TARGET = 1e-10;
const LIMIT_MS = 600_000;

export interface LossRun {
  readonly seed: number;
  readonly isOk: boolean;
  readonly reason: string;
  /** From the killing to the end. */
  readonly tookMs: number;
  readonly evaluations: number;
  readonly digest: string;
}

/** Plays one seed. */
export function killThree(seed: number, options: { readonly hasDigest?: boolean } = {}): LossRun {
  const world = new WorkWorld({
    seed,
    devices: DEVICES,
    loss: 0.01,
    evaluationMs: (index) => 50 + 50 * index,
    ...options,
  });
  world.run(2_000);
  const initiator = world.device(0);
  const job = world.job(0, { target: TARGET, space: spaceOf(16) });
  initiator.start(job);
  world.run(20_000);
  const steward = initiator.node?.view(world.nowMs).steward ?? initiator.id;
  const doomed = new Set([initiator, world.deviceOf(steward) ?? initiator]);
  for (const device of world.devices) if (doomed.size < 3) doomed.add(device);
  const hadEnded = initiator.outcome !== undefined;
  for (const device of doomed) device.kill();
  const survivors = world.devices.filter((device) => !doomed.has(device));
  let tookMs = LIMIT_MS;
  let reason = hadEnded ? "it had ended before" : "";
  try {
    tookMs = world.until(() => survivors.every(({ outcome }) => outcome !== undefined), LIMIT_MS);
  } catch (error) {
    reason ||= error instanceof Error ? error.message : "not done";
  }
  const hashes = new Set<string>();
  for (const { outcome } of survivors) {
    if (outcome?.kind !== "accepted") {
      reason ||= `${outcome?.kind ?? "no end"}`;
      continue;
    }
    const { isValid, consensus } = verifyConsensus(job, outcome.consensus, SIM_CRYPTO);
    hashes.add(consensus?.proposal.hash ?? "");
    const isTrue = agree(job.spec.tolerance, sphere(outcome.genome), outcome.fitness);
    if (!isValid || !isTrue || outcome.fitness > TARGET) reason ||= "it is not what was wanted";
  }
  if (hashes.size > 1) reason ||= `${hashes.size} results`;
  const evaluations = world.devices.reduce((sum, each) => sum + each.evaluations, 0);
  return { seed, isOk: reason === "", reason, tookMs, evaluations, digest: world.digest };
}
