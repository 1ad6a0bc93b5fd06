import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { CodedError, describeError, unreachable } from "../../src/base/errors.ts";

Deno.test("CodedError() carries code, message and cause", { permissions: "none" }, () => {
  const cause = new Error("inner");
  const error = new CodedError("full", "Cannot queue: 9 items exceed 8", { cause });
  assertInstanceOf(error, Error);
  assertEquals(error.code, "full");
  assertEquals(error.message, "Cannot queue: 9 items exceed 8");
  assertEquals(error.cause, cause);
  assertEquals(error.name, "CodedError");
  assert(!Object.hasOwn(new CodedError("a", "b"), "cause"));
});

Deno.test("CodedError() is told apart by its layer's class", { permissions: "none" }, () => {
  class RoomError extends CodedError<"dark"> {
    override readonly name = "RoomError";
  }
  const error = new RoomError("dark", "Cannot see");
  assertInstanceOf(error, CodedError);
  assertEquals(`${error}`, "RoomError: Cannot see");
});

Deno.test("describeError() gives the text of anything thrown", { permissions: "none" }, () => {
  const cases: readonly (readonly [unknown, string])[] = [
    [new Error("broken"), "broken"],
    [new RangeError(""), "RangeError"],
    [new CodedError("a", "b"), "b"],
    ["text", "text"],
    [undefined, "undefined"],
    [null, "null"],
    [7, "7"],
    [-0, "0"],
    [Symbol("s"), "Symbol(s)"],
    [12n, "12"],
  ];
  for (const [thrown, expected] of cases) assertEquals(describeError(thrown), expected);
});

Deno.test("describeError() survives what has no text", { permissions: "none" }, () => {
  const mute: readonly unknown[] = [
    Object.create(null),
    {
      toString() {
        throw new Error("no");
      },
    },
  ];
  for (const thrown of mute) assertEquals(typeof describeError(thrown), "string");
});

Deno.test("unreachable() throws for a case nobody handled", { permissions: "none" }, () => {
  assertThrows(() => unreachable("odd" as never), TypeError);
});
