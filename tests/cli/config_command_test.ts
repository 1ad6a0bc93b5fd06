/** `hamlet config`, as people and programs read it. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { COMMANDS } from "../../src/cli/commands.ts";
import { type ConfigView, renderConfig, run, viewSettings } from "../../src/cli/commands/config.ts";
import { configSchema } from "../../src/cli/config/schema.ts";
import { SETTING_NAMES } from "../../src/cli/config/settings.ts";
import { configTemplate } from "../../src/cli/config/template.ts";
import { parseFlags } from "../../src/cli/flags.ts";

const CONFIG = COMMANDS.find(({ name }) => name === "config")?.flags ?? [];

async function config(...args: string[]) {
  let out = "";
  const flags = parseFlags(args, CONFIG, "config");
  const code = await run({ flags, write: (text) => out += text });
  return { code, out };
}

async function withFile(text: string, use: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile({ prefix: "hamlet-", suffix: ".json" });
  try {
    await Deno.writeTextFile(path, text);
    await use(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("hamlet config says of each setting what it is and where from", async () => {
  await withFile('{\n  "port": 9100,\n  "mdns": false,\n  "peer": ["a:1"]\n}', async (path) => {
    const args = ["--config", path, "--state", "/srv/h", "--log", "json", "--no-sweep", "--json"];
    const { code, out } = await config(...args);
    const view: ConfigView = JSON.parse(out);
    assertEquals([code, view.file, view.looked_for], [0, path, [path]]);
    assertEquals(view.settings.map(({ name }) => name), [...SETTING_NAMES]);
    const told = Object.fromEntries(
      view.settings.map(({ name, value, source, at }) => [name, [value, source, at]]),
    );
    assertEquals(told["port"], [9100, "file", `${path}:2:11`]);
    assertEquals(told["mdns"], [false, "file", `${path}:3:11`]);
    assertEquals(told["peer"], [["a:1"], "file", `${path}:4:11`]);
    assertEquals(told["log"], ["json", "flag", "--log"]);
    assertEquals(told["sweep"], [false, "flag", "--no-sweep"]);
    assertEquals(told["dht"], [false, "default", null]);
    assertEquals(told["max-connections"], [4608, "default", null]);
    assertEquals(told["name"], [null, "default", null]);
    const name = view.settings.find((each) => each.name === "name");
    assertEquals(name?.default, "its host name");
  });
});

Deno.test("hamlet config --check says all that is wrong, or how much is right", async () => {
  await withFile('{"prt": 1,\n"open": 2}', async (path) => {
    for (const args of [["--check", path], ["--check", "--config", path]]) {
      assertEquals(await config(...args), {
        code: 2,
        out: `${path}:1:2: unknown setting "prt"; did you mean "port"?\n` +
          `${path}:2:9: "open" takes true or false, not a number\n`,
      });
    }
    await Deno.writeTextFile(path, '{"port": 1, /* x */ "open": false}');
    assertEquals(await config("--check", path), { code: 0, out: `${path}: right, 2 settings\n` });
  });
});

Deno.test("hamlet config prints the template and the schema", async () => {
  assertEquals(await config("--template"), { code: 0, out: configTemplate() });
  assertEquals(JSON.parse((await config("--schema")).out), configSchema());
});

Deno.test("renderConfig() puts first what was chosen, in 80 columns but for places", {
  permissions: "none",
}, () => {
  const flags = parseFlags(["--port", "9100", "--peer", "a:1", "--peer", "b:2"], CONFIG, "config");
  const settings = viewSettings(flags, { os: "linux", env: () => undefined });
  const text = renderConfig({
    file: null,
    looked_for: ["/home/u/hamlet.json"],
    warnings: [`the variable HAMLET_PROT means nothing; ${"word ".repeat(20)}`],
    settings,
  });
  const [chosen = "", defaults = ""] = text.split("\nDefaults:\n");
  assertMatch(chosen, /\n {2}peer {2}a:1, b:2 {2}\(--peer\)\n {2}port {2}9100 {2}\(--port\)\n/);
  assertStringIncludes(chosen, "none; it is looked for in\n  /home/u/hamlet.json\n");
  assertStringIncludes(chosen, "Warning: the variable HAMLET_PROT means nothing;");
  assertMatch(defaults, / {2}legacy +lan\n/);
  assertMatch(defaults, / {2}name +its host name\n/);
  assertEquals(/^ {2}port /m.test(defaults), false);
  for (const line of text.split("\n")) assert(line.length <= 80, line);
});
