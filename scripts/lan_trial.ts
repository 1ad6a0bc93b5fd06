/**
 * Who belongs and how they find each other, shown with real processes: two LANs of network namespaces, a
 * private DHT, a real avahi-daemon and an attacker.
 *
 * Everything happens in an enclosure (`lib/lan/enclosure.ts`) of which nothing is left afterwards.
 */

import { endWithStarter, findEnclosure, keepLogs, runEnclosed } from "./lib/lan/enclosure.ts";
import { type Skipped, tableOf } from "./lib/lan/report.ts";
import { runTrial } from "./lib/lan/trial.ts";
import { type ScriptFlags, scriptMain } from "./lib/script_main.ts";

const HELP = `Usage: deno run -A scripts/lan_trial.ts [--json] [--logs DIR]

Makes two LANs of network namespaces with five hosts of one network each and two foreign ones, and
measures how members find each other with no address given; then pulls a cable, changes an address,
attacks a member, and lets two agents meet over a private DHT. Takes some two minutes. Exits with 1
unless everything holds. Where namespaces cannot be made it says so and exits with 0.

Options:
  --json      Print one JSON object
  --logs DIR  Leave every agent's log there
  -h, --help  Show this text`;

interface Options {
  readonly json: boolean;
  readonly logs: string | undefined;
  readonly enclosed: boolean;
}

function readOptions(flags: ScriptFlags): Options {
  return { json: flags.has("json"), logs: flags.text("logs"), enclosed: flags.has("enclosed") };
}

async function run(options: Options): Promise<number> {
  if (options.enclosed) return await holdTrial(options);
  const enclosure = await findEnclosure();
  if (typeof enclosure !== "string") {
    return await runEnclosed(enclosure, import.meta.url, Deno.args);
  }
  const skipped: Skipped = { skipped: enclosure, ok: null };
  console.log(options.json ? JSON.stringify(skipped) : `skipped: ${enclosure}`);
  return 0;
}

/** Inside the enclosure. */
async function holdTrial({ json, logs }: Options): Promise<number> {
  void endWithStarter();
  const report = await runTrial((line) => console.error(line));
  if (logs !== undefined) await keepLogs(logs);
  console.log(json ? JSON.stringify(report, null, 2) : tableOf(report));
  return report.ok ? 0 : 1;
}

const USAGE = { help: HELP, switches: ["enclosed"], texts: ["logs"] };
if (import.meta.main) Deno.exit(await scriptMain(Deno.args, USAGE, { read: readOptions, run }));
