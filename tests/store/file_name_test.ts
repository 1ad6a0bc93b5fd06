import { assert, assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../src/base/bytes.ts";
import { isPrintable } from "../../src/base/guards.ts";
import { alternativeName, MAX_NAME_BYTES, safeFileName } from "../../src/store/file_name.ts";

const PURE = { permissions: "none" } as const;

/** Name, safe name. */
const CASES: readonly (readonly [string, string])[] = [
  ["report.pdf", "report.pdf"],
  ["Größe der Höhle.txt", "Größe der Höhle.txt"],
  ["🦊 fox.png", "🦊 fox.png"],
  // The last component.
  ["../../etc/passwd", "passwd"],
  ["/etc/shadow", "shadow"],
  ["C:\\x", "x"],
  ["\\\\server\\share\\a.txt", "a.txt"],
  ["a/b\\c", "c"],
  ["a\\b/c", "c"],
  ["C:x", "C_x"],
  // Nothing left.
  ["", "unnamed"],
  [".", "unnamed"],
  ["..", "unnamed"],
  ["......", "unnamed"],
  [" . - ", "unnamed"],
  ["photos/", "unnamed"],
  ["\0\x1b\x7f", "unnamed"],
  ["\u202e\u2066\u200b\ufeff", "unnamed"],
  // Control and format characters.
  ["a\0b\nc\x1b[31m", "abc[31m"],
  ["invoice\u202efdp.exe", "invoicefdp.exe"],
  ["a\u2028b\u2029c\u200dd\ufeff", "abcd"],
  [".\u202e.hidden", "hidden"],
  // Characters that Windows forbids.
  ['<>:"|?*', "_______"],
  ["what?.txt", "what_.txt"],
  // Edges.
  [".bashrc", "bashrc"],
  ["-rf", "rf"],
  [" - .x", "x"],
  ["\u3000wide\u00a0", "wide"],
  ["a. . .", "a"],
  ["a.pdf ", "a.pdf"],
  ["a-.b c", "a-.b c"],
  // Devices of Windows.
  ["CON", "_CON"],
  ["nul.txt", "_nul.txt"],
  ["NUL.tar.gz", "_NUL.tar.gz"],
  ["Aux .c", "_Aux .c"],
  ["prn.", "_prn"],
  ["com1", "_com1"],
  ["LPT9.x", "_LPT9.x"],
  ["COM\u00b2", "_COM\u00b2"],
  ["conout$", "_conout$"],
  ["dir/..\u200bCON", "_CON"],
  ["CONSOLE", "CONSOLE"],
  ["COM10", "COM10"],
  ["my CON", "my CON"],
  // Unicode: decomposed, composed only once a joiner is gone, a canonical double, halves of a pair.
  ["u\u0308ber", "\u00fcber"],
  ["u\u200d\u0308ber", "\u00fcber"],
  ["\u212bngstrom", "\u00c5ngstrom"],
  ["\ud83dx\udd8a", "\ufffdx\ufffd"],
];

Deno.test("safeFileName() makes a harmless component of what a peer says", PURE, () => {
  for (const [name, expected] of CASES) {
    assertEquals(safeFileName(name), expected, JSON.stringify(name));
  }
});

Deno.test(
  "safeFileName() cuts at its limit, at a code point, and keeps a short extension",
  PURE,
  () => {
    const limit = MAX_NAME_BYTES;
    const cases: readonly (readonly [string, string])[] = [
      ["a".repeat(limit), "a".repeat(limit)],
      ["a".repeat(limit + 1), "a".repeat(limit)],
      ["a".repeat(10_000), "a".repeat(limit)],
      ["a".repeat(limit - 4) + ".pdf", "a".repeat(limit - 4) + ".pdf"],
      ["a".repeat(limit - 3) + ".pdf", "a".repeat(limit - 4) + ".pdf"],
      ["a".repeat(10_000) + ".jpeg", "a".repeat(limit - 5) + ".jpeg"],
      ["a." + "b".repeat(16), "a." + "b".repeat(16)],
      ["a".repeat(300) + "." + "b".repeat(16), "a".repeat(limit - 17) + "." + "b".repeat(16)],
      ["a".repeat(300) + "." + "b".repeat(17), "a".repeat(limit)],
      ["a".repeat(300) + ". and so on", "a".repeat(limit)],
      // Four bytes each: 180 are 45 of them, and 179 are 44 and three bytes to spare.
      ["🦊".repeat(300), "🦊".repeat(45)],
      ["a" + "🦊".repeat(300), "a" + "🦊".repeat(44)],
      ["a".repeat(10) + " ".repeat(300) + "b", "a".repeat(10)],
      // Reserved only once cut, and too long only once no longer reserved.
      ["NUL" + " ".repeat(300) + "b", "_NUL"],
      ["NUL." + "b".repeat(limit - 4), "_NUL." + "b".repeat(limit - 5)],
    ];
    for (const [name, expected] of cases) assertEquals(safeFileName(name), expected);
  },
);

Deno.test("safeFileName() keeps its promises for any name, and is its own safe name", PURE, () => {
  const pieces = [
    ...'/\\.- :*?"<>|\0\n\u202e\u200d\u0301\u3000\ud83d\ufb01aé🦊',
    "CON",
    "nul.",
    "COM\u00b9",
    "x".repeat(179),
    ". ".repeat(100),
    ".tar",
  ];
  for (const a of pieces) {
    for (const b of pieces) {
      for (const c of pieces) {
        const safe = safeFileName(a + b + c);
        const shown = JSON.stringify(a + b + c);
        const bytes = encodeUtf8(safe).length;
        assert(bytes >= 1 && bytes <= 180, shown);
        assert(isPrintable(safe) && safe.normalize("NFC") === safe, shown);
        for (const bad of '/\\<>:"|?*') assert(!safe.includes(bad), shown);
        assert(!safe.startsWith(".") && !safe.startsWith("-") && !safe.endsWith("."), shown);
        assertEquals(safe.trim(), safe, shown);
        const device = safe.split(".")[0]?.trim().toLowerCase() ?? "";
        assert(!["con", "nul", "com\u00b9"].includes(device), shown);
        assertEquals(safeFileName(safe), safe, shown);
      }
    }
  }
});

Deno.test("alternativeName() counts before the extension", PURE, () => {
  const cases: readonly (readonly [string, number, string])[] = [
    ["report.pdf", 2, "report (2).pdf"],
    ["report.pdf", 9_999, "report (9999).pdf"],
    ["archive.tar.gz", 3, "archive.tar (3).gz"],
    ["README", 2, "README (2)"],
    ["Dear Mr. Smith", 2, "Dear Mr. Smith (2)"],
    ["v1.abcdefghijklmnopq", 2, "v1.abcdefghijklmnopq (2)"],
    ["🦊.文档", 2, "🦊 (2).文档"],
  ];
  for (const [name, n, expected] of cases) {
    assertEquals(alternativeName(name, n), expected);
    assertEquals(safeFileName(expected), expected);
  }
});
