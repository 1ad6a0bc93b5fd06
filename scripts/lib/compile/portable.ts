/**
 * One file that carries the runtime and the program: text for the shell, then a compressed archive. At its first start
 * it unpacks itself into the user's cache; `portable.sh` tells how.
 *
 * ```
 * #!/bin/sh LF | sum= SHA-256 of the rest LF | constants, portable.sh | tar.gz: hamlet (the runtime), main.js, …
 * ```
 */

import { createHash } from "node:crypto";
import { createTar } from "nanotar";
import { PERMISSION_FLAGS } from "../../../src/base/permissions.ts";
import { FEATURE_FLAGS, SEALED_FLAGS } from "../../../src/base/self.ts";
import { VERSION } from "../../../src/cli/version.ts";
import type { ProgramFile } from "./bundle.ts";
import { CompileError } from "./failure.ts";
import { MAGIC_BYTES, type Target, targetOf } from "./targets.ts";

/** What the runtime is called in the cache: that is the name which `ps` shows. */
export const RUNTIME_FILE = "hamlet";
const ID_LENGTH = 16;
const MEGABYTE = 2 ** 20;
const encoder = new TextEncoder();

/** The runtime to put in, and the machine that it is for. */
export interface Runtime {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly target: Target & { readonly system: string };
}

/** Reads the executable of a runtime. Throws {@link CompileError} when it is none for Linux or macOS. */
export async function readRuntime(path: string): Promise<Runtime> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = await Deno.readFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/[:;].*$/s, "") : "unknown";
    throw new CompileError(`Cannot read the runtime ${path}: ${reason}`, { cause: error });
  }
  const target = targetOf(bytes.subarray(0, MAGIC_BYTES));
  const { system } = target ?? {};
  if (!target || system === undefined) {
    throw new CompileError(
      `Cannot use the runtime ${path}: it is no executable for 64-bit Linux or macOS`,
    );
  }
  return { bytes, target: { ...target, system } };
}

/** The whole file. */
export async function buildPortable(
  runtime: Runtime,
  program: readonly ProgramFile[],
): Promise<Uint8Array<ArrayBuffer>> {
  const files = [{ name: RUNTIME_FILE, bytes: runtime.bytes }, ...program];
  const archive = await compress(archiveOf(files));
  const script = await Deno.readTextFile(new URL("./portable.sh", import.meta.url));
  const body = portableHeader(script, { target: runtime.target, files, archive });
  const sum = createHash("sha256").update(body).update(archive).digest("hex");
  return concat([encoder.encode(`#!/bin/sh\nsum=${sum}\n`), body, archive]);
}

interface HeaderFacts {
  readonly target: Runtime["target"];
  readonly files: readonly ProgramFile[];
  readonly archive: Uint8Array;
}

/** `#!/bin/sh LF sum=` and 64 digits and a line feed. */
const START_BYTES = 79;

/** Everything between the second line and the archive. */
export function portableHeader(script: string, facts: HeaderFacts): Uint8Array<ArrayBuffer> {
  // The header tells its own length, which depends on how many digits that has.
  let length = 0;
  for (;;) {
    const header = encoder.encode(headerText(script, facts, START_BYTES + length));
    if (header.length === length) return header;
    length = header.length;
  }
}

function headerText(script: string, { target, files, archive }: HeaderFacts, before: number) {
  const constants = {
    id: contentId(files),
    bytes: before + archive.length,
    archive: before + 1,
    system: quote(target.system),
    file_count: files.length,
    files: quote(` ${files.map(({ name, bytes }) => `${bytes.length}:${name}`).join(" ")} `),
  };
  const room = files.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const values: Readonly<Record<string, string>> = {
    VERSION,
    SYSTEM: target.system,
    CACHE: target.cache ?? "",
    NEEDS: target.needs ?? "",
    ROOM_MB: String(Math.ceil(room / MEGABYTE)),
    FLAGS: [...SEALED_FLAGS, ...FEATURE_FLAGS, ...PERMISSION_FLAGS].map(quote).join(" "),
  };
  const lines = Object.entries(constants).map(([name, value]) => `${name}=${value}\n`).join("");
  return lines + script.replaceAll(/@([A-Z_]+)@/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new RangeError(`Cannot fill @${name}@: there is no such value`);
    return value;
  });
}

/** Follows from every file's name and content: another content is another directory of the cache. */
export function contentId(files: readonly ProgramFile[]): string {
  const hash = createHash("sha256");
  for (const { name, bytes } of files) {
    hash.update(`${createHash("sha256").update(bytes).digest("hex")} ${name}\n`);
  }
  return hash.digest("hex").slice(0, ID_LENGTH);
}

/** `text` as one word of the shell. */
export function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function archiveOf(files: readonly ProgramFile[]): Uint8Array<ArrayBuffer> {
  const owner = { uid: 0, gid: 0, user: "root", group: "root", mtime: 0 };
  return new Uint8Array(createTar(files.map(({ name, bytes }) => ({
    name,
    data: bytes,
    attrs: { ...owner, mode: name === RUNTIME_FILE ? "700" : "600" },
  }))));
}

async function compress(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
