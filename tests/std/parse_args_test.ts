import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { parseArgs as fromRoot } from "@std/cli";
import { type Args, parseArgs, type ParseOptions } from "@std/cli/parse-args";

type Case = [args: string, options: ParseOptions, expected: Record<string, unknown>];

/** Arguments are split at blanks; `expected` is the whole result. */
async function table(t: Deno.TestContext, cases: Case[]) {
  for (const [args, options, expected] of cases) {
    const list = args === "" ? [] : args.split(" ");
    await t.step(`${args} ${Deno.inspect(options)}`, () => {
      assertEquals<unknown>(parseArgs(list, options), expected);
    });
  }
}

Deno.test("@std/cli exports the same function", () => {
  assertStrictEquals(fromRoot, parseArgs);
});

Deno.test("parseArgs() reads long flags", (t) =>
  table(t, [
    ["", {}, { _: [] }],
    ["--bool", {}, { bool: true, _: [] }],
    ["--pow x", {}, { pow: "x", _: [] }],
    ["--pow=x --pow=y", {}, { pow: "y", _: [] }],
    ["--host localhost --port 555 file", {}, { host: "localhost", port: 555, _: ["file"] }],
    ["--a --b", {}, { a: true, b: true, _: [] }],
    ["--a -", {}, { a: true, _: ["-"] }],
    ["--a=b=c", {}, { a: "b=c", _: [] }],
    ["--foo=---=-/=", {}, { foo: "---=-/=", _: [] }],
    ["--a=", {}, { "a=": true, _: [] }],
    ["--=a", {}, { "=a": true, _: [] }],
    ["---a", {}, { "-a": true, _: [] }],
    ["--a -5", {}, { a: true, 5: true, _: [] }],
    ["--toString --valueOf foo", {}, { toString: true, valueOf: "foo", _: [] }],
  ]));

Deno.test("parseArgs() reads short flags", (t) =>
  table(t, [
    ["-b", {}, { b: true, _: [] }],
    ["-cats", {}, { c: true, a: true, t: true, s: true, _: [] }],
    ["-cats meow", {}, { c: true, a: true, t: true, s: "meow", _: [] }],
    ["-h localhost -fp 555 script.js", {}, { f: true, p: 555, h: "localhost", _: ["script.js"] }],
    ["-b=123", {}, { b: 123, _: [] }],
    ["-a=what -b=robots", {}, { a: "what", b: "robots", _: [] }],
    ["-n5", {}, { n: 5, _: [] }],
    ["-n123", {}, { n: 123, _: [] }],
    ["-n-1.5e3", {}, { n: -1500, _: [] }],
    ["-123 456", {}, { 1: true, 2: true, 3: 456, _: [] }],
    ["-f=abc=def -e==", {}, { f: "abc=def", e: "=", _: [] }],
    ["-I/foo/bar", {}, { I: "/foo/bar", _: [] }],
    ["-xyz/foo", {}, { x: true, y: true, z: "/foo", _: [] }],
    ["-n -", {}, { n: "-", _: [] }],
    ["-f-", {}, { f: "-", _: [] }],
    ["-ab-", {}, { a: true, b: "-", _: [] }],
    ["-", {}, { _: ["-"] }],
    ["-b -", { boolean: "b" }, { b: true, _: ["-"] }],
    ["-art", { string: ["a", "t"] }, { a: "", r: true, t: "", _: [] }],
    ["-n ---", {}, { n: "---", _: [] }],
  ]));

Deno.test("parseArgs() turns text that reads as a number into one", (t) =>
  table(t, [
    ["-x 1234 -y 5.67 -z 1e7 789", {}, { x: 1234, y: 5.67, z: 1e7, _: [789] }],
    ["--hex 0xdeadbeef -w 10f", {}, { hex: 0xdeadbeef, w: "10f", _: [] }],
    ["--big=1e999", {}, { big: "1e999", _: [] }],
    ["--a=Infinity --b=NaN", {}, { a: "Infinity", b: "NaN", _: [] }],
    ["-x 0056 0056", { string: "x" }, { x: "0056", _: [56] }],
    ["0056", { string: "_" }, { _: ["0056"] }],
  ]));

Deno.test("parseArgs() leaves blanks alone", () => {
  assertEquals(parseArgs(["-x", "\t", "--y=X\nX", " ", ""]), { x: "\t", y: "X\nX", _: [" ", ""] });
});

Deno.test("parseArgs() reads booleans", (t) =>
  table(t, [
    ["moo", { boolean: ["t", "verbose"] }, { t: false, verbose: false, _: ["moo"] }],
    ["-x -z one", { boolean: ["x", "y", "z"] }, { x: true, y: false, z: true, _: ["one"] }],
    ["--v false moo -t true", { boolean: ["t", "v"] }, { v: false, t: true, _: ["moo"] }],
    ["--v=false", { boolean: "v" }, { v: false, _: [] }],
    ["--v=x", { boolean: "v" }, { v: true, _: [] }],
    ["-t 123", { boolean: "t" }, { t: true, _: [123] }],
    ["--other=false", { boolean: "b" }, { b: false, other: "false", _: [] }],
    ["moo --honk cow -p 55 --tacos=good", { boolean: true }, {
      honk: true,
      tacos: "good",
      p: 55,
      _: ["moo", "cow"],
    }],
    ["--honk false", { boolean: true }, { honk: false, _: [] }],
  ]));

Deno.test("parseArgs() reads strings", (t) =>
  table(t, [
    ["--s", { string: "s" }, { s: "", _: [] }],
    ["--s true", { string: "s" }, { s: "true", _: [] }],
    ["-s -", { string: "s" }, { s: "-", _: [] }],
    ["--s --t", { string: ["s", "t"] }, { s: "", t: "", _: [] }],
    ["", { string: "s" }, { _: [] }],
  ]));

Deno.test("parseArgs() negates negatable flags only", (t) =>
  table(t, [
    ["--no-moo", {}, { "no-moo": true, _: [] }],
    ["--no-", {}, { "no-": true, _: [] }],
    ["--foo --no-foo 1", { boolean: "foo", negatable: "foo" }, { foo: false, _: [1] }],
    ["--no-foo --foo", { boolean: "foo", negatable: "foo" }, { foo: true, _: [] }],
    ["--no-foo", { boolean: "foo", negatable: "foo", default: { foo: true } }, {
      foo: false,
      _: [],
    }],
    ["--no-f", { negatable: "foo", alias: { foo: "f" } }, { foo: false, f: false, _: [] }],
    ["--foo 1 -f 4 --no-foo", {
      string: "foo",
      collect: "foo",
      negatable: "foo",
      alias: { foo: "f" },
    }, { foo: false, f: false, _: [] }],
  ]));

Deno.test("parseArgs() sets every alias of a flag", (t) =>
  table(t, [
    ["--zoom 55", { alias: { z: ["zm", "zoom"] } }, { z: 55, zm: 55, zoom: 55, _: [] }],
    ["-h derp", { boolean: "herp", alias: { h: "herp" } }, { herp: true, h: true, _: ["derp"] }],
    ["--harp derp", { boolean: "h", alias: { h: ["herp", "harp"] } }, {
      harp: true,
      herp: true,
      h: true,
      _: ["derp"],
    }],
    ["--str 0012", { string: "s", alias: { s: "str" } }, { str: "0012", s: "0012", _: [] }],
    ["", { boolean: "bar", alias: { bar: "b" } }, { bar: false, b: false, _: [] }],
    ["", { default: { bar: 1 }, alias: { bar: "b" } }, { bar: 1, b: 1, _: [] }],
    ["--a.b 22", { alias: { "a.b": "aa.bb" } }, { a: { b: 22 }, aa: { bb: 22 }, _: [] }],
  ]));

Deno.test("parseArgs() refuses an alias without a value", () => {
  const options = { alias: { a: undefined } } as unknown as ParseOptions;
  assertThrows(() => parseArgs([], options), TypeError, "Alias value must be defined");
});

Deno.test("parseArgs() fills in defaults", (t) =>
  table(t, [
    ["", { boolean: "a", default: { a: true } }, { a: true, _: [] }],
    ["", { boolean: "a", default: { a: null } }, { a: null, _: [] }],
    ["--a", { boolean: "a", default: { a: null } }, { a: true, _: [] }],
    ["--a=1", { default: { a: 2, b: 3 } }, { a: 1, b: 3, _: [] }],
    ["", { default: { "a.b": 11 } }, { a: { b: 11 }, _: [] }],
    ["--a.c=1", { default: { "a.b": 11 } }, { a: { b: 11, c: 1 }, _: [] }],
    ["", { collect: "foo", default: { foo: ["a"] } }, { foo: ["a"], _: [] }],
  ]));

Deno.test("parseArgs() collects repeated flags", (t) =>
  table(t, [
    ["--foo a --foo b --beep boop --bib --bib", { collect: ["beep", "bib"] }, {
      foo: "b",
      beep: ["boop"],
      bib: [true, true],
      _: [],
    }],
    ["", { string: "s", boolean: "b", collect: ["s", "b", "u"] }, { s: [], b: [], _: [] }],
    ["-s 1 --str=2", { string: "s", collect: "s", alias: { s: "str" } }, {
      s: ["1", "2"],
      str: ["1", "2"],
      _: [],
    }],
    ["--n 1 --n x", { collect: "n" }, { n: [1, "x"], _: [] }],
    ["--a.b=1 --a.b=2", { collect: "a.b" }, { a: { b: [1, 2] }, _: [] }],
  ]));

Deno.test("parseArgs() stops at --", (t) =>
  table(t, [
    ["-a -- b", {}, { a: true, _: ["b"] }],
    ["--name John before -- --after 5", { "--": true }, {
      name: "John",
      _: ["before"],
      "--": ["--after", "5"],
    }],
    ["x -- 5 -- 6", {}, { _: ["x", "5", "--", "6"] }],
    ["", { "--": true }, { _: [], "--": [] }],
  ]));

Deno.test("parseArgs() stops early at the first positional argument", (t) =>
  table(t, [
    ["--aaa bbb ccc --ddd 5", { stopEarly: true }, { aaa: "bbb", _: ["ccc", "--ddd", "5"] }],
    ["a -b -- -c", { stopEarly: true }, { _: ["a", "-b", "-c"] }],
  ]));

Deno.test("parseArgs() nests dotted flags", (t) =>
  table(t, [
    ["--foo.bar 3 --foo.quux.oO --beep.boop", {}, {
      foo: { bar: 3, quux: { oO: true } },
      beep: { boop: true },
      _: [],
    }],
    ["--a.b=1", { boolean: ["a.c", "d.e"] }, { a: { b: 1, c: false }, d: { e: false }, _: [] }],
  ]));

Deno.test("parseArgs() refuses a flag that is both a value and an object", () => {
  assertThrows(() => parseArgs(["--a=1", "--a.b=2"]), TypeError);
});

Deno.test("parseArgs() does not reach prototypes", () => {
  const attacks = [
    "--__proto__.polluted=1",
    "--a.__proto__.polluted=1",
    "--__proto__=1",
    "--constructor.prototype.polluted=1",
    "--toString.polluted=1",
    "--_.push=1",
    "--_=1",
  ];
  const result: unknown = parseArgs([...attacks, "--a.b=1", "rest"]);
  assertStrictEquals(Reflect.get({}, "polluted"), undefined);
  assertStrictEquals(Reflect.get(Object, "polluted"), undefined);
  assertStrictEquals(Reflect.get(Object.prototype.toString, "polluted"), undefined);
  assertEquals(result, {
    a: { b: 1 },
    constructor: { prototype: { polluted: 1 } },
    toString: { polluted: 1 },
    _: ["rest"],
  });
  parseArgs([], { boolean: ["__proto__.polluted"], default: { "__proto__.polluted": 1 } });
  assertStrictEquals(Reflect.get({}, "polluted"), undefined);
});

Deno.test("parseArgs() asks `unknown` about undeclared flags and positional arguments", () => {
  const asked: unknown[] = [];
  const unknown = (...call: unknown[]) => {
    asked.push(call);
    return false;
  };
  const result = parseArgs(
    [
      "-h",
      "true",
      "--derp",
      "5",
      "--str=x",
      "-d",
      "false",
      "pos",
      "--col",
      "--no-neg",
      "--",
      "raw",
    ],
    { alias: { h: "herp" }, string: "str", collect: "col", negatable: "neg", unknown },
  );
  assertEquals(asked, [
    ["--derp", "derp", "5"],
    ["-d", "d", "false"],
    ["pos"],
    ["--col", "col", true],
    ["--no-neg", "neg", false],
  ]);
  assertEquals<unknown>(result, { h: "true", herp: "true", str: "x", _: ["raw"] });
});

Deno.test("parseArgs() with boolean: true knows every long flag without =", () => {
  const asked: unknown[] = [];
  const unknown = (arg: string) => {
    asked.push(arg);
    return false;
  };
  const result = parseArgs(["--honk", "--tacos=good", "cow", "-p", "55"], {
    boolean: true,
    unknown,
  });
  assertEquals(asked, ["--tacos=good", "cow", "-p"]);
  assertEquals<unknown>(result, { honk: true, _: [] });
});

/** Fails to compile unless both types are the same. */
function typeIs<Expected>() {
  return <Actual>(_: Actual, same: Same<Actual, Expected>) => assertStrictEquals(same, true);
}
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;
type Rest = { [name: string]: unknown; _: (string | number)[] };
/** One object type instead of an intersection, at every level, as the result is. */
type Flat<T> = T extends Record<string, unknown> ? { [K in keyof T]: Flat<T[K]> } : T;

Deno.test("parseArgs() types undeclared flags as any, or unknown beside declared ones", () => {
  // deno-lint-ignore no-explicit-any -- what is checked
  type Anything = { [name: string]: any; _: (string | number)[] };
  typeIs<Anything>()(parseArgs([]), true);
  typeIs<Anything>()(parseArgs([], { boolean: false, default: { bar: 123 } }), true);
  typeIs<Rest>()(parseArgs([], { boolean: true }), true);
  const options: ParseOptions = { boolean: ["foo"], string: ["bar"] };
  typeIs<Anything & { "--"?: string[] } extends infer T ? { [K in keyof T]: T[K] } : never>()(
    parseArgs([], options),
    true,
  );
});

Deno.test("parseArgs() types booleans and strings", () => {
  typeIs<Flat<Rest & { foo: boolean; "foo-bar": boolean; s?: string; t?: string }>>()(
    parseArgs([], { boolean: ["foo", "foo-bar"], string: ["s", "t"] }),
    true,
  );
  const args = parseArgs(["--foo", "--port=x"], { boolean: ["foo"], string: ["port"] });
  args.foo satisfies boolean;
  args.port satisfies string | undefined;
  args._ satisfies (string | number)[];
});

Deno.test("parseArgs() types defaults", () => {
  typeIs<
    Flat<Rest & { foo: boolean; bar: number | boolean; s: string; t: string | Date; u: unknown }>
  >()(
    parseArgs([], {
      boolean: ["foo", "bar"],
      string: ["s", "t"],
      default: { bar: 123, s: "x", t: new Date(0), u: 1 },
    }),
    true,
  );
  typeIs<Flat<Rest & { a?: string; b: string | undefined; c: string | null }>>()(
    parseArgs([], { string: ["a", "b", "c"], default: { b: undefined, c: null } }),
    true,
  );
});

Deno.test("parseArgs() types collected and negatable flags", () => {
  typeIs<Flat<Rest & { b: boolean[]; s: string[]; t?: string; u: unknown[] }>>()(
    parseArgs([], { boolean: ["b"], string: ["s", "t"], collect: ["b", "s", "u"] }),
    true,
  );
  typeIs<Flat<Rest & { b: boolean; s?: string | false; t?: string; l: string[] | false }>>()(
    parseArgs([], {
      boolean: ["b"],
      string: ["s", "t", "l"],
      collect: ["l"],
      negatable: ["b", "s", "l"],
    }),
    true,
  );
  typeIs<Flat<Rest & { foo: unknown[]; bar: { baz: unknown[] } }>>()(
    parseArgs([], { collect: ["foo", "bar.baz"] }),
    true,
  );
});

Deno.test("parseArgs() types aliases", () => {
  typeIs<Flat<Rest & { foo: boolean; bar: boolean; baz: boolean; s?: string; t?: string }>>()(
    parseArgs([], { boolean: ["foo"], string: ["s"], alias: { foo: ["bar", "baz"], s: "t" } }),
    true,
  );
  typeIs<
    Flat<
      Rest & { foo: number | boolean; f: number | boolean; s: string | false; t: string | false }
    >
  >()(
    parseArgs([], {
      boolean: ["foo"],
      string: ["s"],
      negatable: ["foo", "s"],
      alias: { foo: "f", s: "t" },
      default: { foo: 1, s: "x" },
    }),
    true,
  );
});

Deno.test("parseArgs() types dotted flags", () => {
  type Expected = Flat<
    Rest & {
      blubb: boolean;
      foo: { bar: boolean | number; baz: { biz: boolean | Date; buz?: string } };
      beep: { boop: string | boolean; bib: { bab?: string; bub: boolean } };
      bla: unknown;
    }
  >;
  const names = {
    boolean: ["blubb", "foo.bar", "foo.baz.biz", "beep.bib.bub"],
    string: ["beep.boop", "beep.bib.bab", "foo.baz.buz"],
  } as const;
  typeIs<Expected>()(
    parseArgs([], {
      ...names,
      default: {
        blubb: true,
        foo: { bar: 123, baz: { biz: new Date(0) } },
        beep: { boop: true },
        bla: 1,
      },
    }),
    true,
  );
  typeIs<Expected>()(
    parseArgs([], {
      ...names,
      default: {
        blubb: true,
        "foo.bar": 123,
        "foo.baz.biz": new Date(0),
        "beep.boop": true,
        bla: 1,
      },
    }),
    true,
  );
  typeIs<Flat<Rest & { foo?: { bar?: string; baz?: { biz?: string } } }>>()(
    parseArgs([], { string: ["foo.bar", "foo.baz.biz"] }),
    true,
  );
  typeIs<Flat<Rest & { foo: string | { bar: number } }>>()(
    parseArgs([], { string: ["foo"], default: { "foo.bar": 1 } }),
    true,
  );
  const union = parseArgs([], {
    string: ["foo.bar.baz"],
    boolean: ["beep.boop.bab"],
    default: { foo: 1, beep: new Date(0) },
  });
  union.foo satisfies number | { bar?: { baz?: string } };
  union.beep satisfies Date | { boop: { bab: boolean } };
});

Deno.test("parseArgs() types the double dash and explicit type arguments", () => {
  typeIs<Flat<Rest & { foo?: string; "--": string[] }>>()(
    parseArgs([], { boolean: true, string: ["foo"], "--": true }),
    true,
  );
  type Explicit = { foo?: number; bar: string; _: (string | number)[]; "--": string[] };
  typeIs<Explicit>()(parseArgs<{ foo?: number } & { bar: string }, true>([]), true);
  typeIs<Explicit>()(undefined as unknown as Args<{ foo?: number } & { bar: string }, true>, true);
});

Deno.test("ParseOptions suggests the declared names in default", () => {
  type Options = ParseOptions<"foo", "bar" | "baz">;
  type Expected = { [name: string]: unknown; foo?: unknown; bar?: unknown; baz?: unknown };
  typeIs<Expected>()(undefined as unknown as Flat<NonNullable<Options["default"]>>, true);
  typeIs<"bar" | "baz" | readonly ("bar" | "baz")[]>()(
    undefined as unknown as NonNullable<Options["string"]>,
    true,
  );
});
