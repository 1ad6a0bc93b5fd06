/**
 * `deno task sim`: plays scenarios in the simulator, says what they came to, and fails when a rule was broken.
 *
 * A run follows from its seed alone; what fails prints the command that has it fail again.
 */

import { parseArgs } from "@std/cli/parse-args";
import { describeError } from "../../src/base/errors.ts";
import { type Outcome, playScenario, type Scenario } from "./scenario.ts";
import { scenarioOf, SCENARIOS } from "./scenarios.ts";

const HELP = `Usage: deno task sim [options]

Plays a village of simulated members: the membership's own code over a network, a time and a chance that
all follow from one seed. Exits with 1 when a limit or an invariant was broken.

Options:
  --scenario NAME  Play this one alone; may be repeated (default: all but the long ones)
  --seed N         The first seed (default 1)
  --seeds K        So many seeds, from the first on (default 1)
  --nodes N        Members, instead of the scenario's own number
  --scale          The same as --scenario scale
  --digest         Sum up every byte that is delivered (SHA-256)
  --json           Print one JSON array
  -h, --help       Show this text

Scenarios:
${SCENARIOS.map(({ name, help, nodes }) => `  ${name.padEnd(16)} ${help} (${nodes})`).join("\n")}`;

/** Minutes and more: only when asked for. */
const LONG: readonly string[] = ["quiet", "growth", "scale"];
const MAX_SEEDS = 100_000;
const MAX_NODES = 10_000;

interface Options {
  readonly scenarios: readonly Scenario[];
  readonly seed: number;
  readonly seeds: number;
  readonly nodes: number | undefined;
  readonly hasDigest: boolean;
  readonly json: boolean;
}

/** Reads the flags; a string is what is wrong with them. */
function readOptions(args: readonly string[]): Options | "help" | string {
  const unknown: string[] = [];
  const flags = parseArgs([...args], {
    boolean: ["json", "help", "scale", "digest"],
    string: ["scenario", "seed", "seeds", "nodes"],
    collect: ["scenario"],
    alias: { h: "help" },
    unknown: (arg) => unknown.push(arg) === 0,
  });
  if (flags.help) return "help";
  if (unknown.length > 0) return `Unknown argument ${unknown[0]}; see --help`;
  const names = flags.scale ? ["scale", ...flags.scenario] : flags.scenario;
  const scenarios: Scenario[] = [];
  for (const name of names) {
    const scenario = scenarioOf(String(name));
    if (!scenario) return `There is no scenario ${name}; see --help`;
    scenarios.push(scenario);
  }
  const seed = readCount(flags.seed, 1, 0xffff_ffff);
  const seeds = readCount(flags.seeds, 1, MAX_SEEDS);
  const nodes = readCount(flags.nodes, 0, MAX_NODES);
  if (seed === undefined || seeds === undefined || nodes === undefined) {
    return "--seed, --seeds and --nodes are whole numbers; see --help";
  }
  return {
    scenarios: scenarios.length > 0
      ? scenarios
      : SCENARIOS.filter(({ name }) => !LONG.includes(name)),
    seed,
    seeds,
    nodes: nodes === 0 ? undefined : nodes,
    hasDigest: flags.digest,
    json: flags.json,
  };
}

function readCount(text: string | undefined, fallback: number, max: number): number | undefined {
  if (text === undefined) return fallback;
  return /^\d+$/.test(text) && Number(text) <= max ? Number(text) : undefined;
}

function main(args: readonly string[]): number {
  const options = readOptions(args);
  if (options === "help") {
    console.log(HELP);
    return 0;
  }
  if (typeof options === "string") {
    console.error(options);
    return 2;
  }
  const outcomes: Outcome[] = [];
  let failures = 0;
  for (const scenario of options.scenarios) {
    for (let seed = options.seed; seed < options.seed + options.seeds; seed++) {
      const outcome = play(scenario, seed, options);
      if (!outcome || outcome.broken.length > 0) failures++;
      if (outcome) outcomes.push(outcome);
      if (outcome && !options.json) console.log(lineOf(outcome));
    }
  }
  if (options.json) console.log(JSON.stringify(outcomes, null, 2));
  else console.log(failures === 0 ? "all held" : `${failures} failed`);
  return failures === 0 ? 0 : 1;
}

function play(scenario: Scenario, seed: number, options: Options): Outcome | undefined {
  const { nodes, hasDigest } = options;
  const note = (text: string) => console.error(`  ${scenario.name}, seed ${seed}: ${text}`);
  try {
    const outcome = playScenario(scenario, { seed, ...nodes && { nodes }, hasDigest, note });
    for (const broken of outcome.broken) console.error(`FAILED ${broken}`);
    return outcome;
  } catch (error) {
    console.error(`FAILED ${describeError(error)}`);
    return undefined;
  }
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

if (import.meta.main) Deno.exit(main(Deno.args));
