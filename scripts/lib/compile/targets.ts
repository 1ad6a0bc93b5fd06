/** The machines that one file can be made for, by the names that the compiler gives them. */

import { nearest } from "../../../src/cli/nearest.ts";

export interface Target {
  /** As `deno compile --target` takes it. */
  readonly name: string;
  /** What `uname -sm` says there; absent where there is no such command. */
  readonly system?: string;
  /** Where a user's cache is, from home. */
  readonly cache?: string;
  /** What the runtime needs besides the kernel, in words. */
  readonly needs?: string;
}

const LINUX_CACHE = ".cache/hamlet";
const MACOS_CACHE = "Library/Caches/hamlet";

export const TARGETS: readonly Target[] = Object.freeze([
  {
    name: "x86_64-unknown-linux-gnu",
    system: "Linux x86_64",
    cache: LINUX_CACHE,
    needs: "glibc 2.27 or later for x86_64",
  },
  {
    name: "aarch64-unknown-linux-gnu",
    system: "Linux aarch64",
    cache: LINUX_CACHE,
    needs: "glibc 2.27 or later for 64-bit ARM",
  },
  { name: "x86_64-apple-darwin", system: "Darwin x86_64", cache: MACOS_CACHE, needs: "macOS 12" },
  { name: "aarch64-apple-darwin", system: "Darwin arm64", cache: MACOS_CACHE, needs: "macOS 12" },
  { name: "x86_64-pc-windows-msvc" },
]);

/** The target of that name. Throws `RangeError` that names the nearest. */
export function findTarget(name: string): Target {
  const found = TARGETS.find((target) => target.name === name);
  if (found) return found;
  const names = TARGETS.map((target) => target.name);
  const guess = nearest(name, names);
  throw new RangeError(
    `unknown target "${name}"; ${
      guess ? `did you mean ${guess}?` : `there are ${names.join(", ")}`
    }`,
  );
}

/** First bytes and machine of an executable: ELF, and Mach-O of 64 bits in the order of both machines. */
const MAGIC: readonly (readonly [
  target: string,
  ...facts: (readonly [at: number, bytes: readonly number[]])[],
])[] = [
  // Elf64_Ehdr: EI_MAG, EI_CLASS 2, EI_DATA 1; e_machine at 18: EM_X86_64, EM_AARCH64.
  ["x86_64-unknown-linux-gnu", [0, [0x7f, 0x45, 0x4c, 0x46, 2, 1]], [18, [62, 0]]],
  ["aarch64-unknown-linux-gnu", [0, [0x7f, 0x45, 0x4c, 0x46, 2, 1]], [18, [183, 0]]],
  // mach_header_64: MH_MAGIC_64, then cputype CPU_TYPE_X86_64, CPU_TYPE_ARM64.
  ["x86_64-apple-darwin", [0, [0xcf, 0xfa, 0xed, 0xfe, 0x07, 0, 0, 0x01]]],
  ["aarch64-apple-darwin", [0, [0xcf, 0xfa, 0xed, 0xfe, 0x0c, 0, 0, 0x01]]],
];

/** How many of an executable's first bytes tell its target. */
export const MAGIC_BYTES = 20;

/** The target whose executables begin like `start`; `undefined` for anything else. */
export function targetOf(start: Uint8Array): Target | undefined {
  const found = MAGIC.find(([, ...facts]) =>
    facts.every(([at, bytes]) => bytes.every((byte, index) => start[at + index] === byte))
  );
  return found && findTarget(found[0]);
}
