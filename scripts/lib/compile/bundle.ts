/**
 * The program as few small scripts: what a command does not need stays unread, as it does from source.
 *
 * The program of a worker's process comes along as text (`work/worker/work_code.ts`), for files that are not compiled.
 */

import { fileURLToPath } from "node:url";
import { CompileError } from "./failure.ts";

/** One file of the program. */
export interface ProgramFile {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The module that the runtime starts. */
export const MAIN_FILE = "main.js";
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const WORK_MAIN = "src/work/worker/work_main.ts";
/** What the runtime reports as a file of a bundle: it gives others no other place. */
const SAFE_NAME = /^[\w.-]+\.js$/;

/** Bundles the source tree that this script is part of. Throws {@link CompileError}. */
export async function bundleProgram(): Promise<readonly ProgramFile[]> {
  const directory = await Deno.makeTempDir({ prefix: "hamlet-bundle-" });
  try {
    await bundle(["--code-splitting", "--outdir", directory, "main.ts"]);
    const files: ProgramFile[] = [];
    for (const { name, isFile } of Deno.readDirSync(directory)) {
      if (!isFile || !SAFE_NAME.test(name)) {
        throw new CompileError(`Cannot bundle the program: it came out with a file "${name}"`);
      }
      files.push({ name, bytes: await Deno.readFile(`${directory}/${name}`) });
    }
    if (!files.some(({ name }) => name === MAIN_FILE)) {
      throw new CompileError(`Cannot bundle the program: it came out without ${MAIN_FILE}`);
    }
    return files.toSorted((a, b) => a.name < b.name ? -1 : 1);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** `files` with the worker's program as text in the main one. Throws {@link CompileError}. */
export async function withWorkCode(
  files: readonly ProgramFile[],
): Promise<readonly ProgramFile[]> {
  const file = await Deno.makeTempFile({ prefix: "hamlet-work-", suffix: ".js" });
  try {
    await bundle(["-o", file, WORK_MAIN]);
    const text = JSON.stringify(await Deno.readTextFile(file));
    const code = new TextEncoder().encode(`globalThis.HAMLET_WORK_CODE=${text};\n`);
    return files.map(({ name, bytes }) =>
      name === MAIN_FILE ? { name, bytes: concat(code, bytes) } : { name, bytes }
    );
  } finally {
    await Deno.remove(file);
  }
}

/** Writes `files` into `directory`. */
export async function writeFiles(files: readonly ProgramFile[], directory: string): Promise<void> {
  for (const { name, bytes } of files) await Deno.writeFile(`${directory}/${name}`, bytes);
}

async function bundle(args: readonly string[]): Promise<void> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--minify", "--keep-names", ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (code === 0) return;
  const said = new TextDecoder().decode(stderr);
  const [reason = `exit code ${code}`] = said.split("\n").filter((line) => /error/i.test(line));
  throw new CompileError(`Cannot bundle the program: ${reason.trim()}`);
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
