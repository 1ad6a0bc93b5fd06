/** `hamlet job` */

import { systemClock } from "../../base/clock.ts";
import { describeError } from "../../base/errors.ts";
import { ControlClient } from "../../control/client.ts";
import type { JobView } from "../../agent/job_views.ts";
import type { CommandContext } from "../commands.ts";
import { readStateDir, systemSurroundings } from "../config.ts";
import { hasEnded, renderJob } from "../job_display.ts";
import { detachedText, followJob } from "../job_watch.ts";
import { untilInterrupted } from "../signals.ts";
import { EXIT, UsageError } from "../usage_error.ts";

const ORDERS = ["stop", "resume"] as const;

export async function run({ flags, write }: CommandContext): Promise<number> {
  const [order, id] = readOperands(flags.positional);
  const client = await ControlClient.open(readStateDir(flags, systemSurroundings()));
  const isJson = flags.has("json");
  const show = (job: JobView) =>
    write(isJson ? JSON.stringify(job, null, 2) + "\n" : renderJob(job));
  if (order !== undefined) {
    show(await (order === "stop" ? client.stopJob(id) : client.resumeJob(id)));
    return EXIT.ok;
  }
  const file = flags.text("result");
  if (flags.has("watch")) return await watch(client, id, { isJson, write });
  const job = await client.job(id);
  if (file !== undefined) await writeResult(file, job);
  if (flags.has("verify")) return await verify(job, { isJson, write });
  show(job);
  return EXIT.ok;
}

function readOperands(
  [first = "", second]: readonly string[],
): readonly [typeof ORDERS[number] | undefined, string] {
  const order = ORDERS.find((word) => word === first);
  if (order !== undefined && second !== undefined) return [order, second];
  if (order !== undefined) throw new UsageError(`which job? usage: hamlet job ${order} ID`);
  if (second === undefined) return [undefined, first];
  throw new UsageError(`hamlet job takes stop ID or resume ID, not "${first} ${second}"`);
}

interface Output {
  readonly isJson: boolean;
  readonly write: (text: string) => void;
}

async function watch(client: ControlClient, id: string, { isJson, write }: Output) {
  const stop = new AbortController();
  const release = untilInterrupted(() => stop.abort());
  try {
    const job = await followJob({
      look: () => client.job(id),
      write: isJson ? () => {} : write,
      isTerminal: !isJson && Deno.stdout.isTerminal(),
      signal: stop.signal,
      clock: systemClock,
    });
    if (isJson) write(JSON.stringify(job, null, 2) + "\n");
    else if (!hasEnded(job.state)) write("\n" + detachedText(job));
    return EXIT.ok;
  } finally {
    release();
  }
}

async function writeResult(file: string, job: JobView): Promise<void> {
  if (!job.result) {
    throw new UsageError(`${job.short_id} has no result yet: it is ${job.state}`);
  }
  const { id, name, space, direction, result } = job;
  const text = JSON.stringify({ id, name, space, direction, ...result }, null, 2) + "\n";
  try {
    await Deno.writeTextFile(file, text);
  } catch (error) {
    throw new UsageError(`cannot write ${file}: ${describeError(error)}`);
  }
}

/** Checks the votes here, in this process, with nothing but what the job's record says. */
async function verify(job: JobView, { isJson, write }: Output): Promise<number> {
  const { renderVerification, verifyResult } = await import("../job_verification.ts");
  const verified = verifyResult(job);
  write(isJson ? JSON.stringify(verified, null, 2) + "\n" : renderVerification(verified));
  return verified.holds ? EXIT.ok : EXIT.failed;
}
