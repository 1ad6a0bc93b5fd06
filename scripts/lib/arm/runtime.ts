/**
 * Deno for 64-bit ARM on this machine: the runtime's own build from npm, run by qemu's user-mode emulator.
 *
 * The package is pinned by the digest that npm publishes, and what was unpacked from it by one of ours; it is
 * kept in the user's cache, so that it is downloaded once.
 */

import { createHash } from "node:crypto";
import type { Runtime } from "../real_agent.ts";

const VERSION = "2.9.6";
const PACKAGE = `@deno/linux-arm64-glibc@${VERSION}`;
/** As `npm view … dist.integrity` says. */
const PACKAGE_SHA512 =
  "poqhoH9B3nYloigEMPT5t8HY+wBeiuea1An5Q7fqgJzP0SYmWsoS/oUnWO/pEiA4ofzIBy1Elt/in58xKtxEoQ==";
/** Of `package/deno` in it. */
const PROGRAM_SHA256 = "d08d392418df53f4e6e88a08909c0e1bccbf9adcead7232df72b6ad6075ec416";

const EMULATORS = ["qemu-aarch64", "qemu-aarch64-static"];
/** Where Debian's cross packages put the C library that the program is linked to. */
const LIBRARIES = "/usr/aarch64-linux-gnu";
const NEEDED = ["lib/ld-linux-aarch64.so.1", "lib/libgcc_s.so.1"];
const DOWNLOAD_MS = 120_000;

/** What keeps this machine from running it, or how it is run. */
export async function findArmRuntime(): Promise<Runtime | string> {
  if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") {
    return "only Linux on x86-64 emulates 64-bit ARM here";
  }
  const emulator = await firstThatRuns(EMULATORS);
  if (!emulator) return "qemu-aarch64 is not installed (Debian: qemu-user)";
  for (const file of NEEDED) {
    if (!await exists(`${LIBRARIES}/${file}`)) {
      return `${LIBRARIES}/${file} is missing (Debian: libc6-arm64-cross, libgcc-s1-arm64-cross)`;
    }
  }
  const program = await obtainProgram();
  if ("reason" in program) return program.reason;
  return {
    command: [emulator, "-L", LIBRARIES, program.path],
    // What this machine's runtime has fetched serves both; compiled code must not be shared.
    flags: ["--no-code-cache"],
  };
}

async function obtainProgram(): Promise<{ readonly path: string } | { readonly reason: string }> {
  const directory = cacheDirectory();
  if (!directory) return { reason: "there is no HOME to keep the ARM runtime in" };
  const path = `${directory}/deno-aarch64-${VERSION}`;
  if (await digestOf(path, "sha256", "hex") === PROGRAM_SHA256) return { path };
  await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  const temporary = await Deno.makeTempDir({ dir: directory, prefix: "fetch-" });
  try {
    const packed = await run("npm", ["pack", "--silent", "--pack-destination", temporary, PACKAGE]);
    if (packed !== undefined) return { reason: `${PACKAGE} could not be downloaded: ${packed}` };
    const [archive] = [...Deno.readDirSync(temporary)].filter(({ name }) => name.endsWith(".tgz"));
    const file = `${temporary}/${archive?.name}`;
    if (await digestOf(file, "sha512", "base64") !== PACKAGE_SHA512) {
      throw new Error(`Cannot use ${PACKAGE}: it is not the package whose digest is pinned`);
    }
    const unpacked = await run("tar", ["-xzf", file, "-C", temporary, "package/deno"]);
    if (unpacked !== undefined) return { reason: `${PACKAGE} could not be unpacked: ${unpacked}` };
    if (await digestOf(`${temporary}/package/deno`, "sha256", "hex") !== PROGRAM_SHA256) {
      throw new Error(`Cannot use ${PACKAGE}: its program is not the one whose digest is pinned`);
    }
    await Deno.chmod(`${temporary}/package/deno`, 0o700);
    await Deno.rename(`${temporary}/package/deno`, path);
    return { path };
  } finally {
    await Deno.remove(temporary, { recursive: true });
  }
}

function cacheDirectory(): string | undefined {
  const cache = Deno.env.get("XDG_CACHE_HOME");
  const home = Deno.env.get("HOME");
  if (cache?.startsWith("/")) return `${cache}/hamlet`;
  return home ? `${home}/.cache/hamlet` : undefined;
}

async function digestOf(
  path: string,
  algorithm: "sha256" | "sha512",
  encoding: "hex" | "base64",
): Promise<string | undefined> {
  try {
    using file = await Deno.open(path);
    const hash = createHash(algorithm);
    for await (const chunk of file.readable) hash.update(chunk);
    return hash.digest(encoding);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function firstThatRuns(programs: readonly string[]): Promise<string | undefined> {
  for (const program of programs) {
    if (await run(program, ["--version"]) === undefined) return program;
  }
  return undefined;
}

/** Runs a program to its end; what went wrong, or `undefined` when nothing did. */
async function run(program: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { success, code, stderr } = await new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
      signal: AbortSignal.timeout(DOWNLOAD_MS),
    }).output();
    const [said = ""] = new TextDecoder().decode(stderr).trim().split("\n").slice(-1);
    return success ? undefined : `${program} ended with ${code}: ${said}`;
  } catch (error) {
    return error instanceof Deno.errors.NotFound ? `${program} is not installed` : String(error);
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
