import {
  assert,
  assertAlmostEquals,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertIsError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  equal,
  fail,
  unreachable,
} from "@std/assert";

/** The message of the failure, without colours: the one thing checked by hand in this file. */
function failure(fn: () => void): string {
  try {
    fn();
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error;
    // deno-lint-ignore no-control-regex -- the escape that starts a colour is a control character
    return error.message.replaceAll(/\x1b\[\d+m/g, "");
  }
  throw new Error("nothing failed");
}

class Point {
  #x: number;
  constructor(x: number) {
    this.#x = x;
  }
  get x() {
    return this.#x;
  }
}
class OtherPoint extends Point {}

function ring(label: string) {
  const node: { label: string; self?: unknown } = { label };
  node.self = node;
  return node;
}

const sameRef = { a: 1 };
const EQUAL: [string, unknown, unknown][] = [
  ["NaN", NaN, NaN],
  ["0 and -0", 0, -0],
  ["0 and -0 inside", { a: [0] }, { a: [-0] }],
  ["key order", { a: 1, b: 2 }, { b: 2, a: 1 }],
  ["symbol keys", { [Symbol.for("s")]: 1 }, { [Symbol.for("s")]: 1 }],
  ["null prototype", Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  ["dates", new Date(5), new Date(5)],
  ["invalid dates", new Date(NaN), new Date(NaN)],
  ["patterns", /a/g, /a/g],
  ["urls", new URL("http://a/"), new URL("http://a/")],
  ["bytes", new Uint8Array([1, 2]), new Uint8Array([0, 1, 2]).subarray(1)],
  ["floats", new Float64Array([NaN, 0]), new Float64Array([NaN, -0])],
  ["buffers", new Uint8Array([1]).buffer, new Uint8Array([1]).buffer],
  ["views", new DataView(new ArrayBuffer(2)), new DataView(new ArrayBuffer(2))],
  ["set order", new Set([1, 2, 3]), new Set([3, 2, 1])],
  ["sets of objects", new Set([{ a: 1 }, { a: 2 }]), new Set([{ a: 2 }, { a: 1 }])],
  ["sets of sets", new Set([1, new Set([2, 3])]), new Set([new Set([3, 2]), 1])],
  ["map order", new Map([["a", [1]], ["b", [2]]]), new Map([["b", [2]], ["a", [1]]])],
  ["maps with object keys", new Map([[{ k: 1 }, { v: 1 }]]), new Map([[{ k: 1 }, { v: 1 }]])],
  ["getters of a class", new Point(1), new Point(1)],
  ["weak references", new WeakRef({ a: 1 }), new WeakRef({ a: 1 })],
  ["cycles", ring("a"), ring("a")],
  ["one reference twice", [sameRef, sameRef], [{ a: 1 }, { a: 1 }]],
  ["boxed keys of arrays", Object.assign([1], { extra: 1 }), Object.assign([1], { extra: 1 })],
  ["instants", Temporal.Instant.from("2020-01-01T00Z"), Temporal.Instant.from("2020-01-01T00Z")],
];

const UNEQUAL: [string, unknown, unknown][] = [
  ["a number and its text", 1, "1"],
  ["null and undefined", null, undefined],
  ["number and bigint", 1, 1n],
  ["undefined value and absent key", { a: undefined }, {}],
  ["undefined values under other keys", { a: undefined, b: 1 }, { c: undefined, b: 1 }],
  ["a hole and undefined", [undefined], new Array(1)],
  ["different symbols", { [Symbol("s")]: 1 }, { [Symbol("s")]: 1 }],
  ["array and object", [], {}],
  ["array lengths", [1, 2], [1, 2, undefined]],
  ["dates", new Date(5), new Date(6)],
  ["pattern flags", /a/g, /a/i],
  ["query strings", new URLSearchParams("a=1"), new URLSearchParams("a=2")],
  ["bytes", new Uint8Array([1, 2]), new Uint8Array([2, 1])],
  ["kinds of bytes", new Uint8Array([1]), new Int8Array([1])],
  ["byte lengths", new Uint8Array([1]), new Uint8Array([1, 0])],
  ["buffers", new Uint8Array([1]).buffer, new Uint8Array([2]).buffer],
  ["views", new DataView(new ArrayBuffer(1)), new DataView(new ArrayBuffer(2))],
  ["sets", new Set([1]), new Set([2])],
  ["sets of objects", new Set([{ a: 1 }]), new Set([{ a: 2 }])],
  ["set and map", new Set(), new Map()],
  ["map values", new Map([["a", 1]]), new Map([["a", 2]])],
  ["map values under object keys", new Map([[{ k: 1 }, 1]]), new Map([[{ k: 1 }, 2]])],
  ["getters of a class", new Point(1), new Point(2)],
  ["classes", new Point(1), new OtherPoint(1)],
  ["class and plain object", new Error("a"), { message: "a" }],
  ["error messages", new Error("a"), new Error("b")],
  ["cycles", ring("a"), ring("b")],
  ["functions", () => 1, () => 1],
  ["WeakMap and WeakSet", new WeakMap(), new WeakSet()],
];

Deno.test("equal() holds for", async (t) => {
  for (const [name, a, b] of EQUAL) {
    await t.step(name, () => {
      assert(equal(a, b), "one way");
      assert(equal(b, a), "the other way");
    });
  }
});

Deno.test("equal() does not hold for", async (t) => {
  for (const [name, a, b] of UNEQUAL) {
    await t.step(name, () => {
      assert(!equal(a, b), "one way");
      assert(!equal(b, a), "the other way");
    });
  }
});

Deno.test("equal() throws for two weak collections", () => {
  assertThrows(() => equal(new WeakMap(), new WeakMap()), TypeError, "WeakMap");
  assertThrows(() => equal(new WeakSet(), new WeakSet()), TypeError, "WeakSet");
});

Deno.test("assertEquals() passes for equal values and fails with a line diff", () => {
  assertEquals({ a: [1, 2] }, { a: [1, 2] });
  const message = failure(() => assertEquals({ a: 1, b: 2 }, { a: 1, b: 3 }, "why"));
  assertEquals(message.split("\n"), [
    "Values are not equal: why",
    "",
    "",
    "    [Diff] Actual / Expected",
    "",
    "",
    "    {",
    "      a: 1,",
    "-     b: 2,",
    "+     b: 3,",
    "    }",
    "",
  ]);
  assertMatch(failure(() => assertEquals<unknown>(1, "1")), /^Values are not equal\.\n/);
});

Deno.test("assertEquals() diffs strings by their lines", () => {
  const message = failure(() => assertEquals("one\ntwo\nthree", "one\n2\nthree"));
  assertMatch(message, /^- .*two/m);
  assertMatch(message, /^\+ .*2/m);
  assertMatch(message, /^ .*three/m);
});

Deno.test("assertEquals() answers at once for long values that share no line", () => {
  const actual = Array.from({ length: 3_000 }, (_, i) => i);
  const expected = Array.from({ length: 3_000 }, (_, i) => -i - 1);
  assertStringIncludes(failure(() => assertEquals(actual, expected)), "-     2999,");
});

Deno.test("assertNotEquals() fails for deeply equal values", () => {
  assertNotEquals([1], [2]);
  assertMatch(failure(() => assertNotEquals(1, 1)), /^Expected actual: 1 not to be: 1\.$/);
});

Deno.test("assertStrictEquals() compares as Object.is and narrows", () => {
  assertStrictEquals(NaN, NaN);
  const value: unknown = "text";
  assertStrictEquals(value, "text" as const);
  value satisfies "text";
  assertStringIncludes(failure(() => assertStrictEquals(0, -0)), "Values are not strictly equal.");
  assertStringIncludes(
    failure(() => assertStrictEquals({ a: 1 }, { a: 1 })),
    "Values have the same structure but are not reference-equal.\n\n    {\n      a: 1,\n    }\n",
  );
});

Deno.test("assert(), assertFalse(), assertExists() and assertInstanceOf() narrow", () => {
  const text = "text" as string | undefined;
  assert(text !== undefined);
  text satisfies string;

  const list: { first?: string | null } = { first: "a" };
  const first = list.first;
  assertExists(first);
  first satisfies string;

  const value: unknown = new Date(0);
  assertInstanceOf(value, Date);
  value satisfies Date;

  const flag = false as boolean;
  assertFalse(flag);
  flag satisfies false;

  abstract class Shape {}
  class Circle extends Shape {}
  assertInstanceOf(new Circle(), Shape);
});

Deno.test("the simple assertions fail with these messages", async (t) => {
  const cases: [() => void, string][] = [
    [() => assert(0), ""],
    [() => assert(0, "why"), "why"],
    [() => assertFalse(1, "why"), "why"],
    [() => assertExists(null), 'Expected actual: "null" to not be null or undefined.'],
    [
      () => assertExists(undefined, "w"),
      'Expected actual: "undefined" to not be null or undefined: w',
    ],
    [() => assertMatch("a", /b/), 'Expected actual: "a" to match: "/b/".'],
    [() => assertStringIncludes("a", "b"), 'Expected actual: "a" to contain: "b".'],
    [() => assertGreater(1, 1), "Expect 1 > 1"],
    [() => assertGreaterOrEqual(1, 2), "Expect 1 >= 2"],
    [() => assertLess(1n, 1n), "Expect 1n < 1n"],
    [() => assertLessOrEqual(2, 1, "why"), "why"],
    [() => assertLess(NaN, 1), "Expect NaN < 1"],
    [
      () => assertInstanceOf(1, Date),
      'Expected object to be an instance of "Date" but was "number".',
    ],
    [
      () => assertInstanceOf(null, Date),
      'Expected object to be an instance of "Date" but was "null".',
    ],
    [
      () => assertInstanceOf(Date, Date),
      'Expected object to be an instance of "Date" but was not an instanced object.',
    ],
    [() => fail(), "Failed assertion."],
    [() => fail("why"), "Failed assertion: why"],
    [() => unreachable(), "Unreachable."],
  ];
  for (const [fn, expected] of cases) {
    await t.step(expected, () => assertStrictEquals(failure(fn), expected));
  }
});

Deno.test("assertGreater(), assertGreaterOrEqual(), assertLess(), assertLessOrEqual() pass", () => {
  assertGreater(2, 1);
  assertGreaterOrEqual(1, 1);
  assertLess("a", "b");
  assertLessOrEqual(new Date(1), new Date(1));
});

Deno.test("assertAlmostEquals() takes a relative default and an absolute tolerance", () => {
  assertAlmostEquals(NaN, NaN);
  assertAlmostEquals(Infinity, Infinity);
  assertAlmostEquals(1.000000001e-8, 1.000000002e-8);
  assertAlmostEquals(0.1 + 0.2, 0.3, 1e-16);
  assertAlmostEquals(1, 3, 2);
  for (const [a, b, tolerance] of [[1, 1.1], [1e-8, 1e-9], [1, NaN], [1, Infinity], [1, 3, 1.9]]) {
    assertThrows(
      () => assertAlmostEquals(a ?? 0, b ?? 0, tolerance),
      AssertionError,
      "to be close",
    );
  }
});

Deno.test("assertArrayIncludes() compares deeply, in any order", () => {
  assertArrayIncludes([1, NaN, { a: 1 }], [{ a: 1 }, NaN]);
  assertArrayIncludes(new Uint8Array([1, 2]), [2]);
  assertArrayIncludes([1], [1, 1]);
  assertStringIncludes(failure(() => assertArrayIncludes([1], [2])), "missing: [\n  2,\n]");
});

Deno.test("assertIsError() ignores terminal colours and accepts a pattern", () => {
  assertIsError(new RangeError("\x1b[31mbad\x1b[0m thing"), RangeError, "bad thing");
  assertIsError(new RangeError("bad"), Error, /^b.d$/);
  assertThrows(
    () => assertIsError("bad"),
    AssertionError,
    'Expected "error" to be an Error object.',
  );
});

Deno.test("assertThrows() returns what was thrown", () => {
  const thrower = () => {
    throw new RangeError("too far");
  };
  assertThrows(thrower) satisfies unknown;
  const error: RangeError = assertThrows(thrower, RangeError, "far");
  assertStrictEquals(error.message, "too far");
  assertStrictEquals(
    assertThrows(() => {
      throw "text";
    }),
    "text",
  );
});

Deno.test("assertThrows() fails with these messages", async (t) => {
  const thrower = (value: unknown) => () => {
    throw value;
  };
  const cases: [() => void, string][] = [
    [() => assertThrows(() => 1), "Expected function to throw."],
    [() => assertThrows(() => 1, "why"), "Expected function to throw: why"],
    [() => assertThrows(() => 1, Error, "x", "why"), "Expected function to throw: why"],
    [() => assertThrows(thrower(1), Error), "A non-Error object was thrown."],
    [
      () => assertThrows(thrower(new Error("a")), TypeError, "a", "why"),
      'Expected error to be instance of "TypeError", but was "Error": why',
    ],
    [
      () => assertThrows(thrower(new Error("a")), Error, "b"),
      'Expected error message to include "b", but got "a".',
    ],
  ];
  for (const [fn, expected] of cases) {
    await t.step(expected, () => assertStrictEquals(failure(fn), expected));
  }
});

Deno.test("assertRejects() resolves to the rejection", async () => {
  const rejecter = () => Promise.reject(new RangeError("too far"));
  const error: RangeError = await assertRejects(rejecter, RangeError, "far");
  assertStrictEquals(error.message, "too far");
  assertStrictEquals(await assertRejects(() => Promise.reject("text")), "text");
  // deno-lint-ignore require-await -- what an async function throws is a rejection
  await assertRejects(async () => {
    throw new TypeError("no");
  }, TypeError);
});

Deno.test("assertRejects() fails with these messages", async (t) => {
  const cases: [() => Promise<unknown>, string][] = [
    [() => assertRejects(() => Promise.resolve(1)), "Expected function to reject."],
    [() => assertRejects(() => Promise.resolve(1), "why"), "Expected function to reject: why"],
    [
      () =>
        assertRejects(() => {
          throw new Error("sync");
        }),
      "Function throws when expected to reject.",
    ],
    [() => assertRejects(() => Promise.reject(1), Error), "A non-Error object was rejected."],
    [
      () => assertRejects(() => Promise.reject(new Error("a")), TypeError),
      'Expected error to be instance of "TypeError", but was "Error".',
    ],
    [
      () => assertRejects(() => Promise.reject(new Error("a")), Error, "b", "why"),
      'Expected error message to include "b", but got "a": why',
    ],
  ];
  for (const [fn, expected] of cases) {
    await t.step(expected, async () => {
      const error = await fn().then(() => undefined, (error: unknown) => error);
      assertInstanceOf(error, AssertionError);
      assertStrictEquals(error.message, expected);
    });
  }
});

Deno.test("AssertionError has its name and keeps a cause", () => {
  const error = new AssertionError("what", { cause: 1 });
  assertEquals([error.name, error.message, error.cause], ["AssertionError", "what", 1]);
});
