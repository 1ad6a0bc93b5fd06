/** Many devices, several jobs, machines that come and go, a network that splits: does every job end, alike for all? */

import { Fields } from "../../../src/base/guards.ts";
import { randomBelow } from "../../../src/base/random.ts";
import { agree, type Job } from "../../../src/work/job/spec.ts";
import { readLedger, writeLedger } from "../../../src/work/job/job_snapshot.ts";
import { type Verification, verifyConsensus } from "../../../src/work/job/verdict.ts";
import { SIM_CRYPTO } from "./work_crypto.ts";
import type { WorkDevice } from "./work_device.ts";
import { spaceOf, sphere, WorkWorld } from "./work_world.ts";

export interface ChurnOptions {
  readonly seed: number;
  readonly devices?: number;
  readonly jobs?: number;
  /** Of the devices, a minute. */
  readonly churn?: number;
  readonly hasDigest?: boolean;
  readonly note?: (text: string) => void;
}

export interface ChurnRun {
  readonly seed: number;
  /** Jobs that ended everywhere, with the same accepted and true result for all. */
  readonly same: number;
  readonly jobs: number;
  readonly reasons: readonly string[];
  /** From the time limit, or the last heal if that was later, until all agreed. */
  readonly settledMs: number;
  readonly messages: number;
  readonly evaluations: number;
  readonly digest: string;
}

const TIME_S = 150;
const MINUTE_MS = 60_000;
/** A device that went is away for so long. */
const AWAY_MS = [5_000, 60_000] as const;
const SETTLE_MS = 900_000;

/** Plays one seed: partitions while the jobs run and while they end. */
export function churnVillage(options: ChurnOptions): ChurnRun {
  const { seed, devices = 200, jobs: count = 4, churn = 0.1, hasDigest = false, note } = options;
  const world = new WorkWorld({
    seed,
    devices,
    loss: 0.01,
    hasDigest,
    evaluationMs: (index) => 500 + (index % 10) * 250,
  });
  world.run(2_000);
  const jobs = Array.from({ length: count }, (_, i) => {
    const owner = world.device(Math.floor(i * devices / count));
    const job = world.job(owner.index, {
      name: `job ${i}`,
      // The last has a target, the others end by time.
      target: i === count - 1 ? 1e-3 : null,
      space: spaceOf(6),
      limits: { timeS: TIME_S, evaluations: null, evaluationMs: 60_000, memoryMb: 256 },
      maxParticipants: Math.ceil(devices / count),
    });
    owner.start(job);
    return job;
  });
  const stop = shake(world, churn * devices / MINUTE_MS);
  world.run(30_000);
  note?.(`${world.devices.filter(({ node }) => node).length} take part`);
  world.partition((index) => index % 2);
  world.run(45_000);
  world.heal();
  world.run(30_000);
  // A few are cut off, and then the rest in two halves, while time runs out.
  world.partition((index) => index % 10 === 3 ? 1 : 0);
  world.run(30_000);
  world.partition((index) => index % 3 === 0 ? 1 : 0);
  world.run(60_000);
  world.heal();
  stop();
  const seen = new Map<string, Verification>();
  const verdict = () => jobs.map((job) => complaint(world, job, seen));
  let settledMs = SETTLE_MS;
  let reasons: readonly string[] = [];
  try {
    settledMs = world.until(() => verdict().every((reason) => reason === undefined), SETTLE_MS);
  } catch {
    reasons = verdict().flatMap((reason) => reason ?? []);
  }
  return {
    seed,
    same: verdict().filter((reason) => reason === undefined).length,
    jobs: count,
    reasons,
    settledMs,
    messages: world.sent,
    evaluations: world.devices.reduce((sum, { evaluations }) => sum + evaluations, 0),
    digest: world.digest,
  };
}

/** Lets `perMs` devices go and come back; the returned function ends it, and brings all back. */
function shake(world: WorkWorld, perMs: number): () => void {
  let isOver = false;
  const away = new Set<WorkDevice>();
  const back = (device: WorkDevice) => {
    if (away.delete(device)) device.revive({ isRestored: world.random.next() < 0.5 });
  };
  const next = () => {
    if (isOver) return;
    world.timeline.call(world.nowMs - Math.log(1 - world.random.next()) / perMs, () => {
      if (isOver) return;
      const device = world.up[randomBelow(world.random, world.up.length)];
      if (device) {
        device.kill();
        away.add(device);
        const [min, max] = AWAY_MS;
        const awayMs = min + world.random.next() * (max - min);
        world.timeline.call(world.nowMs + awayMs, () => back(device));
      }
      next();
    });
  };
  next();
  return () => {
    isOver = true;
    for (const device of [...away]) back(device);
  };
}

/** Why `job` has not ended alike for all who take part; `undefined` when it has. */
function complaint(
  world: WorkWorld,
  job: Job,
  seen: Map<string, Verification>,
): string | undefined {
  const taking = world.up.filter((device) => device.node && device.job?.id === job.id);
  if (taking.length === 0) return `${job.spec.name}: nobody left`;
  const hashes = new Set<string>();
  for (const device of taking) {
    const outcome = device.node?.outcome;
    if (outcome?.kind === "refused") continue;
    if (outcome?.kind !== "accepted") {
      return `${job.spec.name}, device ${device.index}: ${outcome?.kind ?? device.node?.phase}`;
    }
    const text = JSON.stringify(outcome.consensus);
    const verified = seen.get(text) ?? verifyConsensus(job, outcome.consensus, SIM_CRYPTO);
    seen.set(text, verified);
    const { isValid, consensus } = verified;
    if (!isValid || !consensus) return `${job.spec.name}: the record proves nothing`;
    if (!agree(job.spec.tolerance, sphere(outcome.genome), outcome.fitness)) {
      return `${job.spec.name}: accepted ${outcome.fitness} for ${sphere(outcome.genome)}`;
    }
    hashes.add(consensus.proposal.hash);
  }
  // Who takes no part asks anybody, and hears the same.
  const [first] = taking;
  if (!first?.node) return `${job.spec.name}: nobody left`;
  const fields = Fields.of(JSON.parse(JSON.stringify(writeLedger(first.node.ledger))));
  const told = readLedger(fields, { job, crypto: SIM_CRYPTO, mayOrder: () => false });
  hashes.add(told.result?.proposal.hash ?? "none");
  return hashes.size === 1 ? undefined : `${job.spec.name}: ${hashes.size} results`;
}
