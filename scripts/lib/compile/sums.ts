/** `SHA256SUMS`, as `sha256sum --check` reads it. */

import { createHash } from "node:crypto";

const NAME = "SHA256SUMS";
const LINE = /^([0-9a-f]{64}) [ *](.+)$/;

/** Writes the sums of `files` in `directory`; those of other files that are still there stay. */
export async function writeSums(directory: string, files: readonly string[]): Promise<void> {
  const path = `${directory}/${NAME}`;
  const sums = readSums(await Deno.readTextFile(path).catch(() => ""));
  for (const file of sums.keys()) {
    if (!await Deno.stat(`${directory}/${file}`).catch(() => undefined)) sums.delete(file);
  }
  for (const file of files) sums.set(file, await sumOf(`${directory}/${file}`));
  await Deno.writeTextFile(path, formatSums(sums));
}

/** Sums by file name; lines that are none are left out. */
export function readSums(text: string): Map<string, string> {
  return new Map(
    text.split("\n").flatMap((line) => {
      const [, sum, file] = LINE.exec(line) ?? [];
      return sum !== undefined && file !== undefined ? [[file, sum] as const] : [];
    }),
  );
}

/** The file's text, by name. */
export function formatSums(sums: ReadonlyMap<string, string>): string {
  const lines = [...sums].sort(([a], [b]) => a < b ? -1 : 1);
  return lines.map(([file, sum]) => `${sum}  ${file}\n`).join("");
}

async function sumOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of (await Deno.open(path)).readable) hash.update(chunk);
  return hash.digest("hex");
}
