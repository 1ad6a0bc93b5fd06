/**
 * The program as a directory of JavaScript: what it starts with in one file, and each command and package that it loads
 * when needed in files of their own, so that `--help` need not read all of it.
 */

import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const WORKER = "src/work/worker/work_main.ts";

/** Bundles the program into `directory`, which must be empty; `main.js` is where it starts. */
export async function bundleProgram(directory: string): Promise<void> {
  await bundle(["--code-splitting", "--outdir", directory, "main.ts"]);
  const workerPath = `${directory}/work_main.js`;
  await bundle(["--output", workerPath, WORKER]);
  // See work/worker/work_code.ts.
  const code = JSON.stringify(await Deno.readTextFile(workerPath));
  await Deno.remove(workerPath);
  const entry = `${directory}/main.js`;
  const main = await Deno.readTextFile(entry);
  await Deno.writeTextFile(entry, `globalThis.HAMLET_WORK_CODE=${code};\n${main}`);
}

/** Names of the files in `directory`, sorted, and what they are together, bytes. */
export async function listFiles(directory: string) {
  const names: string[] = [];
  for await (const { name, isFile } of Deno.readDir(directory)) if (isFile) names.push(name);
  names.sort();
  let bytes = 0;
  for (const name of names) bytes += (await Deno.stat(`${directory}/${name}`)).size;
  return { names, bytes };
}

async function bundle(args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "deno", "--minify", ...args],
    cwd: ROOT,
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`Cannot bundle: ${new TextDecoder().decode(stderr).trim()}`);
}
