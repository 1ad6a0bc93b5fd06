/**
 * Builds the program as one file for each kind of machine: with `deno compile`, or, where its base runtime cannot be
 * downloaded, as a self-extracting file made of the runtime at hand.
 */

import { fileURLToPath } from "node:url";
import manifest from "../deno.json" with { type: "json" };
import { nearest } from "../src/cli/nearest.ts";
import { bundleProgram, listFiles } from "./lib/compile/bundle.ts";
import { CompileError, compileFor, tryCompiled } from "./lib/compile/compiled.ts";
import { buildPortable } from "./lib/compile/portable_file.ts";
import { writeSums } from "./lib/compile/sums.ts";
import { fileNameOf, type Target, TARGETS } from "./lib/compile/targets.ts";
import { FlagError, type ScriptFlags, scriptMain } from "./lib/script_main.ts";

const HELP =
  `Usage: deno task compile [--target T... | --all | --portable [--runtime FILE]] [--out DIR]

Builds hamlet as one file for each target, and DIR/SHA256SUMS.

Options:
  --target T      Build for T (repeatable; default: this machine)
${TARGETS.map((target) => `                    ${target}`).join("\n")}
  --all           Build for all of these
  --portable      Build a self-extracting file for Linux or macOS instead, of the
                  deno executable at hand: nothing is downloaded
  --runtime FILE  Of the deno executable FILE, perhaps another machine's
  --out DIR       Where to (default: dist)
  --json          Print one JSON object
  -h, --help      Show this text`;

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** What is embedded besides the runtime: a machine with little memory has to load it. */
const MAX_EMBEDDED_BYTES = 2 * 2 ** 20;

interface Options {
  readonly json: boolean;
  readonly out: string;
  /** Compiled for each, or one portable file of this runtime. */
  readonly plan:
    | { readonly kind: "compiled"; readonly targets: readonly Target[] }
    | { readonly kind: "portable"; readonly runtime: string };
}

interface Built {
  readonly file: string;
  readonly target: Target;
}

/** Throws {@link FlagError}. */
function readOptions(flags: ScriptFlags): Options {
  const json = flags.has("json");
  const out = flags.text("out") ?? `${ROOT}dist`;
  const runtime = flags.text("runtime");
  if (!flags.has("portable")) {
    if (runtime !== undefined) throw new FlagError("--runtime is for --portable");
    return { json, out, plan: { kind: "compiled", targets: readTargets(flags) } };
  }
  if (flags.has("all") || flags.list("target").length > 0) {
    throw new FlagError("--portable builds for the machine of its runtime: name it with --runtime");
  }
  return { json, out, plan: { kind: "portable", runtime: runtime ?? Deno.execPath() } };
}

function readTargets(flags: ScriptFlags): readonly Target[] {
  const given = flags.list("target");
  if (flags.has("all")) {
    if (given.length > 0) throw new FlagError("--all and --target exclude each other");
    return TARGETS;
  }
  return given.length > 0 ? given.map(readTarget) : [readTarget(Deno.build.target)];
}

function readTarget(text: string): Target {
  const target = TARGETS.find((each) => each === text);
  if (target) return target;
  const guess = nearest(text, TARGETS);
  const hint = guess ? `; did you mean ${guess}?` : "";
  throw new FlagError(`nothing is built for the target "${text}"${hint}`);
}

async function run({ json, out, plan }: Options): Promise<number> {
  const directory = await Deno.makeTempDir({ prefix: "hamlet_bundle_" });
  try {
    await Deno.mkdir(out, { recursive: true });
    await bundleProgram(directory);
    const bundle = { directory, ...await listFiles(directory) };
    const { bytes } = bundle;
    if (bytes > MAX_EMBEDDED_BYTES) {
      throw new CompileError(`Cannot build: ${bytes} bytes to embed exceed ${MAX_EMBEDDED_BYTES}`);
    }
    const built: Built[] = [];
    for await (const each of buildAll(plan, bundle, out)) {
      built.push(each);
      await writeSums(out, [each.file]);
      if (!json) console.log(rowOf(each.file, await sizeOf(`${out}/${each.file}`), bundle));
    }
    if (json) console.log(JSON.stringify({ out, embedded_bytes: bytes, built }));
    return 0;
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    console.error(error.message);
    return 1;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

interface Bundle {
  readonly directory: string;
  readonly names: readonly string[];
  readonly bytes: number;
}

async function* buildAll(plan: Options["plan"], bundle: Bundle, out: string): AsyncIterable<Built> {
  const { version } = manifest;
  if (plan.kind === "portable") {
    return yield await buildPortable({ version, runtime: plan.runtime, ...bundle, out });
  }
  for (const target of plan.targets) {
    const file = fileNameOf(version, target);
    await compileFor({ target, directory: bundle.directory, path: `${out}/${file}` });
    if (target === Deno.build.target) await tryCompiled(`${out}/${file}`, version);
    yield { file, target };
  }
}

function rowOf(file: string, bytes: number, bundle: Bundle): string {
  const mib = (count: number) => (count / 2 ** 20).toFixed(1);
  const { names } = bundle;
  return `${file}: ${mib(bytes)} MiB, ${mib(bundle.bytes)} of them ${names.length} files of ours`;
}

async function sizeOf(path: string): Promise<number> {
  return (await Deno.stat(path)).size;
}

if (import.meta.main) {
  const usage = {
    help: HELP,
    switches: ["all", "portable"],
    texts: ["runtime", "out"],
    lists: ["target"],
  };
  Deno.exit(await scriptMain(Deno.args, usage, { read: readOptions, run }));
}
