/** The QR code as a camera would see it: drawn as the terminal draws it, and read by a decoder. */

import { assert, assertEquals } from "@std/assert";
import { decodeQR } from "qr/decode.js";
import { renderQrCode } from "../../src/cli/qr_code.ts";

const PURE = { permissions: "none" } as const;
const CELL = 4;
const RESET = "\x1b[0m";

/** A terminal's colours: of what is drawn, and of what is not. */
interface Terminal {
  readonly ink: number;
  readonly paper: number;
}

const DARK: Terminal = { ink: 200, paper: 20 };
const LIGHT: Terminal = { ink: 20, paper: 255 };

/** The picture of `text`, each half character a square of grey, on a wide field of the terminal's paper. */
function photograph(text: string, terminal: Terminal) {
  const lines = text.trimEnd().split("\n").map((line) => halvesOf(line, terminal));
  const margin = 8;
  const columns = (lines[0]?.length ?? 0) + 2 * margin;
  const blank = Array.from({ length: columns }, () => terminal.paper);
  const sides = blank.slice(0, margin);
  const rows = [
    ...Array.from({ length: margin }, () => blank),
    ...lines.flatMap((line) =>
      [0, 1].map((half) => [...sides, ...line.map((pair) => pair[half] ?? 0), ...sides])
    ),
    ...Array.from({ length: margin }, () => blank),
  ];
  const [width, height] = [columns * CELL, rows.length * CELL];
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    data.fill(rows[Math.floor(y / CELL)]?.[Math.floor(x / CELL)] ?? 0, 3 * i, 3 * i + 3);
  }
  return { width, height, data };
}

/** The upper and lower grey of each character of a line. */
function halvesOf(line: string, terminal: Terminal): readonly (readonly [number, number])[] {
  let { ink, paper } = terminal;
  // What stands before the first escape, if any; then each escape up to its m, and what follows it.
  const [start = "", ...escapes] = line.split("\x1b[");
  const codes = escapes[0]?.slice(0, escapes[0].indexOf("m")).split(";") ?? [];
  const letters = start + escapes.map((each) => each.slice(each.indexOf("m") + 1)).join("");
  if (codes.includes("97")) ink = 255;
  if (codes.includes("40")) paper = 0;
  return [...letters].map((letter) => {
    switch (letter) {
      case "█":
        return [ink, ink];
      case "▀":
        return [ink, paper];
      case "▄":
        return [paper, ink];
      default:
        assertEquals(letter, " ");
        return [paper, paper];
    }
  });
}

function decode(text: string, terminal: Terminal): string {
  return decodeQR(photograph(text, terminal), { timeLimit: 60_000 });
}

/** A token's letters, of one of the lengths that tokens have. */
function letters(length: number): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  return Array.from({ length }, (_, i) => alphabet[(i * i * 7 + i) % 32]).join("");
}

Deno.test("renderQrCode() can be scanned from any terminal that has colours", PURE, () => {
  for (const length of [87, 95, 103, 111, 119, 200]) {
    const code = renderQrCode(letters(length), { hasColours: true });
    for (const terminal of [DARK, LIGHT]) assertEquals(decode(code, terminal), letters(length));
  }
});

Deno.test("renderQrCode() can be scanned without colours, too", PURE, () => {
  for (const length of [87, 200]) {
    const code = renderQrCode(letters(length), { hasColours: false });
    assertEquals(decode(code, DARK), letters(length));
    assert(!code.includes("\x1b"));
  }
});

Deno.test("renderQrCode() leaves a terminal's colours as it found them", PURE, () => {
  for (const line of renderQrCode("ABC", { hasColours: true }).trimEnd().split("\n")) {
    assert(line.startsWith("\x1b[") && line.endsWith(RESET));
    assertEquals(line.split("\x1b").length, 3);
  }
});

Deno.test("renderQrCode() fits a terminal of 80 columns", PURE, () => {
  const lines = renderQrCode(letters(200), { hasColours: false }).trimEnd().split("\n");
  assert(lines.every((line) => line.length === lines[0]?.length && line.length <= 80));
  assert(lines.length <= 30, `${lines.length} lines`);
});
