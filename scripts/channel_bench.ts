/**
 * The channel benchmark: streams and requests beside the bare sealed link, raw TCP and js-libp2p, in one run.
 */

import { parseArgs } from "@std/cli/parse-args";
import { describeError } from "../src/base/errors.ts";
import { chooseBackend } from "../src/noise/backend.ts";
import { benchMain } from "./lib/bench_main.ts";
import { Libp2pContender } from "./lib/channel/libp2p.ts";
import { LineProcess } from "./lib/line_process.ts";
import {
  type Contenders,
  measureOneWay,
  measurePings,
  measureRequests,
  measureTrips,
} from "./lib/channel/measure.ts";
import { measureMemory } from "./lib/channel/memory.ts";
import { ChannelContender } from "./lib/channel/near.ts";
import { type ChannelReport, reportOf, tableOf } from "./lib/channel/report.ts";
import type { ServerPorts } from "./lib/channel/server.ts";
import { findAffinity } from "./lib/link/affinity.ts";
import { createLocalNode } from "./lib/link/local.ts";
import { connectRaw } from "./lib/link/raw.ts";
import { connectSealed } from "./lib/link/sealed.ts";

const DEFAULT_SECONDS = 45;

const HELP = `Usage: deno run -A scripts/channel_bench.ts [--json] [--seconds S] [--no-libp2p]

Measures streams and requests side by side with raw TCP, the bare sealed link and js-libp2p (TCP,
Noise, Yamux; from bench/peers, a package of its own), each between two processes on this machine:
one-way throughput over one and over 16 streams, round trips of 64 bytes with both processes on one
core (where taskset exists), requests per second with 64 in flight, how long a critical request
takes beside a transfer of 1 GiB in the same session, and what idle sessions and streams cost in memory.

Options:
  --json        Print one JSON object
  --seconds S   Measuring time of the repeated parts, 5..600 (default ${DEFAULT_SECONDS})
  --no-libp2p   Leave js-libp2p out
  -h, --help    Show this text`;

interface Options {
  readonly json: boolean;
  readonly seconds: number;
  readonly libp2p: boolean;
}

/** Reads the flags; a string is what is wrong with them. */
function readOptions(args: readonly string[]): Options | "help" | string {
  const unknown: string[] = [];
  const flags = parseArgs([...args], {
    boolean: ["json", "help", "no-libp2p"],
    string: ["seconds"],
    alias: { h: "help" },
    unknown: (arg) => unknown.push(arg) === 0,
  });
  if (flags.help) return "help";
  if (unknown.length > 0) return `Unknown argument ${unknown[0]}; see --help`;
  const seconds = Number(flags.seconds ?? DEFAULT_SECONDS);
  if (!(seconds >= 5 && seconds <= 600)) return "--seconds must be within 5..600";
  return { json: flags.json, seconds, libp2p: !flags["no-libp2p"] };
}

async function run(options: Options): Promise<ChannelReport> {
  const { primitives } = chooseBackend();
  const far = LineProcess.start(`${import.meta.dirname}/lib/channel/server.ts`);
  const libp2p = options.libp2p ? await startLibp2p() : undefined;
  try {
    const ports: ServerPorts = JSON.parse(await far.line());
    const contenders: Contenders = {
      raw: await connectRaw(ports.raw),
      sealed: await connectSealed(createLocalNode(primitives), ports.sealed),
      channel: await ChannelContender.connect(createLocalNode(primitives), ports.channel),
      libp2p,
    };
    try {
      const affinity = await findAffinity([Deno.pid, far.pid, ...libp2p?.pids ?? []]);
      const { seconds } = options;
      const pings = await step("critical requests", () => measurePings(contenders));
      return reportOf({
        pings,
        oneWay: await step("throughput", () => measureOneWay(contenders, seconds * 0.4)),
        trips: await step("round trips", () => measureTrips(contenders, seconds * 0.3, affinity)),
        requests: await step("requests", () => measureRequests(contenders, seconds * 0.3)),
        memory: await step("memory", () => measureMemory(primitives)),
        core: affinity?.core,
      });
    } finally {
      const { raw, sealed, channel } = contenders;
      await Promise.all([raw.close(), sealed.close(), channel.close()]);
    }
  } finally {
    await libp2p?.close();
    await far.close();
  }
}

/** Says on standard error what is measured now. */
function step<T>(what: string, measure: () => Promise<T>): Promise<T> {
  console.error(`measuring ${what} ...`);
  return measure();
}

async function startLibp2p(): Promise<Libp2pContender | undefined> {
  try {
    return await Libp2pContender.start();
  } catch (error) {
    console.error(`js-libp2p does not take part: ${describeError(error)}`);
    return undefined;
  }
}

if (import.meta.main) await benchMain({ help: HELP, readOptions, run, tableOf });
