/**
 * Detection: which path a frame takes, from its first payload byte alone (PROTOCOL.md section 2).
 *
 * `F8..FF` never occur in UTF-8, so no text can be taken for the sealed path, nor the reverse. Four
 * length bytes that spell another protocol's opening mark the whole connection as foreign; as
 * lengths they are all far above the frame limit.
 */

import {
  MAX_CIPHERTEXT_BYTES,
  MAX_HANDSHAKE_BYTES,
  MAX_JSON_BYTES,
  MAX_PAYLOAD_BYTES,
  RECORD_HEADER_BYTES,
} from "./limits.ts";

/** First byte of a handshake payload. */
export const HANDSHAKE_BYTE = 0xf8;
/** First byte of a sealed record. */
export const RECORD_BYTE = 0xf9;

/** Where a frame goes. */
export type Path = "json" | "handshake" | "sealed" | "reserved" | "malformed";

/** Protocols that are not ours but are met on any open port. */
export type Foreign = "http" | "ssh" | "tls";

/** The largest payload on each path before authentication. A malformed one is skipped, not kept. */
export const PATH_LIMITS: Readonly<Record<Path, number>> = Object.freeze({
  json: MAX_JSON_BYTES,
  handshake: MAX_HANDSHAKE_BYTES,
  sealed: RECORD_HEADER_BYTES + MAX_CIPHERTEXT_BYTES,
  reserved: MAX_PAYLOAD_BYTES,
  malformed: MAX_PAYLOAD_BYTES,
});

const PATH_OF_BYTE: readonly Path[] = Array.from({ length: 256 }, (_, byte) => {
  if ([0x09, 0x0a, 0x0d, 0x20, 0x7b].includes(byte)) return "json";
  if (byte === HANDSHAKE_BYTE) return "handshake";
  if (byte === RECORD_BYTE) return "sealed";
  return byte > RECORD_BYTE ? "reserved" : "malformed";
});

/** {@link PATH_LIMITS} by first byte: one lookup in the hot path of the decoder. */
const LIMIT_OF_BYTE = Uint32Array.from(
  PATH_OF_BYTE,
  (path) => path === "reserved" ? 0 : PATH_LIMITS[path],
);

// The verbs of RFC 9110 and RFC 5789 cut to four bytes, and HTTP/2's preface (RFC 9113 section 3.4).
const HTTP_OPENINGS = [
  "GET ",
  "POST",
  "HEAD",
  "PRI ",
  "PUT ",
  "DELE",
  "OPTI",
  "PATC",
  "CONN",
  "TRAC",
];

const FOREIGN_OF_LENGTH: ReadonlyMap<number, Foreign> = new Map<number, Foreign>([
  ...HTTP_OPENINGS.map((opening) => [asciiLength(opening), "http"] as const),
  [asciiLength("SSH-"), "ssh"],
]);

/** The path of a frame whose payload starts with `byte`. */
export function detectPath(byte: number): Path {
  return PATH_OF_BYTE[byte] ?? "malformed";
}

/** The largest payload that may start with `byte`; 0 where none may. */
export function payloadLimit(byte: number): number {
  return LIMIT_OF_BYTE[byte] ?? 0;
}

/** The foreign protocol whose first four bytes were read as `length`, if any. */
export function detectForeign(length: number): Foreign | undefined {
  // TLS: record type 22 (handshake), then legacy version 03.xx (RFC 8446 section 5.1).
  if (length >>> 16 === 0x1603) return "tls";
  return FOREIGN_OF_LENGTH.get(length);
}

function asciiLength(opening: string): number {
  return [...opening].reduce((length, letter) => length * 256 + letter.charCodeAt(0), 0);
}
