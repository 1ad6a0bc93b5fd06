import { assert, assertEquals, assertMatch } from "@std/assert";
import { parseConfig } from "../../../src/cli/config/file.ts";
import { SETTING_NAMES } from "../../../src/cli/config/settings.ts";
import { randomBelow, seededRandom } from "../../../src/base/random.ts";
import { fuzzSeed, mutateBytes } from "../../testing/mutate.ts";

const PURE = { permissions: "none" } as const;

function parse(text: string) {
  return parseConfig({ text, path: "hamlet.json", resolvePath: (path) => `/etc/${path}` });
}

/** What is wrong with `text`. */
function problems(text: string): readonly string[] {
  return parse(text).problems;
}

/** What `text` gives each setting. */
function givenBy(text: string): Record<string, readonly string[]> {
  const { entries, problems } = parse(text);
  assertEquals(problems, []);
  return Object.fromEntries(
    [...entries].map(([name, { given }]) => [name, given.map((each) => each.text)]),
  );
}

Deno.test(
  "parseConfig() reads JSON with comments, commas at the end and natural types",
  PURE,
  () => {
    const text = `// of the kitchen
  {
    "$schema": "./hamlet.schema.json", /* for
    the editor */
    "port": 9100,
    "mdns": false, "exchange": "off", "open": true,
    "peer": ["192.168.1.20:9000", "pi.local"], // two
    "max-up": "10M", "max-down": 8000,
    "rate-limit": 5, "max-unverified": "50:2",
    "inbox": "in",
  }
  `;
    assertEquals(givenBy(text), {
      "port": ["9100"],
      "mdns": ["off"],
      "exchange": ["off"],
      "open": ["on"],
      "peer": ["192.168.1.20:9000", "pi.local"],
      "max-up": ["10M"],
      "max-down": ["8000"],
      "rate-limit": ["5"],
      "max-unverified": ["50:2"],
      "inbox": ["/etc/in"],
    });
  },
);

Deno.test("parseConfig() takes nothing, comments and an empty object for no settings", PURE, () => {
  for (const text of ["", " \n\t", "// x", "/* x */", "{}", "{ // x\n}", "{\r\n}\r\n"]) {
    assertEquals(givenBy(text), {}, JSON.stringify(text));
  }
});

Deno.test(
  "parseConfig() takes one peer without a list, off for a directory and \\u escapes",
  PURE,
  () => {
    assertEquals(givenBy('{"peer": "a:1", "inbox": "off", "name": "K\\u00fcche"}'), {
      peer: ["a:1"],
      inbox: ["off"],
      name: ["Küche"],
    });
    assertEquals(givenBy('{"\\u0070ort": 1e3, "peer": []}'), { port: ["1000"], peer: [] });
  },
);

Deno.test("parseConfig() names line, column and the nearest right key", PURE, () => {
  const cases: readonly (readonly [text: string, ...expected: string[]])[] = [
    ['{\n  "lgacy": "off"\n}', '2:3: unknown setting "lgacy"; did you mean "legacy"?'],
    ['{"maxUp": 1}', '1:2: unknown setting "maxUp"; did you mean "max-up"?'],
    ['{"xyzzyplugh": 1}', '1:2: unknown setting "xyzzyplugh"'],
    ['{"__proto__": {"port": 1}}', '1:2: unknown setting "__proto__"'],
    ['{"hasOwnProperty": 1}', '1:2: unknown setting "hasOwnProperty"'],
    ['{"state": "/x"}', '1:2: "state" is a flag, and cannot be set in a file'],
    ['{"$schema": 3}', '1:13: "$schema" takes the place of a schema, as text'],
    ['\r\n\r\n{"a\\nb": 1}', '3:2: unknown setting "a?b"'],
    ['\r{"prt": 1}', '2:2: unknown setting "prt"; did you mean "port"?'],
  ];
  for (const [text, ...expected] of cases) {
    assertEquals(problems(text), expected.map((each) => `hamlet.json:${each}`), text);
  }
});

Deno.test("parseConfig() names line, column and the nearest right value", PURE, () => {
  const cases: readonly (readonly [text: string, ...expected: string[]])[] = [
    ['{"legacy":\n "lann"}', '2:2: "legacy" takes off, lan, any, not "lann"; did you mean lan?'],
    ['{"port": 65536}', '1:10: "port" takes a whole number from 0 to 65535, not "65536"'],
    ['{"port": 1.5}', '1:10: "port" takes a whole number from 0 to 65535, not "1.5"'],
    ['{"port": -1}', '1:10: "port" takes a whole number from 0 to 65535, not "-1"'],
    ['{"port": "9000"}', '1:10: "port" takes a number, not text; leave out the quotes'],
    ['{"port": null}', '1:10: "port" takes a number, not null'],
    ['{"port": [9000]}', '1:10: "port" takes a number, not a list'],
    ['{"port": {"a": 1}}', '1:10: "port" takes a number, not an object'],
    ['{"open": 1}', '1:10: "open" takes true or false, not a number'],
    ['{"open": "yes"}', '1:10: "open" takes on, off, not "yes"'],
    ['{"name": true}', '1:10: "name" takes text, not true or false'],
    ['{"listen": ""}', '1:12: "listen" is empty'],
    [
      '{"peer": ["a:1",\n "b:"]}',
      '2:2: "peer" takes HOST:PORT, e.g. 192.168.1.20:9000, not "b:"',
    ],
    ['{"peer": ["a:1", 5]}', '1:18: "peer" takes text, or a list of such, not a number'],
    ['{"name": "a\\u001b[31m"}', '1:10: "name" takes a name of 1 to 32 printable characters'],
  ];
  for (const [text, ...expected] of cases) {
    assertEquals(problems(text), expected.map((each) => `hamlet.json:${each}`), text);
  }
});

Deno.test("parseConfig() finds all that is wrong, in order", PURE, () => {
  assertEquals(problems('{"legacy": "x",\n"prt": 1,\n"port": "1",\n "name": 3, "port": 2}'), [
    'hamlet.json:1:12: "legacy" takes off, lan, any, not "x"',
    'hamlet.json:2:1: unknown setting "prt"; did you mean "port"?',
    'hamlet.json:3:9: "port" takes a number, not text; leave out the quotes',
    'hamlet.json:4:10: "name" takes text, not a number',
    'hamlet.json:4:13: "port" is set twice, first at line 3',
  ]);
});

Deno.test("parseConfig() says in words what is no JSON, and where", PURE, () => {
  const cases: readonly (readonly [text: string, expected: string])[] = [
    ['{"port": 1 "open": true}', "1:12: not JSON: a comma belongs before this"],
    ['{"port": }', "1:10: not JSON: a value belongs here"],
    ['{"port"}', "1:8: not JSON: a colon belongs here"],
    ['{"port": 1', "1:11: not JSON: a closing brace } belongs here"],
    ['{"port": 1}{}', "1:12: not JSON: nothing belongs after the closing brace }"],
    ["{'port': 1}", "1:2: not JSON: a word is true, false, null, or stands in double quotes"],
    ["{port: 1}", "1:2: not JSON: a word is true, false, null, or stands in double quotes"],
    ['{"name": "a\n"}', "1:10: not JSON: this text has no closing quote on its line"],
    ['{"inbox": "C:\\x"}', "1:11: not JSON: a backslash is written \\\\"],
    ["/* {}", "1:1: not JSON: this comment does not end"],
    ["[]", "1:1: a configuration is an object: { … }"],
    ["3", "1:1: a configuration is an object: { … }"],
    ['"port"', "1:1: a configuration is an object: { … }"],
  ];
  for (const [text, expected] of cases) {
    assertEquals(problems(text)[0], `hamlet.json:${expected}`, text);
  }
});

Deno.test("parseConfig() bounds depth, lengths and items, each to the last one", PURE, () => {
  const nested = (depth: number) => `{"port": ${"[".repeat(depth)}${"]".repeat(depth)}}`;
  assertMatch(problems(nested(15))[0] ?? "", /takes a number, not a list$/);
  assertEquals(problems(nested(16)), ["hamlet.json:1:25: nested deeper than 16"]);
  assertEquals(problems("[".repeat(100_000)), ["hamlet.json:1:17: nested deeper than 16"]);
  const bracketsInText = `{"listen": "${"[".repeat(50)}" /* ${"{".repeat(50)} */}`;
  assertEquals(problems(bracketsInText), []);

  const path = (length: number) => `{"inbox": "/${"a".repeat(length - 1)}"}`;
  assertEquals(problems(path(4_096)), []);
  assertEquals(problems(path(4_097)), ['hamlet.json:1:11: "inbox" is longer than 4096']);

  const peers = (count: number) => JSON.stringify({ peer: Array(count).fill("a:1") });
  assertEquals(problems(peers(256)), []);
  assertMatch(problems(peers(257))[0] ?? "", /^hamlet\.json:1:1546: "peer" takes at most 256/);

  const [key = ""] = problems(`{"${"k".repeat(100_000)}": 1}`);
  assert(key.length < 500 && key.startsWith('hamlet.json:1:2: unknown setting "kkk'), key);
  assert((problems(`{"legacy": "${"v".repeat(4_000)}"}`)[0] ?? "").length < 500);
});

Deno.test("parseConfig() of every beginning of a file finds it cut, and never throws", PURE, () => {
  const whole = '{"port": 9100, "peer": ["a:1", "b:2"], "open": true /* yes */ }';
  assertEquals(problems(whole), []);
  for (let length = 1; length < whole.length; length++) {
    assert(problems(whole.slice(0, length)).length > 0, whole.slice(0, length));
  }
});

Deno.test("parseConfig() has an answer of single lines for whatever it is given", () => {
  const seed = fuzzSeed();
  const random = seededRandom(seed);
  const bases = [
    `{${SETTING_NAMES.map((name) => `"${name}": "off"`).join(",\n")}}`,
    '{"port": 9000, "peer": ["a:1", "b:2"], // x\n "open": true, "max-up": "10M"}',
    '{"$schema": "x", "inbox": "~/in", "rate-limit": "1:2", "name": "K\\u00fcche"}',
  ].map((text) => new TextEncoder().encode(text));
  for (let round = 0; round < 3_000; round++) {
    const base = bases[randomBelow(random, bases.length)] ?? new Uint8Array();
    const text = new TextDecoder().decode(mutateBytes(random, base));
    const name = `HAMLET_FUZZ_SEED=${seed} round ${round}: ${text}`;
    const { problems, entries } = parse(text);
    for (const problem of problems) {
      assertMatch(problem, /^hamlet\.json:\d+:\d+: \P{Cc}+$/u, name);
      assert(problem.length <= 401, name);
    }
    for (const [key] of entries) assert(SETTING_NAMES.includes(key), name);
  }
});
