import { assert, assertEquals, assertMatch } from "@std/assert";
import { LOG_LEVELS } from "../../../src/base/log.ts";
import { COMMANDS } from "../../../src/cli/commands.ts";
import { DEFAULT_PORTS, readUpConfig } from "../../../src/cli/config.ts";
import { jsonOfText, textOfJson, variableOf } from "../../../src/cli/config/setting.ts";
import { isSettingName, SETTING_NAMES, SETTINGS } from "../../../src/cli/config/settings.ts";
import { chooseSource, type Surroundings } from "../../../src/cli/config/sources.ts";
import { type GivenFlags, parseFlags } from "../../../src/cli/flags.ts";
import { DEFAULT_RATE_LIMIT } from "../../../src/discovery/rate_limit.ts";
import { LEGACY_POLICIES } from "../../../src/discovery/responder.ts";
import { DEFAULT_REGISTRY } from "../../../src/mesh/registry.ts";
import { DEFAULT_MAX_CONNECTIONS } from "../../../src/node/node.ts";
import { MAX_NAME_LENGTH } from "../../../src/trust/certificate.ts";

const PURE = { permissions: "none" } as const;
const UP = COMMANDS.find(({ name }) => name === "up")?.flags ?? [];

function flagsOf(...args: string[]): GivenFlags {
  return parseFlags(args, UP, "up");
}

function surroundings(rest: Partial<Surroundings> & { vars?: Record<string, string> } = {}) {
  const vars: Record<string, string> = { HOME: "/home/u", ...rest.vars };
  return { os: "linux", env: (name: string) => vars[name], ...rest };
}

Deno.test("SETTINGS fall back to what the layers have as their defaults", PURE, () => {
  const config = readUpConfig(flagsOf(), surroundings());
  assertEquals(config.rateLimit, DEFAULT_RATE_LIMIT);
  assertEquals(config.registry, DEFAULT_REGISTRY);
  assertEquals(config.limits.maxConnections, DEFAULT_MAX_CONNECTIONS);
  assertEquals(config.ports, DEFAULT_PORTS);
});

Deno.test("SETTINGS know the words and the bounds of the layers", PURE, () => {
  assertEquals(SETTINGS["legacy"].form.value.split("|"), [...LEGACY_POLICIES]);
  assertEquals(SETTINGS["log-level"].form.value.split("|"), [...LOG_LEVELS]);
  const longest = "n".repeat(MAX_NAME_LENGTH);
  assertEquals(readUpConfig(flagsOf("--name", longest), surroundings()).deviceName, longest);
});

Deno.test("SETTINGS are flags of hamlet up, and keys that no prototype has", PURE, () => {
  for (const name of SETTING_NAMES) {
    assertMatch(name, /^[a-z][a-z-]*[a-z]$/);
    assertMatch(variableOf(name), /^HAMLET_[A-Z_]+$/);
    assert(UP.some((flag) => flag.name === name), name);
  }
  for (const name of ["__proto__", "constructor", "toString", "", "Port"]) {
    assertEquals(isSettingName(name), false, name);
  }
});

Deno.test("SETTINGS have fallbacks and examples that they take, as text and as JSON", PURE, () => {
  for (const name of SETTING_NAMES) {
    const { form, fallback, example, kind } = SETTINGS[name];
    for (const text of [example, ...(fallback === undefined ? [] : [fallback])]) {
      SETTINGS[name].read([{ text, source: name }]);
      assertEquals(textOfJson(form, jsonOfText(form, text)), text, name);
    }
    if (kind !== "list") {
      assertEquals(fallback === undefined, SETTINGS[name].otherwise !== undefined);
    }
  }
});

Deno.test("chooseSource() prefers the flag, then the variable, then the file", PURE, () => {
  const place = "/f.json:3:9";
  const entry = { given: [{ text: "3", source: `${place}: "port"` }], place };
  const file = { path: "/f.json", entries: new Map([["port" as const, entry]]) };
  const vars = { HAMLET_PORT: "2" };
  const from = (args: string[], rest: Parameters<typeof surroundings>[0]) => {
    const { given, origin } = chooseSource("port", flagsOf(...args), surroundings(rest));
    return [given.map(({ text }) => text).join(), origin];
  };
  assertEquals(from(["--port", "1"], { file, vars }), ["1", { kind: "flag", at: "--port" }]);
  assertEquals(from([], { file, vars }), ["2", { kind: "env", at: "HAMLET_PORT" }]);
  assertEquals(from([], { file }), ["3", { kind: "file", at: place }]);
  assertEquals(from([], { file, vars: { HAMLET_PORT: "" } }), ["3", { kind: "file", at: place }]);
  assertEquals(from([], {}), ["", { kind: "default" }]);
});

Deno.test("chooseSource() lets --no-open and a variable have the last word", PURE, () => {
  const entry = { given: [{ text: "on", source: "f" }], place: "f" };
  const file = { path: "f", entries: new Map([["open" as const, entry]]) };
  const isOpen = (args: string[], vars = {}) =>
    readUpConfig(flagsOf(...args), surroundings({ file, vars })).isOpen;
  assertEquals(isOpen([]), true);
  assertEquals(isOpen(["--no-open"]), false);
  assertEquals(isOpen([], { HAMLET_OPEN: "off" }), false);
  assertEquals(isOpen(["--open"], { HAMLET_OPEN: "off" }), true);
});

Deno.test(
  "chooseSource() takes lists from one source only, and keeps commas of commands",
  PURE,
  () => {
    const given = (name: "peer" | "worker", args: string[], vars: Record<string, string>) =>
      chooseSource(name, flagsOf(...args), surroundings({ vars })).given.map(({ text }) => text);
    assertEquals(given("peer", ["--peer", "a:1"], { HAMLET_PEER: "b:2,c:3" }), ["a:1"]);
    assertEquals(given("peer", [], { HAMLET_PEER: " b:2 ,,c:3," }), ["b:2", "c:3"]);
    const workers = ['a=["p","x,y"]', "b=q"];
    assertEquals(given("worker", [], { HAMLET_WORKER: workers.join("\n") }), workers);
  },
);
