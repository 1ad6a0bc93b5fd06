import { assertEquals, assertThrows } from "@std/assert";
import { splitCommandLine } from "../../../src/work/worker/command_line.ts";

const PURE = { permissions: "none" } as const;

/** As `sh -c 'printf "%s\n" WORDS'` splits them. */
const SPLIT: readonly (readonly [line: string, words: readonly string[]])[] = [
  ["", []],
  ["  \t ", []],
  ["python3 fitness.py", ["python3", "fitness.py"]],
  ["  a\t b  ", ["a", "b"]],
  [`a 'b c' "d e"`, ["a", "b c", "d e"]],
  [`a''b "" ''`, ["ab", "", ""]],
  [`--x="a b"'c d'e`, ["--x=a bc de"]],
  [String.raw`a\ b \'c \"d \\e`, ["a b", "'c", '"d', "\\e"]],
  [String.raw`"a\"b" "c\\d" "e\f" 'g\h'`, ['a"b', "c\\d", "e\\f", "g\\h"]],
  [`'$HOME; rm -rf /' "a|b>c"`, ["$HOME; rm -rf /", "a|b>c"]],
  ["* ~ # {a,b} a=b", ["*", "~", "#", "{a,b}", "a=b"]],
];

for (const [line, words] of SPLIT) {
  Deno.test(`splitCommandLine() splits <${line}>`, PURE, () => {
    assertEquals(splitCommandLine(line), words);
  });
}

for (const line of ["a | b", "a; b", "a & b", "a > b", "a < b", "$HOME", "`a`", "(a)", "a\nb"]) {
  Deno.test(`splitCommandLine() refuses <${line}>, for which a shell is needed`, PURE, () => {
    assertThrows(() => splitCommandLine(line), TypeError, "no shell");
  });
}

Deno.test("splitCommandLine() refuses what is left open", PURE, () => {
  for (const line of ["'a", 'a "b', "a '", String.raw`"a\"`]) {
    assertThrows(() => splitCommandLine(line), TypeError, "not closed");
  }
  assertThrows(() => splitCommandLine("a \\"), TypeError, "followed by nothing");
});
