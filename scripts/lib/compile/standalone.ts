/**
 * One compiled executable for one target, by `deno compile`: the runtime's base with the program's bundle behind it
 * and exactly the listed permissions in it.
 */

import { PERMISSION_FLAGS } from "../../../src/base/permissions.ts";
import { FEATURE_FLAGS, SEALED_FLAGS } from "../../../src/base/self.ts";
import { VERSION } from "../../../src/cli/version.ts";
import { MAIN_FILE, type ProgramFile, writeFiles } from "./bundle.ts";
import { CompileError } from "./failure.ts";
import type { Target } from "./targets.ts";

/** What the program may add to the base. */
export const MAX_EMBEDDED_BYTES = 2 * 2 ** 20;
const UNITS: Readonly<Record<string, number>> = { B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30 };
const TRY_MS = 30_000;

/** Compiles `files` to `path`; resolves with how many bytes were embedded. Throws {@link CompileError}. */
export async function compileStandalone(
  files: readonly ProgramFile[],
  target: Target,
  path: string,
): Promise<number> {
  const directory = await Deno.makeTempDir({ prefix: "hamlet-compile-" });
  try {
    await writeFiles(files, directory);
    const { code, said } = await compile(`${directory}/${MAIN_FILE}`, target, path);
    if (code !== 0) throw new CompileError(explainFailure(target.name, said));
    const embedded = readEmbedded(said);
    if (embedded === undefined) {
      throw new CompileError("Cannot tell what was embedded: the compiler did not say it");
    }
    if (embedded > MAX_EMBEDDED_BYTES) {
      throw new CompileError(`Cannot embed ${embedded} bytes: the limit is ${MAX_EMBEDDED_BYTES}`);
    }
    return embedded;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Runs the file at `path`, which is for this machine. Throws {@link CompileError} unless it is our version. */
export async function tryStandalone(path: string): Promise<void> {
  const { stdout } = await new Deno.Command(path, {
    args: ["version"],
    stdin: "null",
    stderr: "null",
    signal: AbortSignal.timeout(TRY_MS),
  }).output();
  if (new TextDecoder().decode(stdout).startsWith(`hamlet ${VERSION} `)) return;
  throw new CompileError(
    `Cannot run ${path}: what DENORT_BIN names is no base runtime (denort) for this machine`,
  );
}

/** How many bytes the compiler says it has embedded, rounded as it rounds. */
export function readEmbedded(said: string): number | undefined {
  const [, amount, unit = ""] = /^Files: ([\d.]+)([KMG]?B)$/m.exec(said) ?? [];
  const factor = UNITS[unit];
  return amount === undefined || factor === undefined
    ? undefined
    : Math.round(Number(amount) * factor);
}

/** One line of what the compiler said. */
export function explainFailure(target: string, said: string): string {
  if (/denort|dl\.deno\.land/.test(said)) {
    return `Cannot compile for ${target}: its base runtime (denort) cannot be downloaded; ` +
      "name a copy of it by DENORT_BIN, or make a file of the runtime at hand with --portable";
  }
  const reason = /^error: (.*)$/m.exec(said)?.[1] ?? "the compiler did not say why";
  return `Cannot compile for ${target}: ${reason}`;
}

async function compile(main: string, target: Target, path: string) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["compile", ...SEALED_FLAGS, "--no-check", "--target", target.name, "--output", path],
      ...[...FEATURE_FLAGS, ...PERMISSION_FLAGS, main],
    ],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("\n");
  return { code, said };
}
