/** The owner's limits as `hamlet up` reads them: traffic, connections, received files. */

import { assertEquals, assertThrows } from "@std/assert";
import { COMMANDS } from "../../src/cli/commands.ts";
import { readUpConfig, type UpConfig } from "../../src/cli/config.ts";
import { parseFlags } from "../../src/cli/flags.ts";
import { UsageError } from "../../src/cli/usage_error.ts";

const PURE = { permissions: "none" } as const;
const UP = COMMANDS.find(({ name }) => name === "up")?.flags ?? [];
const STATE = "/home/u/.local/state/hamlet";

type Env = Readonly<Record<string, string>>;

/** The limits of `hamlet up ARGS` where the environment is `env`. */
function limitsOf(args: readonly string[], env: Env = {}): UpConfig["limits"] {
  const surroundings = { os: "linux", env: (name: string) => ({ HOME: "/home/u", ...env })[name] };
  return readUpConfig(parseFlags(args, UP, "up"), surroundings).limits;
}

/** The limit that `--FLAG` sets, however it is given. */
function limit(flag: string, args: readonly string[], env: Env = {}): unknown {
  const { bandwidth, maxConnections, maxFileBytes, inboxDir } = limitsOf(args, env);
  const limits: Readonly<Record<string, unknown>> = {
    "max-up": bandwidth.up,
    "max-down": bandwidth.down,
    "max-connections": maxConnections,
    "max-file": maxFileBytes,
    "inbox": inboxDir,
  };
  return limits[flag];
}

function variableOf(flag: string): string {
  return `HAMLET_${flag.toUpperCase().replaceAll("-", "_")}`;
}

Deno.test("readUpConfig() limits nothing but connections and files by itself", PURE, () => {
  assertEquals(limitsOf([]), {
    bandwidth: { up: undefined, down: undefined },
    maxConnections: 4_608,
    maxFileBytes: 17_179_869_184,
    inboxDir: `${STATE}/inbox`,
  });
});

Deno.test("readUpConfig() reads each limit in its unit", PURE, () => {
  const cases: readonly (readonly [flag: string, text: string, value: unknown])[] = [
    // Bits a second as people know them, bytes a second as buckets do.
    ["max-up", "8k", 1_000],
    ["max-up", "10M", 1_250_000],
    ["max-up", "10Mbit/s", 1_250_000],
    ["max-up", "1.5Mbps", 187_500],
    ["max-up", "8000", 1_000],
    ["max-up", "8001", 1_000],
    ["max-up", "8004", 1_001],
    ["max-up", "1T", 125_000_000_000],
    ["max-down", "40M", 5_000_000],
    ["max-connections", "8", 8],
    ["max-connections", "65535", 65_535],
    ["max-connections", "0100", 100],
    ["max-file", "1", 1],
    ["max-file", "500M", 500_000_000],
    ["max-file", "2GiB", 2_147_483_648],
    ["max-file", "1024T", 1_024e12],
    ["inbox", "/srv/inbox", "/srv/inbox"],
    ["inbox", "Downloads", "Downloads"],
    ["inbox", "OFF", "OFF"],
  ];
  for (const [flag, text, value] of cases) {
    assertEquals(limit(flag, [`--${flag}`, text]), value, `${flag} ${text}`);
    assertEquals(limit(flag, [`--${flag}=${text}`]), value, `${flag} ${text}`);
    assertEquals(limit(flag, [], { [variableOf(flag)]: text }), value, `${flag} ${text}`);
  }
});

Deno.test("readUpConfig() lifts a limit on traffic where it is off, none or 0", PURE, () => {
  for (const flag of ["max-up", "max-down"]) {
    for (const text of ["off", "none", "0"]) {
      assertEquals(limit(flag, [`--${flag}`, text], { [variableOf(flag)]: "10M" }), undefined);
      assertEquals(limit(flag, [], { [variableOf(flag)]: text }), undefined);
    }
  }
});

Deno.test("readUpConfig() has no inbox where it is off", PURE, () => {
  assertEquals(limit("inbox", ["--inbox", "off"]), undefined);
  assertEquals(limit("inbox", [], { HAMLET_INBOX: "off" }), undefined);
  assertEquals(limit("inbox", ["--inbox", "/a"], { HAMLET_INBOX: "off" }), "/a");
  assertEquals(limit("inbox", ["--inbox", "off"], { HAMLET_INBOX: "/a" }), undefined);
});

Deno.test("readUpConfig() keeps the inbox in whatever the state directory is", PURE, () => {
  assertEquals(limit("inbox", ["--state", "/srv/hamlet"]), "/srv/hamlet/inbox");
  assertEquals(limit("inbox", [], { HAMLET_STATE: "/srv/env" }), "/srv/env/inbox");
  assertEquals(limit("inbox", ["--inbox", "/a", "--state", "/srv/hamlet"]), "/a");
});

Deno.test(
  "readUpConfig() puts a limit's flag before its variable, the last flag before others",
  PURE,
  () => {
    const cases: readonly (readonly [flag: string, texts: readonly string[], values: unknown[]])[] =
      [
        ["max-up", ["10M", "20M", "30M"], [1_250_000, 2_500_000, 3_750_000]],
        ["max-down", ["10M", "20M", "30M"], [1_250_000, 2_500_000, 3_750_000]],
        ["max-connections", ["10", "20", "30"], [10, 20, 30]],
        ["max-file", ["10M", "20M", "30M"], [10_000_000, 20_000_000, 30_000_000]],
        ["inbox", ["/a", "/b", "/c"], ["/a", "/b", "/c"]],
      ];
    for (const [flag, [first = "", second = "", third = ""], values] of cases) {
      const env = { [variableOf(flag)]: first };
      assertEquals(limit(flag, [], env), values[0], flag);
      assertEquals(limit(flag, [`--${flag}`, second], env), values[1], flag);
      assertEquals(limit(flag, [`--${flag}`, second, `--${flag}=${third}`], env), values[2], flag);
      const unset = limit(flag, []);
      assertEquals(limit(flag, [], { [variableOf(flag)]: "" }), unset, `${flag}: empty is unset`);
    }
  },
);

Deno.test("readUpConfig() names the flag or the variable of a limit that is none", PURE, () => {
  const rate = "takes bits per second from 8k to 1T, e.g. 10M, or off, not";
  const size = "takes a size from 1 B to 1 PiB, e.g. 500M or 2GiB, not";
  const count = "takes a whole number from 8 to 65535, not";
  const cases: readonly (readonly [flag: string, rule: string, texts: readonly string[]])[] = [
    ["max-up", rate, ["fast", "7999", "1.1T", "10MB", "10 Mbit", "1e6", "10Mi", "NaN", "10m"]],
    ["max-down", rate, ["slow", "1", "2T", "10MB/s", "0x10", "Infinity", "8k8k", "no"]],
    ["max-connections", count, ["many", "7", "0", "65536", "8.5", "1e3", "off", "99999999999"]],
    ["max-file", size, ["big", "0", "off", "2PiB", "1EiB", "1 000", "10Mbit/s", "0.1"]],
  ];
  for (const [flag, rule, texts] of cases) {
    for (const text of texts) {
      const message = `${rule} "${text}"`;
      const byFlag = assertThrows(() => limitsOf([`--${flag}`, text]), UsageError);
      assertEquals(byFlag.message, `--${flag} ${message}`);
      const env = { [variableOf(flag)]: text };
      assertEquals(
        assertThrows(() => limitsOf([], env), UsageError).message,
        `${variableOf(flag)} ${message}`,
      );
    }
  }
});

Deno.test("readUpConfig() takes no limit from below zero, nor one without a value", PURE, () => {
  for (const flag of ["max-up", "max-down", "max-connections", "max-file", "inbox"]) {
    for (
      const args of [[`--${flag}`], [`--${flag}=`], [`--${flag}`, ""], [`--${flag}`, "--open"]]
    ) {
      const error = assertThrows(() => limitsOf(args), UsageError);
      assertEquals(error.message.startsWith(`--${flag} needs a value: --${flag} `), true, flag);
    }
    if (flag === "inbox") continue;
    const error = assertThrows(() => limitsOf([`--${flag}=-1`]), UsageError);
    assertEquals(error.message.startsWith(`--${flag} takes `), true, error.message);
  }
});
