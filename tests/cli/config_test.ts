import { assertEquals, assertThrows } from "@std/assert";
import { COMMANDS } from "../../src/cli/commands.ts";
import { readStateDir, readUpConfig, type UpConfig } from "../../src/cli/config.ts";
import { parseFlags } from "../../src/cli/flags.ts";
import { UsageError } from "../../src/cli/usage_error.ts";

const PURE = { permissions: "none" } as const;
const UP = COMMANDS.find(({ name }) => name === "up")?.flags ?? [];

type Env = Readonly<Record<string, string>>;

/** The configuration of `hamlet up ARGS` where the environment is `env`. */
function configOf(args: readonly string[], env: Env = {}): UpConfig {
  const surroundings = { os: "linux", env: (name: string) => ({ HOME: "/home/u", ...env })[name] };
  return readUpConfig(parseFlags(args, UP, "up"), surroundings);
}

function refusal(args: readonly string[], env: Env = {}): string {
  return assertThrows(() => configOf(args, env), UsageError).message;
}

Deno.test("readUpConfig() has a default for everything", PURE, () => {
  assertEquals(configOf([]), {
    stateDir: "/home/u/.local/state/hamlet",
    listenHost: "0.0.0.0",
    ports: [9000, 9001, 9002, 9003, 9004, 9005],
    controlPort: 0,
    peers: [],
    isOpen: false,
    deviceName: "device",
    networkName: "device's village",
    discovery: {
      hasMdns: true,
      hasKnown: true,
      hasExchange: true,
      hasDht: false,
      dhtBootstrap: [],
      hasSweep: false,
    },
    rateLimit: { perSecond: 20, burst: 100, maxAddresses: 4_096 },
    registry: {
      maxUnverified: 1_024,
      maxUnverifiedPerHost: 16,
      unverifiedExpiryMs: 120_000,
      maxAuthenticated: 131_072,
      maxUnmet: 4_096,
      maxUnmetPerHost: 16,
    },
    legacy: "lan",
    crypto: "auto",
    work: {
      mode: "idle",
      cpuPercent: 50,
      memoryMb: 1_024,
      onBattery: false,
      hours: { fromMinute: 1_320, toMinute: 360 },
      commands: [],
    },
    log: "text",
    logLevel: "info",
    hasLeash: false,
    limits: {
      bandwidth: { up: undefined, down: undefined },
      maxConnections: 4_608,
      inboxDir: "/home/u/.local/state/hamlet/inbox",
      maxFileBytes: 17_179_869_184,
    },
  });
});

Deno.test(
  "readUpConfig() puts flags before the environment, and that before defaults",
  PURE,
  () => {
    const cases: readonly (readonly [keyof UpConfig, string, string, string, unknown, unknown])[] =
      [
        ["stateDir", "state", "/flag", "/env", "/flag", "/env"],
        ["listenHost", "listen", "::1", "127.0.0.1", "::1", "127.0.0.1"],
        ["ports", "port", "0", "9100", [0], [9100]],
        ["legacy", "legacy", "off", "any", "off", "any"],
        ["crypto", "crypto", "auto", "noble", "auto", "noble"],
        ["log", "log", "text", "json", "text", "json"],
        ["logLevel", "log-level", "error", "debug", "error", "debug"],
        ["peers", "peer", "a:1", "b:2", [{ host: "a", port: 1 }], [{ host: "b", port: 2 }]],
      ];
    const defaults = configOf([]);
    for (const [key, flag, flagText, envText, fromFlag, fromEnv] of cases) {
      const env = { [`HAMLET_${flag.toUpperCase().replace("-", "_")}`]: envText };
      assertEquals(configOf([`--${flag}`, flagText], env)[key], fromFlag, flag);
      assertEquals(configOf([], env)[key], fromEnv, flag);
      const empty = Object.fromEntries(Object.keys(env).map((name) => [name, ""]));
      assertEquals(configOf([], empty)[key], defaults[key], `${flag}: empty is unset`);
    }
  },
);

Deno.test("readUpConfig() reads peers from repeated flags or a list in HAMLET_PEER", PURE, () => {
  const [a, b] = [{ host: "192.168.1.20", port: 9000 }, { host: "fe80::1", port: 9100 }];
  assertEquals(configOf(["--peer", "192.168.1.20", "--peer", "[fe80::1]:9100"]).peers, [a, b]);
  const lists = ["192.168.1.20:9000,[fe80::1]:9100", " 192.168.1.20 , [fe80::1]:9100,,"];
  for (const list of lists) assertEquals(configOf([], { HAMLET_PEER: list }).peers, [a, b]);
  assertEquals(configOf(["--peer", "pi.local"], { HAMLET_PEER: "nonsense:" }).peers, [
    { host: "pi.local", port: 9000 },
  ]);
});

Deno.test("readUpConfig() names the source of what is wrong", PURE, () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["port", "http", 'takes a whole number from 0 to 65535, not "http"'],
    ["port", "65536", 'takes a whole number from 0 to 65535, not "65536"'],
    ["legacy", "lann", 'takes off, lan, any, not "lann"; did you mean lan?'],
    ["crypto", "rot13", 'takes auto, noble, not "rot13"'],
    ["log", "xml", 'takes text, json, not "xml"'],
    ["log-level", "loud", 'takes debug, info, warn, error, not "loud"'],
    ["peer", "host:", 'takes HOST:PORT, e.g. 192.168.1.20:9000, not "host:"'],
    ["peer", "host:0", 'takes HOST:PORT, e.g. 192.168.1.20:9000, not "host:0"'],
  ];
  for (const [flag, text, message] of cases) {
    const variable = `HAMLET_${flag.toUpperCase().replace("-", "_")}`;
    assertEquals(refusal([`--${flag}`, text]), `--${flag} ${message}`);
    assertEquals(refusal([], { [variable]: text }), `${variable} ${message}`);
  }
});

Deno.test("readUpConfig() takes 256 peers and no more", PURE, () => {
  const peers = (count: number) => Array.from({ length: count }, (_, n) => `h${n}:9000`);
  assertEquals(configOf([], { HAMLET_PEER: peers(256).join() }).peers.length, 256);
  assertEquals(
    refusal([], { HAMLET_PEER: peers(257).join() }),
    "HAMLET_PEER takes at most 256 addresses",
  );
  const flags = peers(257).map((peer) => `--peer=${peer}`);
  assertEquals(refusal(flags), "--peer takes at most 256 addresses");
});

Deno.test("readStateDir() asks for a directory where the system names no home", PURE, () => {
  const flags = parseFlags([], UP, "up");
  const error = assertThrows(
    () => readStateDir(flags, { os: "linux", env: () => undefined }),
    UsageError,
  );
  assertEquals(
    error.message,
    "Cannot find the state directory: name one with --state or HAMLET_STATE",
  );
});

Deno.test("readUpConfig() overlooks a blank item of HAMLET_PEER", PURE, () => {
  assertEquals(configOf([], { HAMLET_PEER: "a:1, " }).peers, [{ host: "a", port: 1 }]);
});
