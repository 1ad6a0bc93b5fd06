/**
 * Byte strings: concatenation, comparison and the text encodings that the protocol uses.
 *
 * Numbers on the wire are big-endian. Text is UTF-8 and is refused, not repaired, when it is not.
 */

import { base32nopad } from "@scure/base";

const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });
const REPLACEMENT = "\ufffd";

/** Bytes backed by an ordinary `ArrayBuffer`, as the runtime's I/O and crypto calls want them. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** The empty byte string. */
export const NO_BYTES: Bytes = new Uint8Array(0);

/** Joins byte strings into a new one. */
export function concatBytes(...parts: readonly Uint8Array[]): Bytes {
  const joined = new Uint8Array(totalLength(parts));
  writeParts(joined, 0, parts);
  return joined;
}

/** Writes `parts`, one behind the other, into `out` from `at` on. */
export function writeParts(out: Uint8Array, at: number, parts: readonly Uint8Array[]): void {
  let end = at;
  for (const part of parts) {
    out.set(part, end);
    end += part.length;
  }
}

/** How long `parts` are together. */
export function totalLength(parts: readonly Uint8Array[]): number {
  let length = 0;
  for (const part of parts) length += part.length;
  return length;
}

/** Whether two byte strings are equal. Not constant-time: only for public values. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Below this length a buffer is left to the garbage collector. */
const MIN_RELEASED_BYTES = 4_096;

/**
 * Frees the memory of `bytes` now, which nobody may use any more. Large buffers count as pressure on the
 * garbage collector until they are collected, and it pauses the more often for them.
 */
export function releaseBytes(bytes: Uint8Array): void {
  const { buffer, length } = bytes;
  const isWhole = buffer.byteLength === length && length >= MIN_RELEASED_BYTES;
  if (isWhole && buffer instanceof ArrayBuffer) buffer.transfer(0);
}

/** Reads the unsigned 32-bit big-endian number at `offset`; the caller has checked the length. */
export function readU32(bytes: Uint8Array, offset: number): number {
  return (((bytes[offset] ?? 0) << 24) | ((bytes[offset + 1] ?? 0) << 16) |
    ((bytes[offset + 2] ?? 0) << 8) | (bytes[offset + 3] ?? 0)) >>> 0;
}

/** Writes `value` as an unsigned 32-bit big-endian number at `offset`. */
export function writeU32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}

/** UTF-8 bytes of `text`. */
export function encodeUtf8(text: string): Bytes {
  return encoder.encode(text);
}

/** Writes the UTF-8 of `text` into `out`; `undefined` unless all of it fits. Returns its length. */
export function encodeUtf8Into(text: string, out: Bytes): number | undefined {
  const { read, written } = encoder.encodeInto(text, out);
  return read === text.length ? written : undefined;
}

/** The text of UTF-8 `bytes`. Throws `TypeError` on any invalid sequence; a BOM is kept. */
export function decodeUtf8(bytes: Uint8Array): string {
  const text = lenient.decode(bytes);
  // Three times faster than the strict decoder, and only what was repaired needs that one.
  return text.includes(REPLACEMENT) ? strict.decode(bytes) : text;
}

/** RFC 4648 section 5, without padding. */
export function encodeBase64Url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Decodes unpadded base64url; `undefined` unless it is the one canonical text of `length` bytes. */
export function decodeBase64Url(text: string, length: number): Bytes | undefined {
  if (text.length !== Math.ceil(length * 4 / 3)) return undefined;
  try {
    const bytes = Uint8Array.fromBase64(text, {
      alphabet: "base64url",
      lastChunkHandling: "loose",
    });
    return bytes.length === length && encodeBase64Url(bytes) === text ? bytes : undefined;
  } catch {
    // Not base64url: an ordinary absence for a decoder of untrusted text.
    return undefined;
  }
}

/** RFC 4648 section 6 in lower case, without padding. */
export function encodeBase32(bytes: Uint8Array): string {
  return base32nopad.encode(bytes).toLowerCase();
}

/** Decodes lower-case unpadded base32; `undefined` unless it is canonical. */
export function decodeBase32(text: string): Bytes | undefined {
  if (!/^[a-z2-7]+$/.test(text)) return undefined;
  try {
    return new Uint8Array(base32nopad.decode(text.toUpperCase()));
  } catch {
    // Wrong length or non-zero spare bits: not canonical.
    return undefined;
  }
}

/** Lower-case hexadecimal. */
export function encodeHex(bytes: Uint8Array): string {
  return bytes.toHex();
}

/** Decodes hexadecimal. Throws `SyntaxError` on anything else. */
export function decodeHex(text: string): Bytes {
  return Uint8Array.fromHex(text);
}
