/**
 * Names for received files: what a peer calls a file, made harmless on Linux, macOS and Windows.
 *
 * The result is one path component. It is neither hidden nor an option, forges no terminal output, means no
 * device, and is its own safe name.
 */

import { replaceUnprintable } from "../base/guards.ts";

/**
 * The longest safe name, in UTF-8 bytes. File systems take 255: that leaves room for a partial file's
 * sender and size (52 + 16 + 2) and for the number of an alternative (7).
 */
export const MAX_NAME_BYTES = 180;

/** The name of a file whose own name leaves nothing. */
const UNNAMED = "unnamed";

const FORBIDDEN = /[<>:"|?*]/g;
/** Dots hide a file, dashes make it an option of a command. */
const LEADING = /^[\s.\-]+/;
/** Windows drops them silently, and so would open another file. */
const TRAILING = /[\s.]/;
/** Devices of Windows, whatever the extension; the superscripts count as digits there. */
const RESERVED =
  /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])\s*(?:\.|$)/i;
/** What a cut keeps: longer endings, or those with spaces, are text with a dot in it. */
const EXTENSION = /\.[^.\s]{1,16}$/u;

const encoder = new TextEncoder();

/** The safe name for the untrusted `name`: 1 to {@link MAX_NAME_BYTES} bytes of UTF-8, in NFC. */
export function safeFileName(name: string): string {
  const component = name.slice(Math.max(name.lastIndexOf("/"), name.lastIndexOf("\\")) + 1);
  const printable = replaceUnprintable(component, "").replace(FORBIDDEN, "_");
  const safe = shorten(printable.normalize("NFC").replace(LEADING, ""));
  // Checked last: a cut can end a name right after a device.
  if (RESERVED.test(safe)) return shorten(`_${safe}`);
  return safe || UNNAMED;
}

/** `report (2).pdf` for a safe `report.pdf` and 2; as safe, and up to 7 bytes longer below 10000. */
export function alternativeName(name: string, n: number): string {
  const [stem, extension] = split(name);
  return `${stem} (${n})${extension}`;
}

/** Cuts the stem at a code point so that the whole name fits. */
function shorten(name: string): string {
  const [stem, extension] = split(trimEnd(name));
  const room = new Uint8Array(MAX_NAME_BYTES - encoder.encode(extension).length);
  const { read } = encoder.encodeInto(stem, room);
  return trimEnd(stem.slice(0, read) + extension);
}

function split(name: string): readonly [stem: string, extension: string] {
  const extension = EXTENSION.exec(name)?.[0] ?? "";
  return [name.slice(0, name.length - extension.length), extension];
}

/** A loop, because a pattern tied to the end takes quadratic time on long runs of dots. */
function trimEnd(name: string): string {
  let end = name.length;
  while (end > 0 && TRAILING.test(name.charAt(end - 1))) end--;
  return name.slice(0, end);
}
