/**
 * The machines that the program is built for, by the names that compilers give them, and how to tell what machine
 * a program is for.
 */

/** A target triple of `deno compile`. */
export type Target = typeof TARGETS[number];

export const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
] as const;

/** As many bytes of a program as {@link targetOf} looks at. */
export const MAGIC_BYTES = 20;

/** Magic, offset of the machine's number, and the number, little-endian: from the headers of ELF and Mach-O. */
const MAGICS: readonly (readonly [magic: string, at: number, machine: number, target: Target])[] = [
  ["7f454c46", 18, 0x3e, "x86_64-unknown-linux-gnu"],
  ["7f454c46", 18, 0xb7, "aarch64-unknown-linux-gnu"],
  ["cffaedfe", 4, 0x07, "x86_64-apple-darwin"],
  ["cffaedfe", 4, 0x0c, "aarch64-apple-darwin"],
];

/** What machine a program is for, by its first {@link MAGIC_BYTES}; `undefined` for what is none that we know. */
export function targetOf(head: Uint8Array): Target | undefined {
  if (head.length < MAGIC_BYTES) return undefined;
  const magic = head.subarray(0, 4).toHex();
  return MAGICS.find((each) => each[0] === magic && head[each[1]] === each[2])?.[3];
}

/** The file that is built: `hamlet-0.1.0-x86_64-unknown-linux-gnu`, and so on. */
export function fileNameOf(
  version: string,
  target: Target,
  { isPortable = false } = {},
): string {
  const suffix = isPortable ? "-portable" : target.includes("windows") ? ".exe" : "";
  return `hamlet-${version}-${target}${suffix}`;
}
