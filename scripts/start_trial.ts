/**
 * How long the program takes to start: `--help`, and `up` until it listens, from the portable file, warm, and from
 * source by turns in the same run.
 */

import { fileURLToPath } from "node:url";
import { systemClock } from "../src/base/clock.ts";
import { FEATURE_FLAGS } from "../src/base/self.ts";
import { PERMISSION_FLAGS } from "../src/base/permissions.ts";
import { type ScriptFlags, scriptMain } from "./lib/script_main.ts";
import { median, rounded } from "./lib/statistics.ts";

const HELP = `Usage: deno run -A scripts/start_trial.ts [--file FILE] [--runs N] [--json]

Starts the portable file (built first, unless FILE is one) and the program from source by turns, N times each, warm.

Options:
  --file FILE  A portable or compiled file
  --runs N     Starts of each kind (default 15)
  --json       Print one JSON object
  -h, --help   Show this text`;

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const COMPILE = fileURLToPath(new URL("./compile.ts", import.meta.url));
/** Warm is warm from the third start on: the runtime keeps compiled code of what it has seen twice. */
const WARM_UP = 3;
const MAX_LISTEN_MS = 400;
const MAX_HELP_MS = 200;

interface Options {
  readonly file: string | undefined;
  readonly runs: number;
  readonly json: boolean;
}

function readOptions(flags: ScriptFlags): Options {
  const runs = flags.whole("runs", { fallback: 15, min: 1, max: 1_000 });
  return { file: flags.text("file"), runs, json: flags.has("json") };
}

async function run({ file, runs, json }: Options): Promise<number> {
  const root = await Deno.makeTempDir({ prefix: "hamlet_start_" });
  try {
    const built = file ?? await buildPortable(root);
    const source = [Deno.execPath(), "run", ...FEATURE_FLAGS, ...PERMISSION_FLAGS, MAIN];
    const kinds = { file: [built], source };
    const help = { file: [] as number[], source: [] as number[] };
    const listen = { file: [] as number[], source: [] as number[] };
    for (let n = -WARM_UP; n < runs; n++) {
      for (const kind of ["file", "source"] as const) {
        const helpMs = await timeHelp(kinds[kind], root);
        const listenMs = await timeListening(kinds[kind], root);
        if (n < 0) continue;
        help[kind].push(helpMs);
        listen[kind].push(listenMs);
      }
      if (!json) console.error(n < 0 ? "warming up" : `${n + 1} of ${runs}`);
    }
    const report = {
      runs,
      help_ms: rounded(median(help.file), 1),
      help_from_source_ms: rounded(median(help.source), 1),
      listen_ms: rounded(median(listen.file), 1),
      listen_from_source_ms: rounded(median(listen.source), 1),
      ok: median(help.file) <= MAX_HELP_MS && median(listen.file) <= MAX_LISTEN_MS,
    };
    if (json) console.log(JSON.stringify(report));
    else console.table(report);
    return report.ok ? 0 : 1;
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

async function buildPortable(root: string): Promise<string> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", COMPILE, "--portable", "--json", "--out", root],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("Cannot build the portable file");
  const { built } = JSON.parse(new TextDecoder().decode(stdout));
  return `${root}/${built[0].file}`;
}

function command(
  [program = "", ...before]: readonly string[],
  args: readonly string[],
  root: string,
) {
  return new Deno.Command(program, {
    args: [...before, ...args],
    env: { HAMLET_CACHE: `${root}/cache`, HAMLET_CONFIG: "off" },
    stdout: "null",
    stderr: "piped",
  });
}

async function timeHelp(program: readonly string[], root: string): Promise<number> {
  const startMs = systemClock.now();
  const { success } = await command(program, ["--help"], root).output();
  if (!success) throw new Error("Cannot time the help: it was not shown");
  return systemClock.now() - startMs;
}

/** Until the agent says that it listens, in a state directory that it has used before. */
async function timeListening(program: readonly string[], root: string): Promise<number> {
  const args = ["up", "--listen", "127.0.0.1", "--port", "0", "--mdns", "off"];
  const startMs = systemClock.now();
  const child = command(program, [...args, "--state", `${root}/state`], root).spawn();
  let said = "";
  for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
    said += text;
    if (said.includes("hamlet is up")) break;
  }
  const elapsedMs = systemClock.now() - startMs;
  child.kill("SIGTERM");
  await child.status;
  if (!said.includes("hamlet is up")) throw new Error(`Cannot time the start: ${said.trim()}`);
  return elapsedMs;
}

if (import.meta.main) {
  const usage = { help: HELP, texts: ["file", "runs"] };
  Deno.exit(await scriptMain(Deno.args, usage, { read: readOptions, run }));
}
