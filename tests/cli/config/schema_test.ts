/** The schema beside the parser, judged by a validator that shares no code with either. */

import { Ajv } from "ajv";
import { assert, assertEquals } from "@std/assert";
import { parse as parseJsonc, type ParseError } from "jsonc-parser";
import { seededRandom } from "../../../src/base/random.ts";
import { parseConfig } from "../../../src/cli/config/file.ts";
import { configSchema } from "../../../src/cli/config/schema.ts";
import { jsonOfText } from "../../../src/cli/config/setting.ts";
import { SETTING_NAMES, SETTINGS } from "../../../src/cli/config/settings.ts";
import { configTemplate } from "../../../src/cli/config/template.ts";
import { fuzzSeed } from "../../testing/mutate.ts";

const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(configSchema());

function agentTakes(json: unknown): boolean {
  const text = JSON.stringify(json);
  return parseConfig({ text, path: "f", resolvePath: (path) => path }).problems.length === 0;
}

Deno.test("configSchema() is what hamlet.schema.json says", async () => {
  const url = new URL("../../../hamlet.schema.json", import.meta.url);
  const text = await Deno.readTextFile(url);
  // To make it anew: deno run -A main.ts config --schema > hamlet.schema.json
  assertEquals(text, JSON.stringify(configSchema(), null, 2) + "\n");
});

Deno.test("configSchema() and the agent take the same files", () => {
  const files: readonly unknown[] = [
    {},
    { $schema: "./hamlet.schema.json" },
    { port: 0, open: true, sweep: false, mdns: "off", known: true, legacy: "any" },
    { peer: "a:1" },
    { peer: ["192.168.1.20", "[fe80::1]:9100"], "dht-bootstrap": ["router.example:6881"] },
    { "max-up": 0, "max-down": "off" },
    { "max-up": "1.5Mbps", "max-down": 8_000, "max-file": "2GiB" },
    { "rate-limit": 20, "max-unverified": "50:2", "max-connections": 65_535 },
    { name: " Küche ", network: "Elm Street 🏠", inbox: "off", log: "json", "log-level": "warn" },
  ];
  for (const file of files) {
    assertEquals([validate(file), agentTakes(file)], [true, true], JSON.stringify(file));
  }
});

Deno.test("configSchema() and the agent refuse the same files", () => {
  const files: readonly unknown[] = [
    [],
    3,
    { lgacy: "off" },
    { state: "/x" },
    { $schema: 3 },
    { port: "9000" },
    { port: 65_536 },
    { port: 1.5 },
    { port: null },
    { open: 1 },
    { open: "yes" },
    { mdns: null },
    { legacy: "lann" },
    { legacy: true },
    { peer: 5 },
    { peer: [["a:1"]] },
    { peer: Array(257).fill("a:1") },
    { "dht-bootstrap": ["router.example"] },
    { "max-up": "fast" },
    { "max-up": 7_999 },
    { "max-up": true },
    { "max-file": 0 },
    { "max-file": "10Mbit" },
    { "rate-limit": 0 },
    { "rate-limit": "1:2:3" },
    { "max-connections": 7 },
    { name: " " },
    { name: "n".repeat(33) },
    { listen: "" },
    { inbox: false },
  ];
  for (const file of files) {
    assertEquals([validate(file), agentTakes(file)], [false, false], JSON.stringify(file));
  }
});

Deno.test("configSchema() refuses nothing that the agent takes", () => {
  const seed = fuzzSeed();
  const random = seededRandom(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random.next() * items.length)] as T;
  const numbers = [0, -0, 1, 7, 8, 50, 101, 7_999, 8_000, 10_000.5, 65_535, 65_536, 1e12, 1e15, -1];
  const texts = [
    ...["", " ", "off", "on", "none", "0", "1", "5:7", "8k", "10M", "10Mbit/s", "1.5Mbps", "2GiB"],
    ...[
      "500M",
      "a:1",
      "a",
      " a:1 ",
      "[::1]:5",
      "::1",
      "[::1]",
      "x y",
      "/srv",
      "~/x",
      "50%",
      "300%",
    ],
    ...["22:00-06:00", "22:00-6:0", "a=b", "a=", "fitness=python3 f.py", "json", "idle", "noble"],
    ...["n".repeat(32), "🏠".repeat(16), " Küche ", "a\nb", "debug", "lan", "any", "90s", "1d"],
  ];
  const scalar = () => pick<unknown>([pick(numbers), pick(texts), pick(texts), true, false, null]);
  let taken = 0;
  for (let round = 0; round < 20_000; round++) {
    const name = pick(SETTING_NAMES);
    const value = random.next() < 0.2 ? [scalar(), scalar()] : scalar();
    const file = { [name]: value };
    if (!agentTakes(file)) continue;
    taken++;
    assert(validate(file), `HAMLET_FUZZ_SEED=${seed}: ${JSON.stringify(file)}`);
  }
  assert(taken > 2_000, `only ${taken} were taken`);
});

Deno.test("configTemplate() sets nothing, and every line of it can be taken in", () => {
  const template = configTemplate();
  const isWide = (line: string) => line.length > 80;
  assertEquals(template.split("\n").filter(isWide), []);
  const read = (text: string) => parseConfig({ text, path: "f", resolvePath: (path) => path });
  assertEquals([read(template).problems, read(template).entries.size], [[], 0]);

  const all = template.replaceAll(/^ {2}\/\/ (?=")/gm, "  ");
  const { problems, entries } = read(all);
  assertEquals(problems, []);
  assertEquals([...entries.keys()], [...SETTING_NAMES]);

  const errors: ParseError[] = [];
  const values: unknown = parseJsonc(all, errors, { allowTrailingComma: true });
  assertEquals([errors, validate(values)], [[], true]);
  for (const name of SETTING_NAMES) {
    const { fallback, form } = SETTINGS[name];
    const value = (values as Record<string, unknown>)[name];
    if (fallback !== undefined) assertEquals(value, jsonOfText(form, fallback), name);
  }
});
