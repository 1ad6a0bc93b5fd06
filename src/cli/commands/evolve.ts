/** `hamlet evolve` */

import { basename, extname } from "node:path";
import { type Bytes, encodeBase64Url } from "../../base/bytes.ts";
import { systemClock } from "../../base/clock.ts";
import { describeError } from "../../base/errors.ts";
import { randomBelow, systemRandom } from "../../base/random.ts";
import { ControlClient } from "../../control/client.ts";
import type { EvolveBody } from "../../control/job_request.ts";
import type { JobView } from "../../agent/job_views.ts";
import type { ModuleDescription } from "../../work/worker/protocol.ts";
import type { CommandContext } from "../commands.ts";
import { readStateDir, systemSurroundings } from "../config.ts";
import type { GivenFlags } from "../flags.ts";
import { hasEnded } from "../job_display.ts";
import { readJobRequest } from "../job_request.ts";
import { detachedText, followJob } from "../job_watch.ts";
import { untilInterrupted } from "../signals.ts";
import { EXIT, UsageError } from "../usage_error.ts";

const MAX_MODULE_BYTES = 2 ** 20;
const LANGUAGES: Readonly<Record<string, "js" | "ts">> = Object.freeze({
  ".ts": "ts",
  ".mts": "ts",
  ".js": "js",
  ".mjs": "js",
});
const SEEDS = 2 ** 32;

export async function run({ flags, write }: CommandContext): Promise<number> {
  const client = await ControlClient.open(readStateDir(flags, systemSurroundings()));
  const { worker, name, description } = await readWorker(flags);
  const seed = randomBelow(systemRandom, SEEDS);
  const job = await client.evolve(readJobRequest(flags, { worker, name, description, seed }));
  const isJson = flags.has("json");
  if (flags.has("detach")) {
    write(isJson ? JSON.stringify(job, null, 2) + "\n" : `${job.short_id}\n`);
    return EXIT.ok;
  }
  const last = await follow(client, job, { isJson, write });
  if (isJson) write(JSON.stringify(last, null, 2) + "\n");
  else if (!hasEnded(last.state)) write("\n" + detachedText(last));
  return last.state === "accepted" || !hasEnded(last.state) ? EXIT.ok : EXIT.failed;
}

async function follow(
  client: ControlClient,
  { id }: JobView,
  { isJson, write }: { readonly isJson: boolean; readonly write: (text: string) => void },
): Promise<JobView> {
  const stop = new AbortController();
  const release = untilInterrupted(() => stop.abort());
  try {
    return await followJob({
      look: () => client.job(id),
      write: isJson ? () => {} : write,
      isTerminal: !isJson && Deno.stdout.isTerminal(),
      signal: stop.signal,
      clock: systemClock,
    });
  } finally {
    release();
  }
}

interface GivenWorker {
  readonly worker: EvolveBody["worker"];
  readonly name: string;
  readonly description: Partial<ModuleDescription>;
}

/** FILE, or what `--worker` names. Throws {@link UsageError}. */
async function readWorker(flags: GivenFlags): Promise<GivenWorker> {
  const [file] = flags.positional;
  const program = flags.text("worker");
  if ((file === undefined) === (program === undefined)) {
    throw new UsageError(
      "name one thing that evaluates: hamlet evolve FILE.ts, or hamlet evolve --worker NAME",
    );
  }
  if (program !== undefined) {
    return { worker: { kind: "command", name: program }, name: program, description: {} };
  }
  return await readModule(file ?? "");
}

async function readModule(file: string): Promise<GivenWorker> {
  const language = LANGUAGES[extname(file).toLowerCase()];
  if (!language) throw new UsageError(`${file} is no module: its name ends in .ts or .js`);
  const code = await readCode(file);
  const { readDescription } = await import("../module_description.ts");
  return {
    worker: { kind: "module", language, code: encodeBase64Url(code) },
    name: basename(file, extname(file)).slice(0, 64),
    description: await readDescription(file, language, code),
  };
}

async function readCode(file: string): Promise<Bytes> {
  try {
    const { size } = await Deno.stat(file);
    if (size <= MAX_MODULE_BYTES) return await Deno.readFile(file);
    throw new UsageError(`${file} has ${size} bytes; a module has at most ${MAX_MODULE_BYTES}`);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const why = error instanceof Deno.errors.NotFound ? "there is none" : describeError(error);
    throw new UsageError(`cannot read ${file}: ${why}`);
  }
}
