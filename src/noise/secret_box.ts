/**
 * Sealing outside a session: what is left in public places for whoever holds a key, and keys derived from
 * secrets. XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha) because its 24-byte nonce may be random; HKDF-SHA-256
 * (RFC 5869), one label for each purpose.
 */

import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, concatBytes, encodeUtf8 } from "../base/bytes.ts";
import { KEY_BYTES, randomBytes } from "./primitives.ts";

const NONCE_BYTES = 24;
const TAG_BYTES = 16;

/** `nonce 24 | ciphertext | tag 16`: 40 bytes longer than `plaintext`. */
export function sealBox(key: Bytes, plaintext: Bytes): Bytes {
  const nonce = randomBytes(NONCE_BYTES);
  return concatBytes(nonce, xchacha20poly1305(key, nonce).encrypt(plaintext));
}

/** What `sealBox` sealed under `key`; `undefined` for anything else. */
export function openBox(key: Bytes, box: Bytes): Bytes | undefined {
  if (box.length < NONCE_BYTES + TAG_BYTES) return undefined;
  try {
    const cipher = xchacha20poly1305(key, box.subarray(0, NONCE_BYTES));
    return cipher.decrypt(box.subarray(NONCE_BYTES)) as Bytes;
  } catch {
    // noble reports a forged or truncated box by throwing.
    return undefined;
  }
}

/** `length` bytes that follow from `secret` for the purpose that `label` names. */
export function deriveKey(secret: Bytes, label: string, length = KEY_BYTES): Bytes {
  return hkdf(sha256, secret, undefined, encodeUtf8(label), length) as Bytes;
}
