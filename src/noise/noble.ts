/**
 * The reference primitives: @noble/ciphers, @noble/curves and @noble/hashes, pure TypeScript, the same
 * on every device. Also the one place that maps an Ed25519 identity to its X25519 keys.
 */

import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { ed25519, ED25519_TORSION_SUBGROUP, x25519 } from "@noble/curves/ed25519.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, concatBytes, encodeHex } from "../base/bytes.ts";
import { TAG_BYTES } from "../wire/limits.ts";
import type { Aead, DhKeyPair, Primitives, RunningHash, SigningKeyPair } from "./primitives.ts";
import { isAllZero, KEY_BYTES, randomBytes } from "./primitives.ts";

const nobleAead: Aead = {
  name: "noble",
  seal(key, nonce, ad, parts, out, at = 0) {
    const plaintext = parts.length === 1 && parts[0] ? parts[0] : concatBytes(...parts);
    chacha20poly1305(key, nonce, ad).encrypt(
      plaintext,
      out.subarray(at, at + plaintext.length + TAG_BYTES),
    );
  },
  open(key, nonce, ad, sealed, from = 0) {
    try {
      return owned(chacha20poly1305(key, nonce, ad).decrypt(sealed.subarray(from)));
    } catch {
      // noble reports a forged or truncated message by throwing.
      return undefined;
    }
  },
};

/** The reference implementation of every primitive. */
export const noblePrimitives: Primitives = Object.freeze({
  name: "noble",
  aead: nobleAead,
  generateDhKeyPair: () => importDhKeyPair(randomBytes(KEY_BYTES)),
  importDhKeyPair,
  importSigningKeyPair,
  verify(publicKey: Bytes, message: Bytes, signature: Bytes): boolean {
    try {
      return ed25519.verify(signature, message, publicKey, { zip215: false });
    } catch {
      // Lengths or encodings that cannot be a signature.
      return false;
    }
  },
  sha256: (...parts: readonly Bytes[]) => owned(sha256(concatBytes(...parts))),
  sha256Into: (out: Bytes, ...parts: readonly Bytes[]) => out.set(sha256(concatBytes(...parts))),
  createSha256: () => runningHash(sha256.create()),
  hkdf: (chainingKey: Bytes, inputKeyMaterial: Bytes, outputs: 2 | 3) =>
    owned(hkdf(sha256, inputKeyMaterial, chainingKey, undefined, outputs * KEY_BYTES)),
});

/**
 * The y coordinates of Ed25519's eight low-order points, the two that also have a non-canonical encoding
 * (p and p + 1 for 0 and 1) included. Under such a key anybody can sign anything.
 */
const LOW_ORDER_KEYS: ReadonlySet<string> = new Set([
  ...ED25519_TORSION_SUBGROUP.map(withoutSign),
  `ed${"ff".repeat(30)}7f`,
  `ee${"ff".repeat(30)}7f`,
]);

/** Whether the 32 bytes encode a low-order point, in whatever form. */
export function isLowOrderKey(publicKey: Bytes): boolean {
  return LOW_ORDER_KEYS.has(withoutSign(encodeHex(publicKey)));
}

/** The X25519 scalar of an Ed25519 seed (RFC 8032 section 5.1.5, the clamped half of its hash). */
export function dhSecretOf(seed: Bytes): Bytes {
  return owned(ed25519.utils.toMontgomerySecret(seed));
}

/**
 * The X25519 public key of an Ed25519 one, by the birational map u = (1 + y) / (1 - y) (RFC 7748
 * section 4.1). `undefined` when the bytes are no point of the curve, or a low-order one.
 */
export function dhPublicKeyOf(publicKey: Bytes): Bytes | undefined {
  if (isLowOrderKey(publicKey)) return undefined;
  try {
    return owned(ed25519.utils.toMontgomery(publicKey));
  } catch {
    // Not a point: an identity that nobody can hold.
    return undefined;
  }
}

function importDhKeyPair(privateKey: Bytes): DhKeyPair {
  return {
    publicKey: owned(x25519.getPublicKey(privateKey)),
    agree(publicKey) {
      try {
        const secret = owned(x25519.getSharedSecret(privateKey, publicKey));
        return isAllZero(secret) ? undefined : secret;
      } catch {
        // noble throws on low-order points.
        return undefined;
      }
    },
  };
}

function importSigningKeyPair(seed: Bytes): SigningKeyPair {
  return {
    publicKey: owned(ed25519.getPublicKey(seed)),
    sign: (message) => owned(ed25519.sign(message, seed)),
  };
}

function runningHash(hash: ReturnType<typeof sha256.create>): RunningHash {
  return {
    update: (bytes) => void hash.update(bytes),
    copy: () => runningHash(hash.clone()),
    digest: () => owned(hash.digest()),
  };
}

/** Clears the sign bit of an encoded point in hexadecimal: the top bit of its last byte. */
function withoutSign(hex: string): string {
  const top = parseInt(hex.slice(-2), 16) & 0x7f;
  return hex.slice(0, -2) + top.toString(16).padStart(2, "0");
}

/** noble's results as {@link Bytes}: it always returns a fresh, ordinary buffer. */
function owned(bytes: Uint8Array): Bytes {
  return bytes as Bytes;
}
