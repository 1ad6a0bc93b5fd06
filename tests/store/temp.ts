/** A directory that exists while a test runs. */
export async function withDirectory(use: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempDir({ prefix: "hamlet_test_" });
  try {
    await use(path);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

/** Names of what is in `path`, sorted. */
export async function namesIn(path: string): Promise<readonly string[]> {
  const names = await Array.fromAsync(Deno.readDir(path), ({ name }) => name);
  return names.sort();
}

/** The permission bits of `path`; `undefined` where the system has none. */
export async function modeOf(path: string): Promise<number | undefined> {
  const { mode } = await Deno.stat(path);
  return mode === null || Deno.build.os === "windows" ? undefined : mode & 0o777;
}

/** What tests of files are given. */
export const FILES = { permissions: { read: true, write: true } } as const;
