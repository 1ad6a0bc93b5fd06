/**
 * Crashes among real processes: thirty agents on loopback, five of them killed and started again; then what
 * an agent at rest with ten peers says to them.
 *
 * Everything happens in an enclosure (`lib/lan/enclosure.ts`) of which nothing is left afterwards.
 */

import { hamletContender } from "../bench/peers/serf_contender.ts";
import { confirmWhole } from "../bench/peers/serf_look.ts";
import { measureRest, type RestFigures } from "../bench/peers/serf_rest.ts";
import { type Agent, type Heard, lists, Village } from "../bench/peers/serf_village.ts";
import { pause, systemClock } from "../src/base/clock.ts";
import { describeError } from "../src/base/errors.ts";
import { endWithStarter, findEnclosure, hasTool, runEnclosed } from "./lib/lan/enclosure.ts";
import { createNamespace } from "./lib/lan/network.ts";
import { type ScriptFlags, scriptMain } from "./lib/script_main.ts";
import { rounded } from "./lib/statistics.ts";

const DEFAULT_NODES = 30;
const DEFAULT_KILL = 5;
const DEFAULT_IDLE_SECONDS = 60;

const MAX_NOTICED_S = 10;
const MAX_REJOINED_S = 5;
const MAX_IDLE_BYTES_PER_S = 1_000;

/** Waiting goes on past what is allowed, to know by how much. */
const PATIENCE_MS = 60_000;
/** Until the last news of a join has been passed on. */
const SETTLE_MS = 10_000;
/** How long a village that is whole again is watched for members wrongly declared dead. */
const WATCH_MS = 30_000;
const IDLE_PEERS = 10;

const HELP = `Usage: deno run -A scripts/crash_trial.ts [--json] [--nodes N] [--kill K] [--idle S]

Starts N agents on loopback, kills K of them with SIGKILL, starts those again, and measures how long
it takes until everybody has noticed and until all see them alive again. Any other member that is ever
declared dead is a failure. Then counts what an agent with ${IDLE_PEERS} peers sends and receives at rest. Exits
with 1 unless everything holds. Where namespaces cannot be made it says so and exits with 0.

Options:
  --json      Print one JSON object
  --nodes N   Agents, 3..100 (default ${DEFAULT_NODES})
  --kill K    How many are killed, 1..N/2 (default ${DEFAULT_KILL})
  --idle S    How long traffic at rest is counted, 1..3600 (default ${DEFAULT_IDLE_SECONDS})
  -h, --help  Show this text`;

interface Options {
  readonly json: boolean;
  readonly nodes: number;
  readonly kill: number;
  readonly idleMs: number;
  readonly enclosed: boolean;
}

/** A member declared dead while its process ran. */
interface FalseDeath {
  readonly agent: number;
  readonly by: number;
  readonly at_s: number;
}

/** What it did not come to is `null` or missing, and `problems` says why. */
interface CrashReport extends Partial<RestFigures> {
  ok: boolean;
  readonly problems: string[];
  readonly nodes: number;
  readonly killed: number;
  /** From the first spawn until all see all. */
  view_s: number | null;
  /** From the kill until every survivor had noticed: the worst, and each. */
  noticed_s: number | null;
  noticed_each_s: readonly number[];
  /** From a restarted process's being ready until it and all others see each other alive. */
  rejoined_s: number | null;
  rejoined_each_s: readonly number[];
  false_deaths: number | null;
  readonly false_death_list: FalseDeath[];
}

/** Throws {@link FlagError}. */
function readOptions(flags: ScriptFlags): Options {
  const nodes = flags.whole("nodes", { fallback: DEFAULT_NODES, min: 3, max: 100 });
  const half = Math.floor(nodes / 2);
  const idle = flags.whole("idle", { fallback: DEFAULT_IDLE_SECONDS, min: 1, max: 3_600 });
  return {
    json: flags.has("json"),
    nodes,
    kill: flags.whole("kill", { fallback: Math.min(DEFAULT_KILL, half), min: 1, max: half }),
    idleMs: idle * 1000,
    enclosed: flags.has("enclosed"),
  };
}

async function run(options: Options): Promise<number> {
  if (options.enclosed) return await holdTrial(options);
  const enclosure = await findEnclosure();
  let reason = typeof enclosure === "string" ? enclosure : undefined;
  for (const tool of ["nft", "ss"]) {
    if (!await hasTool(tool)) reason ??= `traffic cannot be counted: ${tool} is not installed`;
  }
  if (typeof enclosure !== "string" && !reason) {
    return await runEnclosed(enclosure, import.meta.url, Deno.args);
  }
  console.log(options.json ? JSON.stringify({ skipped: reason, ok: null }) : `skipped: ${reason}`);
  return 0;
}

/** Inside the enclosure. */
async function holdTrial(options: Options): Promise<number> {
  void endWithStarter();
  const report = emptyReport(options);
  for (const part of [crashAndRestart, measureIdle]) {
    try {
      await part(options, report);
    } catch (error) {
      report.problems.push(describeError(error));
    }
  }
  report.ok = report.problems.length === 0 && TARGETS.every(({ name, limit }) => {
    const value = report[name] ?? Infinity;
    return value <= limit;
  });
  console.log(options.json ? JSON.stringify(report, null, 2) : tableOf(report));
  return report.ok ? 0 : 1;
}

async function crashAndRestart(
  { nodes, kill }: Options,
  report: CrashReport,
): Promise<void> {
  const namespace = "crash";
  await createNamespace(namespace);
  const startMs = systemClock.now();
  /** Those that were killed and are not ready again. */
  const down = new Set<string>();
  const onHeard = ({ agent, saying, atMs }: Heard) => {
    if (saying.type === "ready") down.delete(saying.id);
    else if (saying.state === "dead" && !down.has(saying.id)) {
      report.false_death_list.push({
        agent: village.agents.findIndex(({ id }) => id === saying.id),
        by: agent.post.index,
        at_s: seconds(atMs - startMs),
      });
    }
  };
  const village = new Village({ contender: hamletContender, namespace, count: nodes, onHeard });
  try {
    await village.start();
    report.view_s = seconds(await village.until("a full view", () => village.isWhole) - startMs);
    say(`${nodes} agents see each other after ${report.view_s} s`);
    await pause(systemClock, SETTLE_MS);
    await confirmWhole(hamletContender, namespace, village.agents);

    const victims = spread(village.agents, kill);
    report.noticed_each_s = await killAll(village, victims, down);
    report.noticed_s = Math.max(...report.noticed_each_s);
    say(`the death of ${kill} was noticed everywhere after ${report.noticed_s} s`);

    report.rejoined_each_s = await restartAll(village, victims);
    report.rejoined_s = Math.max(...report.rejoined_each_s);
    say(`all were seen again ${report.rejoined_s} s after they were ready; watching`);
    await village.until("a full view again", () => village.isWhole, PATIENCE_MS);
    await pause(systemClock, WATCH_MS);
    await confirmWhole(hamletContender, namespace, village.agents);
    report.false_deaths = report.false_death_list.length;
    say(`${report.false_deaths} were declared dead that were not`);
  } finally {
    await village.close();
  }
}

/** Kills `victims` at once; resolves with how long each death took to be noticed by all survivors. */
function killAll(
  village: Village,
  victims: readonly Agent[],
  down: Set<string>,
): Promise<readonly number[]> {
  for (const { id } of victims) down.add(id);
  const killedMs = victims.map((victim) => village.kill(victim));
  return Promise.all(victims.map(async (victim, index) => {
    const isNoticed = () => village.isDeclaredDead(victim);
    const noticedMs = await village.until("a death to be noticed", isNoticed, PATIENCE_MS);
    return seconds(noticedMs - (killedMs[index] ?? NaN));
  }));
}

/** Starts `victims` again; resolves with how long each took, once ready, to be back. */
function restartAll(village: Village, victims: readonly Agent[]): Promise<readonly number[]> {
  for (const victim of victims) village.startAgent(victim);
  return Promise.all(victims.map(async (victim) => {
    const isBack = () =>
      victim.readyMs !== undefined && village.isListed(victim) &&
      village.ready.every((other) => other === victim || lists(victim, other));
    const backMs = await village.until("a member to be back", isBack, PATIENCE_MS);
    return seconds(backMs - (victim.readyMs ?? NaN));
  }));
}

async function measureIdle({ idleMs }: Options, report: CrashReport): Promise<void> {
  say(`counting what an agent with ${IDLE_PEERS} peers sends and receives in ${idleMs / 1000} s`);
  Object.assign(report, await measureRest({ namespace: "idle", peers: IDLE_PEERS, idleMs }));
}

/** `count` of `agents` at equal distances, the first among them. */
function spread(agents: readonly Agent[], count: number): readonly Agent[] {
  const step = Math.floor(agents.length / count);
  return agents.filter((_, index) => index % step === 0).slice(0, count);
}

const TARGETS = [
  { name: "noticed_s", what: "killed processes noticed everywhere, s", limit: MAX_NOTICED_S },
  { name: "rejoined_s", what: "restarted ones seen alive everywhere, s", limit: MAX_REJOINED_S },
  { name: "false_deaths", what: "others ever declared dead", limit: 0 },
  {
    name: "idle_bytes_per_s",
    what: "idle traffic with 10 peers, bytes/s",
    limit: MAX_IDLE_BYTES_PER_S,
  },
] as const;

function tableOf(report: CrashReport): string {
  const rows = TARGETS.map(({ name, what, limit }) => {
    const value = report[name];
    const verdict = (value ?? Infinity) <= limit ? "ok    " : "FAILED";
    return `${verdict}  ${what.padEnd(40)}  ${value ?? "not measured"}  <= ${limit}`;
  });
  return [
    ...rows,
    ...report.problems.map((problem) => `! ${problem}`),
    `${report.nodes} agents, ${report.killed} killed, ${report.ok ? "all holds" : "NOT all holds"}`,
  ].join("\n");
}

function emptyReport({ nodes, kill }: Options): CrashReport {
  return {
    ok: false,
    problems: [],
    nodes,
    killed: kill,
    view_s: null,
    noticed_s: null,
    noticed_each_s: [],
    rejoined_s: null,
    rejoined_each_s: [],
    false_deaths: null,
    false_death_list: [],
  };
}

function seconds(ms: number): number {
  return rounded(ms / 1000, 3);
}

function say(line: string): void {
  console.error(line);
}

const USAGE = { help: HELP, switches: ["enclosed"], texts: ["nodes", "kill", "idle"] };
if (import.meta.main) Deno.exit(await scriptMain(Deno.args, USAGE, { read: readOptions, run }));
