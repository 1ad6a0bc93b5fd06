import { assertEquals, assertRejects } from "@std/assert";
import { COMMANDS } from "../../../src/cli/commands.ts";
import { readUpConfig } from "../../../src/cli/config.ts";
import type { Surroundings } from "../../../src/cli/config/sources.ts";
import {
  configPlaces,
  findConfig,
  MAX_CONFIG_BYTES,
  readConfigFile,
  readSurroundings,
  resolvePath,
  unknownVariables,
} from "../../../src/cli/config/surroundings.ts";
import { parseFlags } from "../../../src/cli/flags.ts";
import { UsageError } from "../../../src/cli/usage_error.ts";

const PURE = { permissions: "none" } as const;
const UP = COMMANDS.find(({ name }) => name === "up")?.flags ?? [];

function flagsOf(...args: string[]) {
  return parseFlags(args, UP, "up");
}

function surroundings(vars: Readonly<Record<string, string>>, os = "linux"): Surroundings {
  return { os, env: (name) => vars[name] };
}

/** A directory of its own, gone afterwards. */
async function withDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "hamlet-config-" });
  try {
    await use(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function refusal(...args: string[]): Promise<string> {
  const read = readSurroundings(flagsOf(...args), surroundings({ HOME: "/home/u" }));
  return (await assertRejects(() => read, UsageError)).message;
}

Deno.test(
  "configPlaces() looks in the state directory, then where each system has such files",
  PURE,
  () => {
    const cases:
      readonly (readonly [os: string, vars: Record<string, string>, ...paths: string[]])[] = [
        [
          "linux",
          { HOME: "/h" },
          "/h/.local/state/hamlet/hamlet.json",
          "/h/.config/hamlet/hamlet.json",
        ],
        [
          "linux",
          { HOME: "/h", XDG_CONFIG_HOME: "/c", HAMLET_STATE: "/s/" },
          "/s/hamlet.json",
          "/c/hamlet/hamlet.json",
        ],
        [
          "linux",
          { HOME: "/h", XDG_CONFIG_HOME: "c", HAMLET_STATE: "/s" },
          "/s/hamlet.json",
          "/h/.config/hamlet/hamlet.json",
        ],
        ["linux", { HAMLET_STATE: "/s" }, "/s/hamlet.json"],
        // One place, once.
        ["darwin", { HOME: "/h" }, "/h/Library/Application Support/hamlet/hamlet.json"],
        [
          "windows",
          { LOCALAPPDATA: "C:\\L", APPDATA: "C:\\R" },
          "C:\\L\\hamlet\\hamlet.json",
          "C:\\R\\hamlet\\hamlet.json",
        ],
      ];
    for (const [os, vars, ...paths] of cases) {
      assertEquals(configPlaces(flagsOf(), surroundings(vars, os)), { kind: "usual", paths });
    }
  },
);

Deno.test(
  "configPlaces() takes the flag's file, then the variable's, and off for none",
  PURE,
  () => {
    const vars = { HOME: "/h", HAMLET_CONFIG: "/env.json" };
    const places = (args: string[], env: Record<string, string> = vars) =>
      configPlaces(flagsOf(...args), surroundings(env));
    assertEquals(places(["--config", "/flag.json"]), {
      kind: "named",
      path: "/flag.json",
      by: "--config",
    });
    assertEquals(places([]), { kind: "named", path: "/env.json", by: "HAMLET_CONFIG" });
    assertEquals(places(["--config", "off"]), { kind: "none" });
    assertEquals(places([], { ...vars, HAMLET_CONFIG: "off" }), { kind: "none" });
    assertEquals(places([], { ...vars, HAMLET_CONFIG: "" }).kind, "usual");
  },
);

Deno.test("findConfig() reads the first that is there and knows the others", async () => {
  await withDirectory(async (directory) => {
    const paths = ["a.json", "b.json", "c.json"].map((name) => `${directory}/${name}`);
    const [a = "", b = "", c = ""] = paths;
    assertEquals(await findConfig({ kind: "usual", paths }), undefined);
    await Deno.writeTextFile(c, "{}");
    assertEquals(await findConfig({ kind: "usual", paths }), { path: c, others: [] });
    await Deno.writeTextFile(b, "{}");
    assertEquals(await findConfig({ kind: "usual", paths }), { path: b, others: [c] });
    assertEquals(await findConfig({ kind: "usual", paths: [`${c}/under/a/file`] }), undefined);
    const error = await assertRejects(
      () => findConfig({ kind: "named", path: a, by: "HAMLET_CONFIG" }),
      UsageError,
    );
    assertEquals(error.message, `HAMLET_CONFIG names ${a}, which is not there`);
  });
});

Deno.test("readSurroundings() gives commands the file's settings, paths from its directory", async () => {
  await withDirectory(async (directory) => {
    const path = `${directory}/hamlet.json`;
    await Deno.writeTextFile(path, '\ufeff{"port": 9100, "inbox": "in", "peer": ["a:1"]}');
    const system = surroundings({ HOME: "/home/u", HAMLET_STATE: directory });
    const flags = flagsOf("--peer", "b:2");
    const read = await readSurroundings(flags, system);
    assertEquals(read.file?.path, path);
    const { ports, limits, peers } = readUpConfig(flags, read);
    assertEquals([ports, limits.inboxDir, peers], [
      [9100],
      `${directory}/in`,
      [{ host: "b", port: 2 }],
    ]);
    const ignoring = await readSurroundings(flagsOf("--config", "off"), system);
    assertEquals(ignoring.file, undefined);
  });
});

Deno.test("readSurroundings() refuses a file with the first of what is wrong, and counts the rest", async () => {
  await withDirectory(async (directory) => {
    const path = `${directory}/my.json`;
    await Deno.writeTextFile(path, '{"lgacy": "off"}');
    const first = `${path}:1:2: unknown setting "lgacy"; did you mean "legacy"?`;
    assertEquals(await refusal("--config", path), first);
    await Deno.writeTextFile(path, '{"lgacy": "off", "port": "x", "open": 3}');
    assertEquals(
      await refusal("--config", path),
      `${first} (and 2 more: hamlet config --check)`,
    );
  });
});

Deno.test("readSurroundings() refuses what is no file, too large, or no UTF-8", async () => {
  await withDirectory(async (directory) => {
    assertEquals(await refusal("--config", directory), `${directory}: not a file`);
    const path = `${directory}/my.json`;
    const encoding = `${path}:1:1: not UTF-8 text; save it with that encoding`;
    await Deno.writeFile(path, Uint8Array.of(0xff, 0xfe, 0x7b, 0, 0x7d, 0));
    assertEquals(await refusal("--config", path), encoding);
    await Deno.writeFile(path, Uint8Array.of(0x7b, 0x22, 0xc3));
    assertEquals(await refusal("--config", path), encoding);

    const system = surroundings({ HOME: "/home/u" });
    await Deno.writeTextFile(path, "{}".padEnd(MAX_CONFIG_BYTES));
    assertEquals((await readConfigFile(path, system)).problems, []);
    await Deno.writeTextFile(path, "{}".padEnd(MAX_CONFIG_BYTES + 1));
    assertEquals(
      await refusal("--config", path),
      `Cannot read ${path}: 262145 bytes exceed 262144`,
    );
  });
});

Deno.test({
  name: "readSurroundings() warns of a file that is not read, and of one that anybody may change",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await withDirectory(async (directory) => {
      const [own, other] = [`${directory}/hamlet.json`, `${directory}/c/hamlet/hamlet.json`];
      await Deno.mkdir(`${directory}/c/hamlet`, { recursive: true });
      await Deno.writeTextFile(own, "{}");
      await Deno.writeTextFile(other, "{}");
      await Deno.chmod(own, 0o646);
      const vars = { HAMLET_STATE: directory, XDG_CONFIG_HOME: `${directory}/c` };
      const { warnings = [] } = await readSurroundings(flagsOf(), surroundings(vars));
      // Whoever runs the tests may have variables of their own.
      assertEquals(warnings.filter((warning) => warning.includes(directory)), [
        `${other} is not read, since ${own} is`,
        `${own} can be changed by every user; see: chmod o-w`,
      ]);
    });
  },
});

Deno.test("resolvePath() begins at the file's directory, or at home", PURE, () => {
  const cases: readonly (readonly [path: string, file: string, resolved: string])[] = [
    ["/srv/in", "/etc/hamlet.json", "/srv/in"],
    ["in", "/etc/h/hamlet.json", "/etc/h/in"],
    ["../in", "conf/hamlet.json", "conf/../in"],
    ["in", "hamlet.json", "in"],
    ["~/in", "/etc/hamlet.json", "/home/u/in"],
    ["~u/in", "/etc/hamlet.json", "/etc/~u/in"],
    ["C:\\in", "C:\\conf\\hamlet.json", "C:\\in"],
    ["in", "C:\\conf\\hamlet.json", "C:\\conf\\in"],
  ];
  for (const [path, file, resolved] of cases) {
    assertEquals(resolvePath(path, { file, home: "/home/u" }), resolved, path);
  }
  assertEquals(resolvePath("~/in", { file: "/etc/x.json", home: undefined }), "/etc/~/in");
});

Deno.test("unknownVariables() names what means nothing, and the nearest that does", PURE, () => {
  const names = ["HAMLET_PROT", "HAMLET_PORT", "PATH", "HAMLET_CONFIG", "HAMLET_XYZZYPLUGH"];
  assertEquals(unknownVariables(names), [
    "the variable HAMLET_PROT means nothing; did you mean HAMLET_PORT?",
    "the variable HAMLET_XYZZYPLUGH means nothing",
  ]);
  const many = Array.from({ length: 100 }, (_, index) => `HAMLET_${index}`);
  assertEquals(unknownVariables(many).length, 8);
});
