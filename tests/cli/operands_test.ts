import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { readAwaited, readData, readName } from "../../src/cli/operands.ts";
import { UsageError } from "../../src/cli/usage_error.ts";

const PURE = { permissions: "none" } as const;

async function* input(...parts: readonly (string | Uint8Array)[]) {
  for (const part of parts) {
    yield await Promise.resolve(typeof part === "string" ? new TextEncoder().encode(part) : part);
  }
}

Deno.test("readName(), readAwaited() take what can be an event's name", PURE, () => {
  for (const name of ["a", "9", "lights-out", "a.b_c-D", "members", "x".repeat(64)]) {
    assertEquals([readName(name), readAwaited(name)], [name, name]);
  }
  for (const name of ["", "a b", "-a", ".a", "ä", "x".repeat(65), "a\x1b[2J"]) {
    for (const read of [readName, readAwaited]) {
      assertThrows(() => read(name), UsageError, "1 to 64 letters, digits");
    }
  }
});

Deno.test(
  "readName() leaves the names of member changes to them, which can be waited for",
  PURE,
  () => {
    for (const change of ["joined", "alive", "suspect", "dead", "asleep", "left", "reaped"]) {
      assertEquals(readAwaited(`member-${change}`), `member-${change}`);
      assertThrows(() => readName(`member-${change}`), UsageError, "cannot begin with member-");
    }
    assertThrows(() => readAwaited("member-deed"), UsageError, "did you mean member-dead?");
    assertThrows(() => readName("member-of-staff"), UsageError, "cannot begin with member-");
  },
);

Deno.test(
  "readData() takes what was given, or standard input less its last line's end",
  PURE,
  async () => {
    assertEquals(await readData(undefined, input("x")), "");
    assertEquals(await readData("21.5", input("x")), "21.5");
    const cases = [
      [[], ""],
      [["a"], "a"],
      [["a", "b\n"], "ab"],
      [["a\r\n"], "a"],
      [["a\n\n"], "a\n"],
      [[new Uint8Array([0xc3]), new Uint8Array([0xa4, 10])], "ä"],
    ] as const;
    for (const [parts, text] of cases) assertEquals(await readData("-", input(...parts)), text);
  },
);

Deno.test("readData() takes 4096 bytes and no more, and says so", PURE, async () => {
  const longest = "ä".repeat(2_048);
  assertEquals(await readData(longest, input()), longest);
  assertEquals(await readData("-", input(longest, "\r\n")), longest);
  const message = "DATA is too long: 4097 bytes, and at most 4096 bytes are taken";
  for (const [given, ...parts] of [[`${longest}a`], ["-", longest, "a"]]) {
    await assertRejects(() => readData(given, input(...parts)), UsageError, message);
  }
  let read = 0;
  async function* endless() {
    for (;; read++) yield await Promise.resolve(new Uint8Array(1_000));
  }
  await assertRejects(() => readData("-", endless()), UsageError, "at most 4096 bytes");
  assertEquals(read < 6, true, "the rest is not even read");
});

Deno.test("readData() refuses what is no text", PURE, async () => {
  await assertRejects(() => readData("-", input(new Uint8Array([0xff]))), UsageError, "UTF-8");
  await assertRejects(() => readData("\ud800", input()), UsageError, "Unicode");
});
