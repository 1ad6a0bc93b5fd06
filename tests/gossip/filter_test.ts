import { assertEquals, assertThrows } from "@std/assert";
import { nearest } from "../../src/cli/nearest.ts";
import {
  FilterError,
  type FilterOptions,
  matchesFilter,
  MAX_FILTER_DEPTH,
  MAX_FILTER_LENGTH,
  MAX_FILTER_TERMS,
  parseFilter,
} from "../../src/gossip/filter.ts";

const PURE = { permissions: "none" } as const;
const RECORD = {
  cpu_cores: 8,
  ram_mb: 16_384,
  cpu_percent: 12.5,
  battery_percent: null,
  network_type: "wifi",
  device_type: "laptop",
  can_evolve: true,
  room: "under the stairs",
};

function matches(text: string, record: Readonly<Record<string, unknown>> = RECORD): boolean {
  return matchesFilter(parseFilter(text), record);
}

function refused(text: string, options?: FilterOptions): FilterError {
  return assertThrows(() => parseFilter(text, options), FilterError);
}

Deno.test("matchesFilter() answers as its language says", PURE, () => {
  const table: readonly (readonly [string, boolean])[] = [
    ["cpu_cores>=4 and battery_percent=null", true],
    ["cpu_cores>=8", true],
    ["cpu_cores>8", false],
    ["cpu_cores<=8", true],
    ["cpu_cores<8", false],
    ["cpu_cores=8", true],
    ["cpu_cores=8.0", true],
    ["cpu_cores!=8", false],
    ["cpu_cores='8'", false],
    ["cpu_percent<1.3e1", true],
    ["cpu_percent>-1", true],
    ["cpu_percent>+.5", true],
    ["battery_percent!=null", false],
    ["battery_percent<50", false],
    ["battery_percent>=0", false],
    ["battery_percent<null", false],
    ["not battery_percent<50", true],
    ["gpu=null", true],
    ["gpu!=nvidia", true],
    ["network_type=wifi", true],
    ["network_type = 'wifi'", true],
    ['network_type="wifi"', true],
    ["network_type=WIFI", false],
    ["device_type<phone", true],
    ["device_type>phone", false],
    ["device_type>=laptop and device_type<=laptop", true],
    ["device_type<5", false],
    ["device_type>5", false],
    ["can_evolve=true", true],
    ["can_evolve=false", false],
    ["can_evolve='true'", false],
    ["room='under the stairs'", true],
    ["room=''", false],
    // `and` binds more strongly than `or`, and `not` more than both.
    ["cpu_cores=8 or cpu_cores=1 and ram_mb=1", true],
    ["(cpu_cores=8 or cpu_cores=1) and ram_mb=1", false],
    ["not cpu_cores=8 or ram_mb>1", true],
    ["not (cpu_cores=8 or ram_mb>1)", false],
    ["not not cpu_cores=8", true],
    ["CPU_CORES=8", false],
    ["cpu_cores=8 AND NOT ram_mb=1 OR ram_mb=2", true],
    ["  cpu_cores\t=\n8  ", true],
    ["cpu_cores=8 and(ram_mb>1)", true],
  ];
  for (const [text, expected] of table) assertEquals(matches(text), expected, text);
});

Deno.test("matchesFilter() looks at a record's own members alone", PURE, () => {
  assertEquals(matches("constructor=null"), true);
  assertEquals(matches("__proto__=null"), true);
  assertEquals(matches("toString!=null", {}), false);
});

Deno.test("parseFilter() makes a small tree", PURE, () => {
  assertEquals(parseFilter("a=1 and not (b!=x or c<2)"), {
    type: "all",
    of: [
      { type: "compare", key: "a", operator: "=", value: 1 },
      {
        type: "not",
        of: {
          type: "any",
          of: [
            { type: "compare", key: "b", operator: "!=", value: "x" },
            { type: "compare", key: "c", operator: "<", value: 2 },
          ],
        },
      },
    ],
  });
});

Deno.test("parseFilter() says where it stopped and what it expected there", PURE, () => {
  const table: readonly (readonly [string, number, string])[] = [
    ["", 0, "expected a key, `not` or `(`"],
    ["   ", 0, "expected a key, `not` or `(`"],
    ["cpu_cores", 9, "expected one of = != < <= > >="],
    ["cpu_cores 4", 10, "expected one of"],
    ["cpu_cores>=", 11, "expected a number, a word, text in quotes, true, false or null"],
    ["cpu_cores>=and", 11, "expected a number"],
    ["cpu_cores>=)", 11, "expected a number"],
    ["a=1 b=2", 4, "expected `and`, `or` or the end"],
    ["a=1)", 3, "expected `and`, `or` or the end"],
    ["(a=1", 4, "expected `and`, `or` or `)`"],
    ["a=1 and", 7, "expected a key"],
    ["and a=1", 0, "expected a key"],
    ["a=1 or or b=2", 7, "expected a key"],
    ["4=a", 0, "expected a key"],
    ["'a'=1", 0, "expected a key"],
    ["a==1", 2, "expected a number"],
    ["a=1 & b=2", 4, "unexpected character"],
    ["a='open", 2, "unexpected character"],
    ["a=ü", 2, "unexpected character"],
  ];
  for (const [text, position, reason] of table) {
    const error = refused(text);
    assertEquals([error.code, error.position], ["malformed", position], text);
    assertEquals(error.message.includes(`${reason}`), true, `${text}: ${error.message}`);
    assertEquals(error.message.endsWith(` at character ${position + 1}`), true);
  }
});

Deno.test(
  "parseFilter() knows keys from those it is given, with the one that was meant",
  PURE,
  () => {
    const options = { keys: ["cpu_cores", "ram_mb"], nearest };
    parseFilter("cpu_cores=1 or ram_mb=2", options);
    const error = refused("ram_mb=2 and cpu_core=1", options);
    assertEquals([error.code, error.position], ["unknown_key", 13]);
    assertEquals(error.message.includes("did you mean `cpu_cores`?"), true);
    assertEquals(refused("x=1", options).message, "Cannot read filter: no such key at character 1");
  },
);

Deno.test(
  "parseFilter() reads up to its limits of length, comparisons and depth, and no more",
  PURE,
  () => {
    const padded = (length: number) => "a=1" + " ".repeat(length - 3);
    parseFilter(padded(MAX_FILTER_LENGTH));
    assertEquals(refused(padded(MAX_FILTER_LENGTH + 1)).code, "too_large");
    const terms = (count: number) => Array(count).fill("a=1").join(" or ");
    parseFilter(terms(MAX_FILTER_TERMS));
    assertEquals(refused(terms(MAX_FILTER_TERMS + 1)).code, "too_large");
    const nested = (depth: number) => "(".repeat(depth) + "a=1" + ")".repeat(depth);
    const negated = (depth: number) => "not ".repeat(depth) + "a=1";
    for (const deep of [nested, negated]) {
      parseFilter(deep(MAX_FILTER_DEPTH));
      assertEquals(refused(deep(MAX_FILTER_DEPTH + 1)).code, "too_large");
    }
  },
);
