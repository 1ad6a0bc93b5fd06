/** Makes a portable file of a runtime and a bundle: what of it needs files and programs. */

import { CompileError } from "./compiled.ts";
import { assemblePortable } from "./portable.ts";
import { fileNameOf, MAGIC_BYTES, type Target, targetOf } from "./targets.ts";

export interface PortableJob {
  readonly version: string;
  /** A deno executable. */
  readonly runtime: string;
  /** The bundle, and the names of its files. */
  readonly directory: string;
  readonly names: readonly string[];
  /** Where the file goes. */
  readonly out: string;
}

const TEMPLATE = new URL("./portable.sh", import.meta.url);
/** What is packed at the same time is packed into the same bytes. */
const EPOCH = new Date(0);

/** Builds the file; resolves with its name and target. Throws {@link CompileError}. */
export async function buildPortable(
  { version, runtime: path, directory, names, out }: PortableJob,
): Promise<{ readonly file: string; readonly target: Target }> {
  const bytes = await readRuntime(path);
  const target = targetOf(bytes.subarray(0, MAGIC_BYTES));
  if (!target || target.includes("windows")) {
    throw new CompileError(`Cannot use ${path}: it is no deno executable for Linux or macOS`);
  }
  const parts = await assemblePortable({
    version,
    target,
    template: await Deno.readTextFile(TEMPLATE),
    runtimeBytes: bytes.length,
    runtime: await compressed(bytes),
    program: await compressed(await archived(directory, names)),
  });
  const file = fileNameOf(version, target, { isPortable: true });
  // Whoever runs the last one keeps it.
  const temporary = `${out}/.${file}.new`;
  await Deno.writeFile(temporary, ReadableStream.from(parts), { mode: 0o755 });
  await Deno.chmod(temporary, 0o755);
  await Deno.rename(temporary, `${out}/${file}`);
  return { file, target };
}

async function readRuntime(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    throw new CompileError(`Cannot read the runtime ${path}; name another with --runtime`, {
      cause: error,
    });
  }
}

async function archived(
  directory: string,
  names: readonly string[],
): Promise<Uint8Array<ArrayBuffer>> {
  for (const name of names) await Deno.utime(`${directory}/${name}`, EPOCH, EPOCH);
  const { success, stdout, stderr } = await new Deno.Command("tar", {
    args: ["--format=ustar", "-cf", "-", "-C", directory, ...names],
    env: { COPYFILE_DISABLE: "1" },
  }).output();
  if (success) return stdout;
  throw new CompileError(`Cannot pack: tar says ${new TextDecoder().decode(stderr).trim()}`);
}

async function compressed(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
