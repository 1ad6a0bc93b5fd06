/** `SHA256SUMS` of a directory, in the form that `sha256sum --check` reads. */

import { createHash } from "node:crypto";

export const SUMS_FILE = "SHA256SUMS";
const LINE = /^([0-9a-f]{64}) [ *](\S.*)$/;

/** Puts the sums of `names` into the directory's list; files that are gone leave it. */
export async function updateSums(directory: string, names: readonly string[]): Promise<void> {
  const path = `${directory}/${SUMS_FILE}`;
  const sums = readSums(await Deno.readTextFile(path).catch(() => ""));
  for (const name of sums.keys()) {
    if (!(await Deno.stat(`${directory}/${name}`).catch(() => undefined))) sums.delete(name);
  }
  for (const name of names) sums.set(name, await sha256(`${directory}/${name}`));
  const lines = [...sums].toSorted(([a], [b]) => a < b ? -1 : 1);
  await Deno.writeTextFile(path, lines.map(([name, sum]) => `${sum}  ${name}\n`).join(""));
}

/** The list's sums by name; lines of another form are left out. */
export function readSums(text: string): Map<string, string> {
  const sums = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, sum, name] = LINE.exec(line) ?? [];
    if (sum !== undefined && name !== undefined) sums.set(name, sum);
  }
  return sums;
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  using file = await Deno.open(path);
  for await (const piece of file.readable) hash.update(piece);
  return hash.digest("hex");
}
