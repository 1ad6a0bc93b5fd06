/** An agent as far as a foreman is concerned, for a test to kill: it says who its foreman is, and never ends. */

import { systemClock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import { ForemanLauncher } from "../../../src/work/worker/foreman_launcher.ts";
import { planForeman } from "../../../src/work/worker/launch_plan.ts";
import { openEvaluator } from "../../../src/work/worker/open_evaluator.ts";
import { FACTS, moduleOf } from "./workers.ts";

const MODULE = `export function evaluate([x]) { while (x === 1); return Deno.ppid; }`;

const self = { execPath: Deno.execPath(), mainModule: Deno.mainModule, isStandalone: false };
const plan = planForeman([], { os: "linux", self, env: (name) => Deno.env.get(name) });
const evaluator = await openEvaluator({
  ...FACTS,
  worker: moduleOf(MODULE),
  limits: { evaluationMs: 600_000, memoryMb: 256 },
  slots: 1,
  launcher: new ForemanLauncher({ plan, commands: [], clock: systemClock }),
  clock: systemClock,
  log: silentLog,
});
const [first] = await evaluator.evaluate([[0]]);
void evaluator.evaluate([[1]]);
if (Deno.args[0] === "stopped") evaluator.pause();
// Once what was asked is on its way.
setTimeout(() => console.log(first?.isOk ? first.fitness : 0), 200);
