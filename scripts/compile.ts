/**
 * Makes one file of the program, for each machine that was asked for.
 *
 * deno task compile [--target T … | --all] [--out DIR]
 * deno task compile --portable [--runtime PATH] [--out DIR]
 */

import { fileURLToPath } from "node:url";
import { VERSION } from "../src/cli/version.ts";
import { bundleProgram, type ProgramFile, withWorkCode } from "./lib/compile/bundle.ts";
import { CompileError } from "./lib/compile/failure.ts";
import { buildPortable, readRuntime } from "./lib/compile/portable.ts";
import { compileStandalone, MAX_EMBEDDED_BYTES, tryStandalone } from "./lib/compile/standalone.ts";
import { updateSums } from "./lib/compile/sums.ts";
import { findTarget, type Target, TARGETS } from "./lib/compile/targets.ts";
import { FlagError, type ScriptFlags, scriptMain } from "./lib/script_main.ts";

const HELP =
  `Makes one file of hamlet, with everything in it and exactly the permissions that it needs.

  deno task compile                       an executable for this machine
  deno task compile --target T …          for another one (repeatable), or --all for each of
${TARGETS.map(({ name }) => `                                            ${name}`).join("\n")}
  deno task compile --portable            a file that carries this very Deno: nothing is downloaded;
                                          for Linux and macOS, unpacks itself at its first start
  deno task compile --portable --runtime PATH
                                          with the Deno of another machine

  --out DIR    where to (default: dist), beside SHA256SUMS
  --json       print what was made as JSON`;

interface Plan {
  readonly targets: readonly Target[];
  /** The runtime to carry. */
  readonly runtime: string | undefined;
  readonly out: string;
  readonly json: boolean;
}

/** One file that was made. */
interface Made {
  readonly file: string;
  readonly target: string;
  readonly bytes: number;
  /** What the program takes of it. */
  readonly embedded_bytes: number;
}

function read(flags: ScriptFlags): Plan {
  const isPortable = flags.has("portable");
  const runtime = flags.text("runtime");
  const names = flags.list("target");
  if (isPortable && (names.length > 0 || flags.has("all"))) {
    throw new FlagError(
      "--portable is for the machine of its runtime: name another's by --runtime",
    );
  }
  if (!isPortable && runtime !== undefined) throw new FlagError("--runtime goes with --portable");
  if (names.length > 0 && flags.has("all")) throw new FlagError("--all is every --target");
  const common = {
    out: flags.text("out") ?? fileURLToPath(new URL("../dist", import.meta.url)),
    json: flags.has("json"),
  };
  if (isPortable) return { ...common, targets: [], runtime: runtime ?? Deno.execPath() };
  if (flags.has("all")) return { ...common, targets: TARGETS, runtime: undefined };
  const wanted = names.length > 0 ? names : [Deno.build.target];
  return { ...common, targets: [...new Set(wanted)].map(toTarget), runtime: undefined };
}

async function run({ targets, runtime, out, json }: Plan): Promise<number> {
  const made: Made[] = [];
  try {
    // Before the minute that the rest takes.
    const carried = runtime === undefined ? undefined : await readRuntime(runtime);
    await Deno.mkdir(out, { recursive: true });
    const files = await bundleProgram();
    for (const target of targets) made.push(await makeStandalone(files, target, out));
    if (carried) {
      const program = await withWorkCode(files);
      const file = `hamlet-${VERSION}-${carried.target.name}-portable`;
      const bytes = await buildPortable(carried, program);
      await writeProgram(`${out}/${file}`, bytes);
      const { target } = carried;
      made.push({
        file,
        target: target.name,
        bytes: bytes.length,
        embedded_bytes: sizeOf(program),
      });
    }
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    console.error(error.message);
    return 1;
  } finally {
    if (made.length > 0) await updateSums(out, made.map(({ file }) => file));
  }
  if (json) console.log(JSON.stringify({ out, files: made }, null, 2));
  else for (const each of made) console.log(describe(each, out));
  return 0;
}

async function makeStandalone(
  files: readonly ProgramFile[],
  target: Target,
  out: string,
): Promise<Made> {
  const file = `hamlet-${VERSION}-${target.name}${/windows/.test(target.name) ? ".exe" : ""}`;
  const path = `${out}/${file}`;
  const embedded = await compileStandalone(files, target, path);
  if (target.name === Deno.build.target) await tryStandalone(path);
  const { size } = await Deno.stat(path);
  return { file, target: target.name, bytes: size, embedded_bytes: embedded };
}

/** Nobody finds half a program. */
async function writeProgram(path: string, bytes: Uint8Array): Promise<void> {
  const successor = `${path}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  await Deno.writeFile(successor, bytes, { mode: 0o755 });
  await Deno.rename(successor, path);
}

function describe({ file, bytes, embedded_bytes }: Made, out: string): string {
  return `${out}/${file}\n  ${megabytes(bytes)} MB, of which the program ${
    megabytes(embedded_bytes)
  } ` +
    `(at most ${megabytes(MAX_EMBEDDED_BYTES)})`;
}

function sizeOf(files: readonly ProgramFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(bytes % 2 ** 20 === 0 ? 0 : 2);
}

function toTarget(name: string): Target {
  try {
    return findTarget(name);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new FlagError(error.message, { cause: error });
  }
}

if (import.meta.main) {
  const usage = {
    help: HELP,
    switches: ["all", "portable"],
    texts: ["runtime", "out"],
    lists: ["target"],
  };
  Deno.exit(await scriptMain(Deno.args, usage, { read, run }));
}
