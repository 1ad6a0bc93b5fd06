/**
 * Our sealed link beside its baselines: raw TCP and a hand-written sealed loop, in two processes and
 * one run.
 *
 * Rounds alternate between the contenders and every figure is a median; ratios are medians of the
 * ratios within one round, so that a slow moment of the machine slows both sides of a ratio.
 */

import { parseArgs } from "@std/cli";
import { chooseBackend } from "../src/noise/backend.ts";
import { benchMain } from "./lib/bench_main.ts";
import { LineProcess } from "./lib/line_process.ts";
import { Agreements } from "./lib/link/agreements.ts";
import { findAffinity } from "./lib/link/affinity.ts";
import { Dialers } from "./lib/link/dials.ts";
import { IrohDialers } from "./lib/link/iroh.ts";
import { createLocalNode } from "./lib/link/local.ts";
import { connectLoop } from "./lib/link/loop.ts";
import { type Contenders, measure } from "./lib/link/measure.ts";
import { connectRaw } from "./lib/link/raw.ts";
import { type LinkReport, reportOf, tableOf } from "./lib/link/report.ts";
import type { ServerPorts } from "./lib/link/server.ts";
import { connectSealed } from "./lib/link/sealed.ts";

const DEFAULT_SECONDS = 30;

const HELP = `Usage: deno run -A scripts/link_bench.ts [--iroh] [--json] [--seconds S]

Measures raw TCP, a hand-written sealed loop and hamlet's sealed link side by side, between two
processes on this machine: one-way throughput at 64 KiB, round trips of 64 bytes with both
processes on one core (where taskset exists), and dials per second until both sides are ready, beside
what this machine's X25519 alone would allow.

Options:
  --iroh        Dial by iroh in turn (Rust, in processes of its own; Linux on x86-64)
  --json        Print one JSON object
  --seconds S   Measuring time, 3..600 (default ${DEFAULT_SECONDS})
  -h, --help    Show this text`;

interface Options {
  readonly iroh: boolean;
  readonly json: boolean;
  readonly seconds: number;
}

/** Reads the flags; a string is what is wrong with them. */
function readOptions(args: readonly string[]): Options | "help" | string {
  const unknown: string[] = [];
  const flags = parseArgs([...args], {
    boolean: ["iroh", "json", "help"],
    string: ["seconds"],
    alias: { h: "help" },
    unknown: (arg) => unknown.push(arg) === 0,
  });
  if (flags.help) return "help";
  if (unknown.length > 0) return `Unknown argument ${unknown[0]}; see --help`;
  const seconds = Number(flags.seconds ?? DEFAULT_SECONDS);
  if (!(seconds >= 3 && seconds <= 600)) return "--seconds must be within 3..600";
  return { iroh: flags.iroh, json: flags.json, seconds };
}

async function run({ iroh, seconds }: Options): Promise<LinkReport> {
  const far = LineProcess.start(`${import.meta.dirname}/lib/link/server.ts`);
  try {
    const contenders = await connectAll(JSON.parse(await far.line()), iroh);
    try {
      const affinity = await findAffinity([Deno.pid, far.pid]);
      return reportOf(await measure(contenders, { seconds, affinity }), affinity?.core);
    } finally {
      await closeAll(contenders);
    }
  } finally {
    await far.close();
  }
}

async function connectAll(ports: ServerPorts, iroh: boolean): Promise<Contenders> {
  const { primitives } = chooseBackend();
  return {
    raw: await connectRaw(ports.raw),
    loop: await connectLoop(ports.loop),
    sealed: await connectSealed(createLocalNode(primitives), ports.sealed),
    dialers: await Dialers.connect(primitives, ports.dials),
    agreements: await Agreements.connect(primitives, ports.agreements),
    iroh: iroh ? await IrohDialers.start() : undefined,
  };
}

async function closeAll(contenders: Contenders): Promise<void> {
  const { raw, loop, sealed, dialers, agreements, iroh } = contenders;
  agreements.close();
  await Promise.all([raw.close(), loop.close(), sealed.close(), dialers.close(), iroh?.close()]);
}

if (import.meta.main) await benchMain({ help: HELP, readOptions, run, tableOf });
