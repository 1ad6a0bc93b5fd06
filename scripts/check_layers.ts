/**
 * Proves that imports point to a lower rank or stay in their folder, type-only imports included, from the
 * module graph that `deno info` prints. The table is the one in ARCHITECTURE.md.
 *
 * deno run -A scripts/check_layers.ts
 */

import { fileURLToPath } from "node:url";
import { Fields, isObject } from "../src/base/guards.ts";

/** Rooms by rank. Rooms of one rank never import each other. */
const RANKS: Readonly<Record<string, number>> = {
  base: 0,
  net: 1,
  store: 1,
  wire: 2,
  discovery: 3,
  noise: 3,
  channel: 4,
  trust: 4,
  node: 5,
  gossip: 6,
  mesh: 6,
  host: 7,
  service: 7,
  work: 7,
  agent: 8,
  control: 9,
  demo: 10,
  cli: 11,
};

const root = fileURLToPath(new URL("..", import.meta.url));
const src = `${root}src/`;

/** An import between two files, as paths below `src/`. */
interface Import {
  readonly from: string;
  readonly to: string;
}

async function main(): Promise<number> {
  const files = await sourceFiles(src);
  const imports = new Map<string, readonly Import[]>(await readGraph(`${root}main.ts`));
  for (const file of files) {
    if (!imports.has(file)) {
      for (const entry of await readGraph(src + file)) imports.set(...entry);
    }
  }
  const all = [...imports.values()].flat();
  const wrong = [
    ...files.filter((file) => !(roomOf(file) in RANKS)).map((file) => `${file}: no such room`),
    ...all.flatMap(({ from, to }) => {
      const reason = complaint(roomOf(from), roomOf(to));
      return reason ? [`${from} imports ${to}: ${reason}`] : [];
    }),
  ];
  for (const line of new Set(wrong)) console.error(line);
  console.log(`layers: ${files.length} files, ${all.length} imports, ${wrong.length} wrong`);
  return wrong.length === 0 ? 0 : 1;
}

function complaint(from: string, to: string): string | undefined {
  const [fromRank, toRank] = [RANKS[from] ?? -1, RANKS[to] ?? Infinity];
  if (from === to || toRank < fromRank) return undefined;
  return `${from} (rank ${fromRank}) may import lower ranks only, ${to} has ${toRank}`;
}

/** The room of a path below `src/`. */
function roomOf(path: string): string {
  return path.split("/")[0] ?? "";
}

/** What each file of `src/` in the graph of `entry` imports from `src/`. */
async function readGraph(
  entry: string,
): Promise<readonly (readonly [string, readonly Import[]])[]> {
  const command = new Deno.Command(Deno.execPath(), { args: ["info", "--json", entry], cwd: root });
  const { stdout, success } = await command.output();
  if (!success) throw new Error(`Cannot read the module graph of ${entry}`);
  const graph = Fields.of(JSON.parse(new TextDecoder().decode(stdout)), "graph");
  return graph.list("modules", { maxItems: 100_000 }).filter(isObject).flatMap((module) => {
    const from = below(module["specifier"]);
    return from === undefined ? [] : [[from, importsOf(from, module["dependencies"])] as const];
  });
}

function importsOf(from: string, dependencies: unknown): readonly Import[] {
  if (!Array.isArray(dependencies)) return [];
  return dependencies.filter(isObject).flatMap(({ code, type }) =>
    [code, type].flatMap((target) => {
      const to = isObject(target) ? below(target["specifier"]) : undefined;
      return to === undefined ? [] : [{ from, to }];
    })
  );
}

function below(specifier: unknown): string | undefined {
  if (typeof specifier !== "string" || !specifier.startsWith("file://")) return undefined;
  const path = fileURLToPath(specifier);
  return path.startsWith(src) ? path.slice(src.length).replaceAll("\\", "/") : undefined;
}

async function sourceFiles(directory: string): Promise<readonly string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(directory)) {
    const path = `${directory}${entry.name}`;
    if (entry.isDirectory) files.push(...await sourceFiles(`${path}/`));
    else if (entry.name.endsWith(".ts")) files.push(path.slice(src.length).replaceAll("\\", "/"));
  }
  return files.sort();
}

if (import.meta.main) Deno.exit(await main());
