/**
 * `deno task sim`: plays scenarios in the simulator, says what they came to, and fails when a rule was broken.
 *
 * A run follows from its seed alone; what fails prints the command that has it fail again.
 */

import { FlagError, type ScriptFlags, scriptMain } from "../../scripts/lib/script_main.ts";
import { playTasks, type Task, type Word } from "./pool.ts";
import type { Outcome, Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";
import { SEALED_SCENARIOS } from "./sealed/sealed_scenarios.ts";

type Named = Pick<Scenario, "name" | "help" | "nodes">;

const ALL: readonly Named[] = [...SCENARIOS, ...SEALED_SCENARIOS];

const HELP = `Usage: deno task sim [options]

Plays a village of simulated members: the membership's own code over a network, a time and a chance that
all follow from one seed. Exits with 1 when a limit or an invariant was broken.

Options:
  --scenario NAME  Play this one alone; may be repeated (default: all but the long ones)
  --seed N         The first seed (default 1)
  --seeds K        So many seeds, from the first on (default 1)
  --nodes N        Members, instead of the scenario's own number
  --jobs J         Runs at a time, each with a thread of its own (default 1)
  --scale          The same as --scenario scale
  --digest         Sum up every byte that is delivered (SHA-256)
  --json           Print one JSON array
  -h, --help       Show this text

Scenarios:
${ALL.map(({ name, help, nodes }) => `  ${name.padEnd(16)} ${help} (${nodes})`).join("\n")}`;

/** Minutes and more, and whole agents: only when asked for. */
const LONG: readonly string[] = [
  "quiet",
  "growth",
  "scale",
  ...SEALED_SCENARIOS.map(({ name }) => name),
];
const MAX_SEEDS = 100_000;
const MAX_NODES = 10_000;
const MAX_JOBS = 64;

interface Options {
  readonly scenarios: readonly Named[];
  readonly seed: number;
  readonly seeds: number;
  readonly nodes: number | undefined;
  readonly jobs: number;
  readonly hasDigest: boolean;
  readonly json: boolean;
}

/** Throws {@link FlagError}. */
function readOptions(flags: ScriptFlags): Options {
  const names = [...(flags.has("scale") ? ["scale"] : []), ...flags.list("scenario")];
  const scenarios = names.map((name) => {
    const scenario = ALL.find((each) => each.name === name);
    if (scenario) return scenario;
    throw new FlagError(`There is no scenario ${name}`);
  });
  return {
    scenarios: scenarios.length > 0 ? scenarios : ALL.filter(({ name }) => !LONG.includes(name)),
    seed: flags.whole("seed", { fallback: 1, min: 0, max: 0xffff_ffff }),
    seeds: flags.whole("seeds", { fallback: 1, min: 1, max: MAX_SEEDS }),
    nodes: flags.whole("nodes", { fallback: 0, min: 0, max: MAX_NODES }) || undefined,
    jobs: flags.whole("jobs", { fallback: 1, min: 1, max: MAX_JOBS }),
    hasDigest: flags.has("digest"),
    json: flags.has("json"),
  };
}

async function run(options: Options): Promise<number> {
  const { scenarios, seed: first, seeds, nodes, jobs, hasDigest, json } = options;
  const tasks = scenarios.flatMap(({ name: scenario }) =>
    Array.from(
      { length: seeds },
      (_, at): Task => ({ scenario, seed: first + at, nodes, hasDigest }),
    )
  );
  const outcomes: Outcome[] = [];
  let failures = 0;
  await playTasks(tasks, jobs, (task, word) => {
    const complaints = complaintsOf(word);
    if (word.type === "note") console.error(`  ${task.scenario}, seed ${task.seed}: ${word.text}`);
    if (word.type === "outcome") outcomes.push(word.outcome);
    if (word.type === "outcome" && !json) console.log(lineOf(word.outcome));
    for (const complaint of complaints) console.error(`FAILED ${complaint}`);
    if (complaints.length > 0) failures++;
  });
  if (json) console.log(JSON.stringify(outcomes, null, 2));
  else console.log(failures === 0 ? "all held" : `${failures} of ${tasks.length} failed`);
  return failures === 0 ? 0 : 1;
}

function complaintsOf(word: Word): readonly string[] {
  if (word.type === "failed") return [word.reason];
  return word.type === "outcome" ? word.outcome.broken : [];
}

function lineOf({ scenario, seed, nodes, metrics, broken, ...cost }: Outcome): string {
  const said = Object.entries(metrics).map(([name, value]) => `${name}=${round(value)}`).join(" ");
  const perUs = round(cost.wallS * 1e6 / Math.max(1, cost.messages));
  const price =
    `${round(cost.simulatedS)} s in ${round(cost.wallS)} s, ${cost.messages} messages ` +
    `of ${perUs} us, ${Math.round(cost.rssMb)} MB`;
  const digest = cost.digest ? ` ${cost.digest.slice(0, 16)}` : "";
  return `${broken.length > 0 ? "FAILED" : "ok"} ${scenario} seed=${seed} nodes=${nodes} ${said} ` +
    `(${price})${digest}`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

const USAGE = {
  help: HELP,
  switches: ["scale", "digest"],
  texts: ["seed", "seeds", "nodes", "jobs"],
  lists: ["scenario"],
};
if (import.meta.main) Deno.exit(await scriptMain(Deno.args, USAGE, { read: readOptions, run }));
