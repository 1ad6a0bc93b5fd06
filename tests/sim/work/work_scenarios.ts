/** Jobs in the simulator, as scenarios of `deno task sim`; `scripts/evolve_trial.ts` calls the same functions. */

import type { Scenario } from "../scenario.ts";
import { churnVillage } from "./churn.ts";
import { playLiars } from "./liars.ts";
import { killThree } from "./losses.ts";
import { slowestAdds, TEN_UNEQUAL, unequalDevices } from "./unequal.ts";

export const WORK_CHURN: Scenario = {
  name: "work_churn",
  help:
    "four jobs, a tenth of the devices goes and comes a minute, the network splits; all end alike",
  nodes: 200,
  limits: { jobs_not_alike: 0 },
  play({ seed, nodes, note }) {
    const { jobs, same, reasons, settledMs, messages, evaluations } = churnVillage({
      seed,
      devices: nodes,
      note,
    });
    for (const reason of reasons) note(reason);
    return { jobs_not_alike: jobs - same, settled_s: settledMs / 1_000, messages, evaluations };
  },
};

export const WORK_LIARS: Scenario = {
  name: "work_liars",
  help: "three liars of ten devices; what is accepted is true",
  nodes: 10,
  limits: { false_results: 0 },
  play({ seed, note }) {
    const { isTrue, reason, tookMs, exposed } = playLiars(seed);
    if (reason) note(reason);
    return { false_results: Number(!isTrue), took_s: tookMs / 1_000, exposed };
  },
};

export const WORK_LOSSES: Scenario = {
  name: "work_losses",
  help:
    "three of ten devices die in mid-run, initiator and steward among them; the target is reached",
  nodes: 10,
  limits: { failures: 0 },
  play({ seed, note }) {
    const { isOk, reason, tookMs, evaluations } = killThree(seed);
    if (reason) note(reason);
    return { failures: Number(!isOk), took_s: tookMs / 1_000, evaluations };
  },
};

export const WORK_UNEQUAL: Scenario = {
  name: "work_unequal",
  help: "ten unequal devices do together what each does alone; the slowest takes nothing away",
  nodes: 10,
  limits: { lost_percent: 15, slowest_costs_per_s: 0 },
  play({ seed }) {
    const { together, alone, efficiency } = unequalDevices(seed, TEN_UNEQUAL);
    return {
      lost_percent: 100 * (1 - efficiency),
      slowest_costs_per_s: -slowestAdds(seed),
      together_per_s: together,
      alone_per_s: alone,
    };
  },
};

export const WORK_SCENARIOS: readonly Scenario[] = [
  WORK_CHURN,
  WORK_LIARS,
  WORK_LOSSES,
  WORK_UNEQUAL,
];
