/**
 * The agent on 64-bit ARM, without an ARM machine: Deno's own build for it under qemu, beside agents of this
 * machine. Cryptography, published Noise vectors, membership, pings and files.
 */

import { parseArgs } from "@std/cli";
import { systemClock } from "../src/base/clock.ts";
import { describeError } from "../src/base/errors.ts";
import { findArmRuntime } from "./lib/arm/runtime.ts";
import { type ArmReport, holdArmTrial } from "./lib/arm/trial.ts";

const HELP = `Usage: deno run -A scripts/arm_trial.ts [--json]

Runs the agent under qemu-aarch64 with Deno's build for 64-bit ARM (41 MB from npm, kept in the
user's cache), and lets it join a village of this machine's agents. Exits with 1 if anything
differs. Where it cannot be run it says why and exits with 0. On Debian it needs:
qemu-user libc6-arm64-cross libgcc-s1-arm64-cross

Options:
  --json      Print one JSON object
  -h, --help  Show this text`;

async function main(args: readonly string[]): Promise<number> {
  const unknown: string[] = [];
  const flags = parseArgs([...args], {
    boolean: ["json", "help"],
    alias: { h: "help" },
    unknown: (arg) => unknown.push(arg) === 0,
  });
  if (flags.help) {
    console.log(HELP);
    return 0;
  }
  if (unknown.length > 0) {
    console.error(`Unknown argument ${unknown[0]}; see --help`);
    return 2;
  }
  const arm = await findArmRuntime();
  if (typeof arm === "string") {
    console.log(flags.json ? JSON.stringify({ skipped: arm, ok: null }) : `skipped: ${arm}`);
    return 0;
  }
  const startMs = systemClock.now();
  const root = await Deno.makeTempDir({ prefix: "hamlet-arm-" });
  try {
    const report = await holdArmTrial(arm, root);
    const seconds = Math.round((systemClock.now() - startMs) / 1000);
    console.log(flags.json ? JSON.stringify({ ...report, seconds }) : inWords(report, seconds));
    return report.ok ? 0 : 1;
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

function inWords(report: ArmReport, seconds: number): string {
  const { crypto, problems } = report;
  return [
    `hamlet ${report.version}`,
    `crypto    ${crypto.noble} results of noble, ${crypto.native} native, ${crypto.wasm} wasm: compared`,
    `noise     ${report.noise_vectors} published vectors`,
    `start     ${report.start_s.toFixed(1)} s, emulated`,
    `ping      ${report.ping_to_arm_ms} ms to it, ${report.ping_from_arm_ms} ms from it`,
    `files     ${report.files} of ${report.file_bytes} bytes, digests equal`,
    ...problems.map((problem) => `problem: ${problem}`),
    `${report.ok ? "ok" : "NOT OK"} after ${seconds} s`,
  ].join("\n");
}

if (import.meta.main) {
  try {
    Deno.exitCode = await main(Deno.args);
  } catch (error) {
    console.error(describeError(error));
    Deno.exitCode = 1;
  }
}
