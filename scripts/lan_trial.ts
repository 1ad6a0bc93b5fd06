/**
 * Who belongs and how they find each other, shown with real processes: two LANs of network namespaces, a
 * private DHT, a real avahi-daemon and an attacker.
 *
 * Everything happens in an enclosure (`lib/lan/enclosure.ts`) of which nothing is left afterwards.
 */

import { parseArgs } from "@std/cli";
import { endWithStarter, findEnclosure, keepLogs, runEnclosed } from "./lib/lan/enclosure.ts";
import { type Skipped, tableOf } from "./lib/lan/report.ts";
import { runTrial } from "./lib/lan/trial.ts";

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

/** Reads the flags; a string is what is wrong with them. */
function readOptions(args: readonly string[]): Options | "help" | string {
  const unknown: string[] = [];
  const flags = parseArgs([...args], {
    boolean: ["json", "help", "enclosed"],
    string: ["logs"],
    alias: { h: "help" },
    unknown: (arg) => unknown.push(arg) === 0,
  });
  if (flags.help) return "help";
  if (unknown.length > 0) return `Unknown argument ${unknown[0]}; see --help`;
  return { json: flags.json, logs: flags.logs, enclosed: flags.enclosed };
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
  if (options.enclosed) return await holdTrial(options);
  const enclosure = await findEnclosure();
  if (typeof enclosure !== "string") return await runEnclosed(enclosure, import.meta.url, args);
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

if (import.meta.main) Deno.exit(await main(Deno.args));
