/**
 * `deno task sim`: plays scenarios in the simulator, says what they came to, and fails when a rule was broken.
 *
 * A run follows from its seed alone; what fails prints the command that has it fail again.
 */

import { parseArgs } from "@std/cli/parse-args";
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

/** Reads the flags; a string is what is wrong with them. */
function readOptions(args: readonly string[]): Options | "help" | string {
  const unknown: string[] = [];
  const flags = parseArgs([...args], {
    boolean: ["json", "help", "scale", "digest"],
    string: ["scenario", "seed", "seeds", "nodes", "jobs"],
    collect: ["scenario"],
    alias: { h: "help" },
    unknown: (arg) => unknown.push(arg) === 0,
  });
  if (flags.help) return "help";
  if (unknown.length > 0) return `Unknown argument ${unknown[0]}; see --help`;
  const names = flags.scale ? ["scale", ...flags.scenario] : flags.scenario;
  const scenarios: Named[] = [];
  for (const name of names) {
    const scenario = ALL.find((each) => each.name === name);
    if (!scenario) return `There is no scenario ${name}; see --help`;
    scenarios.push(scenario);
  }
  const seed = readCount(flags.seed, 1, 0xffff_ffff);
  const seeds = readCount(flags.seeds, 1, MAX_SEEDS);
  const nodes = readCount(flags.nodes, 0, MAX_NODES);
  const jobs = readCount(flags.jobs, 1, MAX_JOBS);
  if (seed === undefined || !seeds || nodes === undefined || !jobs) {
    return "--seed, --seeds, --nodes and --jobs are whole numbers; see --help";
  }
  return {
    scenarios: scenarios.length > 0 ? scenarios : ALL.filter(({ name }) => !LONG.includes(name)),
    seed,
    seeds,
    nodes: nodes === 0 ? undefined : nodes,
    jobs,
    hasDigest: flags.digest,
    json: flags.json,
  };
}

function readCount(text: string | undefined, fallback: number, max: number): number | undefined {
  if (text === undefined) return fallback;
  return /^\d+$/.test(text) && Number(text) <= max ? Number(text) : undefined;
}

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options === "help") {
    console.log(HELP);
    return 0;
  }
  if (typeof options === "string") {
    console.error(options);
    return 2;
  }
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

if (import.meta.main) Deno.exit(await main(Deno.args));
