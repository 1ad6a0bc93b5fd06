/**
 * The cryptographic primitives that a Noise session and an identity need, as one interface.
 *
 * `noble.ts` (the reference, always there) and `native.ts` (the runtime's, several times faster)
 * implement it; `backend.ts` picks one at start. No other file names a cipher library. Everything is
 * synchronous: the fast implementations are, and a handshake message must not be interleaved.
 */

import type { Bytes } from "../base/bytes.ts";

/** Length of an X25519 key, an Ed25519 public key or seed, a ChaCha20 key and a SHA-256 digest. */
export const KEY_BYTES = 32;
/** Length of an Ed25519 signature. */
export const SIGNATURE_BYTES = 64;
/** Length of ChaCha20-Poly1305's nonce (RFC 8439 section 2.8). */
export const NONCE_BYTES = 12;

/** Authenticated encryption with ChaCha20-Poly1305 (RFC 8439). */
export interface Aead {
  readonly name: string;
  /**
   * Seals the concatenation of `parts` into `out` from `at` on, where there must be room for 16 bytes more:
   * ciphertext, then tag. `out` must not overlap `parts`. The caller never repeats a nonce under one key.
   */
  seal(key: Bytes, nonce: Bytes, ad: Bytes, parts: readonly Bytes[], out: Bytes, at?: number): void;
  /** The plaintext of `sealed` from `from` on (ciphertext, then tag) in a new buffer; `undefined` if it is forged. */
  open(key: Bytes, nonce: Bytes, ad: Bytes, sealed: Bytes, from?: number): Bytes | undefined;
}

/** An X25519 key pair (RFC 7748) whose private half stays inside. */
export interface DhKeyPair {
  readonly publicKey: Bytes;
  /** The shared secret with `publicKey`; `undefined` for a low-order point (all-zero secret). */
  agree(publicKey: Bytes): Bytes | undefined;
}

/** An Ed25519 key pair (RFC 8032) whose private half stays inside. */
export interface SigningKeyPair {
  readonly publicKey: Bytes;
  /** The 64-byte signature of `message`. */
  sign(message: Bytes): Bytes;
}

/** A SHA-256 that takes its input piece by piece. */
export interface RunningHash {
  update(bytes: Bytes): void;
  /** Another hash that has taken the same input. */
  copy(): RunningHash;
  /** The digest of everything so far; the hash is used up. */
  digest(): Bytes;
}

/** Everything the protocol asks of cryptography. */
export interface Primitives {
  readonly name: string;
  readonly aead: Aead;
  generateDhKeyPair(): DhKeyPair;
  /** Imports a 32-byte X25519 scalar. */
  importDhKeyPair(privateKey: Bytes): DhKeyPair;
  /** Imports a 32-byte Ed25519 seed. */
  importSigningKeyPair(seed: Bytes): SigningKeyPair;
  /** Whether `signature` of `message` is by `publicKey`; false for anything malformed. */
  verify(publicKey: Bytes, message: Bytes, signature: Bytes): boolean;
  /** SHA-256 (FIPS 180-4) of the concatenation of `parts`. */
  sha256(...parts: readonly Bytes[]): Bytes;
  /** The same into `out`, 32 bytes, which may be one of `parts`. */
  sha256Into(out: Bytes, ...parts: readonly Bytes[]): void;
  /** The same, for what is too long to hold. */
  createSha256(): RunningHash;
  /**
   * Noise's HKDF (Noise section 4.3; RFC 5869 with empty info): `outputs` x 32 bytes derived from
   * `chainingKey` and `inputKeyMaterial`, in one buffer.
   */
  hkdf(chainingKey: Bytes, inputKeyMaterial: Bytes, outputs: 2 | 3): Bytes;
}

/** Random bytes from the system generator: the only source of keys, nonces and secrets. */
export function randomBytes(length: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(length));
}

/** Whether every byte is zero, in time that does not depend on them. */
export function isAllZero(bytes: Uint8Array): boolean {
  let seen = 0;
  for (const byte of bytes) seen |= byte;
  return seen === 0;
}
