/** Exit codes and words of the command line, in this process; `tests/interop` does the same with the program. */

import { assertEquals, assertMatch } from "@std/assert";
import { COMMANDS } from "../../src/cli/commands.ts";
import { commandHelp, overview } from "../../src/cli/help.ts";
import { main } from "../../src/cli/main.ts";
import { VERSION } from "../../src/cli/version.ts";

const PURE = { permissions: "none" } as const;

/** What `hamlet ARGS` ends with and writes. */
async function hamlet(...args: readonly string[]) {
  const decoder = new TextDecoder();
  let [out, err] = ["", ""];
  const { stdout, stderr } = Deno;
  const originals = [stdout.writeSync, stderr.writeSync] as const;
  stdout.writeSync = (bytes) => {
    out += decoder.decode(bytes);
    return bytes.length;
  };
  stderr.writeSync = (bytes) => {
    err += decoder.decode(bytes);
    return bytes.length;
  };
  try {
    return { code: await main(args), out, err };
  } finally {
    [stdout.writeSync, stderr.writeSync] = originals;
  }
}

Deno.test("main() shows help to who asks for it", PURE, async () => {
  for (const args of [[], ["help"], ["--help"], ["-h"]]) {
    assertEquals(await hamlet(...args), { code: 0, out: overview(), err: "" }, args.join(" "));
  }
  for (const command of COMMANDS) {
    const expected = { code: 0, out: commandHelp(command), err: "" };
    assertEquals(await hamlet("help", command.name), expected);
    assertEquals(await hamlet(command.name, "--help"), expected);
    assertEquals(await hamlet(command.name, "-h"), expected);
  }
});

Deno.test("main() prints the version under each of its names", PURE, async () => {
  for (const name of ["version", "--version", "-V"]) {
    const { code, out, err } = await hamlet(name);
    assertEquals([code, err, out.startsWith(`hamlet ${VERSION} (deno `)], [0, "", true]);
  }
  const { out } = await hamlet("version", "--json");
  assertEquals(JSON.parse(out).version, VERSION);
});

Deno.test("main() answers a mistake with one line and exit code 2", PURE, async () => {
  const cases: readonly (readonly [readonly string[], string])[] = [
    [["peeers"], 'unknown command "peeers"; did you mean "hamlet peers"?'],
    [["xyzzyplugh"], 'unknown command "xyzzyplugh"; see: hamlet help'],
    [["legacy-nod"], 'unknown command "legacy-nod"; see: hamlet help'],
    [["help", "stat"], 'unknown command "stat"; did you mean "hamlet status"?'],
    [["__proto__"], 'unknown command "__proto__"; see: hamlet help'],
    [[""], 'unknown command ""; see: hamlet help'],
    [["peers", "--jsn"], 'unknown flag --jsn for "hamlet peers"; did you mean --json?'],
    [["up", "--port"], "--port needs a value: --port PORT (see: hamlet help up)"],
    [["ping"], "usage: hamlet ping PEER [FLAGS]; see: hamlet help ping"],
    [["ping", "a", "b"], "usage: hamlet ping PEER [FLAGS]; see: hamlet help ping"],
    [["status", "extra"], "usage: hamlet status [FLAGS]; see: hamlet help status"],
    [["join"], "usage: hamlet join TOKEN [FLAGS]; see: hamlet help join"],
    [["revoke"], "usage: hamlet revoke NODE [FLAGS]; see: hamlet help revoke"],
    [["revoke", "a", "b"], "usage: hamlet revoke NODE [FLAGS]; see: hamlet help revoke"],
    [["invite", "bob"], "usage: hamlet invite [FLAGS]; see: hamlet help invite"],
    [["leave", "now"], "usage: hamlet leave [FLAGS]; see: hamlet help leave"],
    [["member"], 'unknown command "member"; did you mean "hamlet members"?'],
    [["invit"], 'unknown command "invit"; did you mean "hamlet invite"?'],
    [["leave", "--forse"], 'unknown flag --forse for "hamlet leave"; did you mean --force?'],
    [["event"], "usage: hamlet event NAME [DATA] [FLAGS]; see: hamlet help event"],
    [["on", "x"], "usage: hamlet on [FLAGS] NAME -- COMMAND [ARGS…]; see: hamlet help on"],
    [
      ["query", "x", "--were", "a=1"],
      'unknown flag --were for "hamlet query"; did you mean --where?',
    ],
    [["sleep", "5m"], "usage: hamlet sleep [FLAGS]; see: hamlet help sleep"],
    [["up", "--open=yes"], "--open takes no value"],
    [["ping", "a", "--count", "0"], '--count takes a whole number from 1 to 10000, not "0"'],
  ];
  for (const [args, message] of cases) {
    assertEquals(await hamlet(...args), { code: 2, out: "", err: `hamlet: ${message}\n` });
  }
});

Deno.test("main() answers what is not running with one line and exit code 1", {
  permissions: { read: true },
}, async () => {
  const commands = [
    ["peers"],
    ["status"],
    ["candidates"],
    ["members"],
    ["invite"],
    [
      "revoke",
      "a",
    ],
    ["event", "a"],
    ["query", "a"],
    ["sleep"],
    ["wake"],
  ];
  for (const command of commands) {
    const { code, out, err } = await hamlet(...command, "--state", "/nowhere/at/all");
    assertEquals([code, out], [1, ""]);
    assertMatch(err, /^hamlet: Cannot find a running agent in \/nowhere\/at\/all: [^\n]+\n$/);
  }
});

Deno.test("main() explains help itself", PURE, async () => {
  assertEquals((await hamlet("help", "help")).code, 0);
});
