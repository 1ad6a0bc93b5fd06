/**
 * serf with its defaults beside hamlet with its own: villages of processes on this machine, each in a
 * network namespace of its own, one after the other in the same run.
 *
 * Everything happens in an enclosure of which nothing is left afterwards, also on Ctrl-C.
 */

import { describeError } from "../../src/base/errors.ts";
import {
  endWithStarter,
  findEnclosure,
  hasTool,
  runEnclosed,
} from "../../scripts/lib/lan/enclosure.ts";
import { run } from "../../scripts/lib/lan/process.ts";
import {
  FlagError,
  readWhole,
  type ScriptFlags,
  scriptMain,
} from "../../scripts/lib/script_main.ts";
import { type Contender, hamletContender, serfContender } from "./serf_contender.ts";
import { measureVillage } from "./serf_measure.ts";
import { reportOf, type Run, tableOf } from "./serf_report.ts";

const DEFAULT_AGENTS = "10,30";
const DEFAULT_RUNS = 3;
const DEFAULT_IDLE_SECONDS = 30;

const HELP =
  `Usage: deno run -A bench/peers/serf.ts [--json] [--agents N,...] [--runs K] [--idle S] [--only NAME]

Starts villages of serf (LAN profile, encrypted) and of hamlet, and measures how long it takes until
every agent sees all others, how long until every survivor has noticed a kill -9, and what is sent.
Needs serf and nft, and network namespaces. A run of both takes about two minutes per number of agents.

Options:
  --json         Print one JSON object
  --agents N,... Agents in a village, 2..100 (default ${DEFAULT_AGENTS})
  --runs K       Runs of each, 1..100 (default ${DEFAULT_RUNS})
  --idle S       How long traffic at rest is counted, 1..3600 (default ${DEFAULT_IDLE_SECONDS}, serf's
                 period of a full exchange)
  --only NAME    serf or hamlet alone
  -h, --help     Show this text`;

interface Options {
  readonly json: boolean;
  readonly agents: readonly number[];
  readonly runs: number;
  readonly idleMs: number;
  readonly only: string | undefined;
  readonly enclosed: boolean;
}

/** Throws {@link FlagError}. */
function readOptions(flags: ScriptFlags): Options {
  const only = flags.text("only");
  if (only !== undefined && !["serf", "hamlet"].includes(only)) {
    throw new FlagError("--only takes serf or hamlet");
  }
  const counts = (flags.text("agents") ?? DEFAULT_AGENTS).split(",");
  const seconds = flags.whole("idle", { fallback: DEFAULT_IDLE_SECONDS, min: 1, max: 3_600 });
  return {
    json: flags.has("json"),
    agents: counts.map((text) => readWhole("--agents", text, { fallback: 10, min: 2, max: 100 })),
    runs: flags.whole("runs", { fallback: DEFAULT_RUNS, min: 1, max: 100 }),
    idleMs: seconds * 1000,
    only,
    enclosed: flags.has("enclosed"),
  };
}

async function start(options: Options): Promise<number> {
  if (options.enclosed) return await compare(options);
  const enclosure = await findEnclosure();
  if (typeof enclosure === "string") return cannot(enclosure);
  for (const tool of ["serf", "nft"]) {
    if (!await hasTool(tool)) return cannot(`${tool} is not installed`);
  }
  return await runEnclosed(enclosure, import.meta.url, Deno.args);
}

/** Inside the enclosure. */
async function compare(options: Options): Promise<number> {
  void endWithStarter();
  try {
    const report = reportOf(await measureAll(options));
    console.log(options.json ? JSON.stringify(report, null, 2) : tableOf(report));
    return 0;
  } catch (error) {
    return cannot(describeError(error));
  }
}

/** The contenders take turns, so that a slow quarter of an hour of the machine is both's. */
async function measureAll({ agents, runs, idleMs, only }: Options): Promise<readonly Run[]> {
  const key = (await run(undefined, ["serf", "keygen"])).trim();
  const contenders: readonly Contender[] = [serfContender(key), hamletContender]
    .filter(({ name }) => only === undefined || only === name);
  const done: Run[] = [];
  for (const count of agents) {
    for (let round = 1; round <= runs; round++) {
      for (const contender of contenders) {
        const { name } = contender;
        const namespace = `${name}-${count}-${round}`;
        const figures = await measureVillage({ contender, namespace, count, idleMs });
        done.push({ contender: name, agents: count, figures });
        console.error(`${name}, ${count} agents, run ${round}: ${JSON.stringify(figures)}`);
      }
    }
  }
  return done;
}

function cannot(reason: string): number {
  console.error(`Cannot measure: ${reason}`);
  return 1;
}

const USAGE = { help: HELP, switches: ["enclosed"], texts: ["agents", "runs", "idle", "only"] };
if (import.meta.main) {
  Deno.exit(await scriptMain(Deno.args, USAGE, { read: readOptions, run: start }));
}
