/** The network as `hamlet up` reads it: names, openness, ways of finding each other, limits on strangers. */

import { assertEquals, assertThrows } from "@std/assert";
import { COMMANDS } from "../../src/cli/commands.ts";
import { readDeviceName, readUpConfig, type UpConfig } from "../../src/cli/config.ts";
import { parseFlags } from "../../src/cli/flags.ts";
import { UsageError } from "../../src/cli/usage_error.ts";

const PURE = { permissions: "none" } as const;
const UP = COMMANDS.find(({ name }) => name === "up")?.flags ?? [];
const NAME_BOUNDS = "takes a name of 1 to 32 printable characters";

interface World {
  readonly env?: Readonly<Record<string, string>>;
  readonly host?: string;
}

/** The configuration of `hamlet up ARGS` on a machine called `host`. */
function configOf(args: readonly string[], { env = {}, host = "pi" }: World = {}): UpConfig {
  return readUpConfig(parseFlags(args, UP, "up"), {
    os: "linux",
    env: (name) => ({ HOME: "/home/u", ...env })[name],
    hostName: () => host,
  });
}

function refusal(args: readonly string[], world: World = {}): string {
  return assertThrows(() => configOf(args, world), UsageError).message;
}

Deno.test("readUpConfig() is closed unless told otherwise", PURE, () => {
  assertEquals(configOf([]).isOpen, false);
  assertEquals(configOf(["--open"]).isOpen, true);
});

Deno.test("readUpConfig() names device and network after the host", PURE, () => {
  const cases: readonly (readonly [host: string, device: string, network: string])[] = [
    ["pi", "pi", "pi's village"],
    ["Annas-MacBook.local", "Annas-MacBook", "Annas-MacBook's village"],
    ["pi.lan", "pi.lan", "pi.lan's village"],
    ["", "device", "device's village"],
    [" \x1b\u202e ", "device", "device's village"],
    ["x".repeat(64), "x".repeat(32), "x".repeat(32)],
    [`${"x".repeat(30)}.local`, "x".repeat(30), `${"x".repeat(30)}'s`],
    ["a\x1b[31mb", "a[31mb", "a[31mb's village"],
    // A pair of surrogates is not cut in two.
    [`${"x".repeat(31)}🏠`, "x".repeat(31), `${"x".repeat(31)}'`],
  ];
  for (const [host, device, network] of cases) {
    const { deviceName, networkName } = configOf([], { host });
    assertEquals([deviceName, networkName], [device, network], host);
  }
});

Deno.test("readUpConfig() takes names as they are given", PURE, () => {
  const given = configOf(["--name", " Küche ", "--network", "Elm Street 🏠"]);
  assertEquals([given.deviceName, given.networkName], ["Küche", "Elm Street 🏠"]);
  const longest = "n".repeat(32);
  assertEquals(configOf(["--name", longest, "--network", longest]).networkName, longest);
  const fromEnv = configOf([], { env: { HAMLET_NAME: "desk", HAMLET_NETWORK: "home" } });
  assertEquals([fromEnv.deviceName, fromEnv.networkName], ["desk", "home"]);
  const flagFirst = configOf(["--name", "lamp"], { env: { HAMLET_NAME: "desk" } });
  assertEquals([flagFirst.deviceName, flagFirst.networkName], ["lamp", "lamp's village"]);
});

Deno.test("readUpConfig() refuses names that are empty, too long or not printable", PURE, () => {
  for (const flag of ["name", "network"]) {
    for (const text of [" ", "n".repeat(33), "a\nb", "a\x1b[2Jb", "a\u202eb", "a\ud83d"]) {
      const variable = `HAMLET_${flag.toUpperCase()}`;
      assertEquals(refusal([`--${flag}=${text}`]), `--${flag} ${NAME_BOUNDS}`);
      assertEquals(refusal([], { env: { [variable]: text } }), `${variable} ${NAME_BOUNDS}`);
    }
  }
});

Deno.test("readDeviceName() is the same for commands without the other flags", PURE, () => {
  const join = COMMANDS.find(({ name }) => name === "join")?.flags ?? [];
  const surroundings = { os: "linux", env: () => undefined, hostName: () => "pi.local" };
  const nameOf = (...args: string[]) =>
    readDeviceName(parseFlags(args, join, "join"), surroundings);
  assertEquals([nameOf("token"), nameOf("token", "--name", "lamp")], ["pi", "lamp"]);
});

Deno.test("readUpConfig() switches each way of finding each other", PURE, () => {
  const ways = [
    ["mdns", "hasMdns", true],
    ["known", "hasKnown", true],
    ["exchange", "hasExchange", true],
    ["dht", "hasDht", false],
  ] as const;
  const defaults = configOf([]).discovery;
  for (const [flag, key, fallback] of ways) {
    assertEquals(defaults[key], fallback);
    for (const [text, isOn] of [["on", true], ["off", false]] as const) {
      const expected = { ...defaults, [key]: isOn };
      const env = { [`HAMLET_${flag.toUpperCase()}`]: text };
      assertEquals(configOf([`--${flag}`, text]).discovery, expected);
      assertEquals(configOf([], { env }).discovery, expected);
    }
    assertEquals(
      refusal([`--${flag}`, "offf"]),
      `--${flag} takes on, off, not "offf"; did you mean off?`,
    );
    assertEquals(refusal([`--${flag}=yes`]), `--${flag} takes on, off, not "yes"`);
  }
  assertEquals(configOf(["--sweep"]).discovery, { ...defaults, hasSweep: true });
});

Deno.test("readUpConfig() reads where to enter the DHT, port included", PURE, () => {
  const [a, b] = [{ host: "router.example", port: 6881 }, { host: "127.0.0.1", port: 20_000 }];
  const flags = ["--dht-bootstrap", "router.example:6881", "--dht-bootstrap=127.0.0.1:20000"];
  assertEquals(configOf(flags).discovery.dhtBootstrap, [a, b]);
  const env = { HAMLET_DHT_BOOTSTRAP: "router.example:6881, 127.0.0.1:20000" };
  assertEquals(configOf([], { env }).discovery.dhtBootstrap, [a, b]);
  assertEquals(
    refusal(["--dht-bootstrap", "router.example"]),
    '--dht-bootstrap takes HOST:PORT, e.g. 192.168.1.20:9000, not "router.example"',
  );
});

Deno.test("readUpConfig() reads limits on strangers, in one number or two", PURE, () => {
  const rate = (...args: string[]) => {
    const { perSecond, burst } = configOf(args).rateLimit;
    return [perSecond, burst];
  };
  assertEquals(rate(), [20, 100]);
  assertEquals(rate("--rate-limit", "5"), [5, 25]);
  assertEquals(rate("--rate-limit", "5:7"), [5, 7]);
  assertEquals(rate("--rate-limit", "100000:100000"), [100_000, 100_000]);
  const unverified = (...args: string[]) => {
    const { maxUnverified, maxUnverifiedPerHost } = configOf(args).registry;
    return [maxUnverified, maxUnverifiedPerHost];
  };
  assertEquals(unverified(), [1_024, 16]);
  assertEquals(unverified("--max-unverified", "50"), [50, 16]);
  assertEquals(unverified("--max-unverified", "50:2"), [50, 2]);
  const env = { HAMLET_RATE_LIMIT: "3:4", HAMLET_MAX_UNVERIFIED: "5:6" };
  const { rateLimit, registry } = configOf([], { env });
  assertEquals([rateLimit.perSecond, rateLimit.burst], [3, 4]);
  assertEquals([registry.maxUnverified, registry.maxUnverifiedPerHost], [5, 6]);
  assertEquals(rateLimit.maxAddresses, configOf([]).rateLimit.maxAddresses);
  assertEquals(registry.maxAuthenticated, configOf([]).registry.maxAuthenticated);
});

Deno.test("readUpConfig() refuses limits that are none, and names their source", PURE, () => {
  const bounds = [["rate-limit", 100_000], ["max-unverified", 65_536]] as const;
  for (const [flag, max] of bounds) {
    const range = `takes a whole number from 1 to ${max}`;
    for (const text of ["", "0", String(max + 1), "-1", "1.5", "many", "1e3"]) {
      if (text) assertEquals(refusal([`--${flag}=${text}`]), `--${flag} ${range}, not "${text}"`);
      assertEquals(refusal([`--${flag}=5:${text}`]), `--${flag} ${range}, not "${text}"`);
      assertEquals(refusal([`--${flag}=${text}:5`]), `--${flag} ${range}, not "${text}"`);
    }
    assertEquals(refusal([`--${flag}=1:2:3`]), `--${flag} takes one number or two, e.g. 20:100`);
    const variable = `HAMLET_${flag.toUpperCase().replace("-", "_")}`;
    assertEquals(refusal([], { env: { [variable]: "x" } }), `${variable} ${range}, not "x"`);
  }
});
