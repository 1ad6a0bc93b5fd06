/**
 * The runtime's own primitives through `node:crypto`: three to six times faster than the reference.
 *
 * Raw keys travel as RFC 8410 structures with their fixed DER prefix in front. Nothing here is
 * trusted until `backend.ts` has compared it with the reference on this very machine.
 */

import { Buffer } from "node:buffer";
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type Hash,
  hash,
  hkdfSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import {
  type Bytes,
  concatBytes,
  decodeHex,
  NO_BYTES,
  releaseBytes,
  totalLength,
  writeParts,
} from "../base/bytes.ts";
import { TAG_BYTES } from "../wire/limits.ts";
import { isLowOrderKey } from "./noble.ts";
import type { Aead, DhKeyPair, Primitives, RunningHash, SigningKeyPair } from "./primitives.ts";
import { isAllZero, KEY_BYTES, SIGNATURE_BYTES } from "./primitives.ts";

const CIPHER = "chacha20-poly1305";
const TAG_OPTIONS = Object.freeze({ authTagLength: TAG_BYTES });

// PKCS #8 around a raw 32-byte key (RFC 8410 section 7).
const PRIVATE_PREFIX = Object.freeze({
  x25519: decodeHex("302e020100300506032b656e04220420"),
  ed25519: decodeHex("302e020100300506032b657004220420"),
});
/** SubjectPublicKeyInfo with room for a raw key (RFC 8410 section 4): filled in anew for each import. */
const PUBLIC = Object.freeze({
  x25519: publicTemplate("302a300506032b656e032100"),
  ed25519: publicTemplate("302a300506032b6570032100"),
});
/** Where the parts of a short message are put together, to be hashed in the same breath. */
const scratch: Bytes = new Uint8Array(2_048);

/** ChaCha20-Poly1305 of the runtime. */
export const nativeAead: Aead = {
  name: "native",
  seal(key, nonce, ad, parts, out, at = 0) {
    const cipher = createCipheriv(CIPHER, key, nonce, TAG_OPTIONS);
    if (ad.length > 0) cipher.setAAD(ad, { plaintextLength: totalLength(parts) });
    let offset = at;
    for (const part of parts) {
      const sealed = cipher.update(part);
      out.set(sealed, offset);
      offset += sealed.length;
      releaseBytes(sealed);
    }
    cipher.final();
    out.set(cipher.getAuthTag(), offset);
  },
  open(key, nonce, ad, sealed, from = 0) {
    const split = sealed.length - TAG_BYTES;
    if (split < from) return undefined;
    try {
      const decipher = createDecipheriv(CIPHER, key, nonce, TAG_OPTIONS);
      if (ad.length > 0) decipher.setAAD(ad, { plaintextLength: split - from });
      decipher.setAuthTag(sealed.subarray(split));
      const plaintext = decipher.update(sealed.subarray(from, split));
      decipher.final();
      return owned(plaintext);
    } catch {
      // `final` throws when the tag does not verify; what was decrypted is dropped unread.
      return undefined;
    }
  },
};

/** The runtime's implementation of every primitive. */
export const nativePrimitives: Primitives = Object.freeze({
  name: "native",
  aead: nativeAead,
  generateDhKeyPair: () => dhKeyPair(generateKeyPairSync("x25519")),
  importDhKeyPair(privateKey: Bytes): DhKeyPair {
    const imported = importPrivate(PRIVATE_PREFIX.x25519, privateKey);
    return dhKeyPair({ privateKey: imported, publicKey: createPublicKey(imported) });
  },
  importSigningKeyPair(seed: Bytes): SigningKeyPair {
    const privateKey = importPrivate(PRIVATE_PREFIX.ed25519, seed);
    return {
      publicKey: rawPublicKey(createPublicKey(privateKey)),
      sign: (message) => Uint8Array.from(sign(null, message, privateKey)),
    };
  },
  verify(publicKey: Bytes, message: Bytes, signature: Bytes): boolean {
    if (publicKey.length !== KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
    if (isLowOrderKey(publicKey)) return false;
    try {
      return verify(null, message, importPublic(PUBLIC.ed25519, publicKey), signature);
    } catch {
      // Bytes that are no point of the curve.
      return false;
    }
  },
  sha256(...parts: readonly Bytes[]): Bytes {
    const digest = new Uint8Array(KEY_BYTES);
    sha256Into(digest, ...parts);
    return digest;
  },
  sha256Into,
  createSha256: () => runningHash(createHash("sha256")),
  hkdf: (chainingKey: Bytes, inputKeyMaterial: Bytes, outputs: 2 | 3) =>
    new Uint8Array(
      hkdfSync("sha256", inputKeyMaterial, chainingKey, NO_BYTES, outputs * KEY_BYTES),
    ),
});

function runningHash(hash: Hash): RunningHash {
  return {
    update: (bytes) => void hash.update(bytes),
    copy: () => runningHash(hash.copy()),
    digest: () => owned(hash.digest()),
  };
}

function dhKeyPair(pair: { privateKey: KeyObject; publicKey: KeyObject }): DhKeyPair {
  return {
    publicKey: rawPublicKey(pair.publicKey),
    agree(publicKey) {
      try {
        const theirs = importPublic(PUBLIC.x25519, publicKey);
        const secret = diffieHellman({ privateKey: pair.privateKey, publicKey: theirs });
        return isAllZero(secret) ? undefined : owned(secret);
      } catch {
        // Some versions throw on low-order points instead of returning zeros.
        return undefined;
      }
    },
  };
}

function importPrivate(prefix: Bytes, raw: Bytes): KeyObject {
  checkKey(raw);
  const key = Buffer.from(concatBytes(prefix, raw).buffer);
  return createPrivateKey({ key, format: "der", type: "pkcs8" });
}

/** The runtime reads `template` before it returns. */
function importPublic(template: Buffer, raw: Bytes): KeyObject {
  checkKey(raw);
  template.set(raw, template.length - KEY_BYTES);
  return createPublicKey({ key: template, format: "der", type: "spki" });
}

function publicTemplate(prefix: string): Buffer {
  return Buffer.from(concatBytes(decodeHex(prefix), new Uint8Array(KEY_BYTES)).buffer);
}

function checkKey({ length }: Bytes): void {
  if (length !== KEY_BYTES) {
    throw new RangeError(`Cannot import key: length ${length} is not ${KEY_BYTES}`);
  }
}

function rawPublicKey(key: KeyObject): Bytes {
  return owned(key.export({ format: "der", type: "spki" }).subarray(-KEY_BYTES));
}

/** At once and as text: a hash that takes piece by piece, and its digest as bytes, cost twice as much. */
function sha256Into(out: Bytes, ...parts: readonly Bytes[]): void {
  out.setFromHex(hash("sha256", joined(parts), "hex"));
}

/** `parts` as one: a view that dies at the next call where they are short. */
function joined(parts: readonly Bytes[]): Bytes {
  if (parts.length === 1 && parts[0]) return parts[0];
  const length = totalLength(parts);
  if (length > scratch.length) return concatBytes(...parts);
  writeParts(scratch, 0, parts);
  return scratch.subarray(0, length);
}

/** A `Buffer` as plain bytes over the same memory: its own `slice` would not copy. */
function owned({ buffer, byteOffset, length }: Uint8Array): Bytes {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, length);
}
