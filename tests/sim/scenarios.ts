/** Every scenario, by the order in which `deno task sim` plays them. */

import type { Scenario } from "./scenario.ts";
import { CHURN, JOIN, SLEEP } from "./scenarios/arrivals.ts";
import { CRASH, HEAL, QUIET, SHORT_QUIET } from "./scenarios/failures.ts";
import { BROADCAST, GROWTH, SCALE } from "./scenarios/size.ts";
import { WORK_SCENARIOS } from "./work/work_scenarios.ts";

export const SCENARIOS: readonly Scenario[] = [
  JOIN,
  CRASH,
  HEAL,
  CHURN,
  SLEEP,
  BROADCAST,
  SHORT_QUIET,
  QUIET,
  GROWTH,
  SCALE,
  ...WORK_SCENARIOS,
];

export function scenarioOf(name: string): Scenario | undefined {
  return SCENARIOS.find((scenario) => scenario.name === name);
}
