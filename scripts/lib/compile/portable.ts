/**
 * A self-extracting program: a POSIX shell script (`portable.sh`), and behind its last line the runtime and the bundle,
 * compressed.
 *
 * ```
 * #!/bin/sh ... | gzip(runtime) | gzip(tar(bundle))
 * └─ SHA-256 of all of this stands in the script, in the one line that it leaves out ─┘
 * ```
 */

import { FEATURE_FLAGS, SEALED_FLAGS } from "../../../src/base/self.ts";
import { PERMISSION_FLAGS } from "../../../src/base/permissions.ts";
import type { Target } from "./targets.ts";

/** What a portable file is made of. */
export interface PortableParts {
  readonly version: string;
  readonly target: Target;
  /** The script with its places still to be filled in. */
  readonly template: string;
  /** As it is, bytes; and compressed. */
  readonly runtimeBytes: number;
  readonly runtime: Uint8Array<ArrayBuffer>;
  /** The bundle as a compressed archive. */
  readonly program: Uint8Array<ArrayBuffer>;
}

const HASH_DIGITS = 64;

/** How the runtime is started: with the permissions of every other build, and nothing that a surrounding could change. */
export const RUNTIME_ARGUMENTS: readonly string[] = Object.freeze([
  "run",
  "--quiet",
  ...SEALED_FLAGS,
  ...FEATURE_FLAGS,
  ...PERMISSION_FLAGS,
]);

/** The file, in the order in which it is written. */
export async function assemblePortable(
  parts: PortableParts,
): Promise<readonly Uint8Array<ArrayBuffer>[]> {
  const { runtime, program } = parts;
  const payload = new Uint8Array(runtime.length + program.length);
  payload.set(runtime);
  payload.set(program, runtime.length);
  // No longer than any other hash, so that all offsets are those of the file.
  const draft = headerOf(parts, "0".repeat(HASH_DIGITS));
  const covered = new Blob([withoutHash(draft), payload]);
  const digest = await crypto.subtle.digest("SHA-256", await covered.arrayBuffer());
  return [headerOf(parts, new Uint8Array(digest).toHex()), payload];
}

/** The script but for the line that tells the hash. */
function withoutHash(header: Uint8Array<ArrayBuffer>): string {
  return new TextDecoder().decode(header).replace(/^hash=.*\n/m, "");
}

/** The script, whose offsets depend on its own length. */
function headerOf(parts: PortableParts, hash: string): Uint8Array<ArrayBuffer> {
  const { version, target, template, runtimeBytes, runtime, program } = parts;
  const fill = (headerLength: number) =>
    new TextEncoder().encode(fillIn(template, {
      VERSION: version,
      TARGET: target,
      HASH: hash,
      SIZE: headerLength + runtime.length + program.length,
      // `tail -c +N` counts from one.
      RUNTIME_AT: headerLength + 1,
      RUNTIME_SIZE: runtime.length,
      RUNTIME_BYTES: runtimeBytes,
      PROGRAM_AT: headerLength + runtime.length + 1,
      PROGRAM_SIZE: program.length,
      ARGUMENTS: RUNTIME_ARGUMENTS.map(quoted).join(" "),
    }));
  let header = fill(template.length);
  // Longer numbers make it longer, at most twice.
  for (let length = -1; length !== header.length;) {
    length = header.length;
    header = fill(length);
  }
  return header;
}

/** `template` with each `@NAME@` filled in. Throws `TypeError` for one that nobody knows. */
export function fillIn(
  template: string,
  values: Readonly<Record<string, string | number>>,
): string {
  return template.replaceAll(/@([A-Z_]+)@/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new TypeError(`Cannot fill in @${name}@: it is not known`);
    return String(value);
  });
}

/** As one word of the shell. */
function quoted(word: string): string {
  return /^[\w=,.:/-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
