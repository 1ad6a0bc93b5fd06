import { assertEquals, assertThrows } from "@std/assert";
import { stateDirectory } from "../../src/store/state_directory.ts";

const PURE = { permissions: "none" } as const;

type Env = Readonly<Record<string, string>>;

function at(os: string, env: Env, flag?: string): string {
  return stateDirectory(flag, { os, env: (name) => env[name] });
}

Deno.test("stateDirectory() follows each system's convention", PURE, () => {
  const cases: readonly (readonly [string, Env, string])[] = [
    ["linux", { HOME: "/home/u" }, "/home/u/.local/state/hamlet"],
    ["linux", { HOME: "/home/u", XDG_STATE_HOME: "/data/state" }, "/data/state/hamlet"],
    ["linux", { HOME: "/home/u", XDG_STATE_HOME: "relative" }, "/home/u/.local/state/hamlet"],
    ["linux", { HOME: "/home/u", XDG_STATE_HOME: "" }, "/home/u/.local/state/hamlet"],
    ["freebsd", { HOME: "/home/u" }, "/home/u/.local/state/hamlet"],
    ["android", { HOME: "/data/home" }, "/data/home/.local/state/hamlet"],
    ["darwin", { HOME: "/Users/u" }, "/Users/u/Library/Application Support/hamlet"],
    [
      "darwin",
      { HOME: "/Users/u", XDG_STATE_HOME: "/x" },
      "/Users/u/Library/Application Support/hamlet",
    ],
    [
      "windows",
      { LOCALAPPDATA: "C:\\Users\\u\\AppData\\Local" },
      "C:\\Users\\u\\AppData\\Local\\hamlet",
    ],
    [
      "windows",
      { LOCALAPPDATA: "C:\\L", HOME: "/c/u", XDG_STATE_HOME: "/x" },
      "C:\\L\\hamlet",
    ],
  ];
  for (const [os, env, expected] of cases) assertEquals(at(os, env), expected);
});

Deno.test("stateDirectory() prefers the flag, then HAMLET_STATE, on every system", PURE, () => {
  const env = { HOME: "/h", LOCALAPPDATA: "C:\\L", XDG_STATE_HOME: "/x", HAMLET_STATE: "/chosen" };
  for (const os of ["linux", "darwin", "windows"]) {
    assertEquals(at(os, env, "/flag"), "/flag");
    assertEquals(at(os, env), "/chosen");
    assertEquals(at(os, env, ""), "/chosen");
    assertEquals(at(os, { HAMLET_STATE: "/chosen" }), "/chosen");
  }
});

Deno.test("stateDirectory() names the way out where the system does not say", PURE, () => {
  for (const [os, env] of [["linux", {}], ["darwin", {}], ["windows", { HOME: "/h" }]] as const) {
    assertThrows(() => at(os, env), TypeError, "--state");
  }
});
