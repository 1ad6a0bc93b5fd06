/**
 * Invitation tokens read and made without a line of the program's own code, from PROTOCOL.md section 8.
 *
 * ```
 * version 1 | inviter's key 32 | secret 16 | port u16 | (family u8 | address 4 or 16) x 0..4 | checksum 3
 * ```
 */

import { createHash } from "node:crypto";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET_AT = 33;
const PORT_AT = 49;
const HOSTS_AT = 51;
const CHECKSUM_BYTES = 3;

/** The 16 bytes that let a device in. */
export function secretOf(token: string): Uint8Array {
  return decodeBase32(token).slice(SECRET_AT, PORT_AT);
}

/** The port at which the inviter is dialled. */
export function portOf(token: string): number {
  const [high = 0, low = 0] = decodeBase32(token).slice(PORT_AT);
  return high * 256 + low;
}

/** The token with another secret and a checksum that fits: no typing mistake, but a wrong token. */
export function withOtherSecret(token: string): string {
  return alter(token, (bytes) => bytes[SECRET_AT] = (bytes[SECRET_AT] ?? 0) ^ 1);
}

/** The token as if its inviter were at `port`. */
export function withPort(token: string, port: number): string {
  return alter(token, (bytes) => bytes.set([port >> 8, port & 255], PORT_AT));
}

/** The token as if its inviter were at these IPv4 addresses, in this order. */
export function withHosts(token: string, hosts: readonly string[]): string {
  const head = decodeBase32(token).slice(0, HOSTS_AT);
  const tail = hosts.flatMap((host) => [4, ...host.split(".").map(Number)]);
  return encodeBase32(checked(Uint8Array.of(...head, ...tail)));
}

/** The token with one letter mistyped. */
export function mistyped(token: string): string {
  const letter = token[60] === "A" ? "B" : "A";
  return token.slice(0, 60) + letter + token.slice(61);
}

function alter(token: string, change: (bytes: Uint8Array) => void): string {
  const bytes = decodeBase32(token);
  change(bytes);
  return encodeBase32(checked(bytes.slice(0, -CHECKSUM_BYTES)));
}

function checked(body: Uint8Array): Uint8Array {
  const digest = createHash("sha256").update(body).digest();
  return Uint8Array.of(...body, ...digest.subarray(0, CHECKSUM_BYTES));
}

/** RFC 4648, unpadded. */
function decodeBase32(text: string): Uint8Array {
  const bits = [...text].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, "0"))
    .join("");
  const count = Math.floor(bits.length / 8);
  return Uint8Array.from({ length: count }, (_, i) => parseInt(bits.slice(8 * i, 8 * i + 8), 2));
}

function encodeBase32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const groups = bits.match(/.{1,5}/g) ?? [];
  return groups.map((group) => ALPHABET[parseInt(group.padEnd(5, "0"), 2)]).join("");
}
