/**
 * Who the counterpart is: one Ed25519 key, its X25519 image, its name, and what it signs, from RFC 8032,
 * RFC 7748, RFC 4648 and RFC 8785.
 */

import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { assertEquals } from "@std/assert";
import type { KeyPair } from "./counterpart_noise.ts";
import { type Bytes, bytesOf, type JsonMessage } from "./counterpart_wire.ts";

/** One Ed25519 key, the X25519 key that follows from it, and its name. */
export interface Identity {
  readonly id: string;
  readonly seed: Bytes;
  readonly pub: Bytes;
  readonly s: KeyPair;
}

export function createIdentity(): Identity {
  const seed = crypto.getRandomValues(new Uint8Array(32));
  const pub = Uint8Array.from(ed25519.getPublicKey(seed));
  // RFC 8032 section 5.1.5: the scalar is the first half of SHA-512(seed); X25519 clamps it itself.
  const secret = Uint8Array.from(sha512(seed).subarray(0, 32));
  const s = { secret, pub: Uint8Array.from(x25519.getPublicKey(secret)) };
  assertEquals(montgomeryOf(pub), s.pub, "the two ways to the X25519 key must meet");
  return { id: base32(pub), seed, pub, s };
}

/** An identity whose id sorts before or after `other`. */
export function createIdentitySorted(place: "before" | "after", other: string): Identity {
  for (;;) {
    const identity = createIdentity();
    if ((identity.id < other) === (place === "before")) return identity;
  }
}

/** RFC 7748 section 4.1: u = (1 + y) / (1 - y). */
export function montgomeryOf(edwards: Bytes): Bytes {
  const p = 2n ** 255n - 19n;
  const y = [...edwards].reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n) &
    (2n ** 255n - 1n);
  let inverse = 1n;
  // Fermat: 1 / x = x^(p - 2).
  for (let base = ((1n - y) % p + p) % p, exponent = p - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) inverse = inverse * base % p;
    base = base * base % p;
  }
  const u = (1n + y) % p * inverse % p;
  return Uint8Array.from({ length: 32 }, (_, index) => Number((u >> BigInt(8 * index)) & 0xffn));
}

/** RFC 8785 for what a test signs: sorted keys, ECMAScript's own numbers and strings. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  members.sort(([a], [b]) => a < b ? -1 : 1);
  return `{${members.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(",")}}`;
}

/** `message` with its signature. */
export function sign(identity: Identity, message: JsonMessage): JsonMessage {
  const signature = ed25519.sign(bytesOf(canonical(message)), identity.seed);
  return { ...message, signature: base64Url(signature) };
}

/** Whether the owner of `id` signed `message`. */
export function isSignedBy(id: unknown, message: JsonMessage): boolean {
  const { signature, ...rest } = message;
  const pub = fromBase32(String(id));
  return ed25519.verify(fromBase64Url(String(signature)), bytesOf(canonical(rest)), pub);
}

const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

/** RFC 4648 section 6, lower case, without padding. */
export function base32(bytes: Bytes): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return (bits.match(/.{1,5}/g) ?? [])
    .map((five) => BASE32[parseInt(five.padEnd(5, "0"), 2)]).join("");
}

export function fromBase32(text: string): Bytes {
  const bits = [...text].map((each) => BASE32.indexOf(each).toString(2).padStart(5, "0")).join("");
  return Uint8Array.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
}

export function base64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_")
    .replaceAll("=", "");
}

export function fromBase64Url(text: string): Bytes {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (each) => each.charCodeAt(0));
}
