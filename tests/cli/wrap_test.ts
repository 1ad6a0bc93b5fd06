import { assertEquals } from "@std/assert";
import { fill, fillColumns, fillParagraphs } from "../../src/cli/wrap.ts";

const PURE = { permissions: "none" } as const;

Deno.test("fill() breaks between words, at the width and not before", PURE, () => {
  const cases: readonly (readonly [text: string, width: number, ...lines: string[]])[] = [
    ["", 5],
    ["   ", 5],
    ["one two", 7, "one two"],
    ["one two", 6, "one", "two"],
    ["one  two\nthree", 80, "one two three"],
    ["abcdefgh ij", 4, "abcdefgh", "ij"],
    ["a abcdefgh", 4, "a", "abcdefgh"],
  ];
  for (const [text, width, ...lines] of cases) assertEquals(fill(text, width), lines, text);
});

Deno.test("fillParagraphs() sets paragraphs anew and leaves indented lines alone", PURE, () => {
  assertEquals(
    fillParagraphs("one\ntwo three\n\n  $ x  y\n\nfour", 7),
    "one two\nthree\n\n  $ x  y\n\nfour",
  );
  assertEquals(fillParagraphs("one\n  two\nthree", 80), "one\n  two\nthree");
});

Deno.test(
  "fillColumns() puts text beside what it explains, or below what is too wide",
  PURE,
  () => {
    const rows = [["-a", "one two"], ["--much-wider", "three"]] as const;
    assertEquals(fillColumns(rows, { width: 13, maxLeft: 4 }), [
      "  -a    one",
      "        two",
      "  --much-wider",
      "        three",
    ]);
    assertEquals(fillColumns([["-a", ""]], { width: 20, maxLeft: 4 }), ["  -a"]);
  },
);
