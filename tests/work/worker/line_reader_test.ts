import { assertEquals, assertThrows } from "@std/assert";
import { WorkerError } from "../../../src/work/worker/evaluator.ts";
import { LineReader } from "../../../src/work/worker/line_reader.ts";

const PURE = { permissions: "none" } as const;
const bytesOf = (text: string) => new TextEncoder().encode(text);

Deno.test("LineReader.push() finds lines at every split", PURE, () => {
  const text = "eins\n\nzw\u00f6lf \u{1f40c}\nrest";
  const bytes = bytesOf(text);
  for (let at = 0; at <= bytes.length; at++) {
    const reader = new LineReader(100);
    const lines = [...reader.push(bytes.subarray(0, at)), ...reader.push(bytes.subarray(at))];
    assertEquals(lines, ["eins", "", "zw\u00f6lf \u{1f40c}"], `split at ${at}`);
    assertEquals(reader.pending, 4);
    assertEquals(reader.push(bytesOf("\n")), ["rest"]);
  }
});

Deno.test("LineReader.push() takes a line of the limit, and not one more byte", PURE, () => {
  assertEquals(new LineReader(4).push(bytesOf("abcd\n")), ["abcd"]);
  const reader = new LineReader(4);
  reader.push(bytesOf("ab"));
  reader.push(bytesOf("cd"));
  assertEquals(reader.push(bytesOf("\n")), ["abcd"]);
  for (const parts of [["abcde\n"], ["abcde"], ["abc", "de"], ["abcd", "e\n"]]) {
    const tight = new LineReader(4);
    const error = assertThrows(
      () => parts.forEach((part) => tight.push(bytesOf(part))),
      WorkerError,
    );
    assertEquals(error.code, "protocol");
    assertEquals(tight.pending <= 5, true);
  }
});

Deno.test("LineReader.push() refuses what is not UTF-8", PURE, () => {
  for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80]]) {
    const error = assertThrows(
      () => new LineReader(100).push(new Uint8Array([0x41, ...bytes, 0x0a])),
      WorkerError,
    );
    assertEquals(error.code, "protocol");
  }
});

Deno.test("LineReader.push() keeps nothing of a buffer that is used again", PURE, () => {
  const reader = new LineReader(100);
  const buffer = bytesOf("half");
  reader.push(buffer);
  buffer.fill(0x58);
  assertEquals(reader.push(bytesOf(" a line\n")), ["half a line"]);
});
