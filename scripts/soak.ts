/**
 * Soak: a village of real agents under random kills, floods and work, to see whether anything grows.
 *
 * What is done and when follows from the seed. After each round of trouble comes quiet, and what memory and how
 * many files the agents hold then is what counts: of those that lived all the time, once warm.
 */

import { parseArgs } from "@std/cli";
import { pause, systemClock } from "../src/base/clock.ts";
import { describeError } from "../src/base/errors.ts";
import type { RealAgent } from "./lib/real_agent.ts";
import { type Measurement, soakReport, writeReport } from "./lib/soak/report.ts";
import { type Act, ROUND_MS, scheduleOf } from "./lib/soak/schedule.ts";
import { SoakVillage } from "./lib/soak/village.ts";

const DEFAULT_NODES = 10;
/** The share of nodes that are never killed. */
const SURVIVORS = 0.4;
/** Of all rounds, and no longer than what an agent takes to reach its working size. */
const WARM_UP = 0.4;
const MAX_WARM_UP_ROUNDS = 60;
const DEFAULT_LIMIT = 0.05;
/** The smallest of a few looks: what is garbage of the moment is not held. */
const LOOKS = 3;
const LOOK_EVERY_MS = 250;

const HELP =
  `Usage: deno run -A scripts/soak.ts --minutes M [--nodes N] [--seed S] [--json] [--plan]

Starts N agents on loopback as members of one network; then, in rounds of ${
    ROUND_MS / 1000
  } s, kills and
restarts some, floods others with garbage, idle connections, made-up old nodes and unfinished
handshakes, and sends files, events and queries. Prints how memory and open files grew in those that
were never killed. Exits with 1 if they grew by more than the limit, or anything went wrong. Linux.

Options:
  --minutes M  How long, 1..10080
  --nodes N    Agents, 4..50 (default ${DEFAULT_NODES})
  --seed S     What to do and when; printed, and another each time unless it is given
  --limit P    Growth that is allowed, percent (default ${DEFAULT_LIMIT * 100})
  --json       Print one JSON object, with every measurement
  --plan       Print what would be done, and do nothing
  -h, --help   Show this text`;

interface Options {
  readonly minutes: number;
  readonly nodes: number;
  readonly seed: number;
  readonly limit: number;
  readonly json: boolean;
  readonly plan: boolean;
}

/** Reads the flags; a string is what is wrong with them. */
function readOptions(args: readonly string[]): Options | "help" | string {
  const unknown: string[] = [];
  const flags = parseArgs([...args], {
    boolean: ["json", "plan", "help"],
    string: ["minutes", "nodes", "seed", "limit"],
    alias: { h: "help" },
    unknown: (arg) => unknown.push(arg) === 0,
  });
  if (flags.help) return "help";
  if (unknown.length > 0) return `Unknown argument ${unknown[0]}; see --help`;
  if (flags.minutes === undefined) return "--minutes is needed; see --help";
  const minutes = Number(flags.minutes);
  const nodes = Number(flags.nodes ?? DEFAULT_NODES);
  const seed = Number(flags.seed ?? systemClock.wallMs() % 2 ** 31);
  const limit = Number(flags.limit ?? DEFAULT_LIMIT * 100) / 100;
  const isWhole = (value: number, min: number, max: number) =>
    Number.isInteger(value) && value >= min && value <= max;
  if (!isWhole(minutes, 1, 10_080)) return "--minutes must be within 1..10080";
  if (!isWhole(nodes, 4, 50)) return "--nodes must be within 4..50";
  if (!isWhole(seed, 0, 2 ** 31)) return "--seed must be a whole number below 2147483648";
  if (!(limit > 0 && limit < 10)) return "--limit must be within 0..1000";
  return { minutes, nodes, seed, limit, json: flags.json, plan: flags.plan };
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
  const { nodes, seed, minutes } = options;
  const survivors = Math.ceil(nodes * SURVIVORS);
  const rounds = Math.round(minutes * 60_000 / ROUND_MS);
  const schedule = scheduleOf({ seed, nodes, survivors, rounds });
  if (options.plan) {
    for (const [round, acts] of schedule.entries()) {
      for (const act of acts) console.log(JSON.stringify({ round, ...act }));
    }
    return 0;
  }
  if (Deno.build.os !== "linux") {
    console.log("skipped: what a process holds is read from Linux's /proc");
    return 0;
  }
  console.error(`soak: ${nodes} nodes, ${rounds} rounds of ${ROUND_MS / 1000} s, seed ${seed}`);
  const root = await Deno.makeTempDir({ prefix: "hamlet-soak-" });
  const village = new SoakVillage(root, nodes);
  try {
    const measured = await soak(village, schedule, survivors);
    const report = soakReport({
      ...options,
      rounds,
      warmUpRounds: Math.min(MAX_WARM_UP_ROUNDS, Math.ceil(rounds * WARM_UP)),
      measured,
      deeds: village.deeds,
      problems: village.problems,
    });
    if (options.json) console.log(JSON.stringify({ ...report, measured }));
    else console.log(writeReport(report).trimEnd());
    return report.ok ? 0 : 1;
  } finally {
    await village.close();
    await Deno.remove(root, { recursive: true });
  }
}

/** Plays the schedule; gives what was measured of each survivor, one a round. */
async function soak(
  village: SoakVillage,
  schedule: readonly (readonly Act[])[],
  survivors: number,
): Promise<readonly (readonly Measurement[])[]> {
  await village.form();
  const watched = village.agents.slice(0, survivors);
  const measured: Measurement[][] = watched.map(() => []);
  const startMs = systemClock.now();
  for (const [round, acts] of schedule.entries()) {
    const roundMs = systemClock.now();
    await Promise.all(acts.map(async (act) => {
      await pause(systemClock, act.atMs);
      await village.perform(act);
    }));
    if (!await village.becomesWhole()) village.problems.push(`round ${round}: not whole again`);
    await village.tidy();
    await pause(systemClock, Math.max(0, ROUND_MS - (systemClock.now() - roundMs)));
    const atMs = systemClock.now() - startMs;
    for (const [index, agent] of watched.entries()) {
      if (agent.failures.length === 0) measured[index]?.push(await look(agent, atMs));
    }
  }
  for (const { name, failures, log } of village.agents) {
    village.problems.push(...failures.map((failure) => `${name} ${failure}`));
    const defect = /^.*internal error.*$/m.exec(log)?.[0];
    if (defect) village.problems.push(`${name} said: ${defect.slice(0, 300)}`);
  }
  return measured;
}

async function look(agent: RealAgent, atMs: number): Promise<Measurement> {
  const looks: Measurement[] = [];
  for (let count = 0; count < LOOKS; count++) {
    if (count > 0) await pause(systemClock, LOOK_EVERY_MS);
    const { rssBytes, files } = await agent.usage();
    looks.push({ atMs, rssBytes, files, heapBytes: await agent.heapBytes() });
  }
  const least = (of: (one: Measurement) => number) => Math.min(...looks.map(of));
  return {
    atMs,
    rssBytes: least((one) => one.rssBytes),
    heapBytes: least((one) => one.heapBytes),
    files: least((one) => one.files),
  };
}

if (import.meta.main) {
  try {
    Deno.exitCode = await main(Deno.args);
  } catch (error) {
    console.error(describeError(error));
    Deno.exitCode = 1;
  }
}
