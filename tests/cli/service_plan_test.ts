import { assertEquals, assertThrows } from "@std/assert";
import { readPasswdLine } from "../../src/cli/accounts.ts";
import {
  ignoredVariables,
  planService as planWish,
  readScope,
  readWish,
  type ServiceSetup,
} from "../../src/cli/service_plan.ts";
import { UsageError } from "../../src/cli/usage_error.ts";

const SETUP: ServiceSetup = {
  scope: "user",
  self: { execPath: "/usr/bin/hamlet", mainModule: "file:///m.ts", isStandalone: true },
  executable: undefined,
  account: { name: "ann", uid: 1_000, gid: 1_000, home: "/home/ann" },
  isCaller: true,
  surroundings: { os: "linux", env: () => undefined, hostName: () => "pi" },
  directory: "/work dir",
};
/** Without a configuration file. */
function planService(setup: ServiceSetup, given: readonly string[]) {
  return planWish(setup, readWish(setup, given));
}

const STATE = "/home/ann/.local/state/hamlet";

Deno.test("planService() of a compiled program runs that, on the account's own state", () => {
  const { launch, user, writable } = planService(SETUP, []);
  assertEquals(launch, { program: "/usr/bin/hamlet", args: ["up", "--state", STATE] });
  assertEquals([user, writable], [undefined, [STATE]]);
  assertEquals(planService({ ...SETUP, scope: "system" }, []).user, "ann");
});

Deno.test("planService() of a portable file runs that file, which unpacks itself", () => {
  const self = { execPath: "/cache/deno", mainModule: "file:///cache/h.js", isStandalone: false };
  const plan = planService({ ...SETUP, self, executable: "/opt/hamlet" }, []);
  assertEquals(plan.launch, { program: "/opt/hamlet", args: ["up", "--state", STATE] });
  assertEquals([plan.needsCache, planService(SETUP, []).needsCache], [true, false]);
});

Deno.test("planService() of a checkout has the runtime run its main module", () => {
  const self = { execPath: "/bin/deno", mainModule: "file:///src/main.ts", isStandalone: false };
  const { program, args } = planService({ ...SETUP, self }, ["--port", "80"]).launch;
  assertEquals([program, args[0]], ["/bin/deno", "run"]);
  const tail = ["file:///src/main.ts", "up", "--port", "80", "--state", STATE];
  assertEquals(args.slice(-tail.length), tail);
  // Without it the service manager could not be told.
  assertEquals(args.includes("--unstable-net"), true);
});

Deno.test("planService() makes places full, and lets them be written", () => {
  const table: readonly (readonly [string[], string[], string[]])[] = [
    [["--inbox", "in box"], ["--inbox", "/work dir/in box", "--state", STATE], [
      STATE,
      "/work dir/in box",
    ]],
    [["--inbox=./x"], ["--inbox=/work dir/x", "--state", STATE], [STATE, "/work dir/x"]],
    [["--inbox", "/in"], ["--inbox", "/in", "--state", STATE], [STATE, "/in"]],
    [["--inbox", "off"], ["--inbox", "off", "--state", STATE], [STATE]],
    [["--state", "s"], ["--state", "/work dir/s"], ["/work dir/s"]],
    [["--state=/s", "--inbox", "/s/in"], ["--state=/s", "--inbox", "/s/in"], ["/s"]],
    [["--name", "off the wall"], ["--name", "off the wall", "--state", STATE], [STATE]],
  ];
  for (const [given, args, writable] of table) {
    const plan = planService(SETUP, given);
    assertEquals([plan.launch.args.slice(1), [...plan.writable]], [args, writable]);
  }
});

Deno.test("planService() refuses what hamlet up would, before anything is written", () => {
  const wrong = [
    ["--prot", "1"],
    ["--port", "70000"],
    ["--port"],
    ["bla"],
    ["--leash"],
    ["--help"],
    ["--peer", "nonsense:port"],
  ];
  for (const given of wrong) assertThrows(() => planService(SETUP, given), UsageError);
});

Deno.test("planService() heeds no variable of this shell but the state's place; the others are told of", () => {
  const values: Record<string, string> = { HAMLET_PORT: "9100", HAMLET_STATE: "/elsewhere" };
  const surroundings = { ...SETUP.surroundings, env: (name: string) => values[name] };
  const plan = planService({ ...SETUP, surroundings }, []);
  assertEquals([plan.port, plan.writable], [undefined, ["/elsewhere"]]);
  assertEquals(ignoredVariables(surroundings), ["HAMLET_PORT"]);
});

Deno.test("planService() looks where the account's own commands do", () => {
  const env = (name: string) => name === "XDG_STATE_HOME" ? "/xdg" : undefined;
  const setup = { ...SETUP, surroundings: { ...SETUP.surroundings, env } };
  assertEquals(planService(setup, []).writable, ["/xdg/hamlet"]);
  // Under sudo it is root's, or whatever was left of it.
  assertEquals(planService({ ...setup, isCaller: false }, []).writable, [STATE]);
});

Deno.test("planService() heeds the configuration file that the agent will read", () => {
  const wish = readWish(SETUP, []);
  const entry = (text: string) => ({ given: [{ text, source: "/f" }], place: "/f:1:1" });
  const entries = new Map([["inbox", entry("/srv/in")], ["port", entry("81")]] as const);
  const surroundings = { ...wish.surroundings, file: { path: "/f", entries } };
  const plan = planWish(SETUP, { ...wish, surroundings });
  assertEquals([plan.writable, plan.port], [[STATE, "/srv/in"], 81]);
});

Deno.test("readScope() takes root's services for the system's", () => {
  const flags = (...names: string[]) => ({ has: (name: string) => names.includes(name) });
  assertEquals(readScope(flags(), 0), "system");
  assertEquals(readScope(flags(), 1_000), "user");
  assertEquals(readScope(flags("user"), 0), "user");
  assertEquals(readScope(flags("system"), 1_000), "system");
  assertThrows(() => readScope(flags("system", "user"), 0), UsageError);
});

Deno.test("readPasswdLine() reads passwd(5), and nothing else", () => {
  assertEquals(readPasswdLine("pi:x:1000:1001:,,,:/home/pi:/bin/bash\n"), {
    name: "pi",
    uid: 1_000,
    gid: 1_001,
    home: "/home/pi",
  });
  for (
    const line of [
      "",
      "pi",
      "pi:x:a:1::/home/pi:",
      "pi:x:1:1::home:",
      ":x:1:1::/h:",
      "pi:x:1:99999999999::/h:",
    ]
  ) {
    assertEquals(readPasswdLine(line), undefined);
  }
});
