/**
 * What a village of ten unequal devices reaches: how much of what each does alone they do together, and whether a job
 * survives the loss of three of them.
 */

import { pause, systemClock } from "../../../src/base/clock.ts";
import { rounded } from "../statistics.ts";
import { evaluationsOf, sphereJob, untilJob, type WorkAgent, WorkVillage } from "./work_village.ts";

/** What an evaluation takes on each, ms: the slowest is ten times as slow as the fastest. */
export const EVALUATIONS_MS: readonly number[] = Object.freeze(
  [20, 40, 60, 80, 100, 120, 140, 160, 180, 200],
);
export const MIN_EFFICIENCY = 0.85;
/** Two counts of the same work differ by so much. */
const NOISE = 0.02;

const WINDOW_MS = 40_000;
const QUICK_WINDOW_MS = 15_000;
/** Workers start, first batches come back. */
const WARM_UP_MS = 8_000;
/** The steward asks again every 15 s. */
const JOIN_MS = 60_000;
const END_MS = 240_000;
const DIMS = 10;

export interface Efficiency {
  /** Evaluations a second: each alone, and all together. */
  readonly alone: number;
  readonly together: number;
  readonly efficiency: number;
  /** The same without the slowest, and then with it. */
  readonly nine: number;
  readonly ten: number;
  readonly slowest_helps: boolean;
}

/** Ten devices with a job each, then in one job: first nine of them, then all. */
export async function measureEfficiency(
  { isQuick, say }: { readonly isQuick: boolean; readonly say: (line: string) => void },
): Promise<Efficiency> {
  const windowMs = isQuick ? QUICK_WINDOW_MS : WINDOW_MS;
  const village = await WorkVillage.start(EVALUATIONS_MS);
  try {
    const alone = await measureAlone(village, windowMs);
    say(`each alone: ${alone} evaluations a second`);
    const slowest = village.agents.at(-1);
    const [initiator] = village.agents;
    if (!slowest || !initiator) throw new Error("Cannot measure: there is nobody");
    await village.remove(slowest, "stop");
    const { id } = await initiator.control.evolve(sphereJob({ dims: DIMS }));
    await allSearch(village.agents, id);
    const nine = await rateOf(village.agents, () => id, windowMs);
    say(`nine together: ${nine}`);
    await village.add(slowest.evaluationMs);
    await allSearch(village.agents, id);
    const ten = await rateOf(village.agents, () => id, windowMs);
    say(`all ten: ${ten}`);
    return {
      alone,
      together: ten,
      efficiency: rounded(ten / alone, 3),
      nine,
      ten,
      slowest_helps: ten >= nine * (1 - NOISE),
    };
  } finally {
    await village.close();
  }
}

/** Everybody searches alone, at the same time. */
async function measureAlone(village: WorkVillage, windowMs: number): Promise<number> {
  const { agents } = village;
  const ids = new Map<WorkAgent, string>();
  for (const agent of agents) {
    const job = await agent.control.evolve(sphereJob({ dims: DIMS, maxParticipants: 1 }));
    ids.set(agent, job.id);
  }
  const idOf = (agent: WorkAgent) => ids.get(agent) ?? "";
  await pause(systemClock, WARM_UP_MS);
  const rate = await rateOf(agents, idOf, windowMs);
  for (const agent of agents) await agent.control.stopJob(idOf(agent));
  for (const agent of agents) {
    await untilJob(agent, idOf(agent), ({ result }) => result !== null, END_MS);
  }
  return rate;
}

/** Resolves once every agent's own evaluations count. */
async function allSearch(agents: readonly WorkAgent[], id: string): Promise<void> {
  for (const agent of agents) {
    const isSearching = (
      { members }: { members: readonly { this_device: boolean; evaluations: number }[] },
    ) => members.some(({ this_device, evaluations }) => this_device && evaluations > 0);
    await untilJob(agent, id, isSearching, JOIN_MS);
  }
  await pause(systemClock, WARM_UP_MS);
}

/** Evaluations a second of all `agents`, over a while. */
async function rateOf(
  agents: readonly WorkAgent[],
  idOf: (agent: WorkAgent) => string,
  windowMs: number,
): Promise<number> {
  const startMs = systemClock.now();
  const before = await evaluationsOf(agents, idOf);
  await pause(systemClock, windowMs);
  const after = await evaluationsOf(agents, idOf);
  const seconds = (systemClock.now() - startMs) / 1_000;
  const count = after.reduce((sum, each, index) => sum + each - (before[index] ?? 0), 0);
  return rounded(count / seconds, 2);
}

export interface Killing {
  readonly ok: boolean;
  /** Evaluations when the three were killed, and at the end. */
  readonly evaluations_at_kill: number;
  readonly evaluations: number;
  readonly seconds: number;
  readonly fitness: number | null;
  readonly jurors: number;
}

const KILL_TARGET = 1e-6;
const KILL_DIMS = 6;
/** What the search has come to when they are killed: past its beginning, far from its end. */
const KILL_BELOW = 1;

/** Ten devices search; the initiator and two more are killed; nobody helps. */
export async function killThree(say: (line: string) => void): Promise<Killing> {
  const village = await WorkVillage.start(EVALUATIONS_MS);
  try {
    const [initiator, second] = village.agents;
    const third = village.agents[4];
    const witness = village.agents.at(-1);
    if (!initiator || !second || !third || !witness) {
      throw new Error("Cannot kill: nobody is there");
    }
    const startMs = systemClock.now();
    const { id } = await initiator.control.evolve(
      sphereJob({ dims: KILL_DIMS, target: KILL_TARGET }),
    );
    await untilJob(
      witness,
      id,
      ({ members, state, best }) =>
        members.length === EVALUATIONS_MS.length && state === "running" &&
        (best ?? Infinity) < KILL_BELOW,
      END_MS,
    );
    const before = await witness.control.job(id);
    for (const victim of [initiator, second, third]) await village.remove(victim, "kill");
    say(`three killed at ${before.best}, the initiator among them`);
    const after = await untilJob(witness, id, ({ result }) => result !== null, END_MS);
    const { result } = after;
    return {
      ok: after.state === "accepted" && (result?.fitness ?? Infinity) <= KILL_TARGET &&
        (result?.jurors ?? 0) > 0,
      evaluations_at_kill: before.evaluations,
      evaluations: after.evaluations,
      seconds: rounded((systemClock.now() - startMs) / 1_000, 1),
      fitness: result?.fitness ?? null,
      jurors: result?.jurors ?? 0,
    };
  } finally {
    await village.close();
  }
}
