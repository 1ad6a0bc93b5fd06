import { assertEquals, assertThrows } from "@std/assert";
import { FlagError, readScriptFlags, scriptMain } from "../../scripts/lib/script_main.ts";

const PURE = { permissions: "none" } as const;
const USAGE = { help: "how", switches: ["quick"], texts: ["nodes"], lists: ["only"] };
const NODES = { fallback: 10, min: 3, max: 100 };

Deno.test("readScriptFlags() reads switches, texts, lists and whole numbers", PURE, () => {
  const flags = readScriptFlags(["--quick", "--nodes=5", "--only", "a", "--only=b", "-h"], USAGE);
  assertEquals([flags.has("quick"), flags.has("json"), flags.has("help")], [true, false, true]);
  assertEquals([flags.text("nodes"), flags.list("only")], ["5", ["a", "b"]]);
  assertEquals(flags.whole("nodes", NODES), 5);
  const none = readScriptFlags([], USAGE);
  assertEquals([none.text("nodes"), none.list("only"), none.whole("nodes", NODES)], [
    undefined,
    [],
    10,
  ]);
});

Deno.test("readScriptFlags() refuses other flags, operands and missing values", PURE, () => {
  for (const args of [["--slow"], ["x"], ["--nodes"], ["--quick=1"], ["-x"]]) {
    assertThrows(() => readScriptFlags(args, USAGE), FlagError);
  }
  for (const text of ["2", "101", "1e1", "x", "", "-5", "5.5", " 5"]) {
    const flags = readScriptFlags([`--nodes=${text}`], USAGE);
    const { message } = assertThrows(() => flags.whole("nodes", NODES), FlagError);
    assertEquals(message, `--nodes takes a whole number from 3 to 100, not "${text}"`);
  }
});

Deno.test(
  "scriptMain() ends with 2 for wrong flags, else with what the work comes to",
  PURE,
  async () => {
    const said: string[] = [];
    const { log, error } = console;
    console.log = console.error = (line: string) => said.push(line);
    try {
      const script = {
        read: (flags: ReturnType<typeof readScriptFlags>) => flags.whole("nodes", NODES),
        run: (nodes: number) => Promise.resolve(nodes === 10 ? 0 : 1),
      };
      assertEquals(await scriptMain([], USAGE, script), 0);
      assertEquals(await scriptMain(["--nodes", "5"], USAGE, script), 1);
      assertEquals(await scriptMain(["--nodes", "1", "--help"], USAGE, script), 0);
      assertEquals(await scriptMain(["--nodes", "1"], USAGE, script), 2);
    } finally {
      console.log = log;
      console.error = error;
    }
    assertEquals(said, ["how", '--nodes takes a whole number from 3 to 100, not "1"; see --help']);
  },
);
