/**
 * QR codes for terminals: two modules a character, in colours that do not depend on the terminal's own.
 */

import encodeQR from "qr";

/** Bright white on black, as the half blocks below are drawn. */
const COLOURS = "\x1b[40;97m";
/** Of the last line only the upper half is the code's. */
const LAST_COLOURS = "\x1b[97m";
const RESET = "\x1b[0m";

/** The lines of the QR code of `text`, error correction level L. */
export function renderQrCode(text: string, options: { readonly hasColours: boolean }): string {
  const lines = encodeQR(text, "ascii", { ecc: "low" }).trimEnd().split("\n");
  if (!options.hasColours) return lines.map((line) => `${line}\n`).join("");
  const last = lines.length - 1;
  return lines.map((line, i) => `${i < last ? COLOURS : LAST_COLOURS}${line}${RESET}\n`).join("");
}
