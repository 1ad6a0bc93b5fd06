import { assertEquals, assertThrows } from "@std/assert";
import { type Flag, HELP_FLAG, oneOf, parseFlags, wholeNumber } from "../../src/cli/flags.ts";
import { UsageError } from "../../src/cli/usage_error.ts";

const PURE = { permissions: "none" } as const;

const FLAGS: readonly Flag[] = [
  { name: "port", kind: "text", value: "PORT", help: "" },
  { name: "count", short: "c", kind: "text", value: "N", help: "" },
  { name: "log-level", kind: "text", help: "" },
  { name: "peer", kind: "list", value: "HOST:PORT", help: "" },
  { name: "bounds", kind: "list", value: "LOW,HIGH", takesNegative: true, help: "" },
  { name: "target", kind: "text", takesNegative: true, help: "" },
  { name: "json", kind: "switch", help: "" },
  { name: "watch", short: "w", kind: "switch", help: "" },
  HELP_FLAG,
];

function parse(...args: readonly string[]) {
  return parseFlags(args, FLAGS, "up");
}

/** The message with which `args` are refused. */
function refusal(...args: readonly string[]): string {
  return assertThrows(() => parse(...args), UsageError).message;
}

Deno.test("parseFlags() finds nothing in nothing", PURE, () => {
  const flags = parse();
  assertEquals([flags.has("json"), flags.text("port"), flags.list("peer")], [false, undefined, []]);
  assertEquals(flags.positional, []);
});

Deno.test("parseFlags() reads a text flag in every spelling; the last one counts", PURE, () => {
  const cases: readonly (readonly [readonly string[], string])[] = [
    [["--port", "9000"], "9000"],
    [["--port=9000"], "9000"],
    [["--port", "1", "--port=2"], "2"],
    [["--port=1", "--port", "2"], "2"],
    [["--port", "007"], "007"],
    [["--port", "9e3"], "9e3"],
    [["--port", "0x10"], "0x10"],
    [["--port", "true"], "true"],
    [["--port=a=b"], "a=b"],
    [["--port=--json"], "--json"],
    [["--port", "a b\nc"], "a b\nc"],
    [["--port=-1"], "-1"],
  ];
  for (const [args, value] of cases) {
    const flags = parse(...args);
    assertEquals([flags.text("port"), flags.has("json"), flags.positional], [value, false, []]);
  }
});

Deno.test("parseFlags() reads short flags", PURE, () => {
  for (const args of [["-c", "5"], ["-c5"], ["-c=5"], ["--count", "5"]]) {
    assertEquals(parse(...args).text("count"), "5", args.join(" "));
  }
  const both = parse("-wh");
  assertEquals([both.has("watch"), both.has("help"), both.has("json")], [true, true, false]);
});

Deno.test("parseFlags() collects a list in order", PURE, () => {
  assertEquals(parse("--peer", "a:1", "--json", "--peer=b:2").list("peer"), ["a:1", "b:2"]);
  assertEquals(parse("--peer", "9000").list("peer"), ["9000"]);
});

Deno.test("parseFlags() reads a switch, which takes no value", PURE, () => {
  assertEquals(parse("--json").has("json"), true);
  assertEquals(parse("--json", "--json").has("json"), true);
  assertEquals(parse("--json", "abc").positional, ["abc"]);
  for (const args of ["--json=true", "--json=", "--json=false"]) {
    assertEquals(refusal(args), "--json takes no value");
  }
  assertEquals(refusal("-w=1"), "--watch takes no value");
});

Deno.test("parseFlags() keeps positional arguments as typed, all of them after --", PURE, () => {
  assertEquals(parse("a", "--json", "007").positional, ["a", "007"]);
  assertEquals(parse("--json", "--", "--port", "-x", "--unknown").positional, [
    "--port",
    "-x",
    "--unknown",
  ]);
  assertEquals(parse("-").positional, ["-"]);
  assertEquals(parse("").positional, [""]);
});

Deno.test("parseFlags() names a flag whose value is missing", PURE, () => {
  const port = "--port needs a value: --port PORT (see: hamlet help up)";
  const cases: readonly (readonly [readonly string[], string])[] = [
    [["--port"], port],
    [["--port="], port],
    [["--port", ""], port],
    [["--port", "--json"], port],
    [["--port", "-w"], port],
    [["--json", "--port"], port],
    [["-c"], "--count needs a value: --count N (see: hamlet help up)"],
    [["--log-level"], "--log-level needs a value: --log-level VALUE (see: hamlet help up)"],
    [["--peer"], "--peer needs a value: --peer HOST:PORT (see: hamlet help up)"],
    [["--peer", "a:1", "--peer"], "--peer needs a value: --peer HOST:PORT (see: hamlet help up)"],
  ];
  for (const [args, message] of cases) assertEquals(refusal(...args), message, args.join(" "));
});

Deno.test("parseFlags() suggests the nearest of the command's flags", PURE, () => {
  const cases: readonly (readonly [string, string])[] = [
    ["--prot", "did you mean --port?"],
    ["--jsn=1", "did you mean --json?"],
    ["--loglevel", "did you mean --log-level?"],
    ["--xyzzyplugh", "see: hamlet help up"],
    ["-x", "see: hamlet help up"],
    ["--no-json", "did you mean --json?"],
    ["--__proto__", "see: hamlet help up"],
    ["--constructor", "see: hamlet help up"],
    ["--port.x=1", "did you mean --port?"],
  ];
  for (const [typed, hint] of cases) {
    const name = typed.replace(/=.*/, "");
    assertEquals(refusal(typed), `unknown flag ${name} for "hamlet up"; ${hint}`);
  }
});

Deno.test("parseFlags() knows no flag of another kind under a name", PURE, () => {
  const flags = parse("--port", "1", "--peer", "a:1", "--json");
  assertEquals([flags.has("port"), flags.text("json"), flags.list("port")], [false, undefined, []]);
  assertEquals([flags.has("toString"), flags.text("__proto__"), flags.list("_")], [
    false,
    undefined,
    [],
  ]);
});

Deno.test("parseFlags() refuses a negative number that is no value of its own", PURE, () => {
  assertEquals(parse("--port=-1").text("port"), "-1");
  assertThrows(() => parse("--port", "-1"), UsageError);
});

Deno.test("parseFlags() takes a negative number after a flag that is for such", PURE, () => {
  const flags = parse("--bounds", "-5,5", "x", "--target", "-1e-8", "--bounds", "-.5,1");
  assertEquals(flags.list("bounds"), ["-5,5", "-.5,1"]);
  assertEquals([flags.text("target"), flags.positional], ["-1e-8", ["x"]]);
  for (const value of ["-w", "--json", "-", "--5"]) {
    assertThrows(() => parse("--bounds", value), UsageError, "--bounds needs a value");
  }
});

Deno.test("parseFlags() says of a negative number which flag it was for", {
  ...PURE,
}, () => assertEquals(refusal("--port", "-1").includes("--port"), true));

Deno.test(
  "parseFlags() misses the value of a flag before -- or -",
  PURE,
  () => {
    assertThrows(() => parse("--port", "--"), UsageError, "--port needs a value");
    assertThrows(() => parse("--port", "-"), UsageError, "--port needs a value");
  },
);

Deno.test("parseFlags() leaves what follows a switch alone, true and false too", {
  ...PURE,
}, () => {
  assertEquals(parse("--json", "true").positional, ["true"]);
  assertEquals(parse("--json", "false").has("json"), true);
});

Deno.test("wholeNumber() takes whole numbers within bounds, and no other spelling", PURE, () => {
  const bounds = { min: 1, max: 65_535 };
  for (const [text, value] of [["1", 1], ["65535", 65_535], ["0080", 80]] as const) {
    assertEquals(wholeNumber("--port", text, bounds), value);
  }
  const refused = ["", " ", "0", "65536", "-1", "+1", "1.0", "1e3", "0x10", "１", "1 ", "NaN"];
  for (const text of [...refused, "9".repeat(16), "9".repeat(400)]) {
    const error = assertThrows(() => wholeNumber("--port", text, bounds), UsageError);
    assertEquals(error.message, `--port takes a whole number from 1 to 65535, not "${text}"`);
  }
});

Deno.test("oneOf() takes one of its words and suggests the nearest", PURE, () => {
  const words = ["off", "lan", "any"] as const;
  for (const word of words) assertEquals(oneOf("--legacy", word, words), word);
  const refused = [
    ["lann", '--legacy takes off, lan, any, not "lann"; did you mean lan?'],
    ["OFF", '--legacy takes off, lan, any, not "OFF"'],
    ["xyz", '--legacy takes off, lan, any, not "xyz"'],
    ["", '--legacy takes off, lan, any, not ""'],
  ] as const;
  for (const [text, message] of refused) {
    assertEquals(assertThrows(() => oneOf("--legacy", text, words), UsageError).message, message);
  }
});

Deno.test(
  "parseFlags() takes --no-NAME of a switch that can be denied, and of no other",
  PURE,
  () => {
    const flags: readonly Flag[] = [
      { name: "open", kind: "switch", help: "", canBeDenied: true },
      { name: "json", kind: "switch", help: "" },
      { name: "name", kind: "text", value: "NAME", help: "" },
    ];
    const given = (...args: string[]) => {
      const parsed = parseFlags(args, flags, "up");
      return [parsed.has("open"), parsed.has("no-open"), parsed.positional];
    };
    assertEquals(given(), [false, false, []]);
    assertEquals(given("--open"), [true, false, []]);
    assertEquals(given("--no-open", "true"), [false, true, ["true"]]);
    assertEquals(given("--no-open", "--no-open"), [false, true, []]);
    assertEquals(given("--name=x", "--", "--no-open"), [false, false, ["--no-open"]]);
    const refusals: readonly (readonly [args: readonly string[], message: string])[] = [
      [["--open", "--no-open"], "--open and --no-open contradict each other"],
      [["--no-open=true"], "--no-open takes no value"],
      [["--no-name"], 'unknown flag --no-name for "hamlet up"; did you mean --name?'],
      [["--name", "--no-open"], "--name needs a value: --name NAME (see: hamlet help up)"],
    ];
    for (const [args, message] of refusals) {
      const error = assertThrows(() => parseFlags(args, flags, "up"), UsageError);
      assertEquals(error.message, message);
    }
  },
);
