/** What the tests of the Noise layer share: the backends, fixed keys, small changes to bytes. */

import { assertEquals } from "@std/assert";
import { type Bytes, concatBytes } from "../../src/base/bytes.ts";
import { type Random, randomBelow } from "../../src/base/random.ts";
import { nativeAead, nativePrimitives } from "../../src/noise/native.ts";
import { noblePrimitives } from "../../src/noise/noble.ts";
import type { Aead, Primitives } from "../../src/noise/primitives.ts";
import { loadSmallAead, withSmallRecords } from "../../src/noise/wasm_aead.ts";

/** The WebAssembly cipher. */
export const smallAead: Aead = await loadSmallAead();

/** The WebAssembly cipher alone: a record above its size class fails the test instead of passing on. */
export const wasmOnlyAead: Aead = withSmallRecords({
  name: "none",
  seal: () => {
    throw new Error("the large cipher was asked to seal");
  },
  open: () => {
    throw new Error("the large cipher was asked to open");
  },
}, () => smallAead);

/** What an agent with much to do runs on. */
export const busyPrimitives: Primitives = {
  ...nativePrimitives,
  aead: withSmallRecords(nativeAead, () => smallAead),
};

/** Both implementations of every primitive. */
export const IMPLEMENTATIONS: readonly Primitives[] = [noblePrimitives, nativePrimitives];

/** What sessions run on: the reference, and the runtime's primitives with small records in WebAssembly. */
export const BACKENDS: readonly Primitives[] = [noblePrimitives, busyPrimitives];

/** The fastest backend here, for exhaustive tests. */
export const fast: Primitives = busyPrimitives;

/** `length` bytes that depend on `seed` alone. */
export function fixedBytes(length: number, seed: number): Bytes {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 101 + 7) & 0xff);
}

/** `length` bytes from `random`. */
export function bytesFrom(random: Random, length: number): Bytes {
  return Uint8Array.from({ length }, () => randomBelow(random, 256));
}

/** A copy of `bytes` with the bits of `mask` inverted at `index`. */
export function flipped(bytes: Bytes, index: number, mask = 1): Bytes {
  const copy = new Uint8Array(bytes);
  copy[index] = (copy[index] ?? 0) ^ mask;
  return copy;
}

/** Equality of bytes; `actual` must be a plain `Uint8Array`, whose `slice()` copies. */
export function assertBytes(actual: Uint8Array | undefined, expected: Uint8Array): void {
  if (actual) assertEquals(actual.constructor, Uint8Array);
  assertEquals(actual && actual.toHex(), expected.toHex());
}

/** Seals into a fresh buffer. */
export function sealWith(
  aead: Aead,
  key: Bytes,
  nonce: Bytes,
  { ad = new Uint8Array(0), parts }: { readonly ad?: Bytes; readonly parts: readonly Bytes[] },
): Bytes {
  const out = new Uint8Array(concatBytes(...parts).length + 16);
  aead.seal(key, nonce, ad, parts, out);
  return out;
}

/** ChaCha20-Poly1305's nonce for counter `n`, as Noise section 12.3 spells it. */
export function noiseNonce(n: bigint): Bytes {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setBigUint64(4, n, true);
  return nonce;
}

/** HMAC-SHA-256 of the runtime's Web Crypto: a second implementation for expected values. */
export async function hmacSha256(key: Bytes, message: Bytes): Promise<Bytes> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, message));
}
