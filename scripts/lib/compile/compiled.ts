/** `deno compile` of the bundle. */

import { FEATURE_FLAGS } from "../../../src/base/self.ts";
import { PERMISSION_FLAGS } from "../../../src/base/permissions.ts";
import type { Target } from "./targets.ts";

/** A file that cannot be built, in one line that says what to do instead. */
export class CompileError extends Error {
  override readonly name = "CompileError";
}

/** A slow board takes seconds for a first start. */
const TRY_MS = 60_000;

/** What a file is built from. */
export interface CompileJob {
  readonly target: Target;
  /** The bundle. */
  readonly directory: string;
  /** Where the file goes. */
  readonly path: string;
}

/** The command line, after the runtime's own name. Pure. */
export function compileArguments({ target, directory, path }: CompileJob): readonly string[] {
  return [
    "compile",
    "--no-config",
    "--no-lock",
    "--target",
    target,
    ...FEATURE_FLAGS,
    ...PERMISSION_FLAGS,
    "--output",
    path,
    `${directory}/main.js`,
  ];
}

/** Builds the file. Throws {@link CompileError}. */
export async function compileFor(job: CompileJob): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...compileArguments(job)],
    cwd: job.directory,
    env: { NO_COLOR: "1" },
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return;
  throw new CompileError(reasonOf(new TextDecoder().decode(stderr), job.target));
}

/** Runs what was built for this machine: a base that is none makes a file that does nothing. Throws {@link CompileError}. */
export async function tryCompiled(path: string, version: string): Promise<void> {
  const { stdout } = await new Deno.Command(path, {
    args: ["version"],
    stdin: "null",
    stderr: "null",
    signal: AbortSignal.timeout(TRY_MS),
  }).output();
  if (new TextDecoder().decode(stdout).startsWith(`hamlet ${version} `)) return;
  // Nobody should take it for one that does.
  await Deno.remove(path);
  throw new CompileError(
    `Cannot run ${path}: its base runtime, which DENORT_BIN may name, is no denort for this machine`,
  );
}

/** Why it failed, by what the runtime said. */
export function reasonOf(said: string, target: Target): string {
  if (/denort|download|sending request|dns error/i.test(said)) {
    return `Cannot compile for ${target}: the base runtime (denort) cannot be downloaded; ` +
      "name one that is here with DENORT_BIN=FILE, or build with --portable";
  }
  const reason = said.trim().split("\n").filter((line) => !/^(Check|Compile|Embedded) /.test(line));
  return `Cannot compile for ${target}: ${reason.join(" ").replace(/^error: /, "")}`;
}
