import { assertEquals } from "@std/assert";
import { editDistance, nearest } from "../../src/cli/nearest.ts";

const PURE = { permissions: "none" } as const;

Deno.test("editDistance() is Levenshtein's", PURE, () => {
  const cases: readonly (readonly [string, string, number])[] = [
    ["", "", 0],
    ["", "abc", 3],
    ["abc", "abc", 0],
    ["kitten", "sitting", 3],
    ["saturday", "sunday", 3],
    ["flaw", "lawn", 2],
    ["intention", "execution", 5],
    ["ab", "ba", 2],
    ["a", "b", 1],
    ["port", "prot", 2],
    ["peers", "peeers", 1],
  ];
  for (const [a, b, distance] of cases) {
    assertEquals(editDistance(a, b), distance, `${a} ${b}`);
    assertEquals(editDistance(b, a), distance, `${b} ${a}`);
  }
});

Deno.test("nearest() suggests only what is close, the first of equals", PURE, () => {
  const words = ["up", "peers", "ping", "status", "candidates", "version"];
  const cases: readonly (readonly [string, string | undefined])[] = [
    ["peeers", "peers"],
    ["stat", "status"],
    ["pin", "ping"],
    ["pong", "ping"],
    ["cand", undefined],
    ["candidate", "candidates"],
    ["versoin", "version"],
    ["up", "up"],
    ["x", undefined],
    ["", undefined],
    ["xyzzyplugh", undefined],
  ];
  for (const [typed, word] of cases) assertEquals(nearest(typed, words), word, typed);
  assertEquals(nearest("ab", ["ac", "bb"]), "ac");
  assertEquals(nearest("abcd", ["abxx"]), "abxx", "half of it, exactly");
  assertEquals(nearest("abcd", ["axxx"]), undefined);
  assertEquals(nearest("abc", []), undefined);
});
