/**
 * QR codes for terminals: two modules a character, in colours that do not depend on the terminal's own.
 */

import encodeQR from "qr";

/** Bright white on black, as the half blocks below are drawn. */
const COLOURS = "\x1b[40;97m";
const RESET = "\x1b[0m";

/** The lines of the QR code of `text`, error correction level L. */
export function renderQrCode(text: string, options: { readonly hasColours: boolean }): string {
  const lines = encodeQR(text, "ascii", { ecc: "low" }).trimEnd().split("\n");
  return lines.map((line) => options.hasColours ? `${COLOURS}${line}${RESET}\n` : `${line}\n`).join(
    "",
  );
}
