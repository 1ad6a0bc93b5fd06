import { assert, assertEquals, assertThrows } from "@std/assert";
import { FieldError, Fields, isObject, isPrintable, isShallow } from "../../src/base/guards.ts";

function assertRefused(
  read: () => unknown,
  code: FieldError["code"],
  field: string,
  message?: string,
): FieldError {
  const error = assertThrows(read, FieldError, undefined, message);
  assertEquals(error.code, code, message);
  assertEquals(error.field, field, message);
  return error;
}

function fieldsOf(json: string): Fields {
  return Fields.of(JSON.parse(json));
}

const NOT_OBJECTS = ["null", "[]", "[{}]", "1", "0", "true", "false", '""', '"{}"'];

Deno.test("isObject() takes plain JSON objects only", { permissions: "none" }, () => {
  for (const json of NOT_OBJECTS) assert(!isObject(JSON.parse(json)), json);
  assert(!isObject(undefined));
  assert(!isObject(() => 1));
  for (const json of ["{}", '{"a":1}', '{"__proto__":null}', '{"length":0}']) {
    assert(isObject(JSON.parse(json)), json);
  }
});

Deno.test("Fields.of() refuses what is not an object, by its path", { permissions: "none" }, () => {
  for (const json of NOT_OBJECTS) {
    assertRefused(() => Fields.of(JSON.parse(json)), "invalid_field", "message", json);
    assertRefused(() => Fields.of(JSON.parse(json), "a.b"), "invalid_field", "a.b", json);
  }
});

Deno.test("isShallow() counts objects and arrays", { permissions: "none" }, () => {
  const cases: readonly (readonly [json: string, depth: number])[] = [
    ["1", 0],
    ["null", 0],
    ['"[[[["', 0],
    ["[]", 1],
    ["{}", 1],
    ["[1,2,3]", 1],
    ["[[]]", 2],
    ['{"a":[]}', 2],
    ['[1,{"a":[{}]},[]]', 4],
    ['{"__proto__":{"__proto__":{}}}', 3],
  ];
  for (const [json, depth] of cases) {
    const value: unknown = JSON.parse(json);
    assert(isShallow(value, depth), `${json} nests ${depth} deep`);
    if (depth > 0) assert(!isShallow(value, depth - 1), `${json} nests deeper than ${depth - 1}`);
  }
});

Deno.test("isShallow() survives 30,000 levels", { permissions: "none" }, () => {
  const levels = 30_000;
  const lists: unknown = JSON.parse("[".repeat(levels) + "]".repeat(levels));
  const objects: unknown = JSON.parse('{"a":'.repeat(levels) + "1" + "}".repeat(levels));
  const hidden: unknown = JSON.parse(
    `[${"1,".repeat(20_000)}${"[".repeat(levels)}${"]".repeat(levels)}]`,
  );
  for (const value of [lists, objects, hidden]) {
    assert(!isShallow(value, 8));
    assert(!isShallow(value, 100));
  }
});

Deno.test("isPrintable() refuses controls and bidirectional overrides", {
  permissions: "none",
}, () => {
  // The Unicode database decides: controls, line and paragraph separators, bidirectional controls.
  const forging = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;
  const missed: string[] = [];
  for (let point = 0; point <= 0x10ffff; point++) {
    if (point >= 0xd800 && point <= 0xdfff) continue;
    const character = String.fromCodePoint(point);
    if (forging.test(character) && isPrintable(`a${character}b`)) {
      missed.push(`U+${point.toString(16).toUpperCase().padStart(4, "0")}`);
    }
  }
  assertEquals(missed, []);
});

Deno.test("isPrintable() refuses invisible joiners and marks", { permissions: "none" }, () => {
  for (const point of [0x200b, 0x200c, 0x200d, 0x2060, 0x2064, 0xfeff]) {
    assert(!isPrintable(String.fromCodePoint(point)), point.toString(16));
  }
});

Deno.test("isPrintable() refuses lone surrogates", { permissions: "none" }, () => {
  for (const text of ["\ud800", "\udfff", "a\ud83d", "\ude00a", "\ude00\ud83d", "\ud800\ud800"]) {
    assert(!isPrintable(text), JSON.stringify(text));
  }
  assert(isPrintable("\ud83d\ude00"));
});

Deno.test("isPrintable() takes ordinary text of any script", { permissions: "none" }, () => {
  for (
    const text of [
      "",
      "pi-4 (kitchen)",
      "K\u00fcche",
      "\u53a8\u623f",
      "\u0645\u0637\u0628\u062e",
      "e\u0301",
      "\u{1f336}",
    ]
  ) {
    assert(isPrintable(text), text);
  }
});

Deno.test("Fields.has() sees own keys only", { permissions: "none" }, () => {
  const inherited = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"];
  const empty = fieldsOf("{}");
  for (const key of inherited) {
    assert(!empty.has(key), key);
    assertEquals(empty.raw(key), undefined, key);
    assertRefused(() => empty.text(key, { maxLength: 9 }), "missing_field", key);
    assertRefused(() => empty.object(key), "missing_field", key);
    assertRefused(() => empty.list(key, { maxItems: 9 }), "missing_field", key);
    assertEquals(empty.text(key, { maxLength: 9, absent: "none" }), "none");
    assertEquals(empty.textOrNull(key, { maxLength: 9 }), null);
    assertEquals(empty.numberOrNull(key, { min: 0, max: 1 }), null);
  }
  const own = fieldsOf('{"__proto__":{"admin":true},"constructor":"x","toString":1}');
  assert(own.has("__proto__"));
  assertEquals(own.object("__proto__").boolean("admin"), true);
  assert(!own.has("admin"));
  assertEquals(own.raw("admin"), undefined);
  assertEquals(own.text("constructor", { maxLength: 9 }), "x");
  assertEquals(own.number("toString", { min: 0, max: 1 }), 1);
});

Deno.test("Fields.of() lets __proto__ pollute nothing", { permissions: "none" }, () => {
  fieldsOf('{"__proto__":{"polluted":1},"list":["a"]}').texts("list", {
    maxItems: 1,
    maxLength: 1,
  });
  assertEquals(Reflect.get({}, "polluted"), undefined);
  assertEquals(Reflect.get([], "polluted"), undefined);
});

Deno.test("Fields.number() takes finite numbers within its bounds", { permissions: "none" }, () => {
  const bounds = { min: -1, max: 100 };
  const cases: readonly (readonly [json: string, expected: number | undefined])[] = [
    ["0", 0],
    ["-1", -1],
    ["100", 100],
    ["0.5", 0.5],
    ["1e1", 10],
    ["5e-324", 5e-324],
    ["100.00000000000001", undefined],
    ["-1.0000000000000002", undefined],
    ["1e308", undefined],
    ["-1e308", undefined],
    ["1e309", undefined],
    ["-1e999", undefined],
    ["9".repeat(5_000), undefined],
    [`-${"9".repeat(5_000)}`, undefined],
    [`0.${"0".repeat(5_000)}1`, 0],
    ['"1"', undefined],
    ['""', undefined],
    ["null", undefined],
    ["true", undefined],
    ["[1]", undefined],
    ["{}", undefined],
    ['{"valueOf":1}', undefined],
  ];
  for (const [json, expected] of cases) {
    const fields = fieldsOf(`{"n":${json}}`);
    if (expected === undefined) {
      assertRefused(() => fields.number("n", bounds), "invalid_field", "n", json.slice(0, 40));
    } else {
      assertEquals(fields.number("n", bounds), expected, json.slice(0, 40));
    }
  }
  for (const value of [NaN, Infinity, -Infinity]) {
    assertRefused(
      () => Fields.of({ n: value }).number("n", { min: -Infinity, max: Infinity }),
      "invalid_field",
      "n",
    );
  }
});

Deno.test("Fields.integer() takes whole numbers within its bounds", { permissions: "none" }, () => {
  const bounds = { min: 0, max: 65_535 };
  const taken: readonly (readonly [string, number])[] = [
    ["0", 0],
    ["65535", 65_535],
    ["1.0", 1],
    ["1e4", 10_000],
    ["655350e-1", 65_535],
  ];
  for (const [json, expected] of taken) {
    assertEquals(fieldsOf(`{"n":${json}}`).integer("n", bounds), expected, json);
  }
  const refused = ["65536", "-1", "0.5", "1e308", "1e309", "65535.5", '"7"', "null", "[7]", "true"];
  for (const json of refused) {
    assertRefused(() => fieldsOf(`{"n":${json}}`).integer("n", bounds), "invalid_field", "n", json);
  }
});

Deno.test("Fields.integer() and number() treat -0 as zero", { permissions: "none" }, () => {
  const fields = fieldsOf('{"n":-0}');
  for (
    const value of [fields.integer("n", { min: 0, max: 1 }), fields.number("n", { min: 0, max: 1 })]
  ) {
    assert(value === 0);
    assertEquals(JSON.stringify(value), "0");
    assertEquals(`${value}`, "0");
  }
});

Deno.test(
  "Fields.number() gives the absent value only for absence",
  { permissions: "none" },
  () => {
    const options = { min: 1, max: 9, absent: 5 };
    assertEquals(fieldsOf("{}").number("n", options), 5);
    assertEquals(fieldsOf("{}").integer("n", { ...options, absent: 0 }), 0);
    for (const json of ["null", "0", '"5"']) {
      assertRefused(
        () => fieldsOf(`{"n":${json}}`).number("n", options),
        "invalid_field",
        "n",
        json,
      );
    }
    assertRefused(() => fieldsOf("{}").number("n", { min: 1, max: 9 }), "missing_field", "n");
  },
);

Deno.test("Fields.text() keeps to its bounds", { permissions: "none" }, () => {
  const read = (value: unknown, minLength?: number) =>
    Fields.of({ t: value }).text(
      "t",
      minLength === undefined ? { maxLength: 4 } : { maxLength: 4, minLength },
    );
  assertEquals(read("a"), "a");
  assertEquals(read("abcd"), "abcd");
  assertEquals(read("", 0), "");
  assertEquals(read("\ud83d\ude00\ud83d\ude00"), "\ud83d\ude00\ud83d\ude00");
  const refused: readonly unknown[] = [
    "",
    "abcde",
    "\ud83d\ude00\ud83d\ude00a",
    "a\u0000",
    "a\nb",
    "\u001b[2J",
    "\u202eab",
    "\u2066a",
    "\ufeffa",
    "\ud800",
    1,
    null,
    true,
    ["a"],
    { 0: "a", length: 1 },
    undefined,
  ];
  for (const value of refused) {
    assertRefused(() => read(value), "invalid_field", "t", JSON.stringify(value));
  }
});

Deno.test(
  "Fields.text() refuses a 512 KiB id without repeating it",
  { permissions: "none" },
  () => {
    const id = "x".repeat(512 * 1024);
    const error = assertRefused(
      () => fieldsOf(`{"sender_id":"${id}"}`).text("sender_id", { maxLength: 128 }),
      "invalid_field",
      "sender_id",
    );
    assert(error.message.length < 200);
  },
);

Deno.test("FieldError() never repeats the value", { permissions: "none" }, () => {
  const secret = "hunter2";
  const fields = Fields.of({ v: secret, list: [secret, "\u0000hunter2"], n: 7777777 });
  const reads: readonly (() => unknown)[] = [
    () => fields.text("v", { maxLength: 3 }),
    () => fields.number("v", { min: 0, max: 1 }),
    () => fields.number("n", { min: 0, max: 1 }),
    () => fields.boolean("v"),
    () => fields.oneOf("v", ["a", "b"]),
    () => fields.object("v"),
    () => fields.list("v", { maxItems: 1 }),
    () => fields.texts("list", { maxItems: 2, maxLength: 3 }),
    () => fields.texts("list", { maxItems: 2, maxLength: 10 }),
  ];
  for (const read of reads) {
    const error = assertThrows(read, FieldError);
    assert(!error.message.includes(secret) && !error.message.includes("7777777"), error.message);
  }
});

Deno.test("Fields.textOrNull() and numberOrNull() join null and absence", {
  permissions: "none",
}, () => {
  const fields = fieldsOf('{"null":null,"text":"a","n":1,"bad":[]}');
  assertEquals(fields.textOrNull("null", { maxLength: 1 }), null);
  assertEquals(fields.textOrNull("gone", { maxLength: 1 }), null);
  assertEquals(fields.textOrNull("text", { maxLength: 1 }), "a");
  assertEquals(fields.numberOrNull("null", { min: 0, max: 1 }), null);
  assertEquals(fields.numberOrNull("gone", { min: 0, max: 1 }), null);
  assertEquals(fields.numberOrNull("n", { min: 0, max: 1 }), 1);
  assertRefused(() => fields.textOrNull("bad", { maxLength: 1 }), "invalid_field", "bad");
  assertRefused(() => fields.numberOrNull("bad", { min: 0, max: 1 }), "invalid_field", "bad");
  assertRefused(() => fields.numberOrNull("n", { min: 2, max: 3 }), "invalid_field", "n");
});

Deno.test("Fields.boolean() takes true and false only", { permissions: "none" }, () => {
  const fields = fieldsOf('{"t":true,"f":false,"one":1,"text":"true","null":null}');
  assertEquals(fields.boolean("t"), true);
  assertEquals(fields.boolean("f", { absent: true }), false);
  assertEquals(fields.boolean("gone", { absent: false }), false);
  assertRefused(() => fields.boolean("gone"), "missing_field", "gone");
  for (const key of ["one", "text", "null"]) {
    assertRefused(() => fields.boolean(key, { absent: false }), "invalid_field", key);
  }
});

Deno.test("Fields.oneOf() takes a word of the set, exactly", { permissions: "none" }, () => {
  const words = ["low", "high"] as const;
  const read = (value: unknown) => Fields.of({ w: value }).oneOf("w", words);
  assertEquals(read("low"), "low");
  for (const value of ["LOW", "low ", "", "toString", 0, null, ["low"], undefined]) {
    assertRefused(() => read(value), "invalid_field", "w", JSON.stringify(value));
  }
  assertEquals(Fields.of({}).oneOf("w", words, { absent: "high" }), "high");
  assertRefused(() => Fields.of({}).oneOf("w", words), "missing_field", "w");
});

Deno.test("Fields.object() names the nested path", { permissions: "none" }, () => {
  const fields = fieldsOf('{"a":{"b":{"n":"x"}},"list":[],"null":null}');
  assertRefused(
    () => fields.object("a").object("b").number("n", { min: 0, max: 1 }),
    "invalid_field",
    "a.b.n",
  );
  assertRefused(() => fields.object("a").object("c"), "missing_field", "a.c");
  for (const key of ["list", "null"]) {
    assertRefused(() => fields.object(key, { absent: {} }), "invalid_field", key);
  }
  assertEquals(fields.object("gone", { absent: { x: 1 } }).number("x", { min: 1, max: 1 }), 1);
});

Deno.test("Fields.list() caps its items", { permissions: "none" }, () => {
  const fields = fieldsOf('{"l":[1,"a",null],"o":{"0":1,"length":1},"s":"abc"}');
  assertEquals(fields.list("l", { maxItems: 3 }), [1, "a", null]);
  assertRefused(() => fields.list("l", { maxItems: 2 }), "invalid_field", "l");
  for (const key of ["o", "s"]) {
    assertRefused(() => fields.list(key, { maxItems: 9 }), "invalid_field", key);
  }
  assertEquals(fields.list("gone", { maxItems: 1, absent: [] }), []);
  assertRefused(() => fields.list("gone", { maxItems: 1 }), "missing_field", "gone");
});

Deno.test("Fields.texts() checks every item and names the bad one", { permissions: "none" }, () => {
  const options = { maxItems: 3, maxLength: 4 };
  assertEquals(fieldsOf('{"l":["a","bcde"]}').texts("l", options), ["a", "bcde"]);
  assertEquals(fieldsOf('{"l":[]}').texts("l", options), []);
  assertEquals(fieldsOf("{}").texts("l", { ...options, absent: [] }), []);
  const cases: readonly (readonly [json: string, field: string])[] = [
    ['["a",1]', "l.1"],
    ['["abcde"]', "l.0"],
    ['["a","b",""]', "l.2"],
    ['["a","\\u202e"]', "l.1"],
    ['[["a"]]', "l.0"],
    ["[null]", "l.0"],
    ['["a","b","c","d"]', "l"],
    ['"abc"', "l"],
  ];
  for (const [json, field] of cases) {
    assertRefused(
      () => fieldsOf(`{"l":${json}}`).texts("l", options),
      "invalid_field",
      field,
      json,
    );
  }
});
